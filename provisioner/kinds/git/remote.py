"""What a server says of a repository: which branches and tags it has, asked once and only when needed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from provisioner.kinds.git import command
from provisioner.kinds.git.section import FULL, SHORT
from provisioner.machine.reader import Reader
from provisioner.machine.urls import shown
from provisioner.model.redaction import redact

NEAR = 3
"""Names that are suggested for one that is not there."""


@dataclass(frozen=True)
class RemoteAnswer:
    """The refs that were asked for, or why there are none."""

    refs: Mapping[str, str] = field(default_factory=dict)
    """The commit of each branch, tag, and of HEAD."""
    default: str = ""
    """The name of the default branch, where that was asked for."""
    near: tuple[str, ...] = ()
    """Names like one that is not there."""
    error: str = ""
    unknown: bool = False
    """Whether nothing could be learned, so that nothing follows from it."""

    def branch(self, name: str) -> str:
        return self.refs.get(f"refs/heads/{name}", "")

    def tag(self, name: str) -> str:
        """The commit of a tag, also of one that has a message."""
        return self.refs.get(f"refs/tags/{name}^{{}}") or self.refs.get(f"refs/tags/{name}", "")


def ask(url: str, rev: str | None, reader: Reader) -> RemoteAnswer:
    """What a server says of a revision; None for its default branch."""
    if rev is None or FULL.fullmatch(rev):
        return list_refs(url, ("--symref",), ("HEAD",), reader)
    plain = (f"refs/heads/{rev}", f"refs/tags/{rev}", f"refs/tags/{rev}^{{}}")
    found = list_refs(url, (), (rev,) if rev.startswith("refs/") else plain, reader)
    if found.error or found.refs or SHORT.fullmatch(rev):
        return found
    every = list_refs(url, ("--heads", "--tags"), (), reader)
    return RemoteAnswer(near=tuple(nearest(rev, every.refs)), error=every.error, unknown=every.unknown)


def list_refs(url: str, options: tuple[str, ...], names: tuple[str, ...], reader: Reader) -> RemoteAnswer:
    """The refs of these names, or all of them."""
    told = reader.ask(command.question(url, "ls-remote", *options, "--", url, *names))
    if told.code or told.timed_out:
        return failure(url, told.stderr, timed_out=told.timed_out)
    default = re.search(r"^ref: refs/heads/(\S+)\tHEAD$", told.stdout, re.MULTILINE)
    refs = {
        name: commit for commit, name in re.findall(r"^([0-9a-f]{40})\t(\S+)$", told.stdout, re.MULTILINE)
    }
    return RemoteAnswer(
        {name: refs[name] for name in refs if not names or name in names}, default[1] if default else ""
    )


def failure(url: str, output: str, *, timed_out: bool) -> RemoteAnswer:
    """Why a server did not answer; what passes by itself, and a git that is not there yet, say nothing."""
    if output.startswith("git: "):
        return RemoteAnswer(error="git is not installed yet", unknown=True)
    says = last_line(output)
    if re.search(command.PRIVATE, output):
        return RemoteAnswer(error=f"{shown_url(url)} asks who you are. {command.PRIVATE_HINT}")
    if re.search(command.UNKNOWN_HOST_KEY, output):
        return RemoteAnswer(error=f"{shown_url(url)}: {command.HOST_KEY_HINT}")
    transient = timed_out or any(re.search(pattern, output) for pattern in command.TRANSIENT)
    if not transient and "not allowed" in output:
        return RemoteAnswer(error=f"{shown_url(url)}: {says}; only https and ssh are followed")
    if not transient and re.search(command.MISSING, output):
        return RemoteAnswer(error=f"there is no repository at {shown_url(url)}; check the url")
    return RemoteAnswer(error=says, unknown=True)


def last_line(output: str) -> str:
    """What went wrong, in git's own words."""
    lines = [line for line in output.splitlines() if line.startswith(("fatal: ", "error: "))]
    said = lines[0].partition(": ")[2] if lines else output.strip().rpartition("\n")[2]
    return redact(said) or "the server did not answer in time"


def nearest(rev: str, refs: Mapping[str, str]) -> list[str]:
    """The branches and tags whose names look like one that is not there."""
    names = list(dict.fromkeys(re.sub(r"^refs/(heads|tags)/|\^\{\}$", "", name) for name in refs))
    plain = {name.lower().lstrip("v"): name for name in names}
    same = [plain[rev.lower().lstrip("v")]] if rev.lower().lstrip("v") in plain else []
    return list(dict.fromkeys([*same, *difflib.get_close_matches(rev, names, n=NEAR, cutoff=0.6)]))[:NEAR]


def shown_url(url: str) -> str:
    """A URL as it may be shown; a path, and git@host:path, as they are."""
    return shown(url) if "://" in url else url
