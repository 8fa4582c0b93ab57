"""Files: with a content, copied, linked, edited, patched, moved, removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from provisioner.kinds.base import ABSENT, Entry, Kind
from provisioner.kinds.files import changes, places, whole
from provisioner.kinds.files.claims import claims
from provisioner.kinds.files.facts import FileFacts, FilesFacts, observe
from provisioner.kinds.files.judgements import Judgement
from provisioner.kinds.files.section import File, check_paths
from provisioner.kinds.shared.fields import as_written, is_at_or_below
from provisioner.machine.reader import Reader, Stat
from provisioner.model.plan import Action, Change, Named, Step

JUDGES: Mapping[str, Callable[[File, FileFacts], Judgement]] = {
    "content": whole.judge,
    "source": whole.judge,
    "link": whole.judge,
    "folder": whole.judge,
    "edit": changes.judge_edit,
    "set": changes.judge_set,
    "patch": changes.judge_patch,
    "copy": places.judge_copy,
    "move": places.judge_move,
    "absent": places.judge_absent,
    "mode": changes.judge_mode,
}

CHANGES = ("edit", "set", "patch", "mode")
"""What is done to files that others make, and is done or not."""

TREES = ("copy", "move")
"""What can be a folder whose contents count."""


def plan(config: tuple[File, ...], facts: FilesFacts) -> Iterator[Step]:
    for file, found in zip(config, facts, strict=True):
        judgement = judge(file, found)
        address = address_of(file)
        yield Step(
            id=address,
            changes=(Change(address, judgement.action, judgement.before, judgement.after, judgement.reason),),
            effects=judgement.effects,
            lane="files",  # in the order of the file: a link may lead to where the next entry goes
        )


def judge(file: File, found: FileFacts) -> Judgement:
    """What is to be done, by the names that things have here."""
    return JUDGES[file.form](file.model_copy(update=dict(found.names)), found)


def address_of(file: File) -> str:
    return f"files.{as_written(file.path)}"


def entries(config: tuple[File, ...], folder: str) -> Iterator[Entry]:
    for number, file in enumerate(config):
        yield claims(file, Entry(address=address_of(file), config=(file,), place=(number,)))


def named(config: tuple[File, ...], facts: FilesFacts) -> Iterator[Named]:
    """What is at each path: the content's sha256, where a link leads, and the mode where one is asked for."""
    for file, found in zip(config, facts, strict=True):
        yield address_of(file), identity(file, found)


def identity(file: File, found: FileFacts) -> str | None:
    if file.form in CHANGES:
        return "done" if judge(file, found).action is Action.KEEP else "not done"
    return ABSENT if found.stat is None else identity_of(file, found, found.stat)


def identity_of(file: File, found: FileFacts, stat: Stat) -> str | None:
    """What is there; None for other contents that are too large to read just for this."""
    if stat.type == "file" and found.digest is None:
        return None
    if stat.link is not None:
        right = file.link is not None and stat.link == found.names.get("link", file.link)
        return f"link to {as_written(file.link) if file.link and right else stat.link}"
    if stat.type == "folder" and file.form in TREES and found.digest is None:
        return None
    asked = file.bits is not None or (file.source and found.source)
    mode = f", mode {stat.mode:04o}" if asked else ""
    return (f"sha256 {found.digest}" if found.digest else stat.type) + mode


def preview(config: tuple[File, ...], pinning: object, reader: Reader, path: str) -> bytes | None:
    """What a file will hold that is written or copied."""
    for file in config:
        original = file.source or file.original
        if file.content is not None and path == file.path:
            return file.content.encode()
        if original and is_at_or_below(path, file.path):
            return reader.read(original + path.removeprefix(file.path))
    return None


KIND = Kind(
    name="files",
    config=Annotated[
        tuple[File, ...],
        AfterValidator(check_paths),
        Field(
            description="Files with a content, copies, folders and links; and files that are edited, "
            "patched, moved or removed."
        ),
    ],
    observe=observe,
    plan=plan,
    named=named,
    entries=entries,
    preview=preview,
)
