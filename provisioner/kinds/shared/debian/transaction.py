"""One apt transaction, as changes that a plan shows and as the effects that carry it out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from provisioner.facts.dpkg import Dpkg
from provisioner.kinds.shared.debian import apt_get, reconcile, simulation
from provisioner.kinds.shared.debian.apt_get import NOTHING, AptOrder
from provisioner.kinds.shared.debian.pins import DebianPinning, exact_pins, kept_pins
from provisioner.kinds.shared.debian.simulation import UNCHANGED, PackageMove, Simulation
from provisioner.machine.reader import Reader
from provisioner.model.effects import Effect, Mkdir
from provisioner.model.plan import Action, Change

DRIVERS = re.compile(r"(?:cuda|nvidia-driver-.*|libnvidia-.*)(?::.*)?")
"""Packages that replace the driver libraries which the host lends a machine, and so lose it the GPU."""


@dataclass(frozen=True)
class AptTransaction:
    """An order, and what apt would do."""

    order: AptOrder = NOTHING
    simulation: Simulation = UNCHANGED
    """What the order would bring about."""
    repair: Simulation = UNCHANGED
    """What finishing earlier work would bring about."""
    share: Share | None = None
    """Where it is the part of one section in a transaction of several."""

    @property
    def carrier(self) -> str:
        """The entry whose step does this, too; "" for its own."""
        return self.share.carrier if self.share else ""

    @property
    def whole(self) -> AptOrder:
        """The order that apt-get is given."""
        return self.share.whole if self.share else self.order


@dataclass(frozen=True)
class Share:
    """How a section has a transaction together with others."""

    carrier: str
    """The entry whose step does it; "" for the section's own."""
    whole: AptOrder
    """What all of them order."""
    elsewhere: frozenset[str]
    """The packages that others show."""
    alone: AptTransaction
    """What the section would do by itself, which is what a lock is about."""


NO_TRANSACTION = AptTransaction()


def prepare(
    order: AptOrder, named: Collection[str], dpkg: Dpkg, reader: Reader, pinning: DebianPinning | None
) -> AptTransaction:
    """What apt would do for an order as pins have it; `named` are the packages that a section names.

    What there is to download is not asked yet.
    """
    outcome = simulation.simulate(reader, order, dpkg)
    pins = exact_pins(pinning)
    if pins is None:
        order, outcome = reconcile.prefer_pins(kept_pins(pinning), order, outcome, dpkg, reader)
    else:
        order = reconcile.mark_transitive(order, named, dpkg, reader)
        outcome = reconcile.refuse_tampered(pins, outcome, order, reader)
    repair = simulation.repair(reader, order, dpkg) if dpkg.halfway else UNCHANGED
    return AptTransaction(order, outcome, repair)


def sized(transaction: AptTransaction, reader: Reader) -> AptTransaction:
    """The same, with what there is to download."""
    outcome = simulation.sized(transaction.simulation, transaction.order, reader)
    return replace(transaction, simulation=outcome)


# What a plan shows


def without_apt(prefix: str) -> Change:
    """What is said where there is no apt."""
    reason = "this machine has no apt; Debian, Ubuntu and Colab have it"
    return Change(prefix, Action.BLOCKED, reason=reason)


def changes(prefix: str, transaction: AptTransaction, dpkg: Dpkg) -> dict[str, Change]:
    """What becomes of each package that an order names, then of all others that change, by name."""
    order, outcome = transaction.order, transaction.simulation
    named = dict(named_changes(prefix, order, outcome, dpkg))
    others = {
        move.name: replace(describe(prefix, move, order, dpkg), transitive=True)
        for move in sorted(outcome.moves, key=lambda move: move.name)
        if move.name not in named
    }
    return named | others


def named_changes(
    prefix: str, order: AptOrder, outcome: Simulation, dpkg: Dpkg
) -> Iterator[tuple[str, Change]]:
    """What becomes of each package that an order names, with its name after that."""
    for word in order.install:
        name, _, version = word.partition("=")
        package = dpkg.get(name)
        expected = PackageMove(name, package.version if package else None, version or "newest")
        if name in outcome.refused:
            yield name, refuse(prefix, expected, outcome.refused[name])
        elif outcome.unknown:
            yield name, expect(prefix, expected, order, outcome, dpkg)
        elif outcome.trouble:
            yield name, refuse(prefix, expected, outcome.trouble)
        elif move := outcome.find(name):
            yield move.name, replace(describe(prefix, move, order, dpkg), address=f"{prefix}.{name}")
    for name in order.remove:
        expected = PackageMove(name, dpkg.packages[name].version, None)
        if outcome.trouble:
            yield name, refuse(prefix, expected, outcome.trouble)
        elif outcome.unknown:
            yield name, expect(prefix, expected, order, outcome, dpkg)
        elif move := outcome.find(name):
            yield name, describe(prefix, move, order, dpkg)


def refuse(prefix: str, move: PackageMove, reason: str) -> Change:
    """A package that cannot become what is wanted."""
    return Change(f"{prefix}.{move.name}", Action.BLOCKED, move.before, reason=reason)


def expect(prefix: str, move: PackageMove, order: AptOrder, outcome: Simulation, dpkg: Dpkg) -> Change:
    """A change of which no more is known than that nothing stands against it, unless something does."""
    change = describe(prefix, move, order, dpkg)
    return replace(change, reason=change.reason or outcome.unknown)


def describe(prefix: str, move: PackageMove, order: AptOrder, dpkg: Dpkg) -> Change:
    """One package's move, blocked where the file did not ask for what it must ask for."""
    change = Change(f"{prefix}.{move.name}", action_of(move), move.before, move.after)
    reason = why_not(move, order, dpkg)
    return replace(change, action=Action.BLOCKED, reason=reason) if reason else change


def why_not(move: PackageMove, order: AptOrder, dpkg: Dpkg) -> str:
    """Why a package may not move as apt would move it; "" where it may."""
    if not order.force and dpkg.held(move.name):
        return "it is held at its version; release it with `apt-mark unhold`, or write `force: true`"
    if move.after is None and move.name not in order.remove:
        return (
            "it would be removed, which the file does not ask for; to allow it, "
            "name it under `absent` of `apt`"
        )
    if not order.force and move.after and DRIVERS.fullmatch(move.name):
        return (
            "it replaces the GPU driver's libraries, which belong to the host, and the GPU would be lost; "
            "CUDA for Python comes with the pip packages. Write `force: true` to install it anyway"
        )
    return ""


def action_of(move: PackageMove) -> Action:
    if move.after is None:
        return Action.REMOVE
    return Action.UPDATE if move.before else Action.CREATE


def repairs(prefix: str, transaction: AptTransaction, dpkg: Dpkg, planned: Collection[str]) -> list[Change]:
    """What finishing earlier work means, beyond the packages whose change is `planned` already."""
    if transaction.carrier:
        return []
    others = transaction.share.elsewhere if transaction.share else frozenset()
    reason = "an earlier installation was interrupted or failed"
    left = {
        package.name: Change(f"{prefix}.{package.name}", Action.UPDATE, package.state, "installed", reason)
        for package in dpkg.halfway
    }
    for move in transaction.repair.moves:
        change = describe(prefix, move, transaction.order, dpkg)
        left[move.name] = replace(change, reason=change.reason or reason)
    mended = [change for name, change in left.items() if name not in planned and name not in others]
    if not dpkg.interrupted:
        return mended
    address = f"{prefix}.dpkg.journal"
    return [Change(address, Action.UPDATE, "interrupted", "ready", "dpkg was interrupted"), *mended]


def without_root(changes: Iterable[Change], line: str) -> list[Change]:
    """Changes that only root may make, blocked; the first says which command line makes them."""
    blocked: list[Change] = []
    reason = "only root may do this; apply with sudo" + (f", or run: {line}" if line else "")
    for change in changes:
        if change.action in (Action.KEEP, Action.BLOCKED):
            blocked.append(change)
        else:
            blocked.append(replace(change, action=Action.BLOCKED, reason=reason))
            reason = "only root may do this"
    return blocked


def command(order: AptOrder, dpkg: Dpkg) -> str:
    """What a person types to have the same; empty when apt has nothing to do."""
    lines = [
        ("dpkg --configure -a", dpkg.interrupted),
        ("apt-get update", order.options),
        ("apt-get --fix-broken install", dpkg.halfway),
        (shlex.join(("apt-get", *order.permissions[:1], "install", *order.words)), order.words),
    ]
    if not (order.words or dpkg.halfway or dpkg.interrupted):
        return ""
    return " && ".join(f"sudo {line}" for line, needed in lines if needed)


# What carries it out


def effects(transaction: AptTransaction, dpkg: Dpkg, files: tuple[str, ...] = ()) -> tuple[Effect, ...]:
    """Repair what is halfway, then the transaction, with .deb files, if there is anything to do."""
    if transaction.carrier:
        return ()
    order = replace(transaction.whole, install=(*transaction.whole.install, *files))
    runs: list[Effect] = []
    if dpkg.interrupted:
        runs.append(apt_get.merge_journal())
    if any(package.name not in order.remove for package in dpkg.halfway):
        runs.append(apt_get.repair(order))
    if order.words:
        runs.append(apt_get.install(order))
    if order.transitive:
        runs.append(apt_get.mark_automatic(order.transitive))
    return (*(Mkdir(path=path) for path in dpkg.lacking), *runs) if runs else ()
