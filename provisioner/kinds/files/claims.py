"""What an entry makes and needs, for the order of a file's entries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from provisioner.kinds.base import Entry
from provisioner.kinds.files.section import File
from provisioner.kinds.shared.fields import as_written
from provisioner.model.effects import Chmod, Edit, FileChange, SetKeys

ABOUT = {
    "edit": "whether it is edited",
    "set": "whether its keys are set",
    "patch": "whether it is patched",
    "mode": "what mode it has",
    "absent": "whether it is there",
}
"""What is unknown of a change until its file can be seen."""


def claims(file: File, entry: Entry) -> Entry:
    """The entry with its claims.

    Folders make nothing of their own: others put things into them. What is removed or moved away is claimed
    as if it were made: nobody else makes it, and whoever made what is around it does not miss it.
    """
    match file.form:
        case "source" | "copy":
            origin = file.source or file.original or ""
            about = f"what {as_written(origin)} holds"
            return replace(entry, makes=(file.path,), reads=(origin,), about=about)
        case "folder":
            return replace(entry, ensures=(file.path,), uses=(file.path,))
        case "link":
            return replace(entry, makes=(file.path,), mentions=(file.link or "",))
        case "move":
            source = file.move or ""
            about = f"whether {as_written(source)} is there to be moved"
            return replace(entry, makes=(file.path, source), reads=(source,), about=about)
        case "absent":
            return replace(entry, makes=(file.path,), reads=(file.path,), about=ABOUT["absent"])
        case "edit" | "set" | "patch":
            about, changes = ABOUT[file.form], tuple(changes_of(file))
            return replace(entry, edits=(file.path,), reads=file.patches, changes=changes, about=about)
        case "mode":  # that is no change of what is in a file
            return replace(entry, reads=(file.path,), changes=tuple(changes_of(file)), about=ABOUT[file.form])
    return replace(entry, makes=(file.path,))


def changes_of(file: File) -> Iterator[FileChange]:
    """How an entry changes a file of others, in the order in which it does."""
    if file.patches:
        yield file.patching
    if file.edit:
        yield Edit(path=file.path, changes=tuple(each.change for each in file.edit))
    if file.keys:
        yield SetKeys(path=file.path, format=file.language, keys=file.settings)
    if file.bits is not None:
        yield Chmod(path=file.path, mode=file.bits, tree=bool(file.recurse))
