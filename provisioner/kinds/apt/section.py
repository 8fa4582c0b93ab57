"""What a spec may ask of apt, and the same as a lock holds it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import Field, model_validator

from provisioner.facts.dpkg import Dpkg
from provisioner.kinds.apt.repositories import Repository
from provisioner.kinds.apt.requests import Choice, Deb, Entry, Package, Selection
from provisioner.kinds.shared.debian.names import PackageName
from provisioner.kinds.shared.debian.package_lists import Update
from provisioner.kinds.shared.debian.pins import Pins
from provisioner.kinds.shared.fields import Flag, Section
from provisioner.model.errors import LockError


class Apt(Section):
    """Packages of this machine's distribution, and of repositories added to it."""

    packages: tuple[Entry, ...] = Field(
        default=(),
        description="Packages to have: a name, name=version, or any_of several.",
        examples=[["ffmpeg", {"any_of": ["libgl1", "libgl1-mesa-glx"]}]],
    )
    absent: tuple[PackageName, ...] = Field(default=(), description="Packages to remove.")
    repositories: tuple[Repository, ...] = Field(default=(), description="Repositories to add.")
    debs: tuple[Deb, ...] = Field(default=(), description="Packages in files of their own, by address.")
    debconf: tuple[Selection, ...] = Field(
        default=(), description="Answers given before packages are installed, such as licences to accept."
    )
    update: Update = Field(
        default="auto",
        description="Fetch the package lists before an installation: auto (when old), always, never.",
    )
    recommends: Flag = Field(default=False, description="Also install what packages recommend.")
    force: Flag = Field(default=False, description="Allow GPU driver packages, and changes to held packages.")

    @model_validator(mode="after")
    def check_contradictions(self) -> Apt:
        for name in self.absent:
            if name in self.names:
                raise ValueError(f"names {name} both as wanted and as absent; remove one of them")
        for repository in self.repositories:
            if [item.name for item in self.repositories].count(repository.name) > 1:
                raise ValueError(f"names the repository {repository.name} twice; rename one of them")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        return (
            *(option.name for choice in self.packages for option in choice.any_of),
            *(deb.identity[0] for deb in self.debs),
        )


class LockedApt(Apt):
    """A section that asks for exactly what a lock holds."""

    pins: Pins

    @property
    def names(self) -> tuple[str, ...]:
        return (*super().names, *self.pins.versions)


class PreferringApt(Apt):
    """A section that is about to be locked: what comes along does so in earlier versions while it can."""

    pins: Pins
    upgrade: frozenset[str] | None = frozenset()
    """What is to be the newest, though it is there; None names all."""

    @property
    def names(self) -> tuple[str, ...]:
        return (*super().names, *self.pins.versions)

    @property
    def kept(self) -> Pins:
        return Pins() if self.upgrade is None else self.pins.without(self.upgrade)

    def renewed(self, dpkg: Dpkg, chosen: Iterable[Package]) -> tuple[str, ...]:
        """Of what is named and there, and of what came along, that which is to be the newest: apt's words."""
        words = {each.name: each.name for each in self.pins.packages} | {one.name: one.word for one in chosen}
        wanted = words.keys() if self.upgrade is None else words.keys() & self.upgrade
        return tuple(word for name, word in words.items() if name in wanted and dpkg.get(name))


def hold(config: Apt, held: Pins) -> LockedApt:
    """What is wanted, as it was locked. Raises LockError for what was not."""
    known = {*held.versions, *held.unlocked}
    for choice in config.packages:
        if not any(known & {option.name, option.name.partition(":")[0]} for option in choice.any_of):
            name = choice.any_of[0].name
            raise LockError(f"the lock does not have apt.{name}", "Lock it again: colabenv lock")
    return LockedApt(**dict(config) | {"packages": tuple(exact(config.packages, held)), "pins": held})


def exact(packages: Iterable[Choice], held: Pins) -> Iterator[Choice]:
    """Each choice as the lock made it, in that very version; what the lock has not is left as it is."""
    for choice in packages:
        fitting = (option.name for option in choice.any_of if fits(option, held))
        name = next(fitting, None)
        yield Choice(any_of=(Package(name=name, version=held.versions[name]),)) if name else choice


def fits(option: Package, held: Pins) -> bool:
    version = held.versions.get(option.name)
    return version is not None and option.matches(version)


def prefer(config: Apt, held: Pins | None, upgrade: frozenset[str] | None) -> Apt:
    """What was locked and is still wanted, but for what may be newer."""
    found = PreferringApt(**dict(config) | {"pins": held or Pins(), "upgrade": upgrade})
    return found.model_copy(update={"packages": tuple(exact(config.packages, found.kept))})
