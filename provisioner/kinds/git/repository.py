"""A repository as its own files show it, without starting git. Source: gitrepository-layout(5)."""

from __future__ import annotations

import posixpath
import re
import shlex
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from urllib.parse import quote

from provisioner.kinds.git import gitconfig, index
from provisioner.kinds.git.gitconfig import Settings
from provisioner.kinds.git.index import IndexEntry
from provisioner.machine.reader import Reader
from provisioner.model.errors import ObserveError

COMMIT = re.compile(r"[0-9a-f]{40}")

OURS = "refs/provisioner/"
"""Where it is noted which commit a tag was when it was checked out: an annotated tag names another object."""

USUAL = {"extensions.refstorage": "files", "extensions.objectformat": "sha1"}
"""How a repository is kept, where it says so."""

LINKED = re.compile(r"gitdir: (.+)")
"""What is in `.git` where that is a file."""


@dataclass(frozen=True)
class Head:
    """What is checked out: "" for no branch, and for no commit yet."""

    branch: str = ""
    commit: str = ""


@dataclass(frozen=True)
class GitFolder:
    """The folder in which git keeps a repository, read through `reader` when it is asked."""

    worktree: str
    path: str
    common: str
    """Where what several working trees share is; the same as `path` where there is but one."""
    reader: Reader = field(repr=False, compare=False)

    @cached_property
    def settings(self) -> Settings:
        shared = gitconfig.parse(text(f"{self.common}/config", self.reader))
        own = gitconfig.parse(text(f"{self.path}/config.worktree", self.reader))
        apart = gitconfig.last(shared, "extensions.worktreeconfig") == "true"
        return {**shared, **own} if apart else shared

    @property
    def url(self) -> str:
        """Where it was cloned from; "" where it does not say."""
        return gitconfig.last(self.settings, "remote.origin.url")

    @cached_property
    def packed(self) -> Mapping[str, str]:
        """The refs that are in one file, a tag by the commit that it leads to."""
        found: dict[str, str] = {}
        name = ""
        for line in text(f"{self.common}/packed-refs", self.reader).splitlines():
            if line.startswith("^"):
                found[name] = line[1:]
            elif not line.startswith("#"):
                commit, _, name = line.partition(" ")
                found[name] = commit
        return found

    @cached_property
    def head(self) -> Head:
        """What is checked out."""
        line = text(f"{self.path}/HEAD", self.reader).strip()
        if not line.startswith("ref: "):
            return Head("", line if COMMIT.fullmatch(line) else "")
        name = line.removeprefix("ref: ")
        return Head(name.removeprefix("refs/heads/"), self.ref(name))

    def ref(self, name: str) -> str:
        """The commit of a ref, or the tag object of one that is not packed; "" for none."""
        line = text(f"{self.common}/{name}", self.reader).strip()
        return line if COMMIT.fullmatch(line) else self.packed.get(name, "")

    def tag(self, name: str) -> str:
        """The commit of a tag; "" for none, or where only git can tell."""
        return self.ref(noted(name)) or self.peel(self.ref(f"refs/tags/{name}"))

    def peel(self, name: str) -> str:
        """The commit that an object of its own file is or leads to; what is packed is taken for one."""
        data = self.reader.read(f"{self.common}/objects/{name[:2]}/{name[2:]}") if name else None
        if data is None:
            return name
        try:
            header, _, body = zlib.decompress(data).partition(b"\0")
        except zlib.error:
            return ""
        target = re.match(rb"object ([0-9a-f]{40})\n", body)
        return self.peel(target[1].decode()) if header.startswith(b"tag ") and target else name

    @cached_property
    def files(self) -> tuple[IndexEntry, ...]:
        """What is checked out, by the index. Raises ObserveError for one that only git can read."""
        data = self.reader.read(f"{self.path}/index")
        found = () if data is None else index.parse(data)
        if found is None:
            raise ObserveError(
                f"the index of {self.worktree} is in a form that only git reads",
                f"Write it in the usual one: git -C {shlex.quote(self.worktree)} update-index "
                "--no-split-index --index-version 2",
            )
        return found

    @property
    def is_checked_out(self) -> bool:
        """Whether a checkout was ever completed: a clone alone writes no index."""
        return self.reader.stat(f"{self.path}/index") is not None

    @property
    def shallow(self) -> bool:
        """Whether a part of the history is missing."""
        return self.reader.stat(f"{self.common}/shallow") is not None

    @property
    def sparse(self) -> str:
        """The patterns of what is to be checked out; "" for everything."""
        chosen = gitconfig.last(self.settings, "core.sparsecheckout") == "true"
        return text(f"{self.path}/info/sparse-checkout", self.reader) if chosen else ""


def noted(name: str) -> str:
    """Where the commit of a tag is noted: a ref by its name, whichever characters that has."""
    return OURS + quote(name, safe="")


def text(path: str, reader: Reader) -> str:
    """A file's text; "" for none."""
    return (reader.read(path) or b"").decode(errors="surrogateescape")


def find(worktree: str, reader: Reader) -> GitFolder | None:
    """The repository that is checked out in a folder; None for none.

    Raises ObserveError for one with another layout: reftable instead of files, or sha256 instead of sha1.
    """
    path = posixpath.join(worktree, ".git")
    found = reader.stat(path)
    if found is None:
        return None
    if found.type == "file":
        match = LINKED.match(text(path, reader))
        path = posixpath.normpath(posixpath.join(worktree, match[1])) if match else path
    if reader.stat(f"{path}/HEAD") is None:
        return None
    common = text(f"{path}/commondir", reader).strip()
    shared = posixpath.normpath(posixpath.join(path, common)) if common else path
    folder = GitFolder(worktree, path, shared, reader)
    for key, usual in USUAL.items():
        if (found_form := gitconfig.last(folder.settings, key) or usual) != usual:
            raise ObserveError(
                f"{worktree} is a repository whose `{key}` is {found_form}, which only git reads",
                "Move it away, so that it is cloned anew.",
            )
    return folder


def find_bare(path: str, reader: Reader) -> GitFolder | None:
    """The repository without a working tree at a path; None for none."""
    return GitFolder(path, path, path, reader) if reader.stat(f"{path}/HEAD") else None


# Submodules


@dataclass(frozen=True)
class Submodule:
    """A submodule that is not as its repository wants it."""

    path: str
    found: str
    """The commit that is checked out; "" for none."""
    branch: str = ""
    """The branch that somebody made there; "" for none."""
    cut_short: bool = False
    """Whether it was cloned and no files of it were checked out, which git then takes for complete."""


def amiss(folder: GitFolder) -> Iterator[Submodule]:
    """Every submodule, at any depth, that is missing or at another commit."""
    wanted = active(folder)
    for entry in folder.files:
        if not entry.commit or entry.path not in wanted:
            continue
        inner = find(posixpath.join(folder.worktree, entry.path), folder.reader)
        if inner is None:
            yield Submodule(entry.path, "")
        elif not inner.is_checked_out:
            yield Submodule(entry.path, "", cut_short=bool(inner.head.commit))
        elif inner.head.commit != entry.commit:
            yield Submodule(entry.path, inner.head.commit, inner.head.branch)
        else:
            yield from (replace(one, path=f"{entry.path}/{one.path}") for one in amiss(inner))


def active(folder: GitFolder) -> set[str]:
    """The paths of the submodules that `git submodule update` checks out."""
    settings = gitconfig.parse(text(f"{folder.worktree}/.gitmodules", folder.reader))
    named = {
        key.removesuffix(".path"): values[-1] for key, values in settings.items() if key.endswith(".path")
    }
    return {
        path
        for name, path in named.items()
        if "none"
        not in (gitconfig.last(settings, f"{name}.update"), gitconfig.last(folder.settings, f"{name}.update"))
    }


# Large files

POINTER = b"version https://git-lfs.github.com/spec/"
POINTER_SIZES = range(100, 201)
"""Bytes of a pointer; its text has one line for the version, one for the sha256 and one for the size."""


def pointers(folder: GitFolder) -> tuple[str, ...]:
    """The files that hold what Git LFS leaves in place of a large file: of all, only the small are read."""
    small = [entry.path for entry in folder.files if not entry.commit and entry.size in POINTER_SIZES]
    return tuple(
        path
        for path in small
        if (folder.reader.read(posixpath.join(folder.worktree, path)) or b"").startswith(POINTER)
    )
