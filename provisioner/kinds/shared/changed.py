"""A file of others as the spec's own entries change it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import replace

from provisioner.facts.paths import as_stored
from provisioner.kinds.shared.fields import is_at_or_below
from provisioner.machine.edits import diffs, keys
from provisioner.machine.edits.diffs import Content, FileDiff
from provisioner.machine.edits.text import decoded, edited
from provisioner.machine.reader import Reader
from provisioner.model.effects import Chmod, Edit, FileChange, Patch, SetKeys

OWNER_MAY_RUN = 0o100


def content_at(path: str, reader: Reader) -> Content:
    """What is at a path, as a diff knows it."""
    data, stat = reader.read(path), reader.stat(path)
    return Content(data, data is not None and stat is not None and bool(stat.mode & OWNER_MAY_RUN))


def is_changed(path: str, reader: Reader) -> bool:
    """Whether the spec's entries may change a file."""
    return any(concerns(change, path) for change in reader.context.changes)


def concerns(change: FileChange, path: str) -> bool:
    wide = isinstance(change, Patch) or (isinstance(change, Chmod) and change.tree)
    return is_at_or_below(path, change.path) if wide else path == change.path


def as_changed(path: str, content: Content, reader: Reader) -> Content:
    """What all changes of the spec make of a file. Raises EffectError where one of them cannot be made."""
    for change in reader.context.changes:
        if concerns(change, path):
            content = with_change(path, content, change, reader)
    return content


def with_change(path: str, content: Content, change: FileChange, reader: Reader) -> Content:
    match change:
        case Chmod(mode=mode):
            return replace(content, executable=bool(mode & OWNER_MAY_RUN))
        case Patch():
            about = [diff for place, diff in diffs_of(change, reader) if path in (change.path, place)]
            return diffs.with_diffs(content, about, path)
        case Edit(changes=changes):
            text, _ = edited(decoded(content.data or b"", path), changes)
        case SetKeys(format=language, keys=wanted):
            text, _ = keys.with_keys(decoded(content.data or b"", path), language, wanted)
    return replace(content, data=text.encode())


def diffs_of(patch: Patch, reader: Reader) -> Iterator[tuple[str, FileDiff]]:
    """The diffs of a patch to a folder, each with the path of its file, as far as they can be read.

    Raises EffectError for one that is none.
    """
    for file in patch.patches:
        data = reader.read(as_stored(file, reader))
        for diff in diffs.parse(data, patch.strip, file) if data else ():
            yield posixpath.join(patch.path, diff.name), diff
