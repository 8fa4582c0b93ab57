"""The pip part of a lock as a pylock.toml, which uv and pip install from.

Format: PEP 751, https://packaging.python.org/en/latest/specifications/pylock-toml/.
"""

from __future__ import annotations

import os
import posixpath
import re

from pydantic import TypeAdapter

from provisioner.kinds.shared.pylock import Pinned, PipPins
from provisioner.lock import toml
from provisioner.lock.document import Target, Where, path_of
from provisioner.model.errors import ProvisionerError
from provisioner.model.jsontypes import Json, JsonObject
from provisioner.spec.spec import Spec

FORMAT = "1.0"
CREATOR = "colab-provisioner"

NAME = re.compile(r"pylock\.([^.]+\.)?toml")
"""The names that installers recognise; pip takes other names for requirements.txt."""

TABLES = 2
"""Packages; what is deeper stands on a line of its own."""

SOURCES = ("vcs", "directory", "archive", "index", "sdist", "wheels")
"""Where a package comes from, in the order of the specification."""


def text(spec: Spec, target: Target, out: str | None) -> str:
    """A target's pip part, for a file at `out`, or beside the spec.

    Raises ProvisionerError when no installer recognises that name.
    """
    if out and not NAME.fullmatch(os.path.basename(out)):
        raise ProvisionerError(
            f"{out}: installers recognise pylock.toml and pylock.NAME.toml only, without dots in NAME",
            f"Name it {suggested(target)}",
        )
    folder = os.path.dirname(os.path.abspath(out)) if out else spec.folder
    pins = next((pins for pins in target.pins.values() if isinstance(pins, PipPins)), PipPins())
    found = {
        "lock-version": FORMAT,
        "environments": [environment(target.machine)],
        "requires-python": f">={target.machine.series}",
        "created-by": CREATOR,
        "packages": [
            package(each, spec.folder, folder) for each in sorted(pins.packages, key=lambda each: each.name)
        ],
    }
    # An empty list is not written, but this one is required.
    empty = "" if pins.packages else "packages = []\n"
    return heading(spec, target, pins) + toml.text(found, TABLES) + empty


def suggested(target: Target) -> str:
    """A file name that shows which target it is."""
    return f"pylock.{target.name.replace('.', '-').lower()}.toml"


def heading(spec: Spec, target: Target, pins: PipPins) -> str:
    file, lock = os.path.basename(spec.path), os.path.basename(path_of(spec.path))
    lines = [
        f"Made by `colabenv export pylock` from {lock}: what {file} resolved to for",
        f"{target.name}, on top of what is already installed there and not listed here:",
        f"{target.base.distributions} distributions, {len(pins.base)} of which it depends on.",
    ]
    if trees := sorted(each.name for each in pins.packages if each.vcs or each.directory):
        lines += [
            f"uv installs it; pip refuses commits and folders, as they have no hashes: {', '.join(trees)}."
        ]
    return "".join(f"# {line}\n" for line in lines) + "\n"


def environment(machine: Where) -> str:
    """The marker of the machines that the files are for. What is locked is for Linux."""
    return (
        f"python_version == '{machine.series}' and platform_machine == '{machine.architecture}' "
        "and sys_platform == 'linux'"
    )


def package(pinned: Pinned, before: str, now: str) -> JsonObject:
    """An entry with its paths made relative to another folder."""
    entry: JsonObject = TypeAdapter(Pinned).dump_python(pinned, mode="json", by_alias=True)
    # The version of a source tree is what building it says.
    version: JsonObject = {} if pinned.vcs or pinned.directory else {"version": pinned.version}
    sources = {key: moved(entry[key], before, now) for key in SOURCES if entry[key]}
    return {"name": pinned.name, **version, **sources}


def moved(value: Json, before: str, now: str) -> Json:
    """A value with every path in it made relative to another folder."""
    match value:
        case list():
            return [moved(item, before, now) for item in value]
        case dict() if isinstance(path := value.get("path"), str):
            return {**value, "path": posixpath.relpath(posixpath.join(before, path), now)}
    return value
