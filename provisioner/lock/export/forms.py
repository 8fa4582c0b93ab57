"""The command export: which target of the lock is meant, and in whose words it is written."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec

from provisioner.engine.connect import connect
from provisioner.facts.base_image import image_of
from provisioner.lock import base as grounds
from provisioner.lock import use
from provisioner.lock.document import Lock, Target
from provisioner.machine import files
from provisioner.machine.reader import Reader
from provisioner.model.effects import Write
from provisioner.model.errors import LockError, ProvisionerError
from provisioner.spec.spec import Spec


def export(spec: Spec, form: str, name: str | None, out: str | None) -> str:
    """Write one target of the lock beside a spec in a form of FORMS; returns what to say, or else the text.

    Without a name it is the target that fits this machine. Raises LockError when there is no lock, or none
    that can be exported, and ProvisionerError when it cannot be exported to there, or not here.
    """
    made = document(spec, form, name, out)
    if out is None:
        return made
    files.write(Write(path=os.path.abspath(out), text=made))
    return f"Wrote {out}.\n"


def document(spec: Spec, form: str, name: str | None, out: str | None) -> str:
    """The text of a target."""
    lock, reader = use.read(spec), connect(spec)
    target = named(lock, name) if name else fitting(lock, reader)
    if use.stale(target, spec, reader):
        file = os.path.basename(spec.path)
        raise LockError(
            f"{file} was edited since it was locked for {target.name}", "Lock it again: colabenv lock"
        )
    return FORMS[form](spec, target, out)


def named(lock: Lock, name: str) -> Target:
    if (target := lock.find(name)) is None:
        raise LockError(f"the lock holds no {name}", f"It holds {names(lock)}.")
    return target


def fitting(lock: Lock, reader: Reader) -> Target:
    """The only target, or else the one that an apply on this machine would be held to."""
    if len(lock.targets) == 1:
        return lock.targets[0]
    place = grounds.where(reader, image_of(reader))
    try:
        return use.choose(lock, place, grounds.name_of(place, reader))
    except LockError:
        raise LockError(
            f"the lock is for {names(lock)}, and nothing says which of them is meant",
            "Name one: --target NAME",
        ) from None


def names(lock: Lock) -> str:
    return ", ".join(target.name for target in lock.targets) or "nothing"


def pylock(spec: Spec, target: Target, out: str | None) -> str:
    from provisioner.lock.export import pylock

    return pylock.text(spec, target, out)


def sbom(spec: Spec, target: Target, _out: str | None) -> str:
    if find_spec("cyclonedx") is None:
        raise ProvisionerError(
            "a bill of materials needs cyclonedx-python-lib, which is not installed",
            "Install it: pip install 'colab-provisioner[sbom]'",
        )
    from provisioner.lock.export import cyclonedx

    return cyclonedx.text(spec, target)


FORMS: dict[str, Callable[[Spec, Target, str | None], str]] = {"pylock": pylock, "sbom": sbom}
