"""A no-op in milliseconds: while nothing that an apply looked at has changed, its conclusion stands.

Observing goes through a Reader and nothing else, so a Reader that notes what it is asked
(`machine/traced.py`) knows all that a conclusion rests on. When everything was right, those notes are kept.
The next apply of the same file looks at the same places, as a build tool looks at its inputs, and when each
still has the signature it had, there is nothing to observe, to plan or to prove: not even pydantic needs to
be imported.

Only the standard library, and little of it: this is what a no-op pays for.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from collections.abc import Mapping

from provisioner.machine.signatures import SIGNS, Note, state_folder

MOST_NOTES = 20_000
"""A conclusion that rests on more is not kept: reading the notes would cost more than observing."""

SETTLED = 0.05
"""Seconds: what changed just before it was looked at may change again under the same time stamp."""


def identity(
    spec: str, only: tuple[str, ...] = (), skip: tuple[str, ...] = (), locked: bool = False
) -> list[object]:
    """Who asks for what: a conclusion is for the same question in the same interpreter only."""
    home = os.environ.get("HOME")
    return [os.path.abspath(spec), list(only), list(skip), locked, os.geteuid(), home, sys.version, sys.path]


def place(state: str, spec: str) -> str:
    """The file that holds the latest conclusion about a spec."""
    return os.path.join(state, "noop", f"{zlib.crc32(os.path.abspath(spec).encode()):08x}.json")


def look_up(
    spec: str, only: tuple[str, ...] = (), skip: tuple[str, ...] = (), locked: bool = False
) -> str | None:
    """What the last apply concluded, if all that it rests on stands; None when we have to look."""
    state = state_folder(os.environ)
    try:
        with open(place(state, spec), encoding="utf-8") as file:
            kept = json.load(file)
        interrupted = os.path.getsize(os.path.join(state, "journal.jsonl")) > 0
        if interrupted or kept["identity"] != identity(spec, only, skip, locked):
            return None
        if all(SIGNS[how](what) == sign for how, what, sign in kept["notes"]):
            return str(kept["conclusion"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def keep(spec: str, asked: list[object], notes: Mapping[Note, object], conclusion: str, began: float) -> None:
    """Keep what an apply concluded, with the signatures of all it rests on, noted since `began` (epoch).

    `asked` is its identity. Nothing is kept when it could not be told whether something changes after it
    was looked at.
    """
    settled = (began - SETTLED) * 1e9
    times = [sign[3:] for (how, _), sign in notes.items() if how in ("at", "of") and isinstance(sign, list)]
    if len(notes) > MOST_NOTES or any(max(changed) > settled for changed in times):
        return
    path = place(state_folder(os.environ), spec)
    document = {
        "identity": asked,
        "conclusion": conclusion,
        "notes": [[how, what, sign] for (how, what), sign in notes.items()],
    }
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = f"{path}.{os.getpid()}"
    with open(
        os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as file:
        json.dump(document, file)
    os.replace(temporary, path)
