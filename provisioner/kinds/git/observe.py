"""The state of a section, or of a part of it."""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.kinds.git import packages, user_config
from provisioner.kinds.git.facts import GitFacts, RepoFacts
from provisioner.kinds.git.look import look
from provisioner.kinds.git.packages import PackageFacts
from provisioner.kinds.git.pins import GitPinning, WantedRepository, wanted
from provisioner.kinds.git.questions import ask, needs_asking
from provisioner.kinds.git.section import Git
from provisioner.kinds.git.user_config import UserConfig
from provisioner.machine.reader import Reader

ASKERS = 8
"""Repositories that are asked about at the same time."""


def observe(config: Git, reader: Reader, pinning: GitPinning | None = None) -> GitFacts:
    """The state of everything that a section, or a part of it, is about."""
    found: dict[str, PackageFacts | UserConfig | RepoFacts] = {}
    if config.packages:
        found |= packages.observe(config.packages, reader)
    if config.config:
        found[user_config.KEY] = user_config.observe(config.config, reader)
    return found | look_at_all(wanted(config.repos, pinning), reader)


def begin(config: Git, reader: Reader, pinning: GitPinning | None) -> object:
    """The state of what it takes to have git, for which apt is asked together with other sections."""
    return packages.begin(config.packages, reader)


def look_at_all(repos: Mapping[str, WantedRepository], reader: Reader) -> dict[str, RepoFacts]:
    """The state of each repository, several looked at and asked about at a time."""
    seen = {name: look(name, one, reader) for name, one in repos.items()}
    amiss = [name for name, one in repos.items() if needs_asking(one, seen[name], reader)]
    if not amiss:
        return seen
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(ASKERS) as pool:
        asked = pool.map(lambda name: ask(repos[name], seen[name], reader), amiss)
        return seen | dict(zip(amiss, asked, strict=True))
