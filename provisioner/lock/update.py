"""The command lock: which targets are made anew, dropped, or checked."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from packaging.utils import canonicalize_name

from provisioner.engine.connect import connect
from provisioner.engine.plan_for_image import as_there, read_image
from provisioner.facts.base_image import image_of
from provisioner.lock import base as grounds
from provisioner.lock.diff import describe, entries
from provisioner.lock.document import Lock, Target, load, path_of, text
from provisioner.lock.resolve import Asked, Made, make
from provisioner.lock.use import again, edited, read, stale
from provisioner.machine import files
from provisioner.machine.reader import Machine, Reader, Tell
from provisioner.model.effects import Write
from provisioner.model.errors import LockError
from provisioner.runtimes import images
from provisioner.spec.spec import Spec

HERE = "here"
"""The name by which a person asks for the machine that this runs on."""


def relock(spec: Spec, names: tuple[str, ...], upgrade: frozenset[str] | None, tell: Tell) -> str:
    """Make targets and write the lock; returns what is different now, for a terminal.

    Without `names`, those that the lock has and that can be made here are made, and else one for this
    machine. Raises LockError, and then the lock is as it was.
    """
    path = path_of(spec.path)
    before = load(path) or Lock()
    here = connect(spec)
    here.context.root = True  # nothing is changed here, so what only root may change can be foreseen
    own = name_here(here)
    wanted = names or tuple(known.name for known in before.targets if known.name in (own, *images.names()))
    made = []
    for name in dict.fromkeys(full(name, own) for name in wanted or (own,)):
        asked = Asked(previous=before.find(name), upgrade=upgrade)
        made.append(make_one(spec, name, own, here, tell, asked))
    after = before.put(*(each.target for each in made))
    refuse_unknown(upgrade or frozenset(), (*before.targets, *after.targets))
    files.write(Write(path=path, text=text(after)))
    lines = [
        line for each in made for line in describe(before.find(each.target.name), each.target, each.cautions)
    ]
    lines += [
        f"! {name}: of an older {os.path.basename(spec.path)}. Lock it on such a machine, or drop it: "
        f"{again(spec)} --drop {name}"
        for name in left_behind(spec, after, here)
    ]
    return "\n".join([f"Wrote {os.path.relpath(path)}.", *lines])


def make_one(spec: Spec, name: str, own: str, here: Machine, tell: Tell, asked: Asked) -> Made:
    """One target; what goes wrong says for which."""
    try:
        if name == own:
            return make(spec, here, here, tell, asked)
        there = as_there(spec)
        return make(there, read_image(there, images.load(name)), here, tell, asked)
    except LockError as error:
        seen = "colabenv plan" if name == own else f"colabenv plan --against {name}"
        raise LockError(f"for {name}: {error.message}", error.hint or f"See {seen}.") from error


def name_here(here: Reader) -> str:
    return grounds.name_of(grounds.where(here, image_of(here)), here)


def full(name: str, own: str) -> str:
    """The name of a target that a person may call otherwise."""
    return own if name in (HERE, own) else images.load(name).name


def refuse_unknown(upgrade: frozenset[str], targets: Iterable[Target]) -> None:
    """Raise LockError for a name that is to be upgraded and that nothing locked has."""
    known = {
        canonicalize_name(address.partition(".")[2]) for target in targets for address in entries(target)
    }
    if strange := sorted(name for name in upgrade if canonicalize_name(name) not in known):
        raise LockError(
            f"nothing that is locked is called {', '.join(strange)}",
            "Names stand in the lock; what the base brings is the base's to upgrade. Name the spec before "
            "--upgrade.",
        )


def drop(spec: Spec, names: tuple[str, ...]) -> str:
    """Take targets out of the lock. Raises LockError when it has none of such a name."""
    lock, path = read(spec), path_of(spec.path)
    own = name_here(connect(spec))
    gone = {name if lock.find(name) else full(name, own) for name in names}
    if strange := sorted(name for name in gone if not lock.find(name)):
        raise LockError(f"the lock has no {', '.join(strange)}", f"It has: {listed(lock)}.")
    left = Lock(targets=tuple(target for target in lock.targets if target.name not in gone))
    files.write(Write(path=path, text=text(left)))
    return f"Wrote {os.path.relpath(path)}, without {', '.join(sorted(gone))}."


def check(spec: Spec, names: tuple[str, ...]) -> str:
    """That the lock fits the spec, in words. Raises LockError when it does not, or lacks one of `names`."""
    lock, reader = read(spec), connect(spec)
    own = name_here(reader)
    if lacking := sorted({full(name, own) for name in names} - {target.name for target in lock.targets}):
        raise LockError(
            f"the lock has no {', '.join(lacking)}", f"Make it: {again(spec)} --for {','.join(lacking)}"
        )
    if old := tuple(left_behind(spec, lock, reader)):
        raise edited(spec, old)
    return f"{os.path.relpath(path_of(spec.path))} is up to date, for {listed(lock)}."


def listed(lock: Lock) -> str:
    return ", ".join(target.name for target in lock.targets) or "nothing"


def left_behind(spec: Spec, lock: Lock, reader: Reader) -> Iterator[str]:
    return (target.name for target in lock.targets if stale(target, spec, reader))
