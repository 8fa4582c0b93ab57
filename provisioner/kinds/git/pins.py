"""The pins of repositories: the commit of each; and the state with pins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from provisioner.kinds.base import Pinning
from provisioner.kinds.git.section import FULL, SHORT, Repo
from provisioner.kinds.shared.fields import Section, as_written

Commit = Annotated[str, Field(pattern="^[0-9a-f]{40}$")]

Repositories = Mapping[str, Repo]


class PinnedRepository(Section):
    """One repository at a commit."""

    url: str
    rev: str | None = None
    """The tag or branch that the commit was; None for the default branch, and for a commit."""
    commit: Commit

    def fits(self, repo: Repo) -> bool:
        """Whether it is what the spec still asks for."""
        return self.url == as_written(repo.url) and (self.rev == repo.rev or self.commit == repo.rev)


GitPins = dict[str, PinnedRepository]
GitPinning = Pinning[GitPins]


@dataclass(frozen=True)
class WantedRepository:
    """The desired state of one repository, from the spec, or from the lock where there is a pin."""

    repo: Repo
    commit: str = ""
    """The commit that it must be at; "" where a tag or a branch decides."""
    pinned: bool = False
    """Whether a lock says so."""

    @property
    def name(self) -> str | None:
        """The tag, the branch or the beginning of a commit that decides; None for the default branch."""
        return None if self.commit else self.repo.rev

    @property
    def short(self) -> bool:
        """Whether that may be the beginning of a commit."""
        return bool(self.name and SHORT.fullmatch(self.name))

    @property
    def follows(self) -> bool:
        """Whether what is new is taken at every apply."""
        return self.repo.update == "ff" and not self.commit


def is_renewed(name: str, pinning: GitPinning | None) -> bool:
    """Whether a repository is resolved again, whatever was pinned or is checked out."""
    if pinning is None or pinning.exact:
        return False
    return pinning.upgrade is None or name in pinning.upgrade


def kept(repos: Repositories, pinning: GitPinning | None) -> GitPins:
    """The pins to use: all of them, or, when a lock is updated, those that still fit."""
    if pinning is None:
        return {}
    named = {name: pin for name, pin in pinning.pins.items() if name in repos}
    if pinning.exact:
        return named
    return {
        name: pin for name, pin in named.items() if pin.fits(repos[name]) and not is_renewed(name, pinning)
    }


def wanted(repos: Repositories, pinning: GitPinning | None) -> dict[str, WantedRepository]:
    """The desired state of each repository."""
    pins = kept(repos, pinning)
    return {name: want(repo, pins.get(name)) for name, repo in repos.items()}


def want(repo: Repo, pin: PinnedRepository | None) -> WantedRepository:
    if pin:
        return WantedRepository(repo, pin.commit, pinned=True)
    return WantedRepository(repo, repo.rev if repo.rev and FULL.fullmatch(repo.rev) else "")
