"""The changes of a lock, for its reviewers: what each target has, and what changed in it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from provisioner.kinds.base import LockedEntry
from provisioner.lock.document import Target
from provisioner.lock.resolve import LockedTarget
from provisioner.lock.update import LockUpdate


def describe(update: LockUpdate) -> str:
    """What was written and what changed, for a terminal."""
    lines = [f"Wrote {os.path.relpath(update.path)}."]
    for made in update.made:
        lines += describe_target(update.before.find(made.target.name), made)
    lines += [
        f"! {name}: made for an older version of the file. Lock it on such a machine, or drop it: "
        f"{update.command} --drop {name}"
        for name in update.stale
    ]
    return "\n".join(lines)


def describe_target(before: Target | None, made: LockedTarget) -> Iterator[str]:
    """What a target has, what changed in it, and its warnings."""
    after = made.target
    counts = ", ".join(
        f"{len(found.entries)} {kind}" for kind, found in after.contents.items() if found.entries
    )
    state = " (unchanged)" if before == after else ""
    yield f"{after.name}: {counts or 'nothing'} on top of the base{state}"
    changes = list(differences(before.entries, after.entries)) if before else []
    width = max((len(address) for _, address, _ in changes), default=0)
    yield from (f"  {sign} {address:{width}}  {what}" for sign, address, what in changes)
    for address in after.unlocked:
        yield f"  ! {address}  not locked: it can only be determined on the machine itself"
    for address, entry in after.entries.items():
        if entry.built:
            yield f"  ! {address}  built from source when it is installed"
    yield from (f"  ! {caution}" for caution in made.cautions)


def differences(
    old: Mapping[str, LockedEntry], new: Mapping[str, LockedEntry]
) -> Iterator[tuple[str, str, str]]:
    """(sign, address, what happened) for all that differs."""
    for address in sorted(old.keys() | new.keys()):
        was, now = old.get(address), new.get(address)
        if was == now:
            continue
        if was and now and was.version == now.version:
            yield "~", address, f"{now.version}, with other files than before"
        else:
            sign = "+" if was is None else "-" if now is None else "~"
            yield sign, address, " -> ".join(each.version for each in (was, now) if each)
