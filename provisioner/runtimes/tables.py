"""The tables beside this file: one row for each image, and one for each name that any image has.

Text that git can diff. Versions mostly stay from one image to the next, so a cell says only what changed:

    name     2026.04-cpu  2026.07-cpu  2026.08-cpu
    numpy    2.0.2        .            2.1.3          the same in 2026.07 as before
    yfinance 0.2.66                                   a row that ends early stays as it was
    keyring  -            25.1         -              - means absent
    gateway  ?                                        ? for present, but in a version that pip does not say

`scripts/runtimes.py` writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

ABSENT, SAME, UNKNOWN, COMMENT = "-", ".", "?", "#"


def cells(text: str) -> Iterator[list[str]]:
    """The rows of a table, its heading first, without comments."""
    return (line.split("\t") for line in text.splitlines() if not line.startswith(COMMENT))


@cache
def rows(file: str) -> tuple[list[str], ...]:
    """The rows of a table of this package."""
    return tuple(cells(Path(__file__).with_name(file).read_text(encoding="utf-8")))


def column(table: Iterable[list[str]], heading: str) -> dict[str, str | None]:
    """What a table says in the column with that heading: versions, or None where the version is not known."""
    entries = iter(table)
    at = next(entries).index(heading)
    entries_at = ((name, last(versions[:at])) for name, *versions in entries)
    return {
        name: None if version == UNKNOWN else version for name, version in entries_at if version != ABSENT
    }


def last(versions: Iterable[str]) -> str:
    """The last version that was written, or absent before any was."""
    return next((version for version in reversed([*versions]) if version != SAME), ABSENT)


def row(name: str, versions: Iterable[str]) -> list[str]:
    """A row that says what changed from one image to the next, and ends with the last change."""
    written: list[str] = []
    before = ""
    for version in versions:
        written.append(SAME if version == before else version)
        before = version
    while written[-1] == SAME:
        written.pop()
    return [name, *written]


def lists(holding: Mapping[str, Mapping[str, str | None]]) -> list[list[str]]:
    """The table of what each image has: by heading, what `column` would find below it."""
    names = sorted(
        {name for versions in holding.values() for name in versions}, key=lambda name: (name.lower(), name)
    )
    return [
        ["name", *holding],
        *(
            row(name, [versions.get(name, ABSENT) or UNKNOWN for versions in holding.values()])
            for name in names
        ),
    ]
