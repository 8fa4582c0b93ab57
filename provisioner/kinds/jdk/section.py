"""What a spec may ask of Java, and the same as pins narrow it."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from provisioner.kinds.shared.debian.pins import DebianPins
from provisioner.kinds.shared.fields import Flag, Section
from provisioner.kinds.shared.references import Definition

COMPARE: Mapping[str, Callable[[int, int], bool]] = {
    "": operator.eq,
    "==": operator.eq,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
ARCHITECTURES = {
    "aarch64": "arm64",
    "arm64": "arm64",
    "armv7l": "armhf",
    "i686": "i386",
    "ppc64le": "ppc64el",
    "x86_64": "amd64",
}
"""Debian's names of processors, by those of Linux and macOS. Source: dpkg's cputable."""

CLAUSE = re.compile(r"(==|>=|<=|>|<|)\s*(\d{1,3})")
PACKAGE = re.compile(r"openjdk-(\d+)-jdk(-headless)?")


def read_version(value: object) -> object:
    """A version from a number."""
    return str(value) if isinstance(value, int | float) else value


def check_version(value: str) -> str:
    """A major version, or a range of them."""
    if not all(CLAUSE.fullmatch(clause.strip()) for clause in value.split(",")):
        raise ValueError('is not a version of Java; write 17, or ">=17", or ">=17,<22"')
    return value


class Jdk(Section):
    """A Java development kit from the machine's own distribution."""

    version: Annotated[
        str,
        BeforeValidator(read_version, json_schema_input_type=int | str),
        AfterValidator(check_version),
    ] = Field(
        description="A major version, or a range of them, of which one that is installed is preferred, "
        "then the lowest that the distribution has.",
        examples=[17, ">=17"],
    )
    headless: Flag = Field(default=True, description="Leave out what needs a screen.")
    default: Flag = Field(default=True, description="Make it the default java and javac, and set JAVA_HOME.")
    distribution: Literal["openjdk"] = Field(default="openjdk", description="Whose build.")

    def fits(self, version: int) -> bool:
        """Whether a major version is one that was asked for."""
        clauses = (CLAUSE.fullmatch(clause.strip()) for clause in self.version.split(","))
        return all(COMPARE[match[1]](version, int(match[2])) for match in clauses if match)

    @property
    def only(self) -> int | None:
        """The one major version that fits; None for a range."""
        match = re.fullmatch(r"(?:==)?\s*(\d{1,3})", self.version.strip())
        return int(match[1]) if match else None

    def package(self, version: int) -> str:
        """The name of the package of a major version."""
        return f"openjdk-{version}-jdk{'-headless' if self.headless else ''}"


def read_shorthand(value: object) -> object:
    """A section from a version alone."""
    return {"version": value} if isinstance(value, int | float | str) else value


def home(version: int, architecture: str) -> str:
    """The folder of a kit. Source: Debian's and Ubuntu's packages of openjdk."""
    return f"/usr/lib/jvm/java-{version}-openjdk-{architecture}"


def paths(section: object) -> dict[str, Definition]:
    return {"jdk.home": partial(home_of, section)}


def home_of(section: object, context: Mapping[str, object]) -> str:
    """Where the kit will be, as far as the file alone tells."""
    version = Jdk.model_validate(read_shorthand(section)).only
    if version is None:
        raise ValueError(
            "refers to ${jdk.home}, which differs from machine to machine for a range of versions; "
            "write one version in `jdk`"
        )
    return home(version, debian_name(str(context.get("architecture", "x86_64"))))


def java_home(config: Jdk, architecture: str) -> Iterable[tuple[str, str]]:
    """JAVA_HOME, where it can be known before the kit is there."""
    if config.default and config.only:
        yield "JAVA_HOME", home(config.only, debian_name(architecture))


def debian_name(architecture: str) -> str:
    return ARCHITECTURES.get(architecture, architecture)


def versions_of(names: Iterable[str]) -> tuple[int, ...]:
    """The major versions among the names of packages, in order."""
    matches = (PACKAGE.fullmatch(name) for name in names)
    return tuple(sorted({int(match[1]) for match in matches if match}))


def at_locked_version(config: Jdk, pins: DebianPins) -> Jdk:
    """The section with the version of Java that was locked, as far as that is one that it wants."""
    locked = versions_of(pins.known)
    if not (locked and config.fits(locked[0])):
        return config
    return Jdk(**dict(config) | {"version": str(locked[0])})
