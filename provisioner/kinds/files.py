"""Files with a content, copies of local files, folders, and links."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from provisioner.kinds.base import ABSENT, Kind
from provisioner.kinds.shared.fields import Mode, Section, SpecPath, as_written
from provisioner.machine.reader import Reader, Stat
from provisioner.model.effects import Chmod, Copy, Effect, Link, Mkdir, Write
from provisioner.model.plan import Action, Change, Named, Step

LITTLE = 1 << 20
"""Bytes of a file that is read even if its size already shows that it is not right."""


class File(Section):
    """One thing that is at `path`."""

    path: SpecPath = Field(description="Where it is.", examples=["~/.config/tool.toml"])
    content: str | None = Field(None, description="The text of the file.")
    source: SpecPath | None = Field(None, description="A local file to copy, with its mode.")
    link: SpecPath | None = Field(None, description="What a symbolic link at `path` points to.")
    folder: Literal[True] | None = Field(None, description="Make a folder.")
    mode: Mode | None = Field(None, description="Permission bits in octal, quoted.", examples=["0600"])

    @model_validator(mode="after")
    def is_one_thing(self) -> File:
        given = [self.content is not None, self.source is not None, self.link is not None, bool(self.folder)]
        if sum(given) != 1:
            raise ValueError("needs exactly one of content, source, link, or folder: true")
        if self.link is not None and self.mode is not None:
            raise ValueError("is a link, and a link has no mode")
        return self


def check_paths(files: tuple[File, ...]) -> tuple[File, ...]:
    seen: set[str] = set()
    for file in files:
        if file.path in seen:
            raise ValueError(f"names {file.path} twice")
        seen.add(file.path)
    return files


@dataclass(frozen=True)
class FileFacts:
    """What is at the path of one entry, and at its source."""

    name: str
    """The path in its shortest form."""
    stat: Stat | None
    digest: str | None
    """sha256 of a file that may be right, or is no larger than LITTLE."""
    source: Stat | None
    source_digest: str | None
    obstacle: str | None
    """A file where a folder above the path should be."""


FilesFacts = tuple[FileFacts, ...]


def observe(config: tuple[File, ...], reader: Reader) -> FilesFacts:
    return tuple(look(file, reader) for file in config)


def look(file: File, reader: Reader) -> FileFacts:
    stat = reader.stat(file.path)
    source = reader.stat(file.source) if file.source else None
    size = source.size if source else len((file.content or "").encode())
    comparable = stat is not None and stat.type == "file" and stat.size == size and not file.link
    return FileFacts(
        name=shorten(file.path, reader),
        stat=stat,
        digest=reader.hash(file.path) if comparable or is_little(stat) else None,
        source=source,
        source_digest=reader.hash(file.source) if file.source and comparable else None,
        obstacle=None if stat else find_obstacle(file.path, reader),
    )


def is_little(stat: Stat | None) -> bool:
    return stat is not None and stat.type == "file" and stat.size <= LITTLE


def shorten(path: str, reader: Reader) -> str:
    """Relative to the spec where it is below it, with ~ in the home folder, else as it is."""
    for folder, prefix in ((reader.context.folder, ""), (reader.context.home, "~/")):
        below = folder.rstrip("/") + "/"
        if path.startswith(below) and below != "/":
            return prefix + path.removeprefix(below)
    return path


def find_obstacle(path: str, reader: Reader) -> str | None:
    """The nearest existing parent of an absent path, if it is not a folder."""
    while (path := posixpath.dirname(path)) != "/":
        if found := reader.stat(path):
            return path if found.type in ("file", "other") else None
    return None


def plan(config: tuple[File, ...], facts: FilesFacts) -> Iterator[Step]:
    for file, found in zip(config, facts, strict=True):
        change = compare(file, found)
        idle = change.action in (Action.KEEP, Action.BLOCKED)
        yield Step(
            id=change.address,
            changes=(change,),
            effects=() if idle else (effect(file, found),),
            lane="files",  # in the order of the file: a link may lead to where the next entry goes
        )


def compare(file: File, found: FileFacts) -> Change:
    address = f"files.{found.name}"
    after = describe(kind_of(file), wanted_mode(file, found), file.link)
    stat = found.stat
    if reason := why_blocked(file, found):
        before = describe(stat.type, None, stat.link) if stat else None
        return Change(address, Action.BLOCKED, before, after, reason)
    if stat is None:
        return Change(address, Action.CREATE, None, after)
    before = describe(stat.type, stat.mode if wanted_mode(file, found) is not None else None, stat.link)
    if differences := differ(file, found, stat):
        return Change(address, Action.UPDATE, before, after, ", ".join(differences))
    return Change(address, Action.KEEP, after)


def why_blocked(file: File, found: FileFacts) -> str:
    """Why the entry cannot be made here, and how to fix it; empty when it can."""
    if file.source and (found.source is None or found.source.type != "file"):
        what = "does not exist" if found.source is None else f"is a {found.source.type} and not a file"
        return f"{file.source} {what}; correct `source`, or use `link`, which needs no target yet"
    if found.obstacle:
        return f"{found.obstacle} exists and is not a folder; move it away, or choose another path"
    replaceable = {"file": ("file", "link"), "link": ("link",), "folder": ("folder",)}[kind_of(file)]
    if found.stat and found.stat.type not in replaceable:
        other = "something else" if found.stat.type == "other" else f"a {found.stat.type}"
        return f"there is {other} at {file.path}; move it away, or choose another path"
    return ""


def kind_of(file: File) -> str:
    if file.link:
        return "link"
    return "folder" if file.folder else "file"


def wanted_mode(file: File, found: FileFacts) -> int | None:
    """The permission bits to have; None leaves them alone."""
    if file.mode is not None:
        return int(file.mode, 8)
    return found.source.mode if found.source else None


def describe(kind: str, mode: int | None, link: str | None) -> str:
    """An entry as a plan shows it."""
    if link is not None:
        return f"link to {link}"
    return kind if mode is None else f"{kind} {mode:04o}"


def differ(file: File, found: FileFacts, stat: Stat) -> list[str]:
    """How what is there differs from the entry, as text."""
    if file.link:
        return [] if stat.link == file.link else ["points elsewhere"]
    if stat.type == "link":
        return ["the link is replaced by a file; what it points to stays as it is"]
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


def makes(config: tuple[File, ...]) -> Iterator[str]:
    """Folders are left out: others put things into them."""
    yield from (file.path for file in config if not file.folder)


def named(config: tuple[File, ...], facts: FilesFacts) -> Iterator[Named]:
    """What is at each path: the content's sha256, where a link leads, and the mode where one is asked for."""
    for file, found in zip(config, facts, strict=True):
        yield f"files.{as_written(file.path)}", identity(file, found, found.stat) if found.stat else ABSENT


def identity(file: File, found: FileFacts, stat: Stat) -> str | None:
    """What is there; None for other contents that are too large to read just for this."""
    if stat.type == "file" and found.digest is None:
        return None
    if stat.link is not None:
        right = file.link is not None and stat.link == file.link
        return f"link to {as_written(file.link) if file.link and right else stat.link}"
    mode = f", mode {stat.mode:04o}" if wanted_mode(file, found) is not None else ""
    return (f"sha256 {found.digest}" if found.digest else stat.type) + mode


KIND = Kind(
    name="files",
    config=Annotated[
        tuple[File, ...],
        AfterValidator(check_paths),
        Field(description="Files with a content, copies of local files, folders, and links."),
    ],
    observe=observe,
    plan=plan,
    named=named,
    makes=makes,
)
