"""What a spec may ask of apt: packages, choices of packages, files, answers to questions."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from provisioner.facts.dpkg import Dpkg
from provisioner.kinds.shared.checks import WEB, AnySha256, check_name, check_url
from provisioner.kinds.shared.debian.names import PackageName
from provisioner.kinds.shared.fields import Section
from provisioner.machine.urls import file_name

T = TypeVar("T")

VERSION = re.compile(r"[0-9][A-Za-z0-9.+~:-]*\*?")
DEB = re.compile(r"([a-z0-9][a-z0-9+.-]+)_([0-9][A-Za-z0-9.+~:-]*)(?:_[a-z0-9-]+)?\.deb")


def check_version(value: str) -> str:
    """A version, or the beginning of one followed by a star."""
    return check_name(
        value,
        VERSION,
        "is not a Debian version; write it like 7:5.1.6-0+deb12u1, or 7:5.1* for any that begins so",
    )


def check_file(value: str) -> str:
    """The URL of a .deb file."""
    return check_url(value, schemes=(*WEB, "file"), instead="write https://host/file or file:///path")


Version = Annotated[str, AfterValidator(check_version)]
Line = Annotated[str, Field(pattern=r"^[^\n\r]*$")]


class Package(Section):
    """A package, perhaps in a certain version."""

    name: PackageName = Field(
        description="Its name, with :architecture for a foreign one.", examples=["ffmpeg"]
    )
    version: Version | None = Field(
        default=None, description="Exact, or its beginning followed by *.", examples=["7:5.1*"]
    )

    @property
    def word(self) -> str:
        """The word that has apt-get install it."""
        return f"{self.name}={self.version}" if self.version else self.name

    def matches(self, version: str) -> bool:
        """Whether a version is one that was asked for."""
        wanted = self.version or "*"
        return version.startswith(wanted[:-1]) if wanted.endswith("*") else version == wanted

    def installed(self, dpkg: Dpkg) -> str | None:
        """The version that satisfies this, or the installed package that provides it, or None."""
        package = dpkg.get(self.name)
        if package:
            return package.version if self.matches(package.version) else None
        for provider, version in dpkg.providers(self.name):
            if not self.version or self.matches(version):
                return f"{provider.name} {provider.version}"
        return None


def read_package(value: object) -> object:
    """A package from "name" or "name=version"."""
    match = re.fullmatch(r"\s*(\S[^\s<>=~!]*)\s*([<>=~!]+)\s*(.*)", value) if isinstance(value, str) else None
    if match is None:
        return {"name": value} if isinstance(value, str) else value
    name, comparison, version = match.groups()
    if comparison != "=":
        raise ValueError("asks for a range, which apt does not support; write name=1.2.3 or name=1.2*")
    return {"name": name, "version": version}


def check_filled(value: tuple[T, ...]) -> tuple[T, ...]:
    """Several things, at least one."""
    if not value:
        raise ValueError("is empty; name at least one, or leave it out")
    return value


class Choice(Section):
    """Packages of which one is enough: names differ between releases."""

    any_of: Annotated[
        tuple[Annotated[Package, BeforeValidator(read_package, json_schema_input_type=str | Package)], ...],
        AfterValidator(check_filled),
    ] = Field(
        description="The first that is installed, else the first that can be.",
        examples=[["libgl1", "libgl1-mesa-glx"]],
    )

    def installed(self, dpkg: Dpkg) -> Package | None:
        """The first option that is installed, or provided by what is."""
        return next((option for option in self.options(dpkg) if option.installed(dpkg)), None)

    def options(self, dpkg: Dpkg) -> tuple[Package, ...]:
        """The options by the names that dpkg gives them."""
        return tuple(option.model_copy(update={"name": dpkg.key(option.name)}) for option in self.any_of)


def read_choice(value: object) -> object:
    """Every entry becomes a choice, most of them with one option."""
    if isinstance(value, dict) and "any_of" in value:
        return value
    return value if isinstance(value, Choice) else {"any_of": [value]}


Entry = Annotated[Choice, BeforeValidator(read_choice, json_schema_input_type=str | Package | Choice)]


class Deb(Section):
    """A package in a file of its own."""

    url: Annotated[str, AfterValidator(check_file)] = Field(description="Where the .deb file is.")
    sha256: AnySha256 = Field(description="The file's sha256.")
    package: PackageName | None = Field(
        default=None, description="The package in it, when the file is not called name_version_arch.deb."
    )
    version: Version | None = Field(default=None, description="Its version, likewise.")

    @model_validator(mode="after")
    def check_identity(self) -> Deb:
        if not (self.package and self.version) and not DEB.fullmatch(self.filename):
            raise ValueError(
                "does not say which package it is, not being called name_version_arch.deb; "
                "add `package` and `version`"
            )
        return self

    @property
    def filename(self) -> str:
        return file_name(self.url)

    @property
    def identity(self) -> tuple[str, str]:
        """The package's name and version; a version taken from a file's name lacks its epoch."""
        named = DEB.fullmatch(self.filename)
        name, version = named.groups() if named else ("", "")
        return self.package or name, self.version or version

    def installed(self, dpkg: Dpkg) -> str | None:
        """The version that is installed, or None."""
        package = dpkg.get(self.identity[0])
        return package.version if package else None

    def satisfied(self, dpkg: Dpkg) -> bool:
        """Whether the package is installed in that version."""
        version = self.installed(dpkg) or ""
        return self.identity[1] in (version, version if self.version else version.partition(":")[2])

    def path(self, state: str) -> str:
        """Where it is downloaded to, given our own folder."""
        return f"{state}/apt/debs/{self.sha256[:12]}.deb"


def refuse_passwords(value: object) -> object:
    if value == "password":
        raise ValueError(
            "would be readable by everyone who has the file; give it to debconf-set-selections yourself"
        )
    return value


def read_answer(value: object) -> object:
    """An answer as debconf writes it."""
    return str(value).lower() if isinstance(value, bool | int) else value


class Preseed(Section):
    """The answer to a question that a package asks when it is installed."""

    package: PackageName = Field(description="The package that asks.")
    question: Annotated[str, Field(pattern=r"^\S+/\S+$")] = Field(
        description="The question's name.", examples=["ttf-mscorefonts-installer/accepted-mscorefonts-eula"]
    )
    type: Annotated[
        Literal["boolean", "string", "select", "multiselect", "note", "text"],
        BeforeValidator(refuse_passwords),
    ] = Field(description="What kind of answer the question has.")
    value: Annotated[Line, BeforeValidator(read_answer, json_schema_input_type=str | bool | int)] = Field(
        description="The answer."
    )

    @property
    def line(self) -> str:
        """What debconf-set-selections reads."""
        return f"{self.package} {self.question} {self.type} {self.value}\n"
