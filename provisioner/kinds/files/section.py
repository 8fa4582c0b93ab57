"""The section `files`: what is at each path, or what is changed there."""

from __future__ import annotations

import json
import posixpath
import re
from typing import Annotated, Literal

from pydantic import Field, JsonValue, ValidationInfo, model_validator

from provisioner.kinds.shared.fields import Mode, Section, SpecPath, Text, Whole, is_at_or_below
from provisioner.machine.edits.keys import FORMATS, refuse
from provisioner.machine.edits.values import Way, dotted
from provisioner.model.effects import Insertion, Patch, Replacement, SettingsFormat, TextChange
from provisioner.model.errors import EffectError

FORMS = ("content", "source", "link", "folder", "edit", "set", "patch", "copy", "move", "absent")
"""What an entry can be; `mode` alone is one more."""

LEAVES = ("content", "source", "edit", "set", "absent")
"""What nothing can lie below: files, and what is removed."""

RECURSIVE = ("folder", "patch", "copy", "move", "mode", "absent")
"""What a folder with all that is in it can be."""

SYSTEM = frozenset(
    f"/{name}"
    for name in (
        *("bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "media", "mnt", "opt"),
        *("proc", "root", "run", "sbin", "srv", "sys", "tmp", "usr", "var"),
    )
)
"""Folders of the system itself, which are never removed."""

PART = r"""(?:"[^"]+"|'[^']+'|[^."']+)"""
KEY = re.compile(rf"{PART}(?:\.{PART})*")

OneLine = Annotated[str, Field(min_length=1, pattern=r"^[^\r\n]*$")]


class TextEdit(Section):
    """Text to replace, or a line that must be there."""

    find: Text | None = Field(
        None, description="Text to replace, character by character.", examples=["old_name"]
    )
    replace: str | None = Field(None, description="What to put in its place.", examples=["new_name"])
    count: int = Field(1, strict=True, ge=1, description="How many times `find` must be there.")
    line: OneLine | None = Field(
        None,
        description="A line that must be there; where it is not, it is put at the end.",
        examples=["Option yes"],
    )
    after: OneLine | None = Field(None, description="The line to put `line` after, where that is missing.")

    @model_validator(mode="after")
    def is_one_change(self) -> TextEdit:
        if (self.find is None) == (self.line is None):
            raise ValueError("needs either find and replace, or line")
        if self.find is not None and self.replace is None:
            raise ValueError('has `find` without `replace`; write replace: "" to remove what is found')
        if self.line is not None and (self.replace is not None or self.count != 1):
            raise ValueError("has a line to add, and what to replace belongs into an edit of its own")
        if self.after is not None and self.line is None:
            raise ValueError("has `after`, which is for `line`")
        if self.find is not None and self.find == self.replace:
            raise ValueError("replaces text by itself")
        if self.line is not None and self.line == self.after:
            raise ValueError("puts a line after itself")
        return self

    @property
    def change(self) -> TextChange:
        if self.line is not None:
            return Insertion(line=self.line, after=self.after)
        return Replacement(find=self.find or "", replace=self.replace or "", count=self.count)


class File(Section):
    """One thing that is at `path`, or one change of what is there."""

    path: SpecPath = Field(description="Where it is.", examples=["~/.config/tool.toml"])
    content: str | None = Field(None, description="The text of the file.")
    source: SpecPath | None = Field(None, description="A local file to copy, with its mode.")
    link: SpecPath | None = Field(None, description="What a symbolic link at `path` points to.")
    folder: Literal[True] | None = Field(None, description="Make a folder.")
    edit: tuple[TextEdit, ...] | None = Field(
        None,
        min_length=1,
        description="Changes to a text file, made in this order; what is done already is left alone.",
        examples=[[{"find": "old_name", "replace": "new_name"}]],
    )
    keys: dict[str, JsonValue] | None = Field(
        None,
        alias="set",
        min_length=1,
        description="Keys to set in a file of settings, and their values; the rest of it stays as it is, "
        "comments too. A dot leads into a mapping or a list; a part that has dots itself is quoted.",
        examples=[{"data.root": "/content/drive/MyDrive/Data"}],
    )
    format: SettingsFormat | None = Field(
        None, description="The format of the file for `set`, where its name does not say it."
    )
    patch: SpecPath | tuple[SpecPath, ...] | None = Field(
        None,
        description="Unified diffs to apply to the file, or to the folder whose files they name.",
        examples=["fix.patch"],
    )
    strip: Whole | None = Field(
        None, description="Leading folders to drop from the names in `patch`; 1 where nothing is said."
    )
    original: SpecPath | None = Field(
        None,
        alias="copy",
        description="A file or a folder to copy with all that is in it. What differs later is copied again; "
        "what was changed here is never overwritten.",
        examples=["/content/drive/MyDrive/ckpt"],
    )
    move: SpecPath | None = Field(None, description="A file or a folder to move here.", examples=["old"])
    absent: Literal[True] | None = Field(None, description="Remove what is there; a folder with all in it.")
    mode: Mode | None = Field(None, description="Permission bits in octal, quoted.", examples=["0600"])
    recurse: Literal[True] | None = Field(
        None,
        description="With `mode`: everything in the folder has it, and folders get an x for each r; what "
        "other entries make there keeps its own. With `absent`: wherever a folder is that is not empty.",
    )

    @model_validator(mode="after")
    def is_one_thing(self, info: ValidationInfo) -> File:
        given = [name for name in FORMS if self.given(name) is not None]
        if len(given) > 1 or not (given or self.mode):
            raise ValueError(
                "needs exactly one of content, source, link, folder: true, edit, set, patch, copy, move, "
                "or absent: true; `mode` may also be alone"
            )
        if self.link is not None and self.mode is not None:
            raise ValueError("is a link, and a link has no mode")
        if self.absent and self.mode is not None:
            raise ValueError("is absent, and what is absent has no mode")
        if self.recurse and (self.form not in RECURSIVE or not (self.absent or self.mode)):
            raise ValueError("has `recurse`, which is for the mode of a folder, and for `absent`")
        if self.format is not None and self.keys is None:
            raise ValueError("has `format`, which is for `set`")
        if self.strip is not None and self.patch is None:
            raise ValueError("has `strip`, which is for `patch`")
        for other in filter(None, (self.original, self.move)):
            if is_at_or_below(other, self.path) or is_at_or_below(self.path, other):
                raise ValueError(f"{'copies' if self.original else 'moves'} {other} into itself")
        if self.absent:
            context = info.context or {}
            refuse_to_remove(self.path, context.get("home", "/root"), context.get("folder", "/"))
        if self.keys is not None:
            check_keys(self)
        return self

    def given(self, form: str) -> object:
        return getattr(self, {"set": "keys", "copy": "original"}.get(form, form))

    @property
    def form(self) -> str:
        """What the entry is, by the name of its key."""
        return next((name for name in FORMS if self.given(name) is not None), "mode")

    @property
    def bits(self) -> int | None:
        """The permission bits that the entry asks for."""
        return None if self.mode is None else int(self.mode, 8)

    @property
    def patches(self) -> tuple[str, ...]:
        return (self.patch,) if isinstance(self.patch, str) else self.patch or ()

    @property
    def patching(self) -> Patch:
        """How its patches are applied."""
        return Patch(path=self.path, patches=self.patches, strip=1 if self.strip is None else self.strip)

    @property
    def language(self) -> SettingsFormat:
        """The format of a file with keys to set. Raises KeyError where its name does not show it."""
        return self.format or FORMATS[posixpath.splitext(self.path)[1].lower()]

    @property
    def settings(self) -> tuple[tuple[Way, str], ...]:
        """The keys to set, each with its value as JSON."""
        return tuple((way_of(key), json.dumps(value)) for key, value in (self.keys or {}).items())


def refuse_to_remove(path: str, home: str, folder: str) -> None:
    """Raise ValueError for what nobody means to remove."""
    if is_at_or_below(folder, path):
        raise ValueError(f"would remove {path}, which holds this file's folder")
    if is_at_or_below(home, path):
        raise ValueError(f"would remove {path}, which holds the home folder")
    if path in SYSTEM or path.startswith(("/proc/", "/sys/", "/dev/")):
        raise ValueError(f"would remove {path}, which belongs to the system")


def way_of(key: str) -> Way:
    """The parts of a key: `data.root`, `servers.0.host`, `"a.b".c`. Raises ValueError for what is no key."""
    if not KEY.fullmatch(key):
        raise ValueError(f"has the key {key}, which ends early, or has quotes within a part")
    return tuple(part.strip("\"'") if part[0] in "\"'" else part for part in re.findall(PART, key))


def check_keys(file: File) -> None:
    """Raise ValueError for keys that no file of the format can have, or that contradict each other."""
    try:
        language = file.language
    except KeyError:
        message = "does not show its format by its name; write format: yaml, json, toml or ini"
        raise ValueError(message) from None
    ways = [way for way, _ in file.settings]
    for way in ways:
        if any(other != way and other[: len(way)] == way for other in ways):
            raise ValueError(f"sets {dotted(way)}, and keys in it as well")
        if ways.count(way) > 1:
            raise ValueError(f"sets {dotted(way)} twice")
    try:
        refuse(language, file.settings)
    except EffectError as error:
        raise ValueError(f"cannot be set: {error.message}. {error.hint}") from None


def check_nesting(files: tuple[File, ...]) -> None:
    """Raise ValueError for what lies below a file, or below what is removed."""
    leaves = {file.path: file for file in files if file.form in LEAVES}
    for file in files:
        above = file.path
        while not file.absent and (above := posixpath.dirname(above)) != "/":
            if leaf := leaves.get(above):
                what = "this file removes" if leaf.absent else "is a file"
                raise ValueError(f"has {file.path} in {above}, which {what}; take one of the two out")


def check_paths(files: tuple[File, ...]) -> tuple[File, ...]:
    seen: set[str] = set()
    for file in files:
        if file.path in seen:
            raise ValueError(f"names {file.path} twice")
        seen.add(file.path)
    check_nesting(files)
    trees = [file.path for file in files if file.recurse and file.mode]
    for file in files:
        for tree in trees:
            if file.mode and file.path != tree and is_at_or_below(file.path, tree) and file.form == "mode":
                raise ValueError(f"gives a mode to {file.path}, and to all in {tree}")
    return files
