"""The order of a file's entries: who makes what others need. Pure.

Who reads or writes at or below a path waits for the entry that makes it. An entry that must see what another
makes cannot be planned before that is there; one that only needs it when it is carried out can.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import TypeAlias

from provisioner.kinds import registry
from provisioner.kinds.base import Entry
from provisioner.kinds.shared.near_names import near_address
from provisioner.model.effects import FileChange


class Dependency(Enum):
    """Why an entry waits for another, which must have succeeded."""

    SEEN = "seen"
    """It can only be planned when the other is done."""
    DONE = "done"
    """It can be planned before, and is planned again when the other is done."""


@dataclass(frozen=True)
class Conflict:
    """Entries that cannot be together in a file; the message is about the first."""

    entries: tuple[Entry, ...]
    message: str
    advice: str


@dataclass(frozen=True)
class Order:
    """Entries by their addresses, in the order of a plan, and what each waits for."""

    entries: Mapping[str, Entry]
    needs: Mapping[str, Mapping[str, Dependency]]
    """By entry, the others that must have succeeded first."""
    behind: Mapping[str, frozenset[str]]
    """By entry, the others that must have ended first, whether well or not."""

    @property
    def made(self) -> tuple[str, ...]:
        """All paths that the file's entries make, or whose contents they reveal."""
        claims = (claim for entry in self.entries.values() for claim in (*entry.makes, *entry.reveals))
        return tuple(sorted(filter(is_path, claims)))

    @property
    def ensured(self) -> tuple[str, ...]:
        """All folders that the file's entries make where they are not there."""
        return tuple(sorted(path for entry in self.entries.values() for path in entry.ensures))

    @property
    def edited(self) -> tuple[str, ...]:
        """All paths that the file's entries edit."""
        return tuple(sorted(path for entry in self.entries.values() for path in entry.edits))

    @property
    def changes(self) -> tuple[FileChange, ...]:
        """All changes to files that others make: of a folder before those of a file in it, as it is done."""
        found = (change for entry in self.entries.values() for change in entry.changes)
        return tuple(sorted(found, key=lambda change: (change.path.count("/"), change.path)))

    def waiting_for(self, address: str) -> set[str]:
        """All that waits for an entry, itself included."""
        return waiting_for(address, self.waiters)

    @cached_property
    def waiters(self) -> Waiters:
        return waiters_of(self.needs)

    @cached_property
    def levels(self) -> tuple[tuple[Entry, ...], ...]:
        """The entries in rounds: each needs only entries of earlier rounds."""
        round_of: dict[str, int] = {}
        for address in TopologicalSorter(self.needs).static_order():
            round_of[address] = 1 + max((round_of[other] for other in self.needs[address]), default=-1)
        rounds: dict[int, list[Entry]] = {}
        for address, entry in self.entries.items():
            rounds.setdefault(round_of[address], []).append(entry)
        return tuple(tuple(rounds[number]) for number in sorted(rounds))


def entries_of(sections: Mapping[str, object], folder: str) -> Iterator[Entry]:
    """Every entry of a file, in the order of a plan; a section that was removed may have left something."""
    for name in registry.in_order({*sections, *registry.ABSENT}):
        if name not in sections:
            yield Entry(address=name, config=None)
            continue
        kind = registry.get(name)
        if kind.entries:
            yield from kind.entries(sections[name], folder)
        else:
            yield Entry(address=name, config=sections[name], after=kind.after)


def order_of(entries: Iterable[Entry]) -> Order:
    """The order of entries whose claims do not conflict."""
    known = {entry.address: entry for entry in entries}
    needs = firm_needs(known.values())
    add_unless_circular(needs, lenient_needs(known.values()))
    return Order(known, needs, behind(known, needs))


# What entries wait for

Needs = dict[str, dict[str, Dependency]]
Waiters = dict[str, set[str]]
"""By entry, those that wait for it directly."""


class Makers:
    """Who makes each claim."""

    def __init__(self, entries: Collection[Entry]) -> None:
        self.makes: dict[str, list[str]] = {}
        self.ensures: dict[str, list[str]] = {}
        self.reveals: dict[str, list[str]] = {}
        self.edits: dict[str, list[str]] = {}
        self.all: dict[str, list[tuple[str, bool]]] = {}
        """All of these, and whether they reveal."""
        for entry in entries:
            for found, claims in (
                (self.makes, entry.makes),
                (self.ensures, entry.ensures),
                (self.reveals, entry.reveals),
                (self.edits, entry.edits),
            ):
                for claim in claims:
                    found.setdefault(claim, []).append(entry.address)
                    self.all.setdefault(claim, []).append((entry.address, found is self.reveals))

    def at_or_above(self, claim: str) -> Iterator[tuple[str, bool]]:
        """Who makes or edits a claim, or a folder above it, and whether that reveals what is there."""
        for place in (claim, *folders_above(claim)):
            yield from self.all.get(place, ())

    def around(self, folder: str) -> Iterator[tuple[str, bool]]:
        """Who makes a folder that several may make, or one above it."""
        yield from ((address, False) for address in self.makes.get(folder, ()))
        yield from self.above(folder)

    def above(self, path: str) -> Iterator[tuple[str, bool]]:
        """Who makes a folder above a path."""
        for place in folders_above(path):
            for found in (self.makes, self.ensures):
                yield from ((address, False) for address in found.get(place, ()))
        for place in (path, *folders_above(path)):
            yield from ((address, True) for address in self.reveals.get(place, ()))

    def below(self, folders: Collection[str]) -> Iterator[tuple[str, str]]:
        """Who makes or edits something below one of these folders, with that folder."""
        for found in (self.makes, self.edits):
            for claim, addresses in found.items():
                for folder in folders_above(claim):
                    if folder in folders:
                        yield from ((folder, address) for address in addresses)


def is_path(claim: str) -> bool:
    return claim.startswith("/")


def folders_above(path: str) -> Iterator[str]:
    """The folders above a path, the nearest first; none for a name."""
    while is_path(path) and path != "/":
        path = posixpath.dirname(path)
        yield path


def firm_needs(entries: Collection[Entry]) -> Needs:
    """What each entry cannot do without: its claims, and what it says itself."""
    makers = Makers(entries)
    addresses = [entry.address for entry in entries]
    needs: Needs = {}
    for entry in entries:
        found = needs.setdefault(entry.address, {})
        for path in entry.makes:
            add(found, makers.above(path), Dependency.DONE)
        for path in entry.ensures:
            add(found, makers.around(path), Dependency.DONE)
        for claim in entry.uses:
            add(found, makers.at_or_above(claim), Dependency.DONE)
        for claim in (*entry.edits, *entry.reads):
            add(found, makers.at_or_above(claim), Dependency.SEEN)
        for word in entry.after:
            add(found, ((each, False) for each in matching(word, addresses)), Dependency.DONE)
        found.pop(entry.address, None)
    return needs


def add(found: dict[str, Dependency], makers: Iterable[tuple[str, bool]], need: Dependency) -> None:
    """Note who is needed; to see something is the stronger need."""
    for address, reveals in makers:
        if reveals or need is Dependency.SEEN:
            found[address] = Dependency.SEEN
        else:
            found.setdefault(address, Dependency.DONE)


Wish: TypeAlias = tuple[str, Dependency]
"""What an entry would wait for, and why."""


def lenient_needs(entries: Collection[Entry]) -> Iterator[tuple[str, Iterable[Wish]]]:
    """What each entry seems to use, and what others make below the folders that it reads.

    A folder that it makes itself, empty, is none of these.
    """
    makers = Makers(entries)
    readers: dict[str, list[Wish]] = {}
    for entry in entries:
        for path in filter(is_path, {*entry.reads, *entry.uses}.difference(entry.ensures)):
            need = Dependency.SEEN if path in entry.reads else Dependency.DONE
            readers.setdefault(path, []).append((entry.address, need))
    within: dict[str, list[Wish]] = {}
    for folder, maker in makers.below(readers.keys()):
        for reader, need in readers[folder]:
            within.setdefault(reader, []).append((maker, need))
    for entry in entries:
        mentioned = (address for claim in entry.mentions for address, _ in makers.at_or_above(claim))
        wished = ((address, Dependency.DONE) for address in mentioned)
        yield entry.address, dict.fromkeys((*wished, *within.get(entry.address, ())))


def add_unless_circular(needs: Needs, wishes: Iterable[tuple[str, Iterable[Wish]]]) -> None:
    waiters = waiters_of(needs)
    for address, wished in wishes:
        if others := [wish for wish in wished if wish[0] != address]:
            waiting = waiting_for(address, waiters)
            for other, need in others:
                if other not in waiting:
                    add(needs[address], ((other, False),), need)
                    waiters[other].add(address)


def behind(known: Mapping[str, Entry], needs: Needs) -> dict[str, frozenset[str]]:
    """What each entry comes after without needing it."""
    waiters = waiters_of(needs)
    found: dict[str, frozenset[str]] = {}
    for address, entry in known.items():
        if entry.behind:
            kind = address.partition(".")[0]
            others = {
                other
                for word in entry.behind
                for other in (known if word == "*" else matching(word, known))
                if other.partition(".")[0] != kind or word != "*"
            }
            others -= waiting_for(address, waiters)
            for other in others:
                waiters[other].add(address)
            found[address] = frozenset(others - needs[address].keys())
    return found


def waiters_of(needs: Mapping[str, Mapping[str, Dependency]]) -> Waiters:
    found: Waiters = {address: set() for address in needs}
    for address, others in needs.items():
        for other in others:
            found[other].add(address)
    return found


def waiting_for(address: str, waiters: Waiters) -> set[str]:
    """All that waits for an entry, itself included."""
    found, ahead = {address}, [address]
    while ahead:
        more = waiters[ahead.pop()] - found
        found |= more
        ahead += more
    return found


def matching(word: str, addresses: Iterable[str]) -> Iterator[str]:
    """The entries that a word names: one, or all of a kind."""
    return (address for address in addresses if word in (address, address.partition(".")[0]))


# Conflicts


def conflicts(entries: Iterable[Entry]) -> Iterator[Conflict]:
    """What is wrong with entries: two of one name, two makers of one path, wrong names, circles."""
    every = tuple(entries)
    if twice := tuple(named_twice(every)):
        yield from twice
        return
    known = {entry.address: entry for entry in every}
    unknown = tuple(unknown_names(known))
    yield from two_makers(every)
    yield from after_themselves(every)
    yield from unknown
    if not unknown and (circle := find_circle(firm_needs(known.values()))):
        first, *others = circle
        way = ", which waits for ".join((*others, first))
        yield Conflict(
            tuple(known[address] for address in circle),
            f"`{first}` waits for {way}",
            "break this circle: take away what makes one of them wait",
        )


def named_twice(entries: Iterable[Entry]) -> Iterator[Conflict]:
    """Entries that cannot be told from each other; to say the same of one thing twice is harmless."""
    known: dict[str, Entry] = {}
    for entry in entries:
        first = known.setdefault(entry.address, entry)
        if first.config != entry.config:
            message = f"`{entry.address}` is there twice"
            yield Conflict((entry, first), message, "give each its own name")


def two_makers(entries: Iterable[Entry]) -> Iterator[Conflict]:
    made: dict[str, Entry] = {}
    for entry in entries:
        for path in filter(is_path, entry.makes):
            first = made.setdefault(path, entry)
            if first is not entry:
                message = f"`{first.address}` and `{entry.address}` both make {path}"
                yield Conflict((entry, first), message, "choose another path for one of them")


def after_themselves(entries: Iterable[Entry]) -> Iterator[Conflict]:
    for entry in entries:
        if entry.address in entry.after:
            yield Conflict((entry,), f"`{entry.address}` is after itself", "take it out of its `after`")


def unknown_names(known: Mapping[str, Entry]) -> Iterator[Conflict]:
    names = [address for address, entry in known.items() if entry.config is not None]
    for entry in known.values():
        for word in entry.after:
            if not any(matching(word, names)) and ("." in word or not registry.has(word)):
                near = near_address(word, names)
                advice = f"did you mean {near}?" if near else f"it has {', '.join(names)}"
                message = f"`{entry.address}` is after {word}, which the file does not have"
                yield Conflict((entry,), message, advice)


def find_circle(needs: Needs) -> tuple[str, ...]:
    """Entries of which each waits for the next, and the last for the first; empty for none."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return tuple(reversed(circle[1:]))
    return ()
