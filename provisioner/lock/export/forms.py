"""A target of a lock in the formats of other tools, and the choice of the target."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from provisioner.engine.connect import connect, look
from provisioner.facts.base_image import image_of
from provisioner.lock import base, use
from provisioner.lock.document import Lock, Target
from provisioner.lock.update import listed
from provisioner.machine.reader import Reader
from provisioner.model.errors import LockError, ProvisionerError
from provisioner.spec.spec import Spec


def export(spec: Spec, form: str, name: str | None = None, out: str | None = None) -> str:
    """The text of one target of the lock beside a spec, in one of FORMS; `out` is the file that it is for.

    Without a name it is the target that fits this machine. Raises LockError when there is no lock, or none
    that can be exported, and ProvisionerError when it cannot be exported to there, or not here.
    """
    lock, reader = use.read(spec), look(spec, connect(spec))
    target = named(lock, name) if name else fitting(lock, reader)
    if use.stale(target, spec, reader):
        raise use.edited(spec, (target.name,), reader)
    return FORMS[form](spec, target, out)


def named(lock: Lock, name: str) -> Target:
    if (target := lock.find(name)) is None:
        raise LockError(f"the lock has no {name}", f"It has: {listed(lock)}.")
    return target


def fitting(lock: Lock, reader: Reader) -> Target:
    """The only target, or else the one that an apply on this machine would use."""
    if len(lock.targets) == 1:
        return lock.targets[0]
    place = base.describe(reader, image_of(reader))
    try:
        return use.choose(lock, place, base.name_of(place, reader))
    except LockError:
        raise LockError(
            f"the lock is for {listed(lock)}, and none of them is this machine",
            "Name one: --target NAME",
        ) from None


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
