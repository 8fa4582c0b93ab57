"""The command lock: which targets are made anew, and what became different."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from pydantic import TypeAdapter

from provisioner import engine, runtimes
from provisioner.against import as_there, read_image
from provisioner.effects import Write
from provisioner.errors import LockError
from provisioner.lock import ground as grounds
from provisioner.lock.document import Lock, Target, load, path_of, text
from provisioner.lock.keeping import read, stale
from provisioner.lock.making import Asked, make
from provisioner.machine import Reader, Tell, files
from provisioner.spec import Spec

HERE = "here"
"""The name by which a person asks for the machine that this runs on."""


def relock(spec: Spec, names: tuple[str, ...], upgrade: frozenset[str] | None, tell: Tell) -> str:
    """Make targets and write the lock; returns what is different now, for a terminal.

    Without `names`, those that the lock has and that can be made here are made, and else one for this
    machine. Raises LockError, and then the lock is as it was.
    """
    path = path_of(spec.path)
    before = load(path) or Lock()
    here = engine.connect(spec)
    here.root = True  # nothing is changed here, so what only root may change can be foreseen
    own = grounds.name_of(grounds.where(here, grounds.image_of(here)), here)
    wanted = names or tuple(known.name for known in before.targets if known.name in (own, *runtimes.names()))
    made = []
    for name in dict.fromkeys(own if name == HERE else full(name, own) for name in wanted or (own,)):
        asked = Asked(previous=before.find(name), upgrade=upgrade)
        if name == own:
            made.append(make(spec, here, here, tell, asked))
        else:
            there = as_there(spec)
            made.append(make(there, read_image(there, runtimes.load(name)), here, tell, asked))
    after = before.put(*made)
    refuse_unknown(upgrade or frozenset(), (*before.targets, *made))
    files.write(Write(path=path, text=text(after)))
    lines = [line for target in made for line in describe(before.find(target.name), target)]
    lines += [
        f"! {name}: made for an older {Path(spec.path).name}; lock it there again"
        for name in left_behind(spec, after, here)
    ]
    return "\n".join([f"Wrote {Path(path).name}.", *lines])


def refuse_unknown(upgrade: frozenset[str], targets: Iterable[Target]) -> None:
    """Raise LockError for a name that is to be upgraded and that nothing locked has."""
    known = {
        canonicalize_name(address.partition(".")[2]) for target in targets for address in versions(target)
    }
    if strange := sorted(name for name in upgrade if canonicalize_name(name) not in known):
        raise LockError(
            f"nothing that is locked is called {', '.join(strange)}",
            "Names stand in the lock; what the base brings is the base's to upgrade.",
        )


def full(name: str, own: str) -> str:
    return name if name == own else runtimes.load(name).name


def left_behind(spec: Spec, lock: Lock, reader: Reader) -> Iterator[str]:
    return (target.name for target in lock.targets if stale(target, spec, reader))


def check(spec: Spec) -> str:
    """That the lock fits the spec, in words. Raises LockError when it does not."""
    lock, reader = read(spec), engine.connect(spec)
    old = ", ".join(left_behind(spec, lock, reader))
    if old or not lock.targets:
        file = Path(spec.path).name
        raise LockError(
            f"{file} says something else than it did when it was locked for {old}",
            "Lock it again: colabenv lock",
        )
    names = ", ".join(target.name for target in lock.targets)
    return f"{Path(path_of(spec.path)).name} is up to date, for {names}."


def describe(before: Target | None, after: Target) -> Iterator[str]:
    """What a target holds, and what of it is different."""
    old, new = versions(before), versions(after)
    counts = ", ".join(f"{name} {count(pins)}" for name, pins in after.pins.items() if count(pins))
    yield f"{after.name}: {counts or 'nothing'} on top of what the base brings"
    for address in sorted(old.keys() | new.keys()):
        was, now = old.get(address), new.get(address)
        if was != now and before:
            sign = "+" if was is None else "-" if now is None else "~"
            yield f"  {sign} {address}  {' -> '.join(filter(None, (was, now)))}"
    yield from (
        f"  ! {address}  not locked: only the machine itself can be asked" for address in after.unlocked
    )


def count(pins: Any) -> int:
    return len(getattr(pins, "packages", pins))


def identity(package: dict[str, Any]) -> str:
    """The version of what is locked, and the commit where there is one."""
    commit = (package.get("vcs") or {}).get("commit_id")
    version = package.get("version") or "as it is"
    return f"{version} ({commit[:12]})" if commit else version


def versions(target: Target | None) -> dict[str, str]:
    """What a target holds, by address: a version, or the beginning of a sha256."""
    found: dict[str, str] = {}
    for kind, pins in (target.pins if target else {}).items():
        told = TypeAdapter(type(pins)).dump_python(pins, mode="json")
        if "packages" in told:
            found |= {f"{kind}.{one['name']}": identity(one) for one in told["packages"]}
        else:
            found |= {f"{kind}.{name}": one["sha256"][:12] for name, one in told.items()}
    return found
