"""A record of what was written to disk, beside it, so that a later run can check it without reading it.

A receipt is a text of JSON lines: `[path, size, mtime_ns, mark]` for each file, by its path below the folder
that holds the receipt, then one object for the whole. The mark is a sha256, or `-> target` for a symbolic
link. The object comes last and counts the lines, so that a truncated receipt is never taken for a complete
one.

The times in it are even whole seconds: every file system keeps those exactly, also FAT and network drives.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from provisioner.machine.reader import Reader, Stat
from provisioner.model.names import composed

FORMAT = "provisioner.receipt/1"
SUFFIX = ".colabenv.jsonl"
BATCH = 500
"""Lines parsed at once: fast, and never all of them in memory."""

Entry = tuple[str, int, int, str]
SHAPE = (str, int, int, str)


@dataclass(frozen=True)
class Receipt:
    """Where files came from: `url` as it may be shown, the sha256 and size of what was downloaded."""

    url: str
    sha256: str
    size: int
    strip: int = 0
    files: int = 0
    lines: tuple[bytes, ...] = ()
    bytes: int = 0

    def entries(self) -> Iterator[Entry]:
        """Every file; raises ValueError for a line that is not one of ours."""
        for start in range(0, len(self.lines), BATCH):
            for entry in json.loads(b"[%s]" % b",".join(self.lines[start : start + BATCH])):
                if not isinstance(entry, list) or tuple(map(type, entry)) != SHAPE:
                    raise ValueError("not an entry of a receipt")
                yield entry[0], entry[1], entry[2], entry[3]


@dataclass(frozen=True)
class Damage:
    """What differs from a receipt: how many files, and the first of them."""

    count: int = 0
    path: str = ""
    size: int = 0
    """What the first one should have, in bytes."""
    found: int | None = None
    """What it has; None when it is missing."""


@dataclass(frozen=True)
class Others:
    """What others have to do with the files of a receipt, by the same relative names.

    Names are compared as people read them: an archive may have another form of one than a spec.
    """

    made: tuple[str, ...] = ()
    """Files and folders that are theirs."""
    edited: frozenset[str] = frozenset()
    """Files that they change, and folders in which they do; "" for all of it."""
    removed: frozenset[str] = frozenset()
    """Files that they take away."""

    def own(self, name: str) -> bool:
        """Whether a file is theirs, or is the receipt of one."""
        folder, slash, base = name.rpartition("/")
        described = base[1 : -len(SUFFIX)] if base.endswith(SUFFIX) else ""
        return is_within(f"{folder}{slash}{described}" if described else name, self.made)

    def edit(self, name: str) -> bool:
        return "" in self.edited or is_within(name, self.edited)

    def remove(self, name: str) -> bool:
        return is_within(name, self.removed)


def is_within(name: str, paths: Iterable[str]) -> bool:
    read = composed(name)
    return any(read == path or read.startswith(path + "/") for path in map(composed, paths))


NO_OTHERS = Others()


def beside(path: str) -> str:
    """The receipt of a single file, hidden beside it."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/.{name}{SUFFIX}"


def inside(folder: str) -> str:
    """The receipt of an unpacked folder, inside it."""
    return f"{folder}/{SUFFIX}"


def even_seconds(seconds: float) -> int:
    """A time that every file system can store, in nanoseconds; from 1970 to 2100."""
    return int(min(max(seconds, 0), 4_102_444_800)) // 2 * 2 * 10**9


def dump(receipt: Receipt, entries: Iterable[Entry]) -> str:
    """The text of a receipt; it counts `entries` itself."""
    lines, total = [], 0
    for entry in entries:
        lines.append(json.dumps(entry, separators=(",", ":")))
        total += entry[1]
    whole = {
        "format": FORMAT,
        "url": receipt.url,
        "sha256": receipt.sha256,
        "size": receipt.size,
        "strip": receipt.strip,
        "files": len(lines),
        "bytes": total,
    }
    return "\n".join([*lines, json.dumps(whole), ""])


def write(path: str, receipt: Receipt, entries: Iterable[Entry]) -> None:
    """Write the receipt at `path`, atomically. What an interruption leaves is overwritten next time."""
    part = Path(path + ".part")
    with part.open("w") as file:
        file.write(dump(receipt, entries))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def load(data: bytes | None) -> Receipt | None:
    """The receipt in `data`; None when there is none, or it is incomplete."""
    *lines, last = (data or b"").rstrip().split(b"\n")
    try:
        whole = json.loads(last)
        if whole.pop("format") != FORMAT or whole["files"] != len(lines):
            return None
        return Receipt(**whole, lines=tuple(lines))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def damage(receipt: Receipt, path: str, reader: Reader, *, deep: bool, others: Others = NO_OTHERS) -> Damage:
    """Compare what is there with the receipt at `path`.

    Sizes and times decide. A file whose time alone differs (a copy, a `touch`) is read; when `deep`, all are.
    What `others` made or removed is theirs, and what they edited only has to be there.

    Raises ValueError for a damaged receipt.
    """
    folder = path.rpartition("/")[0]
    count, first = 0, Damage()
    for entry in receipt.entries():
        name, size, *_ = entry
        if others.own(name):
            continue
        file = f"{folder}/{name}"
        found = reader.stat(file)
        if others.edit(name) if found else others.remove(name):
            continue
        if not is_unchanged(entry, found, file, reader, deep=deep):
            first = first if count else Damage(1, name, size, found.size if found else None)
            count += 1
    return Damage(count, first.path, first.size, first.found)


def is_unchanged(entry: Entry, found: Stat | None, path: str, reader: Reader, *, deep: bool) -> bool:
    """Whether a file is as its receipt says. It is read if only its time differs, or if `deep`."""
    _, size, mtime, mark = entry
    if found is None:
        return False
    if found.type == "link":
        return mark == f"-> {found.link}"
    same_time = found.mtime_ns == mtime and not deep
    return (found.type, found.size) == ("file", size) and (same_time or reader.hash(path) == mark)
