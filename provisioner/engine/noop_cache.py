"""A no-op in milliseconds: while nothing that an apply looked at has changed, its report is valid.

Observing goes through a Reader and nothing else, so a Reader that notes what it is asked
(`machine/traced.py`) knows all that its report depends on. When everything was right, those notes are kept.
The next apply of the same file looks at the same places, as a build tool looks at its inputs, and when each
still has the signature it had, there is nothing to observe, plan or check: not even pydantic needs to be
imported.

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
"""More notes than this are not kept: reading them would take longer than observing."""

TIMESTAMP_RESOLUTION = 0.05
"""Seconds: what changed just before it was looked at may change again under the same time stamp."""


def identity(
    spec: str, only: tuple[str, ...] = (), skip: tuple[str, ...] = (), locked: bool = False
) -> list[object]:
    """The key of a cached report: the same request, user and interpreter."""
    home = os.environ.get("HOME")
    return [os.path.abspath(spec), list(only), list(skip), locked, os.geteuid(), home, sys.version, sys.path]


def place(state: str, spec: str) -> str:
    """The file with the latest no-op report of a spec."""
    return os.path.join(state, "noop", f"{zlib.crc32(os.path.abspath(spec).encode()):08x}.json")


def look_up(
    spec: str, only: tuple[str, ...] = (), skip: tuple[str, ...] = (), locked: bool = False
) -> str | None:
    """The text of the last no-op report, if nothing that it depends on has changed; else None."""
    state = state_folder(os.environ)
    try:
        with open(place(state, spec), encoding="utf-8") as file:
            kept = json.load(file)
        interrupted = os.path.getsize(os.path.join(state, "journal.jsonl")) > 0
        if interrupted or kept["identity"] != identity(spec, only, skip, locked):
            return None
        if all(SIGNS[how](what) == sign for how, what, sign in kept["notes"]):
            return str(kept["report"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def keep(spec: str, asked: list[object], notes: Mapping[Note, object], report: str, began: float) -> None:
    """Keep the text of a no-op report, with the signatures of all it depends on, noted since `began` (epoch).

    `asked` is its identity. Nothing is kept when a change after the look could go unnoticed.
    """
    certain = (began - TIMESTAMP_RESOLUTION) * 1e9
    times = [sign[3:] for (how, _), sign in notes.items() if how in ("at", "of") and isinstance(sign, list)]
    if len(notes) > MOST_NOTES or any(max(changed) > certain for changed in times):
        return
    path = place(state_folder(os.environ), spec)
    document = {
        "identity": asked,
        "report": report,
        "notes": [[how, what, sign] for (how, what), sign in notes.items()],
    }
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = f"{path}.{os.getpid()}"
    with open(
        os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as file:
        json.dump(document, file)
    os.replace(temporary, path)
