"""Sections that need apt at the same time share it: one look at the package lists, and one transaction.

What a section brings alone is simulated too: a conflict between two of them is then no fault of the first,
and each shows the packages that it brings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeAlias, TypeVar

from provisioner.facts.dpkg import Dpkg
from provisioner.kinds.base import Party
from provisioner.kinds.shared.debian import package_lists, simulation, transaction
from provisioner.kinds.shared.debian.apt_get import AptOrder, name_of
from provisioner.kinds.shared.debian.package_lists import PackageLists, Update
from provisioner.kinds.shared.debian.pins import DebianPinning
from provisioner.kinds.shared.debian.simulation import UNCHANGED, Simulation
from provisioner.kinds.shared.debian.transaction import AptTransaction, Share, prepare
from provisioner.machine.reader import Reader
from provisioner.model.errors import ObserveError
from provisioner.model.plan import Action

F = TypeVar("F")

UPDATES: tuple[Update, ...] = ("always", "never", "auto")
"""What counts where sections differ, first to last: `auto` is what nobody had to write."""


@dataclass(frozen=True, kw_only=True)
class AptWish(Generic[F]):
    """What a section asks of apt, and the facts that an answer makes."""

    order: AptOrder
    named: frozenset[str]
    """The packages that the section names."""
    dpkg: Dpkg
    """The part of the database that matters to it."""
    facts: Callable[[AptTransaction], F]
    pinning: DebianPinning | None = None


@dataclass(frozen=True, kw_only=True)
class Work(Generic[F]):
    """A section that is not as it should be: with the package lists it can say what it asks of apt."""

    wish: Callable[[PackageLists], F | AptWish[F]]
    """Facts where the lists already tell that there is nothing to ask for."""
    update: Update = "auto"
    try_out: Callable[[], PackageLists] | None = None
    """Gives the lists as they will be when its repositories are added; None for a section that adds none."""


@dataclass(frozen=True)
class Member:
    """A section that has something to ask of apt, and what apt would do for it alone."""

    party: Party
    wish: AptWish[Any]
    alone: AptTransaction

    @property
    def blocked(self) -> bool:
        """Whether it cannot be done, alone as it is."""
        return any(step.blocked for step in self.party.plan(self.wish.facts(self.alone)))


Shares: TypeAlias = Mapping[str, AptTransaction]
"""The part of each section in a transaction, by the address of its entry."""


def alone(start: F | Work[F], reader: Reader) -> F:
    """What one section finds, which has apt to itself. Raises ObserveError."""
    if not isinstance(start, Work):
        return start
    wish = start.wish(lists_for([start], reader))
    return (
        wish.facts(transaction.sized(prepared(wish, reader), reader)) if isinstance(wish, AptWish) else wish
    )


def together(parties: Sequence[Party], reader: Reader) -> dict[str, object]:
    """What several sections find, by the addresses of their entries; an ObserveError where that fails."""
    starts = {party.address: begun(party, reader) for party in parties}
    works = [start for start in starts.values() if isinstance(start, Work)]
    try:
        lists = lists_for(works, reader) if works else PackageLists()
    except ObserveError as error:
        return {address: error if isinstance(start, Work) else start for address, start in starts.items()}
    found: dict[str, object] = {}
    members: list[Member] = []
    for party in parties:
        answer = asked(party, starts[party.address], lists, reader)
        if isinstance(starts[party.address], Work):
            lists = replace(lists, problems=())  # told once
        if isinstance(answer, Member):
            members.append(answer)
        else:
            found[party.address] = answer
    shares = {} if reader.context.target_image else share_out(members, reader)
    for member in members:
        address = member.party.address
        own = shares.get(address) or transaction.sized(member.alone, reader)
        found[address] = member.wish.facts(own)
    return found


def begun(party: Party, reader: Reader) -> object:
    """What a section finds without apt; an ObserveError where that fails."""
    try:
        return party.begin(reader)
    except ObserveError as error:
        return error


def asked(party: Party, start: object, lists: PackageLists, reader: Reader) -> object:
    """What a section finds with these lists: facts, an ObserveError, or a Member with something to ask."""
    try:
        wish = start.wish(lists) if isinstance(start, Work) else start
        return Member(party, wish, prepared(wish, reader)) if isinstance(wish, AptWish) else wish
    except ObserveError as error:
        return error


def prepared(wish: AptWish[F], reader: Reader) -> AptTransaction:
    """What apt would do for a wish alone."""
    return prepare(wish.order, wish.named, wish.dpkg, reader, wish.pinning)


def lists_for(works: Sequence[Work[Any]], reader: Reader) -> PackageLists:
    """The package lists as they are, or as they will be when repositories are added."""
    for work in works:
        if work.try_out:
            return work.try_out()
    asked = [work.update for work in works]
    return package_lists.observe(reader, next(update for update in UPDATES if update in asked))


# Who goes with whom


def share_out(members: Iterable[Member], reader: Reader) -> Shares:
    """What each section has of the transactions of several; nothing for those that stay by themselves.

    One that is blocked anyway holds up no other, and one that does not go with those before it is blocked.
    """
    groups: dict[tuple[bool, bool], AptGroup] = {}
    refused: dict[str, AptTransaction] = {}
    for member in members:
        if member.blocked:
            continue
        order = member.alone.order
        manner = (order.recommends, order.force)  # what apt-get is told once, for all packages
        if (group := groups.get(manner)) is None:
            groups[manner] = AptGroup((member,), order, member.alone.simulation)
        elif reason := (larger := group.with_one_more(member, reader)).obstacle:
            refused[member.party.address] = refuse(member, group, reason)
        else:
            groups[manner] = larger
    shares = (shares_of(group, reader) for group in groups.values() if len(group.members) > 1)
    return {address: share for found in shares for address, share in found} | refused


@dataclass(frozen=True)
class AptGroup:
    """Sections that have a transaction together, and what apt would do."""

    members: tuple[Member, ...]
    order: AptOrder
    outcome: Simulation

    @property
    def dpkg(self) -> Dpkg:
        """The part of the database that matters to any of them."""
        parts = [member.wish.dpkg for member in self.members]
        packages = {name: package for part in parts for name, package in part.packages.items()}
        return replace(parts[0], packages=packages)

    @property
    def obstacle(self) -> str:
        """Why it cannot be done; "" where it can."""
        if clash := clash_of([member.alone.order for member in self.members]):
            return clash
        whole = AptTransaction(self.order, self.outcome)
        for name, change in transaction.changes("apt", whole, self.dpkg).items():
            if change.action is Action.BLOCKED:
                return change.reason if self.outcome.trouble else f"{name}: {change.reason}"
        return ""

    def with_one_more(self, member: Member, reader: Reader) -> AptGroup:
        """The same with another section."""
        members = (*self.members, member)
        order = merged([each.alone.order for each in members])
        larger = AptGroup(members, order, UNCHANGED)
        return replace(larger, outcome=simulation.simulate(reader, order, larger.dpkg))


def refuse(member: Member, group: AptGroup, reason: str) -> AptTransaction:
    """What becomes of a section that does not go with others."""
    others = " and ".join(f"`{each.party.address}`" for each in group.members)
    trouble = f"it does not go with what {others} installs: {reason}"
    return AptTransaction(member.alone.order, Simulation(trouble=trouble))


def merged(orders: Sequence[AptOrder]) -> AptOrder:
    """One order for all; a version that one of them wants counts for the others."""
    words: dict[str, str] = {}
    for word in words_of(orders):
        known = words.setdefault(name_of(word), word)
        if "=" in word and ("=" not in known or known.endswith("*")):
            words[name_of(word)] = word
    asked = {name for order in orders for name in map(name_of, order.install) if name not in order.transitive}
    return replace(
        orders[0],
        install=tuple(words.values()),
        remove=tuple(dict.fromkeys(name for order in orders for name in order.remove)),
        exact=any(order.exact for order in orders),
        transitive=tuple(name for name in words if name not in asked),
    )


def words_of(orders: Iterable[AptOrder]) -> Iterator[str]:
    return (word for order in orders for word in order.install)


def clash_of(orders: Sequence[AptOrder]) -> str:
    """What one wants otherwise than another, which apt-get would not complain about; "" for nothing."""
    wanted: dict[str, str] = {}
    for word in words_of(orders):
        name, _, version = word.partition("=")
        if any(name in order.remove for order in orders):
            return f"{name} is wanted, and named under `absent` of `apt`"
        if version and not agree(wanted.setdefault(name, version), version):
            return f"{name} is wanted in two versions, {wanted[name]} and {version}"
    return ""


def agree(first: str, second: str) -> bool:
    """Whether two versions may be one; either may be only its beginning, followed by a star."""
    return first == second or any(
        one.endswith("*") and other.startswith(one[:-1]) for one, other in ((first, second), (second, first))
    )


# Who shows what


def shares_of(group: AptGroup, reader: Reader) -> Iterator[tuple[str, AptTransaction]]:
    """The part of each section: the step of the first does the work of all, and each shows its packages."""
    carrier = group.members[0]
    carried_by = carrier.party.address
    dpkg = group.dpkg
    outcome = simulation.sized(group.outcome, group.order, reader)
    repair = simulation.repair(reader, group.order, dpkg) if dpkg.halfway else UNCHANGED
    for member in group.members:
        first = member is carrier

        def is_own(name: str, member: Member = member) -> bool:
            return owner(name, group.members) is member

        order = member.alone.order
        elsewhere = {*map(name_of, group.order.install), *(move.name for move in outcome.moves)}
        yield (
            member.party.address,
            AptTransaction(
                order=replace(order, install=tuple(word for word in order.install if is_own(name_of(word)))),
                simulation=replace(
                    outcome,
                    moves=tuple(move for move in outcome.moves if is_own(move.name)),
                    download=outcome.download if first else 0,
                ),
                repair=repair if first else UNCHANGED,
                share=Share(
                    carrier="" if first else carried_by,
                    whole=group.order,
                    elsewhere=frozenset(name for name in elsewhere if not is_own(name)),
                    alone=member.alone,
                ),
            ),
        )


def owner(name: str, members: Sequence[Member]) -> Member:
    """Whose package it is: who names it, else who orders it, else who brings it, else the first."""
    for mentioned in (names_it, orders_it, brings_it):
        for member in members:
            if mentioned(member, name):
                return member
    return members[0]


def names_it(member: Member, name: str) -> bool:
    order, selected = member.alone.order, member.alone.simulation.selected
    return name in order.remove or any(name in (each, selected.get(each)) for each in member.wish.named)


def orders_it(member: Member, name: str) -> bool:
    return name in map(name_of, member.alone.order.install)


def brings_it(member: Member, name: str) -> bool:
    return any(move.name == name for move in member.alone.simulation.moves)
