"""How repositories are locked: to the commit that is checked out here, or else to the server's."""

from __future__ import annotations

import re
from collections.abc import Iterator

from provisioner.kinds.base import (
    SHOWN_DIGITS,
    Contents,
    LockContext,
    LockedEntry,
    Material,
    PackageUrl,
)
from provisioner.kinds.git import remote
from provisioner.kinds.git.facts import GitFacts, RepoFacts
from provisioner.kinds.git.pins import (
    GitPinning,
    GitPins,
    PinnedRepository,
    WantedRepository,
    is_renewed,
    kept,
    want,
)
from provisioner.kinds.git.remote import shown_url
from provisioner.kinds.git.section import FULL, Git, Repo
from provisioner.kinds.git.state import is_from, normal, target_of, why_elsewhere
from provisioner.kinds.shared.fields import as_written
from provisioner.machine.reader import Reader
from provisioner.model.errors import LockError

GITHUB = re.compile(r"(?:https|ssh)://github\.com/([^/]+)/([^/]+)")


def check(config: Git, pins: GitPins) -> None:
    """Raises LockError for a repository that was not pinned."""
    if lacking := sorted(config.repos.keys() - pins.keys()):
        raise LockError(f"the lock does not have git.{lacking[0]}", "Lock it again: colabenv lock")


def pin(
    config: Git, facts: GitFacts, reader: Reader, context: LockContext, pinning: GitPinning | None
) -> GitPins:
    """Every repository at its commit here, or the server's. Raises LockError where that is unknown."""
    earlier = kept(config.repos, pinning)
    return {
        name: earlier[name] if name in earlier else pin_one(name, repo, facts[name], reader, pinning)
        for name, repo in sorted(config.repos.items())
    }


def pin_one(
    name: str, repo: Repo, found: object, reader: Reader, pinning: GitPinning | None
) -> PinnedRepository:
    """What to pin of a repository: the commit in the spec, the one here, or the server's."""
    wanted = want(repo, None)
    here = "" if is_renewed(name, pinning) or not isinstance(found, RepoFacts) else published(wanted, found)
    commit = wanted.commit or here or ask(name, wanted, reader)
    rev = None if repo.rev == commit else repo.rev
    return PinnedRepository(url=as_written(repo.url), rev=rev, commit=commit)


def published(wanted: WantedRepository, found: RepoFacts) -> str:
    """The commit that is checked out, if it is the one that is wanted and others can fetch it; else ""."""
    clone = found.clone
    if clone is None or not is_from(clone, wanted.repo) or why_elsewhere(wanted, clone):
        return ""
    own = clone.head.branch and clone.upstream != clone.head.commit
    return "" if own else clone.head.commit


def ask(name: str, wanted: WantedRepository, reader: Reader) -> str:
    """The commit that the server has. Raises LockError where it does not answer, or does not have it."""
    url = wanted.repo.url
    answer = remote.ask(url, wanted.name, reader)
    if answer.error:
        raise LockError(
            f"git.{name} cannot be locked: {answer.error}", "Lock again when the server can be asked."
        )
    commit = target_of(wanted, RepoFacts(wanted.repo.place, remote=answer))
    if FULL.fullmatch(commit):
        return commit
    if wanted.short:
        raise LockError(
            f"git.{name} cannot be locked: {wanted.name} is only the beginning of a commit",
            "Write all 40 digits, or apply first.",
        )
    raise LockError(f"git.{name} cannot be locked: {shown_url(url)} has no {wanted.name or 'commits'}")


def contents(pins: GitPins) -> Contents:
    """The commit of each, after the tag or branch that it was."""
    return Contents(tuple(LockedEntry(name, version(one)) for name, one in pins.items()))


def version(pin: PinnedRepository) -> str:
    commit = pin.commit[:SHOWN_DIGITS]
    return f"{pin.rev} ({commit})" if pin.rev else commit


def materials(pins: GitPins, _system: str) -> Iterator[Material]:
    for name, one in pins.items():
        yield Material(
            address=f"git.{name}",
            name=name,
            version=one.commit,
            purl=package_url(name, one),
            repository=one.url if "://" in one.url else None,
            notes={"rev": one.rev},
        )


def package_url(name: str, pin: PinnedRepository) -> PackageUrl | None:
    """None for a repository in the spec's own folder, which nobody else can find."""
    url = normal(pin.url)
    if "://" not in url:
        return None
    if hub := GITHUB.fullmatch(url):
        return PackageUrl("github", hub[2].lower(), pin.commit, namespace=hub[1].lower())
    return PackageUrl("generic", name, pin.commit, qualifiers={"vcs_url": f"git+{url}@{pin.commit}"})
