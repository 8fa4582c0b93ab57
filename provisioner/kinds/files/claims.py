"""What an entry makes and needs, for the order of a file's entries."""

from __future__ import annotations

from dataclasses import replace

from provisioner.kinds.base import Entry
from provisioner.kinds.files.section import File
from provisioner.kinds.shared.fields import as_written

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
            patches = (file.patching,) if file.patches else ()
            about = ABOUT[file.form]
            return replace(entry, edits=(file.path,), reads=file.patches, patches=patches, about=about)
        case "mode":  # that is no change of what is in a file
            return replace(entry, reads=(file.path,), about=ABOUT[file.form])
    return replace(entry, makes=(file.path,))
