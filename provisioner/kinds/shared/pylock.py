"""What a lock has of Python's distributions, in the terms of PEP 751.

Format of the entries: https://packaging.python.org/en/latest/specifications/pylock-toml/.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version
from pydantic import AfterValidator, Field, model_validator

from provisioner.kinds.shared.checks import check_name, check_url
from provisioner.kinds.shared.fields import Section, Sha256
from provisioner.machine.urls import file_url, is_below

PYPI = "https://pypi.org/simple"
"""The index that is asked where a spec names none."""

NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


def check_distribution(value: str) -> str:
    """The canonical name of a distribution."""
    return canonicalize_name(
        check_name(value, NAME, "is not the name of a distribution; write it without a version")
    )


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


def check_source(value: str) -> str:
    """The URL of a file or an index, without `${...}`, in whose place uv puts variables of ours."""
    return check_url(value, schemes=("http", "https", "ssh", "file"), without="${}")


def check_repository(value: str) -> str:
    """The commit has a field of its own, so the URL must not have it too."""
    pattern = re.compile(r"\w+://(?:[^/?#@]*@)?[^/?#@]*/[^?#@]*")
    return check_name(check_source(value), pattern, "is not the URL of a repository")


def check_path(value: str) -> str:
    if not is_below(value) or re.search(r"[${}]", value):
        raise ValueError("must be below the folder of the lock")
    return value


DistributionName = Annotated[str, AfterValidator(check_distribution)]
VersionText = Annotated[str, AfterValidator(check_version)]
Limits = Annotated[str, AfterValidator(check_limits)]
Url = Annotated[str, AfterValidator(check_source)]
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
    """Bytes."""
    hashes: Hashes
    subdirectory: RelativePath | None = None
    """Where the project is in an archive that holds more."""


def wheel_of(file: Archive) -> tuple[str, Version] | None:
    """The name and the version in the name of a wheel's file."""
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


def with_folder(url: str, subdirectory: str | None) -> str:
    """The URL of a project within what a URL leads to."""
    return f"{url}#subdirectory={subdirectory}" if subdirectory else url


class Pinned(Section):
    """One distribution, and the files it may be installed from."""

    name: DistributionName
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
            raise ValueError("has no file, commit or folder to install from")
        if not self.version and not self.directory:
            raise ValueError("has no version")
        for file in self.wheels:
            found = wheel_of(file)
            if found is None or found != (self.name, Version(str(self.version))):
                raise ValueError(f"does not match its wheel: {file.name or file.url or file.path}")
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
            return with_folder(f"git+{self.vcs.url}@{self.vcs.commit_id}", self.vcs.subdirectory)
        if self.directory:
            path = posixpath.normpath(posixpath.join(folder, self.directory.path))
            return with_folder(file_url(path), self.directory.subdirectory)
        if self.archive:
            url = self.archive.url or file_url(posixpath.join(folder, str(self.archive.path)))
            return with_folder(url, self.archive.subdirectory)
        return None

    def line(self, folder: str) -> str:
        """What uv reads in a requirements file: this and nothing else, by its hashes."""
        url = self.origin(folder)
        if self.directory and self.directory.editable:
            return f"--editable {url}"
        wanted = f"{self.name} @ {url}" if url else f"{self.name}=={self.version}"
        return " ".join([wanted, *(f"--hash=sha256:{file.hashes.sha256}" for file in self.files)])


class Satisfied(Section):
    """A distribution of the base, and the versions that what comes on top accepts."""

    name: DistributionName
    version: VersionText
    limits: Limits = ""
    named: bool = False
    """Whether the spec itself names it."""


def check_once(packages: tuple[Pinned, ...]) -> tuple[Pinned, ...]:
    names = [each.name for each in packages]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"names {twice[0]} twice")
    return packages


class PipPins(Section):
    """All that a spec's requirements resolved to on one base."""

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
