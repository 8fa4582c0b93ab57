"""What is to be done with a repository, and why. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from enum import Enum
from urllib.parse import urlsplit

from provisioner.kinds.base import SHOWN_DIGITS
from provisioner.kinds.git.facts import Clone, RepoFacts
from provisioner.kinds.git.pins import WantedRepository
from provisioner.kinds.git.remote import RemoteAnswer, shown_url
from provisioner.kinds.git.section import SCP, Repo


class Task(Enum):
    """What is to be done with a repository."""

    KEEP = "keep"
    CLONE = "clone"
    CHECKOUT = "checkout"
    """Another revision is wanted in a clone that is there."""
    FORWARD = "forward"
    """The branch takes what is new."""
    FINISH = "finish"
    """The revision is right, and something else is not."""
    TIDY = "tidy"
    """An interrupted run left something."""
    BLOCKED = "blocked"


def state(wanted: WantedRepository, found: RepoFacts) -> tuple[Task, str]:
    """What is to be done, and why, as far as it could be seen."""
    clone, repo = found.clone, wanted.repo
    if found.circle:
        return Task.BLOCKED, f"{found.path} is a symbolic link that leads to itself; remove it"
    if clone is None:
        if found.obstacle:
            return Task.BLOCKED, f"{found.obstacle}; move it away, or choose another `to`"
        return Task.CLONE, ""
    if not is_from(clone, repo):
        source = shown_url(clone.url) if clone.url else "nothing that it names"
        return (
            Task.BLOCKED,
            f"{found.path} is a clone of {source}; move it away, choose another `to`, or say that it is the "
            f"same: git -C {shlex.quote(found.path)} remote set-url origin {shlex.quote(repo.url)}",
        )
    if reason := why_elsewhere(wanted, clone):
        return Task.CHECKOUT, reason
    if reason := why_unfinished(wanted, found, clone):
        return Task.FINISH, reason
    if wanted.follows and found.remote and is_behind(clone, found.remote):
        return Task.FORWARD, "the server has a newer commit"
    if found.aside or found.old is not None:
        return Task.TIDY, "an interrupted run left something to clean up"
    return Task.KEEP, ""


def is_from(clone: Clone, repo: Repo) -> bool:
    """Whether a clone is one of a repository."""
    return normal(clone.url) == normal(repo.url)


def why_elsewhere(wanted: WantedRepository, clone: Clone) -> str:
    """Why the revision that is checked out is not the one that is wanted; "" where it is."""
    head, name = clone.head, wanted.name
    if not head.commit:
        return "nothing is checked out there yet"
    if wanted.commit:
        by = "lock" if wanted.pinned else "file"
        return "" if head.commit == wanted.commit else f"the {by} asks for {wanted.commit[:SHOWN_DIGITS]}"
    if name is None or head.branch == name or clone.tag == head.commit:
        return ""
    if wanted.short and head.commit.startswith(name):
        return ""
    return f"the file asks for {name}"


def why_unfinished(wanted: WantedRepository, found: RepoFacts, clone: Clone) -> str:
    """What else is not as it should be; "" for nothing."""
    if clone.sparse != patterns(wanted.repo.sparse) and (wanted.repo.sparse or is_ours(clone.sparse)):
        return "other files are to be checked out"
    if found.suspect and wanted.repo.sparse:
        return "an interrupted run may not have checked out everything"
    if clone.submodules:
        first = clone.submodules[0]
        what = f"is at {first.found[:SHOWN_DIGITS]}" if first.found else "is not checked out"
        return f"the submodule {first.path} {what}" + more(clone.submodules)
    if clone.pointers:
        return f"the contents of {clone.pointers[0]} are yet to be fetched" + more(clone.pointers)
    return ""


def more(things: tuple[object, ...]) -> str:
    """How many there are besides the first."""
    return f" (and {len(things) - 1} more)" if len(things) > 1 else ""


MARK = "# Written by colabenv: what `sparse` names.\n"


def patterns(sparse: Iterable[str]) -> str:
    """The file that has git check out only these paths; "" for everything. Source: git-sparse-checkout(1)."""
    lines = ["/" + re.sub(r"([\\*?\[\]!# ])", r"\\\1", path) for path in sparse]
    return MARK + "".join(f"{line}\n" for line in lines) if lines else ""


def is_ours(text: str) -> bool:
    """Whether patterns are those of an earlier apply, and not the user's own."""
    return text.startswith(MARK)


def is_behind(clone: Clone, answer: RemoteAnswer) -> bool:
    """Whether the server has another commit on the branch that is checked out than we have."""
    newest = answer.branch(clone.head.branch)
    return bool(newest) and newest != clone.head.commit


def normal(url: str) -> str:
    """A URL as it names a repository: without a user, `.git` and a slash at the end."""
    plain = url.rstrip("/").removesuffix(".git").rstrip("/")
    if "://" not in plain and SCP.fullmatch(plain):
        host, _, path = plain.partition(":")
        plain = f"ssh://{host}/{path.lstrip('/')}"
    if "://" not in plain:
        return plain
    parts = urlsplit(plain)
    place = parts.netloc.rpartition("@")[2].lower()
    return f"{parts.scheme.lower()}://{place}{parts.path}"


def target_of(wanted: WantedRepository, found: RepoFacts) -> str:
    """The commit that is wanted, as far as it is known; "" where it is not."""
    if wanted.commit or found.target:
        return wanted.commit or found.target
    answer = found.remote
    if not answer:
        return ""
    if wanted.name is None:
        branch = found.clone.head.branch if found.clone else ""
        return answer.refs.get("HEAD", "") or answer.branch(branch)
    return answer.branch(wanted.name) or answer.tag(wanted.name) or answer.refs.get(wanted.name, "")
