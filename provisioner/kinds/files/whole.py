"""What is made whole: files with a content, copies of local files, folders, and links."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from provisioner.kinds.files.facts import FileFacts
from provisioner.kinds.files.judgements import (
    IN_THE_WAY,
    Judgement,
    blocked,
    describe,
    obstacle_above,
    something,
    wrong_mode,
)
from provisioner.kinds.files.section import File
from provisioner.machine.reader import Stat
from provisioner.model.effects import Chmod, Copy, Effect, Link, Mkdir, Write
from provisioner.model.plan import Action


def judge(file: File, found: FileFacts) -> Judgement:
    after = describe(kind_of(file), wanted_mode(file, found), file.link)
    stat = found.stat
    if reason := why_blocked(file, found):
        return blocked(found, after, reason)
    if stat is None:
        return with_modes_inside(
            Judgement(Action.CREATE, None, after, effects=(effect(file, found),)), file, found
        )
    before = describe(stat.type, stat.mode if wanted_mode(file, found) is not None else None, stat.link)
    if differences := differ(file, found, stat):
        judgement = Judgement(Action.UPDATE, before, after, ", ".join(differences), (effect(file, found),))
        return with_modes_inside(judgement, file, found)
    return Judgement(Action.KEEP, after)


def with_modes_inside(judgement: Judgement, file: File, found: FileFacts) -> Judgement:
    """A folder that gets a mode may give it to everything in it."""
    if not file.recurse or file.bits is None or found.modes is None:
        return judgement
    chmod = Chmod(path=file.path, mode=file.bits, tree=True, keep=found.modes.keep)
    made = () if found.stat else (Mkdir(path=file.path),)
    return replace(judgement, effects=(*made, chmod))


def why_blocked(file: File, found: FileFacts) -> str:
    """Why the entry cannot be made here, and how to fix it; empty when it can."""
    if file.source and (found.source is None or found.source.type != "file"):
        none = f"does not exist{found.like_source}"
        what = none if found.source is None else f"is a {found.source.type} and not a file"
        instead = "use `copy`" if found.source else "use `link`, which needs no target yet"
        return f"{file.source} {what}; correct `source`, or {instead}"
    if reason := obstacle_above(found):
        return reason
    replaceable = {"file": ("file", "link"), "link": ("link",), "folder": ("folder",)}[kind_of(file)]
    if found.stat and found.stat.type not in replaceable:
        return f"there is {something(found.stat)} at {file.path}; {IN_THE_WAY}"
    return ""


def kind_of(file: File) -> str:
    if file.link:
        return "link"
    return "folder" if file.folder else "file"


def wanted_mode(file: File, found: FileFacts) -> int | None:
    """The permission bits to have; None leaves them alone."""
    if file.bits is not None:
        return file.bits
    return found.source.mode if found.source else None


def differ(file: File, found: FileFacts, stat: Stat) -> list[str]:
    """How what is there differs from the entry, as text."""
    if file.link:
        return [] if stat.link == file.link else ["points elsewhere"]
    if stat.type == "link":
        return ["the link is replaced by a file; what it points to stays as it is"]
    if file.recurse:
        return [wrong] if (wrong := wrong_mode(file, found)) else []
    mode = wanted_mode(file, found)
    return [
        *(["content differs"] if not file.folder and not same_content(file, found) else []),
        *([f"mode {stat.mode:04o} -> {mode:04o}"] if mode not in (None, stat.mode) else []),
    ]


def same_content(file: File, found: FileFacts) -> bool:
    if file.source:
        return found.digest is not None and found.digest == found.source_digest
    return found.digest == hashlib.sha256((file.content or "").encode()).hexdigest()


def effect(file: File, found: FileFacts) -> Effect:
    """The one effect that makes the entry right."""
    mode = wanted_mode(file, found)
    if file.link:
        return Link(path=file.path, target=file.link)
    if file.folder:
        return Mkdir(path=file.path, mode=mode)
    if mode is not None and found.stat and found.stat.type == "file" and same_content(file, found):
        return Chmod(path=file.path, mode=mode)
    if file.source:
        return Copy(source=file.source, path=file.path, mode=mode)
    return Write(path=file.path, text=file.content or "", mode=mode)
