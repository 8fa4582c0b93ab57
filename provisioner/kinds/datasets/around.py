"""What is already where a dataset goes, when it came with an archive or a clone that the spec has around it.

The innermost entry that names a path owns it, so that such files may be replaced; what people put there may
not.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Iterator

from provisioner.facts.paths import as_stored, follow
from provisioner.kinds.shared.fields import is_at_or_below
from provisioner.machine.download import receipt as receipts
from provisioner.machine.download.receipt import Others
from provisioner.machine.reader import Reader

LARGEST = 1 << 20
"""Bytes of a clone's file that is read just to plan."""

Brought = Callable[[str], bool]
"""Whether the file or link at a path came with an entry, and nobody has changed it."""


def came_with(to: str, path: str, others: Others, reader: Reader) -> str:
    """The nearest place around `to` with which all came that is at `path`; "" where people put any of it.

    `to` is what the spec says, and `path` where that leads. What `others` own is no matter.
    """
    found = tuple(files_at(path, "", others, reader))
    around = sorted((each for each in reader.context.made if is_below(to, each)), key=len, reverse=True)
    return next((each for each in around if found and all(map(brought_by(each, path, reader), found))), "")


def is_below(path: str, folder: str) -> bool:
    return path.rstrip("/") != folder and is_at_or_below(path, folder)


def files_at(path: str, name: str, others: Others, reader: Reader) -> Iterator[str]:
    """The paths of all files and links; `name` is what the first has below the dataset's folder."""
    stat = reader.stat(path)
    if stat is None or (name and others.own(name)):
        return
    if stat.type != "folder":
        yield path
        return
    for each in reader.list(path) or ():
        yield from files_at(posixpath.join(path, each), posixpath.join(name, each), others, reader)


def brought_by(place: str, path: str, reader: Reader) -> Brought:
    """Tells what came with the entry that makes a place around a dataset."""
    folder = follow(as_stored(place, reader), reader)
    if folder is None or not is_below(path, folder):
        return nothing
    receipt = receipts.load(reader.read(receipts.inside(folder)))
    if receipt:
        return unpacked(receipt, folder, path, reader)
    index = reader.read(posixpath.join(folder, ".git/index"))
    return checked_out(index, reader) if index else nothing


def nothing(path: str) -> bool:
    """Of a place that cannot tell what came with it."""
    return False


def unpacked(receipt: receipts.Receipt, folder: str, path: str, reader: Reader) -> Brought:
    """By the receipt of an archive."""
    try:
        listed = {posixpath.join(folder, entry[0]): entry for entry in receipt.entries()}
    except ValueError:
        return nothing
    known = {each: entry for each, entry in listed.items() if is_at_or_below(each, path)}
    deep = reader.context.deep

    def is_known(file: str) -> bool:
        found = reader.stat(file)
        return file in known and receipts.is_unchanged(known[file], found, file, reader, deep=deep)

    return is_known


def checked_out(index: bytes, reader: Reader) -> Brought:
    """By the index of a clone: git has whatever is in that, so that nothing is lost.

    It holds the sha1 of every file's blob: gitformat-index(5).
    """

    def is_in_it(file: str) -> bool:
        stat = reader.stat(file)
        if stat is None or stat.size > LARGEST:
            return False
        data = stat.link.encode() if stat.link is not None else reader.read(file)
        return data is not None and blob_of(data) in index

    return is_in_it


def blob_of(data: bytes) -> bytes:
    """The sha1 by which git knows a file's content."""
    return hashlib.sha1(b"blob %d\0%s" % (len(data), data), usedforsecurity=False).digest()
