"""What a lock holds of Debian packages: each version, and the file that it is. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field

from provisioner.facts.dpkg import Dpkg
from provisioner.kinds.base import Pinning
from provisioner.kinds.shared.checks import check_name
from provisioner.kinds.shared.debian.names import ExactVersion, PackageName
from provisioner.kinds.shared.fields import Section, Sha256

SOURCE = re.compile(r"[a-z][a-z0-9+.-]*:[^\s\x00-\x1f\x7f]+")


def check_source(value: str) -> str:
    """apt has methods of its own beside https: copy, mirror+file, cdrom."""
    return check_name(value, SOURCE, "is not the URL of a file")


class PinnedPackage(Section):
    """One package, and its file as the repository had it."""

    name: PackageName
    version: ExactVersion
    source: Annotated[str, AfterValidator(check_source)]
    size: Annotated[int, Field(ge=0)]
    sha256: Sha256

    @property
    def word(self) -> str:
        """The word that has apt-get install it: name=version."""
        return f"{self.name}={self.version}"

    def is_installed(self, dpkg: Dpkg) -> bool:
        """Whether it is installed in this very version."""
        package = dpkg.get(self.name)
        return package is not None and package.version == self.version


class BasePackage(Section):
    """A package that the base brought and that the spec names."""

    name: PackageName
    version: ExactVersion


class DebianPins(Section):
    """All that a section's packages came to on one base."""

    packages: tuple[PinnedPackage, ...] = ()
    """What comes on top of the base."""
    base: tuple[BasePackage, ...] = ()
    """What the base satisfies."""
    unlocked: tuple[PackageName, ...] = ()
    """What could not be looked up where the lock was made; any version will do."""

    @property
    def versions(self) -> dict[str, str]:
        """All versions by name, on top of the base and in it."""
        on_top = {each.name: each.version for each in self.packages}
        return on_top | {each.name: each.version for each in self.base}

    @property
    def known(self) -> frozenset[str]:
        """The names of all that was locked, and of what could not be."""
        return frozenset((*self.versions, *self.unlocked))

    def without(self, names: Collection[str]) -> DebianPins:
        """The same pins but for the packages of these names."""
        return self.model_copy(
            update={"packages": tuple(one for one in self.packages if one.name not in names)}
        )

    def missing(self, dpkg: Dpkg) -> tuple[PinnedPackage, ...]:
        """What of all this is not installed, or in another version."""
        return tuple(each for each in self.packages if not each.is_installed(dpkg))


DebianPinning: TypeAlias = Pinning[DebianPins]


def exact_pins(pinning: DebianPinning | None) -> DebianPins | None:
    """The pins that nothing may differ from; None where there are none, or where a lock is made anew."""
    return pinning.pins if pinning and pinning.exact else None


def kept_pins(pinning: DebianPinning | None) -> DebianPins:
    """The pins to keep to: all of them but those of what is to be the newest."""
    if pinning is None or pinning.upgrade is None:
        return DebianPins()
    return pinning.pins.without(pinning.upgrade)


def all_names(pinning: DebianPinning | None) -> tuple[str, ...]:
    """The names of all packages that are pinned, kept or not."""
    return tuple(pinning.pins.versions) if pinning else ()


def renewed(pinning: DebianPinning | None, named: Iterable[tuple[str, str]], dpkg: Dpkg) -> tuple[str, ...]:
    """Of what is named and what was locked with it, what is installed and is to be the newest: apt's words.

    `named` are names and apt's words for them. Nothing where pins are exact.
    """
    if pinning is None or pinning.exact:
        return ()
    words = {each.name: each.name for each in pinning.pins.packages} | dict(named)
    wanted = words.keys() if pinning.upgrade is None else words.keys() & pinning.upgrade
    return tuple(word for name, word in words.items() if name in wanted and dpkg.get(name))
