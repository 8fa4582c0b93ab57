"""An order reconciled with pins: in the versions that were locked, and refusing every other file."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from provisioner.facts.dpkg import Dpkg
from provisioner.kinds.base import SHOWN_DIGITS
from provisioner.kinds.shared.debian.apt_get import AptOrder, name_of
from provisioner.kinds.shared.debian.package_files import find_files
from provisioner.kinds.shared.debian.pins import DebianPins, PinnedPackage
from provisioner.kinds.shared.debian.simulation import Simulation, simulate
from provisioner.kinds.shared.platform_advice import advice
from provisioner.machine.reader import Reader
from provisioner.model.plan import Action, Change

STATES = "/var/lib/apt/extended_states"
AUTOMATIC = re.compile(r"^Package: (\S+)\n(?:.+\n)*?Auto-Installed: 1$", re.MULTILINE)


# Where a lock is made anew


def prefer_pins(
    pins: DebianPins, order: AptOrder, simulation: Simulation, dpkg: Dpkg, reader: Reader
) -> tuple[AptOrder, Simulation]:
    """The same order with transitive packages in the versions that are pinned, as far as these can be had."""
    asked = {name_of(word) for word in order.install if "=" in word}
    pinned = {each.name: each for each in pins.packages if each.name not in asked}
    moves = [move for move in simulation.moves if move.name in pinned and move.after]
    words = {move.name: pinned[move.name].word for move in moves if move.after != pinned[move.name].version}
    if not words:
        return order, simulation
    preferred = replace(order, install=(*order.install, *words.values()))
    outcome = simulate(reader, preferred, dpkg)
    if gone := words.keys() & outcome.refused.keys():
        return prefer_pins(pins.without(gone), order, simulation, dpkg, reader)
    return (order, simulation) if outcome.trouble else (preferred, outcome)


# Where a lock is used


def mark_transitive(order: AptOrder, named: Collection[str], dpkg: Dpkg, reader: Reader) -> AptOrder:
    """The same order, telling which packages come only for those that are `named`."""
    automatic = look_up_automatic(reader)
    names = map(name_of, order.install)
    transitive = (name for name in names if name not in named and (name in automatic or not dpkg.get(name)))
    return replace(order, transitive=tuple(transitive))


def look_up_automatic(reader: Reader) -> set[str]:
    """The packages that are installed for others only."""
    return set(AUTOMATIC.findall((reader.read(STATES) or b"").decode(errors="replace")))


def refuse_tampered(pins: DebianPins, simulation: Simulation, order: AptOrder, reader: Reader) -> Simulation:
    """A simulation that refuses what is not the file that was locked, and what may be another."""
    pinned = {each.word: each for each in pins.packages}
    due = {each.name: each for word in order.install if (each := pinned.get(word))}
    offered = find_files({name: each.version for name, each in due.items()}, order, reader)
    refused = {
        name: tampered(each, offered.get(name))
        for name, each in due.items()
        if name not in offered or offered[name].sha256 != each.sha256
    }
    return replace(simulation, refused={**refused, **simulation.refused})


def tampered(locked: PinnedPackage, offered: PinnedPackage | None) -> str:
    """Why what is offered will not do."""
    package = f"{locked.name} {locked.version}"
    if offered is None:
        return f"no repository says which file {package} is, so it cannot be compared with the lock"
    was, now = locked.sha256[:SHOWN_DIGITS], offered.sha256[:SHOWN_DIGITS]
    return (
        f"{package} in the repository is not the file that was locked: its sha256 was {was}... and is "
        f"{now}...; find out who changed it"
    )


def block_unlocked(pins: DebianPins, named: Collection[str], changes: Iterable[Change]) -> Iterator[Change]:
    """Changes of packages, those blocked that the lock does not have; `named` are addresses."""
    for change in changes:
        change = replace(change, transitive=change.address not in named)
        reason = why_unlocked(pins, change)
        yield replace(change, action=Action.BLOCKED, reason=reason) if reason else change


def why_unlocked(pins: DebianPins, change: Change) -> str:
    """Why a lock does not allow a change; "" where it does."""
    if change.action not in (Action.CREATE, Action.UPDATE):
        return ""
    name = change.address.partition(".")[2]
    base = {each.name: each.version for each in pins.base}
    if name in base:
        return f"the base had {name} {base[name]} when the lock was made; {advice('locked base')}"
    # What comes with something that could not be looked up was not looked up either.
    if name in pins.known or (pins.unlocked and change.transitive):
        return ""
    return f"the lock does not have {name}: lock again"
