"""What a spec may ask of apt, and the same as pins narrow it."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, model_validator

from provisioner.kinds.apt.repositories import Repository
from provisioner.kinds.apt.requests import Choice, Deb, Entry, Package, Preseed
from provisioner.kinds.shared.debian.names import PackageName
from provisioner.kinds.shared.debian.package_lists import Update
from provisioner.kinds.shared.debian.pins import DebianPins
from provisioner.kinds.shared.fields import Flag, Section


class Apt(Section):
    """Packages of this machine's distribution, and of repositories added to it."""

    packages: tuple[Entry, ...] = Field(
        default=(),
        description="Packages to have: a name, name=version, or any_of several.",
        examples=[["ffmpeg", {"any_of": ["libgl1", "libgl1-mesa-glx"]}]],
    )
    absent: tuple[PackageName, ...] = Field(default=(), description="Packages to remove.")
    repositories: tuple[Repository, ...] = Field(default=(), description="Repositories to add.")
    debs: tuple[Deb, ...] = Field(default=(), description="Packages in files of their own, by URL.")
    debconf: tuple[Preseed, ...] = Field(
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
        """The names of all packages that may be installed."""
        return (
            *(option.name for choice in self.packages for option in choice.any_of),
            *(deb.identity[0] for deb in self.debs),
        )


def locked_choices(config: Apt, pins: DebianPins) -> tuple[Choice, ...]:
    """Each choice as pins have it, in that very version; what they do not have is left as it is."""
    return tuple(locked_choice(choice, pins.versions) for choice in config.packages)


def locked_choice(choice: Choice, versions: Mapping[str, str]) -> Choice:
    """The first option that was locked in a version that fits, in that version."""
    for option in choice.any_of:
        version = versions.get(option.name)
        if version is not None and option.matches(version):
            return Choice(any_of=(Package(name=option.name, version=version),))
    return choice
