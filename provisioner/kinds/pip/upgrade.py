"""What a lock holds of Python's distributions, in the words of PEP 751, and sections that keep to it.

Format of the entries: https://packaging.python.org/en/latest/specifications/pylock-toml/.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version
from pydantic import AfterValidator, Field, model_validator

from provisioner.kinds.pip.closure import REPOSITORY, same_url
from provisioner.kinds.pip.requirements import Asked, gather
from provisioner.kinds.pip.section import Name, Pip
from provisioner.kinds.shared.fields import Section, Sha256
from provisioner.machine.reader import Reader
from provisioner.machine.urls import file_url, is_below


def check_version(value: str) -> str:
    try:
        return str(Version(value))
    except InvalidVersion:
        raise ValueError("is not a version") from None


def check_limits(value: str) -> str:
    try:
        return str(SpecifierSet(value))
    except InvalidSpecifier:
        raise ValueError("is not a set of version specifiers") from None


def check_url(value: str) -> str:
    if not re.fullmatch(r"(?:https?|ssh|file)://[^\s\x00${}]+", value):
        raise ValueError("is not a URL")
    return value


def check_repository(value: str) -> str:
    """The commit is told apart from the URL, so nothing of it may stand there."""
    if not re.fullmatch(r"\w+://(?:[^/?#@]*@)?[^/?#@]*/[^?#@]*", check_url(value)):
        raise ValueError("is not the URL of a repository")
    return value


def check_path(value: str) -> str:
    if not is_below(value) or re.search(r"[${}]", value):
        raise ValueError("must be below the folder of the lock")
    return value


VersionText = Annotated[str, AfterValidator(check_version)]
Limits = Annotated[str, AfterValidator(check_limits)]
Url = Annotated[str, AfterValidator(check_url)]
RelativePath = Annotated[str, Field(min_length=1), AfterValidator(check_path)]
Commit = Annotated[str, Field(pattern="^[0-9a-f]{40}([0-9a-f]{24})?$")]


class Hashes(Section):
    sha256: Sha256


class Archive(Section):
    """A wheel or a source archive: at a URL, or at a path below the lock's own folder."""

    name: str | None = None
    url: Url | None = None
    path: RelativePath | None = None
    size: Annotated[int, Field(ge=0)] | None = None
    hashes: Hashes
    subdirectory: RelativePath | None = None
    """Where the project is in an archive that holds more."""


def wheel_of(file: Archive) -> tuple[str, Version] | None:
    """The name and the version that the name of a wheel's file tells."""
    place = posixpath.basename(unquote(file.name or urlsplit(file.url or "").path or file.path or ""))
    try:
        name, version, _, _ = parse_wheel_filename(place)
    except InvalidWheelFilename:
        return None
    return name, version


class Vcs(Section):
    """A commit of a repository."""

    type: Literal["git"]
    url: Annotated[str, AfterValidator(check_repository)]
    requested_revision: str | None = Field(None, alias="requested-revision", pattern=r"^[\w./@+-]+$")
    commit_id: Commit = Field(alias="commit-id")
    subdirectory: RelativePath | None = None


class Directory(Section):
    """A project below the lock's own folder, which is as it is: its history is the folder's own."""

    path: RelativePath
    editable: bool = False
    subdirectory: RelativePath | None = None


class Pinned(Section):
    """One distribution, and the files it may be installed from."""

    name: Name
    version: VersionText | None = None
    index: Url | None = None
    vcs: Vcs | None = None
    directory: Directory | None = None
    archive: Archive | None = None
    sdist: Archive | None = None
    wheels: tuple[Archive, ...] = ()

    @model_validator(mode="after")
    def has_a_source(self) -> Pinned:
        if not (self.vcs or self.directory or self.archive or self.sdist or self.wheels):
            raise ValueError("names nothing that it could be installed from")
        if not self.version and not self.directory:
            raise ValueError("has no version")
        for file in self.wheels:
            found = wheel_of(file)
            if found is None or found != (self.name, Version(str(self.version))):
                raise ValueError(f"is not what its wheel is: {file.name or file.url or file.path}")
        return self

    @property
    def files(self) -> tuple[Archive, ...]:
        return tuple(file for file in (*self.wheels, self.sdist, self.archive) if file)

    @property
    def size(self) -> int:
        """Bytes to download, as far as they are known."""
        return next((file.size for file in self.files if file.size), 0)

    def origin(self, folder: str) -> str | None:
        """The URL of what comes from no index, as PEP 508 has it; None for what does."""
        if self.vcs:
            inside = f"#subdirectory={self.vcs.subdirectory}" if self.vcs.subdirectory else ""
            return f"git+{self.vcs.url}@{self.vcs.commit_id}{inside}"
        if self.directory:
            inside = f"#subdirectory={self.directory.subdirectory}" if self.directory.subdirectory else ""
            return file_url(posixpath.normpath(posixpath.join(folder, self.directory.path))) + inside
        if self.archive:
            inside = f"#subdirectory={self.archive.subdirectory}" if self.archive.subdirectory else ""
            place = self.archive.url or file_url(posixpath.join(folder, str(self.archive.path)))
            return place + inside
        return None

    def line(self, folder: str) -> str:
        """What uv reads in a requirements file: this and nothing else, by its hashes."""
        if self.directory and self.directory.editable:
            return f"--editable {self.origin(folder)}"
        place = self.origin(folder)
        wanted = f"{self.name} @ {place}" if place else f"{self.name}=={self.version}"
        return " ".join([wanted, *(f"--hash=sha256:{file.hashes.sha256}" for file in self.files)])


class Satisfied(Section):
    """A distribution that the base brought, and the versions that what comes on top can do with."""

    name: Name
    version: VersionText
    limits: Limits = ""
    named: bool = False
    """Whether the spec itself names it."""


def check_once(packages: tuple[Any, ...]) -> tuple[Any, ...]:
    names = [each.name for each in packages]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"names {twice[0]} twice")
    return packages


class Pins(Section):
    """All that a spec's requirements came to on one base."""

    packages: Annotated[tuple[Pinned, ...], AfterValidator(check_once)] = ()
    """What comes on top of the base."""
    base: tuple[Satisfied, ...] = ()
    """What the base satisfies."""

    @property
    def found(self) -> dict[str, str | None]:
        """Versions by name, of the base and of what is on top; None for a project that is as it is."""
        on_top = {each.name: each.version for each in self.packages}
        return on_top | {each.name: each.version for each in self.base}

    @property
    def versions(self) -> Mapping[str, str]:
        """The versions on top, of what comes from an index."""
        return {each.name: each.version for each in self.packages if each.version and not each.origin("")}

    @property
    def renewable(self) -> tuple[str, ...]:
        """What may be newer elsewhere: of an index, or of a branch."""
        return tuple(each.name for each in self.packages if each.vcs or each.name in self.versions)

    def without(self, names: frozenset[str]) -> Pins:
        gone = {canonicalize_name(name) for name in names}
        return Pins(packages=tuple(each for each in self.packages if each.name not in gone), base=self.base)


class LockedPip(Pip):
    """A section that asks for exactly what a lock holds."""

    pins: Pins


class PreferringPip(Pip):
    """A section that is about to be locked: earlier versions are kept where they still fit."""

    preferences: tuple[str, ...] = ()
    """Constraints that give way."""
    upgrade: tuple[str, ...] = ()
    """What is to be the newest, though it is met."""
    revisions: Mapping[str, str | None] = {}
    """What the spec asks for of each name that `packages` has at its earlier commit."""

    @property
    def options(self) -> tuple[str, ...]:
        return (*super().options, *(word for name in self.upgrade for word in ("--upgrade-package", name)))


def hold(config: Pip, pins: Pins) -> LockedPip:
    return LockedPip(**dict(config), pins=pins)


def prefer(config: Pip, pins: Pins | None, upgrade: frozenset[str] | None) -> PreferringPip:
    """`upgrade` names what may be newer than `pins`; None stands for everything."""
    known = pins or Pins()
    free = {*known.renewable} if upgrade is None else {canonicalize_name(name) for name in upgrade}
    kept = tuple(f"{name}=={version}" for name, version in known.versions.items() if name not in free)
    places = {package: at_commit(package, known.without(frozenset(free))) for package in config.packages}
    revisions = {
        canonicalize_name(Requirement(package).name): revision_of(package)
        for package, place in places.items()
        if place != package
    }
    found = PreferringPip(**dict(config), preferences=kept, upgrade=tuple(sorted(free)), revisions=revisions)
    return found.model_copy(update={"packages": tuple(places.values())})


def at_commit(package: str, pins: Pins) -> str:
    """A requirement at the commit that was locked for it, if it was the same requirement."""
    requirement = Requirement(package)
    name = canonicalize_name(requirement.name)
    vcs = next((each.vcs for each in pins.packages if each.name == name), None)
    place, _, inside = (requirement.url or "").partition("#")
    match = REPOSITORY.fullmatch(place)
    if not (vcs and match and same_url(match["place"], vcs.url)):
        return package
    if match["revision"] != vcs.requested_revision:
        return package
    requirement.url = "#".join(filter(None, (f"git+{match['place']}@{vcs.commit_id}", inside)))
    return str(requirement)


def revision_of(package: str) -> str | None:
    """The branch, tag or commit that a requirement names."""
    match = REPOSITORY.fullmatch((Requirement(package).url or "").partition("#")[0])
    return match["revision"] if match else None


def asked_for(config: Pip, reader: Reader) -> Asked:
    """All that a section asks for, with the versions that it prefers as limits."""
    lists = (config.packages, config.editable, config.requirements, config.constraints)
    asked = gather(*lists, reader.context.folder, reader.read)
    if isinstance(config, PreferringPip):
        asked.constraints += map(Requirement, config.preferences)
    return asked


def inputs(config: Pip, reader: Reader) -> tuple[str, ...]:
    """The files that say what is wanted: requirements, constraints, and projects' own."""
    found: list[str] = []

    def read(path: str) -> bytes | None:
        found.append(path)
        return reader.read(path)

    gather(config.packages, config.editable, config.requirements, config.constraints, reader.context.folder, read)
    return tuple(found)
