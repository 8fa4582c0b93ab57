"""What a section asks of an interpreter: its own lists and requirements files, read as pip and uv read them.

The format of requirements files is https://pip.pypa.io/en/stable/reference/requirements-file-format/. What
cannot be understood here is not guessed: its file is left `undecided`, for uv to evaluate.
"""

from __future__ import annotations

import posixpath
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from provisioner.facts.distributions import PipRequirement, parse_requirement
from provisioner.kinds.pip.section import Pip
from provisioner.machine.reader import Reader

Read = Callable[[str], bytes | None]

EDITABLE = re.compile(r"(?P<path>.*?)(?P<extras>\[[\w.,\s-]+\])?")
OPTION = re.compile(
    r"(?:--(?P<long>requirement|constraint|editable)(?:\s*=\s*|\s+)|-(?P<short>[rce])\s*)(?P<value>.+)"
)
ARCHIVE = re.compile(r"[\w.-]+\.(whl|zip|tar\.\w+|tgz)(?![\w.-])")
"""What would be the name of a distribution, but is that of a file."""


@dataclass
class Requirements:
    """All that a section asks for, from its own lists and from the files that it names."""

    wanted: list[PipRequirement] = field(default_factory=list)
    constraints: list[PipRequirement] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    """Files with a line that only uv can judge."""
    missing: list[str] = field(default_factory=list)
    """Files that are not there."""

    @property
    def limits(self) -> dict[str, list[PipRequirement]]:
        """The constraints on each name."""
        found: dict[str, list[PipRequirement]] = {}
        for constraint in self.constraints:
            found.setdefault(constraint.name, []).append(constraint)
        return found


def gather(
    config: Pip, folder: str, read: Read, packages: Iterable[PipRequirement] | None = None
) -> Requirements:
    """Everything that a section asks for; the files are read, and those that they include.

    `folder` is where relative paths of projects start, in files too: uv and pip take the working directory.
    `packages` stand in for those of the section.
    """
    found = Requirements()
    found.wanted += config.packages if packages is None else packages
    found.wanted += [editable_project(place, read) for place in config.editable]
    seen: set[tuple[str, bool]] = set()
    queue = deque((path, False) for path in config.requirements)
    queue += ((path, True) for path in config.constraints)
    while queue:
        path, constraining = queue.popleft()
        if (path, constraining) in seen:
            continue
        seen.add((path, constraining))
        data = read(path)
        if data is None:
            found.missing.append(path)
            continue
        for line in logical_lines(data.decode("utf-8-sig", errors="replace")):
            match understand(line, posixpath.dirname(path), folder, read):
                case None:
                    found.undecided.append(path)
                case (included, only_constrains):
                    queue.append((included, constraining or only_constrains))
                case PipRequirement() as requirement:
                    (found.constraints if constraining else found.wanted).append(requirement)
                case "":
                    pass  # an option that does not bear on what is met
    return found


def understand(
    line: str, beside: str, folder: str, read: Read
) -> PipRequirement | tuple[str, bool] | Literal[""] | None:
    """A line of a requirements file: its requirement, or (a file to read, whether that only constrains).

    "" is an option for uv alone, None a line that only uv can judge.
    """
    if "${" in line:
        return None
    if match := OPTION.fullmatch(line):
        option, value = match["short"] or match["long"][0], match["value"].strip("'\"")
        if "://" in value:
            return None
        if option == "e":
            return editable_project(posixpath.normpath(posixpath.join(folder, value)), read)
        return posixpath.normpath(posixpath.join(beside, value)), option == "c"
    if line.startswith("-"):
        return ""
    requirement = parse_requirement(re.split(r"\s--?[a-z]", line, maxsplit=1)[0])
    return None if ARCHIVE.match(line) else requirement


def logical_lines(text: str) -> Iterator[str]:
    """Lines joined where they end in a backslash, without comments and blanks."""
    for line in re.sub(r"\\\r?\n", "", text).splitlines():
        if stripped := re.sub(r"(^|\s+)#.*", "", line).strip():
            yield stripped


def editable_project(place: str, read: Read) -> PipRequirement:
    """The project in a folder, which may be followed by extras: `/work/tool[dev]`."""
    match = EDITABLE.fullmatch(place)
    path, extras = (match["path"], match["extras"] or "") if match else (place, "")
    name = project_name(path, read)
    requirement = parse_requirement(name + extras) or PipRequirement(name, name)
    return replace(requirement, editable=path)


def project_name(path: str, read: Read) -> str:
    """The name that pyproject.toml gives a project, or that its folder has."""
    import tomllib

    fallback = re.sub(r"[^A-Za-z0-9]+", "-", posixpath.basename(path)).strip("-") or "project"
    data = read(posixpath.join(path, "pyproject.toml"))
    try:
        name = tomllib.loads((data or b"").decode()).get("project", {}).get("name", fallback)
    except (ValueError, AttributeError):
        return fallback
    named = parse_requirement(name) if isinstance(name, str) else None
    return named.name if named else fallback


def inputs(config: Pip, reader: Reader) -> tuple[str, ...]:
    """The files that say what is wanted: requirements, constraints, and projects' own."""
    found: list[str] = []

    def read(path: str) -> bytes | None:
        found.append(path)
        return reader.read(path)

    gather(config, reader.context.folder, read)
    return tuple(found)
