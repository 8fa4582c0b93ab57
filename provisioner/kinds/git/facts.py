"""The state of a section, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from provisioner.kinds.git.packages import PackageFacts
from provisioner.kinds.git.remote import RemoteAnswer
from provisioner.kinds.git.repository import Head, Submodule
from provisioner.kinds.git.user_config import UserConfig


@dataclass(frozen=True)
class Clone:
    """The repository that is there."""

    folder: str
    """Where git keeps it: `.git`."""
    url: str
    head: Head
    tag: str = ""
    """The commit that the wanted revision names here, if it is a tag; "" for none."""
    branch: str = ""
    """The commit of the local branch that is called like the wanted revision; "" for none."""
    upstream: str = ""
    """The commit that the server had on the branch that is checked out, when it was last asked."""
    narrow: bool = False
    """Whether only some branches are fetched."""
    shallow: bool = False
    sparse: str = ""
    """The patterns of what is checked out; "" for everything."""
    submodules: tuple[Submodule, ...] = ()
    """Those that are not as they should be."""
    pointers: tuple[str, ...] = ()
    """Files whose contents Git LFS has yet to fetch."""
    large: bool = False
    """Whether it keeps large files in Git LFS, as far as its first folder says."""


@dataclass(frozen=True)
class RepoFacts:
    """The state of one repository's place."""

    path: str
    """`to`, with links followed."""
    circle: bool = False
    """Whether those links lead nowhere but to themselves."""
    clone: Clone | None = None
    exists: bool = False
    """Whether there is anything."""
    obstacle: str = ""
    """Why nothing can be cloned there: what else is there; "" for nothing."""
    nested: tuple[str, ...] = ()
    """What other entries have put there, relative to it."""
    aside: bool = False
    """Whether an interrupted run left a clone beside it."""
    old: tuple[str, ...] | None = None
    """What an interrupted run took out of it and did not yet put back; None for nothing."""
    suspect: bool = False
    """Whether an earlier run began to change it and never ended."""

    # What git and the server were asked, when something is amiss:
    remote: RemoteAnswer | None = None
    target: str = ""
    """The commit that is wanted, when it is here already."""
    edited: tuple[str, ...] = ()
    """Tracked files that somebody changed."""
    explained: tuple[str, ...] = ()
    """Tracked files that other entries changed, and will change again."""
    in_the_way: tuple[str, ...] = ()
    """Files that are not tracked, and that the wanted revision brings."""
    ahead: bool = False
    """Whether the branch has commits that the server does not have."""


GitFacts: TypeAlias = Mapping[str, PackageFacts | UserConfig | RepoFacts]
"""By the names of repositories, and by two that no repository can have."""
