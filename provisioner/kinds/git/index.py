"""git's index, which lists the files that are checked out, as far as it is needed here.

Source: gitformat-index(5), versions 2 to 4 with sha1.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

HEADER = struct.Struct(">4sLL")
MODE, SIZE, FLAGS = 24, 36, 60
"""Where these are in an entry."""
FIXED = 62
"""Bytes before what may follow the flags."""

EXTENDED = 0x4000
SKIPPED = 0x4000
"""In the second pair of flags: the file is not to be checked out."""

TYPE, GITLINK = 0o170000, 0o160000
SPLIT = b"link"
"""The extension that says that more is in another file."""


@dataclass(frozen=True)
class IndexEntry:
    """A file, or a submodule with its commit in hexadecimal; the size is what was checked out, in bytes."""

    path: str
    size: int
    commit: str = ""
    """"" for a file."""


def parse(data: bytes) -> tuple[IndexEntry, ...] | None:
    """What is checked out; None for an index in a form that is not read here."""
    try:
        magic, version, count = HEADER.unpack_from(data)
        if magic != b"DIRC" or version not in (2, 3, 4):
            return None
        found, end = entries(data, version, count)
    except (struct.error, IndexError, ValueError):
        return None
    return None if data[end : end + len(SPLIT)] == SPLIT else tuple(found)


def entries(data: bytes, version: int, count: int) -> tuple[list[IndexEntry], int]:
    """Every entry that is checked out, and where the extensions begin."""
    found: list[IndexEntry] = []
    at, path = HEADER.size, b""
    for _ in range(count):
        mode, size, flags = (
            struct.unpack_from(form, data, at + place)[0]
            for form, place in ((">L", MODE), (">L", SIZE), (">H", FLAGS))
        )
        name, skipped = at + FIXED, False
        if flags & EXTENDED:
            skipped = bool(struct.unpack_from(">H", data, name)[0] & SKIPPED)
            name += 2
        cut = 0
        if version == 4:
            cut, name = read_number(data, name)
        end = data.index(b"\0", name)
        path = (path[: len(path) - cut] if version == 4 else b"") + data[name:end]
        commit = data[at + FLAGS - 20 : at + FLAGS].hex() if mode & TYPE == GITLINK else ""
        at = end + 1 if version == 4 else at + (end - at + 8) // 8 * 8
        if not skipped:
            found.append(IndexEntry(path.decode(errors="surrogateescape"), size, commit))
    return found, at


def read_number(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable length, and where the next thing begins."""
    number = data[at] & 0x7F
    while data[at] & 0x80:
        at += 1
        number = ((number + 1) << 7) + (data[at] & 0x7F)
    return number, at + 1
