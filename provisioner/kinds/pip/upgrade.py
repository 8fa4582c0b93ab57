"""The upgrade strategy: what a new lock keeps of the earlier one, and what may be newer. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from provisioner.facts.distributions import PipRequirement, parse_requirement
from provisioner.kinds.base import Pinning
from provisioner.kinds.pip.origins import same_url, split_url
from provisioner.kinds.shared.pylock import Pinned, PipPins


@dataclass(frozen=True)
class UpgradeStrategy:
    """What uv is to keep of an earlier lock, and what it is to upgrade."""

    preferences: tuple[PipRequirement, ...] = ()
    """The versions that were locked: constraints that are dropped where they conflict."""
    newest: tuple[str, ...] = ()
    """Names that are to be the newest, though they are met."""
    commits: tuple[Pinned, ...] = ()
    """What was locked of repositories and is kept."""

    @property
    def options(self) -> tuple[str, ...]:
        """uv's options for what is to be the newest."""
        return tuple(word for name in self.newest for word in ("--upgrade-package", name))

    def at_commits(self, packages: Iterable[PipRequirement]) -> tuple[PipRequirement, ...]:
        """Requirements, those of a branch at the commit that was locked for the same branch."""
        locked = {each.name: each for each in self.commits}
        return tuple(at_commit(each, locked[each.name]) if each.name in locked else each for each in packages)


def upgrade_strategy(pinning: Pinning[PipPins] | None) -> UpgradeStrategy:
    """The strategy for pins that are kept where they still fit; empty for exact pins, or none."""
    if pinning is None or pinning.exact:
        return UpgradeStrategy()
    pins, upgrade = pinning.pins, pinning.upgrade
    newest = {*pins.renewable} if upgrade is None else {canonicalize_name(name) for name in upgrade}
    locked = (f"{name}=={version}" for name, version in pins.versions.items() if name not in newest)
    return UpgradeStrategy(
        preferences=tuple(filter(None, map(parse_requirement, locked))),
        newest=tuple(sorted(newest)),
        commits=tuple(each for each in pins.packages if each.vcs and each.name not in newest),
    )


def at_commit(requirement: PipRequirement, locked: Pinned) -> PipRequirement:
    """A requirement at the commit that was locked for it, if it was the same requirement."""
    wanted = split_url(requirement.url or "")
    vcs = locked.vcs
    if not (vcs and wanted.in_repository and same_url(wanted.url, vcs.url)):
        return requirement
    if wanted.revision != vcs.requested_revision:
        return requirement
    fragment = f"#{wanted.fragment}" if wanted.fragment else ""
    return requirement.at(f"git+{wanted.url}@{vcs.commit_id}{fragment}")
