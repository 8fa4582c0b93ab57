"""One apt transaction, as changes that a plan shows and as the effects that carry it out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable
from dataclasses import replace

from provisioner.facts.dpkg import Dpkg
from provisioner.kinds.shared.debian import apt_get
from provisioner.kinds.shared.debian.apt_get import Order
from provisioner.kinds.shared.debian.simulation import Move, Simulation
from provisioner.model.effects import Effect, Mkdir
from provisioner.model.plan import Action, Change

DRIVERS = re.compile(r"(?:cuda|nvidia-driver-.*|libnvidia-.*)(?::.*)?")
"""Packages that replace the driver libraries which the host lends a machine, and so lose it the GPU."""


def changes(prefix: str, order: Order, simulation: Simulation, dpkg: Dpkg) -> dict[str, Change]:
    """What becomes of each package that an order names, then of each that comes along, by name."""
    told: dict[str, Change] = {}
    for word in order.install:
        name, _, version = word.partition("=")
        found = dpkg.get(name)
        change = Change(f"{prefix}.{name}", Action.BLOCKED, found.version if found else None)
        if name in simulation.refused:
            told[name] = replace(change, reason=simulation.refused[name])
        elif simulation.unforeseen:
            supposed = Move(name, change.before, version or "newest")
            told[name] = unforeseen(describe(prefix, supposed, order, dpkg), simulation)
        elif simulation.trouble:
            told[name] = replace(change, reason=simulation.trouble)
        elif move := simulation.find(name):
            told[move.name] = replace(describe(prefix, move, order, dpkg), address=f"{prefix}.{name}")
    for name in order.remove:
        if simulation.trouble:
            before = dpkg.packages[name].version
            told[name] = Change(f"{prefix}.{name}", Action.BLOCKED, before, reason=simulation.trouble)
        elif simulation.unforeseen:
            supposed = Move(name, dpkg.packages[name].version, None)
            told[name] = unforeseen(describe(prefix, supposed, order, dpkg), simulation)
        elif move := simulation.find(name):
            told[name] = describe(prefix, move, order, dpkg)
    for move in sorted(simulation.moves, key=lambda move: move.name):
        if move.name not in told:
            told[move.name] = replace(describe(prefix, move, order, dpkg), along=True)
    return told


def unforeseen(change: Change, simulation: Simulation) -> Change:
    """A change of which no more is known than that nothing stands against it, unless something does."""
    return replace(change, reason=change.reason or simulation.unforeseen)


def describe(prefix: str, move: Move, order: Order, dpkg: Dpkg) -> Change:
    """One package's move, blocked where the file did not ask for what it must ask for."""
    change = Change(f"{prefix}.{move.name}", action_of(move), move.before, move.after)
    if not order.force and dpkg.held(move.name):
        reason = "it is held at its version; release it with `apt-mark unhold`, or write `force: true`"
    elif move.after is None and move.name not in order.remove:
        reason = (
            "it would have to go, which the file does not ask for; name it under `absent` of `apt` if it may"
        )
    elif not order.force and move.after and DRIVERS.fullmatch(move.name):
        reason = (
            "it replaces the GPU driver's libraries, which belong to the host, and the GPU would be lost; "
            "CUDA for Python comes with the pip packages. Write `force: true` to install it all the same"
        )
    else:
        return change
    return replace(change, action=Action.BLOCKED, reason=reason)


def action_of(move: Move) -> Action:
    if move.after is None:
        return Action.REMOVE
    return Action.UPDATE if move.before else Action.CREATE


def repairs(
    prefix: str, order: Order, simulation: Simulation, dpkg: Dpkg, told: Collection[str]
) -> list[Change]:
    """What finishing earlier work means, beyond the packages already told of."""
    reason = "an earlier installation was cut short or failed"
    found = {
        package.name: Change(f"{prefix}.{package.name}", Action.UPDATE, package.state, "installed", reason)
        for package in dpkg.halfway
    }
    for move in simulation.moves:
        change = describe(prefix, move, order, dpkg)
        found[move.name] = replace(change, reason=change.reason or reason)
    left = [change for name, change in found.items() if name not in told]
    if not dpkg.interrupted:
        return left
    address = f"{prefix}.dpkg.journal"
    return [Change(address, Action.UPDATE, "interrupted", "ready", "dpkg was stopped at work"), *left]


def effects(order: Order, dpkg: Dpkg) -> tuple[Effect, ...]:
    """Repair what is halfway, then the transaction, if there is anything to do."""
    done: list[Effect] = []
    if dpkg.interrupted:
        done.append(apt_get.merge_journal())
    if any(package.name not in order.remove for package in dpkg.halfway):
        done.append(apt_get.repair(order))
    if order.words:
        done.append(apt_get.install(order))
    return (*(Mkdir(path=path) for path in dpkg.lacking), *done) if done else ()


def command(order: Order, dpkg: Dpkg) -> str:
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


def without_root(changes: Iterable[Change], line: str) -> list[Change]:
    """Changes that only root may make, blocked; the first says which command line makes them."""
    told: list[Change] = []
    reason = "only root may do this; apply with sudo" + (f", or run: {line}" if line else "")
    for change in changes:
        if change.action in (Action.KEEP, Action.BLOCKED):
            told.append(change)
        else:
            told.append(replace(change, action=Action.BLOCKED, reason=reason))
            reason = "only root may do this"
    return told
