"""A spec that is held to its lock: it asks for exactly what is in there, or says why it cannot."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from provisioner.facts.base_image import image_of
from provisioner.facts.platforms import WAYS_OUT
from provisioner.lock import base as grounds
from provisioner.lock.document import Lock, Target, Where, load, names_on_top, path_of
from provisioner.lock.resolve import digest, narrowed
from provisioner.machine.reader import Reader
from provisioner.model.errors import LockError
from provisioner.runtimes.images import Image
from provisioner.spec.spec import Spec

DEFAULT = "colabenv.yaml"

TOLD = ("runtime", "os", "python", "glibc", "driver", "cuda", "distributions", "packages")
"""What of a machine is worth a word when it is another than the lock was made for."""


def again(spec: Spec) -> str:
    """The command that locks a spec."""
    name = os.path.basename(spec.path)
    return "colabenv lock" if name == DEFAULT else f"colabenv lock {name}"


def edited(spec: Spec, targets: tuple[str, ...]) -> LockError:
    """The spec says something else than its lock was made for."""
    message = f"{os.path.basename(spec.path)} was edited since it was locked for {', '.join(targets)}"
    return LockError(message, f"Lock it again: {again(spec)}")


def read(spec: Spec) -> Lock:
    """The lock beside a spec. Raises LockError when there is none."""
    if (lock := load(path_of(spec.path))) is None:
        raise LockError(f"there is no lock beside {os.path.basename(spec.path)}", f"Make one: {again(spec)}")
    return lock


def hold(spec: Spec, reader: Reader) -> Spec:
    """The spec as its lock has it for this machine.

    Raises LockError when there is no lock, when it is for other machines, or older than the spec.
    """
    lock, path = read(spec), path_of(spec.path)
    image = image_of(reader)
    place = grounds.where(reader, image)
    target = choose(lock, place, grounds.name_of(place, reader), again(spec))
    if stale(target, spec, reader):
        raise edited(spec, (target.name,))
    held = narrowed(spec, lambda kind, name, config: kind.hold(config, target.held(name)))
    notes: tuple[str, ...] = (f"Held to {Path(path).name}, as it is for {target.name}.",)
    moved = tuple(base_moved(target, place, reader, image))
    if target.unlocked:
        notes += (f"Not in the lock, so any version will do: {', '.join(target.unlocked)}.",)
    text = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return replace(held, lock=text, sources=(*spec.sources, path), notes=notes + moved)


def stale(target: Target, spec: Spec, reader: Reader) -> bool:
    """Whether the spec says something else than it did when the target was made."""
    return target.spec != digest(spec, reader)


def choose(lock: Lock, place: Where, name: str, command: str = "colabenv lock") -> Target:
    """The target for a machine: its own, else the newest for another that can run the same files.

    Raises LockError when there is none, with the `command` that makes one.
    """
    if own := lock.find(name):
        return own
    alike = [
        target
        for target in lock.targets
        if (target.machine.architecture, target.machine.accelerator)
        == (place.architecture, place.accelerator)
    ]
    fitting = [target for target in alike if target.machine.series == place.series]
    if fitting:
        return max(fitting, key=lambda target: (target.machine.os == place.os, target.name))
    theirs = ", ".join(target.name for target in lock.targets) or "nothing"
    mine, hint = name, f"Lock it for this machine too: {command} --for here"
    if alike:
        theirs = ", ".join(sorted({f"Python {target.machine.series} ({target.name})" for target in alike}))
        mine = f"Python {place.python} ({name})"
    if alike and place.runtime:
        hint = f"{WAYS_OUT[:1].upper()}{WAYS_OUT[1:]}: {command} --for here"
    raise LockError(f"the lock is for {theirs}, and this is {mine}", hint)


def base_moved(target: Target, place: Where, reader: Reader, image: Image | None) -> Iterator[str]:
    """What the machine had before, in comparison with what the lock was made on."""
    base = grounds.base(reader, names_on_top(target.pins), image)
    if base.fingerprint == target.base.fingerprint:
        return
    then, now = target.machine.model_dump() | target.base.model_dump(), place.model_dump() | base.model_dump()
    moved = [
        f"{word} {then[word] or 'none'} -> {now[word] or 'none'}" for word in TOLD if then[word] != now[word]
    ]
    yield (
        f"The base moved since it was locked ({', '.join(moved) or 'other versions of the same'}). "
        "Where that matters here, it is blocked below."
    )
    if place.runtime and target.machine.runtime not in (None, place.runtime):
        yield f"All that moved: colabenv runtimes diff {target.machine.runtime} {place.runtime}"
