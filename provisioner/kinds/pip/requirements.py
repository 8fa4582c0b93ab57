"""What a spec asks of an interpreter: PEP 508 strings and requirement files, read as pip and uv read them.

The format of requirement files is https://pip.pypa.io/en/stable/reference/requirements-file-format/.
What cannot be understood here is not guessed at: it is left `undecided`, for uv to judge.
"""

from __future__ import annotations

import posixpath
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from provisioner.model.redaction import redact

Read = Callable[[str], bytes | None]

EDITABLE = re.compile(r"(?P<path>.*?)(?P<extras>\[[\w.,\s-]+\])?")
OPTION = re.compile(
    r"(?:--(?P<long>requirement|constraint|editable)(?:\s*=\s*|\s+)|-(?P<short>[rce])\s*)(?P<value>.+)"
)
ARCHIVE = re.compile(r"\.(whl|zip|tar\.\w+|tgz)$")


@dataclass(frozen=True)
class Wanted:
    """A requirement, and the folder it comes from when it is editable."""

    requirement: Requirement
    editable: str | None = None

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    def __str__(self) -> str:
        if self.editable:
            return self.editable
        return redact(self.requirement.url or f"{self.name}{self.requirement.specifier}")


@dataclass
class Asked:
    """All that a section asks for, from its own lists and from the files that it names."""

    wanted: list[Wanted] = field(default_factory=list)
    constraints: list[Requirement] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    """Files with a line that only uv can judge."""
    absent: list[str] = field(default_factory=list)
    """Files that are not there."""

    @property
    def limits(self) -> dict[str, list[Requirement]]:
        """The constraints on each name."""
        found: dict[str, list[Requirement]] = {}
        for constraint in self.constraints:
            found.setdefault(canonicalize_name(constraint.name), []).append(constraint)
        return found


def gather(
    packages: Iterable[str],
    editable: Iterable[str],
    requirement_files: Iterable[str],
    constraint_files: Iterable[str],
    folder: str,
    read: Read,
) -> Asked:
    """Everything asked for; the files are read, and those that they include.

    `folder` is where relative paths of projects start, in files too: uv and pip take the working directory.
    """
    asked = Asked()
    asked.wanted += [Wanted(Requirement(package)) for package in packages]
    asked.wanted += [editable_project(place, read) for place in editable]
    seen: set[tuple[str, bool]] = set()
    queue = deque([(path, False) for path in requirement_files] + [(path, True) for path in constraint_files])
    while queue:
        path, constraining = queue.popleft()
        if (path, constraining) in seen:
            continue
        seen.add((path, constraining))
        data = read(path)
        if data is None:
            asked.absent.append(path)
            continue
        for line in logical_lines(data.decode("utf-8-sig", errors="replace")):
            found = understand(line, posixpath.dirname(path), folder, read)
            match found:
                case None:
                    asked.undecided.append(path)
                case (included, only_constrains):
                    queue.append((included, constraining or only_constrains))
                case Wanted() if constraining:
                    asked.constraints.append(found.requirement)
                case Wanted():
                    asked.wanted.append(found)
                case "":
                    pass  # an option that does not bear on what is met
    return asked


def understand(
    line: str, beside: str, folder: str, read: Read
) -> Wanted | tuple[str, bool] | Literal[""] | None:
    """A line of a requirements file: what it wants, or (a file to read, whether that only constrains).

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
    try:
        requirement = Requirement(re.split(r"\s--?[a-z]", line, maxsplit=1)[0])
    except InvalidRequirement:
        return None
    return None if ARCHIVE.search(requirement.name) else Wanted(requirement)


def logical_lines(text: str) -> Iterator[str]:
    """Lines joined where they end in a backslash, without comments and blanks."""
    for line in re.sub(r"\\\r?\n", "", text).splitlines():
        if bare := re.sub(r"(^|\s+)#.*", "", line).strip():
            yield bare


def editable_project(place: str, read: Read) -> Wanted:
    """The project in a folder, which may be followed by extras: `/work/tool[dev]`."""
    match = EDITABLE.fullmatch(place)
    path, extras = (match["path"], match["extras"] or "") if match else (place, "")
    return Wanted(Requirement(project_name(path, read) + extras), path)


def project_name(path: str, read: Read) -> str:
    """The name that pyproject.toml gives a project, or that its folder has."""
    import tomllib

    fallback = re.sub(r"[^A-Za-z0-9]+", "-", posixpath.basename(path)).strip("-") or "project"
    data = read(posixpath.join(path, "pyproject.toml"))
    try:
        name = tomllib.loads((data or b"").decode()).get("project", {}).get("name", fallback)
        return Requirement(name).name
    except (ValueError, TypeError, AttributeError):
        return fallback
