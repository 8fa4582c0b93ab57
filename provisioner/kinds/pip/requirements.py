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
from urllib.parse import urljoin

from provisioner.facts.distributions import PipRequirement, parse_requirement
from provisioner.kinds.pip.section import Pip
from provisioner.machine.urls import is_web

Read = Callable[[str], bytes | None]

Include = tuple[str, bool]
"""A file that another includes, by its place, and whether it only constrains."""

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
    files: dict[str, bytes] = field(default_factory=dict)
    """The content of every file, by its path or URL."""

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
    Files that are included start where the file is, be it a path or a URL. `packages` stand in for those of
    the section.
    """
    found = Requirements()
    found.wanted += config.packages if packages is None else packages
    found.wanted += [editable_project(place, read) for place in config.editable]
    seen: set[tuple[str, bool]] = set()
    queue = deque(config.files)
    while queue:
        path, constraining = queue.popleft()
        if (path, constraining) in seen:
            continue
        seen.add((path, constraining))
        data = read(path)
        if data is None:
            found.missing.append(path)
            continue
        found.files[path] = data
        for line in logical_lines(text_of(data)):
            match understand(line, path, folder, read):
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
    line: str, file: str, folder: str, read: Read
) -> PipRequirement | Include | Literal[""] | None:
    """A line of a requirements file: its requirement, or a file that it includes.

    "" is an option for uv alone, None a line that only uv can judge.
    """
    if "${" in line:
        return None
    if match := OPTION.fullmatch(line):
        option, value = match["short"] or match["long"][0], match["value"].strip("'\"")
        if "://" in value and (option == "e" or not is_web(value)):
            return None
        if option == "e":
            return editable_project(posixpath.normpath(posixpath.join(folder, value)), read)
        return beside(file, value), option == "c"
    if line.startswith("-"):
        return ""
    requirement = parse_requirement(re.split(r"\s--?[a-z]", line, maxsplit=1)[0])
    return None if ARCHIVE.match(line) else requirement


def beside(file: str, name: str) -> str:
    """What a file means by the name of another: both are paths or URLs."""
    if is_web(file):
        return urljoin(file, name)
    return name if is_web(name) else posixpath.normpath(posixpath.join(posixpath.dirname(file), name))


def text_of(data: bytes) -> str:
    return data.decode("utf-8-sig", errors="replace")


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


def project_folder(place: str) -> str:
    """The folder of a project that may be followed by extras."""
    match = EDITABLE.fullmatch(place)
    return match["path"] if match and match["extras"] else place


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
