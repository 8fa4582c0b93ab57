"""Changing a lock: targets are resolved again, dropped, or checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from provisioner.engine.connect import OurMachine, connect, look
from provisioner.engine.plan_for_image import as_there, read_image
from provisioner.facts.base_image import image_of
from provisioner.lock import base
from provisioner.lock.document import Lock, Target, load, path_of, text
from provisioner.lock.resolve import LockedTarget, resolve
from provisioner.lock.use import edited, lock_command, read, stale
from provisioner.machine import files
from provisioner.machine.reader import Reader, Tell
from provisioner.model.effects import Write
from provisioner.model.errors import LockError
from provisioner.runtimes import images
from provisioner.spec.spec import Spec

HERE = "here"
"""The name by which a person asks for the machine that this runs on."""


@dataclass(frozen=True)
class LockUpdate:
    """The result of `colabenv lock`."""

    path: str
    before: Lock
    made: tuple[LockedTarget, ...]
    stale: tuple[str, ...]
    """Targets that were made for an older version of the spec, and could not be made here."""
    command: str
    """What locks this spec on another machine."""


def relock(spec: Spec, names: tuple[str, ...], upgrade: frozenset[str] | None, tell: Tell) -> LockUpdate:
    """Resolve targets and write the lock.

    Without `names`, those that the lock has and that can be made here are made, and else one for this
    machine. Raises LockError, and then the lock is as it was.
    """
    path = path_of(spec.path)
    before = load(path) or Lock()
    machine = connect(spec)
    reader = look(spec, machine).as_root()
    here = name_here(reader)
    wanted = names or tuple(known.name for known in before.targets if known.name in (here, *images.names()))
    made = tuple(
        lock_one(spec, name, reader if name == here else None, machine, tell, before.find(name), upgrade)
        for name in dict.fromkeys(full(name, here) for name in wanted or (here,))
    )
    after = before.put(*(each.target for each in made))
    refuse_unknown(upgrade or frozenset(), (*before.targets, *after.targets))
    files.write(Write(path=path, text=text(after)))
    return LockUpdate(path, before, made, stale_targets(spec, after, reader), lock_command(spec))


def lock_one(
    spec: Spec,
    name: str,
    reader: Reader | None,
    machine: OurMachine,
    tell: Tell,
    previous: Target | None,
    upgrade: frozenset[str] | None,
) -> LockedTarget:
    """One target, for the machine that `reader` looks at, or else for a known image; errors say for which."""
    try:
        if reader:
            return resolve(spec, reader, machine, tell, previous=previous, upgrade=upgrade)
        spec = as_there(spec)
        image = read_image(spec, images.load(name))
        return resolve(spec, image, machine, tell, previous=previous, upgrade=upgrade)
    except LockError as error:
        seen = "colabenv plan" if reader else f"colabenv plan --against {name}"
        raise LockError(f"for {name}: {error.message}", error.hint or f"See {seen}.") from error


def name_here(here: Reader) -> str:
    return base.name_of(base.describe(here, image_of(here)), here)


def full(name: str, here: str) -> str:
    """The full name of a target."""
    return here if name in (HERE, here) else images.load(name).name


def refuse_unknown(upgrade: frozenset[str], targets: Iterable[Target]) -> None:
    """Raise LockError for a name to upgrade that the lock does not have."""
    names = (address.partition(".")[2] for target in targets for address in target.entries)
    known = {canonicalize_name(name) for name in names}
    if strange := sorted(name for name in upgrade if canonicalize_name(name) not in known):
        raise LockError(
            f"the lock has no package named {', '.join(strange)}",
            "See the lock for names; what is in the base cannot be upgraded here. Name the spec before "
            "--upgrade.",
        )


def drop(spec: Spec, names: tuple[str, ...]) -> tuple[str, ...]:
    """Take targets out of the lock; returns their full names. Raises LockError when it lacks one."""
    lock, path = read(spec), path_of(spec.path)
    here = name_here(look(spec, connect(spec)))
    gone = {name if lock.find(name) else full(name, here) for name in names}
    if strange := sorted(name for name in gone if not lock.find(name)):
        raise LockError(f"the lock has no {', '.join(strange)}", f"It has: {listed(lock)}.")
    left = Lock(targets=tuple(target for target in lock.targets if target.name not in gone))
    files.write(Write(path=path, text=text(left)))
    return tuple(sorted(gone))


def check(spec: Spec, names: tuple[str, ...]) -> Lock:
    """The lock, which fits the spec. Raises LockError when it does not, or lacks one of `names`."""
    lock, reader = read(spec), look(spec, connect(spec))
    here = name_here(reader)
    if lacking := sorted({full(name, here) for name in names} - {target.name for target in lock.targets}):
        raise LockError(
            f"the lock has no {', '.join(lacking)}",
            f"Make it: {lock_command(spec)} --for {','.join(lacking)}",
        )
    if old := stale_targets(spec, lock, reader):
        raise edited(spec, old, reader)
    return lock


def listed(lock: Lock) -> str:
    """The names of a lock's targets, for people."""
    return ", ".join(target.name for target in lock.targets) or "nothing"


def stale_targets(spec: Spec, lock: Lock, reader: Reader) -> tuple[str, ...]:
    return tuple(target.name for target in lock.targets if stale(target, spec, reader))
