"""Using a lock: the spec with the pins that its lock has for a machine."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace

from provisioner.facts.base_image import image_of
from provisioner.kinds.base import Pinning
from provisioner.kinds.shared.platform_advice import advice
from provisioner.lock import base
from provisioner.lock.document import Lock, Target, Where, load, path_of
from provisioner.lock.resolve import digest, empty_pins, inputs, lockable, shown_input
from provisioner.machine import files
from provisioner.machine.reader import Reader
from provisioner.machine.urls import shown
from provisioner.model.errors import LockError
from provisioner.runtimes.images import Image
from provisioner.spec.spec import Spec

DEFAULT = "colabenv.yaml"

COMPARED = ("runtime", "os", "python", "glibc", "driver", "cuda", "distributions", "packages")
"""What is reported when it differs from the machine that the lock was made on."""


def lock_command(spec: Spec) -> str:
    """The command that locks a spec."""
    name = os.path.basename(spec.path)
    return "colabenv lock" if name == DEFAULT else f"colabenv lock {name}"


def edited(spec: Spec, targets: tuple[str, ...], reader: Reader) -> LockError:
    """The spec, or a file that it names, says something else than the lock was made for."""
    files = dict.fromkeys(shown(shown_input(path, spec)) for path in inputs(spec, reader))
    names = (os.path.basename(spec.path), *files)
    which = f"{', '.join(names[:-1])} or {names[-1]} was changed" if files else f"{names[0]} was edited"
    message = f"{which} since it was locked for {', '.join(targets)}"
    return LockError(message, f"Lock it again: {lock_command(spec)}")


def read(spec: Spec) -> Lock:
    """The lock beside a spec. Raises LockError when there is none."""
    if (lock := load(path_of(spec.path))) is None:
        raise LockError(
            f"there is no lock beside {os.path.basename(spec.path)}", f"Make one: {lock_command(spec)}"
        )
    return lock


def locked(spec: Spec, reader: Reader) -> Spec:
    """The spec with the pins that its lock has for this machine.

    Raises LockError when there is no lock, when it is for other machines, or older than the spec.
    """
    lock, path = read(spec), path_of(spec.path)
    image = image_of(reader)
    place = base.describe(reader, image)
    target = choose(lock, place, base.name_of(place, reader), lock_command(spec))
    if stale(target, spec, reader):
        raise edited(spec, (target.name,), reader)
    return replace(
        spec,
        lock=hashlib.sha256(files.read_regular(path)).hexdigest(),
        pins=pinnings(spec, target),
        sources=(*spec.sources, path),
        notes=(*notes_on(target, path), *base_moved(target, place, reader, image)),
    )


def pinnings(spec: Spec, target: Target) -> dict[str, Pinning[object]]:
    """The pins of each section. Raises LockError when the target lacks something that one names."""
    found: dict[str, Pinning[object]] = {}
    for name, lock in lockable(spec).items():
        pins = target.pins.get(name, empty_pins(lock))
        lock.check(spec.sections[name], pins)
        found[name] = Pinning(pins)
    return found


def notes_on(target: Target, path: str) -> Iterator[str]:
    """Notes on the lock for readers of a plan."""
    yield f"Locked by {os.path.basename(path)} for {target.name}."
    if target.unlocked:
        yield f"Not in the lock, so any version is accepted: {', '.join(target.unlocked)}."


def stale(target: Target, spec: Spec, reader: Reader) -> bool:
    """Whether the spec says something else than it did when the target was made."""
    return target.spec != digest(spec, reader)


def choose(lock: Lock, place: Where, name: str, command: str = "colabenv lock") -> Target:
    """The target for a machine: its own, else the newest for another that can run the same files.

    Raises LockError when there is none, with the `command` that makes one.
    """
    if exact := lock.find(name):
        return exact
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
        way = advice("locked base")
        hint = f"{way[:1].upper()}{way[1:]}: {command} --for here"
    raise LockError(f"the lock is for {theirs}, but this is {mine}", hint)


def base_moved(target: Target, place: Where, reader: Reader, image: Image | None) -> Iterator[str]:
    """What the machine had before, in comparison with what the lock was made on."""
    found = base.installed_before(reader, target.on_top, image)
    if found.fingerprint == target.base.fingerprint:
        return
    then = target.machine.model_dump() | target.base.model_dump()
    now = place.model_dump() | found.model_dump()
    moved = [
        f"{word} {then[word] or 'none'} -> {now[word] or 'none'}"
        for word in COMPARED
        if then[word] != now[word]
    ]
    yield (
        f"The base changed since it was locked ({', '.join(moved) or 'other versions of the same'}). "
        "Where that affects this file, it is blocked below."
    )
    if place.runtime and target.machine.runtime not in (None, place.runtime):
        yield f"All changes: colabenv runtimes diff {target.machine.runtime} {place.runtime}"
