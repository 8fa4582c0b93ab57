"""One file of a repository at a revision, without touching the project's folder: a look ahead."""

from __future__ import annotations

import hashlib
import posixpath

from provisioner.kinds.git import command
from provisioner.kinds.git.repository import find_bare, noted
from provisioner.kinds.git.section import FULL
from provisioner.machine.reader import Reader

FETCHING = 120.0
"""Seconds that a server may take to give the names of all files at a revision, and one of the files."""


def blob(url: str, rev: str | None, path: str, reader: Reader) -> bytes | None:
    """What a text file in a repository holds at a commit, tag or branch; None where that cannot be had.

    `rev` is None for the default branch, and `path` is relative to the repository. A repository without
    files, in our own folder, keeps what was fetched; a commit that it has is not asked for again.
    """
    folder = f"{reader.context.state}/git/{hashlib.sha256(url.encode()).hexdigest()[:16]}"
    name = noted(rev or "HEAD")
    known = find_bare(folder, reader)
    if known is None and not prepare(url, folder, reader):
        return None
    if not (known and rev and FULL.fullmatch(rev) and known.ref(name)):
        lean = ("--quiet", "--depth", "1", "--filter=blob:none", "--no-tags")
        fetch = ("fetch", *lean, "origin", f"+{rev or 'HEAD'}:{name}")
        if reader.ask(command.question(url, *fetch, at=folder, timeout=FETCHING)).code:
            return None
    asked = command.question(
        url, "cat-file", "--batch", "--follow-symlinks", at=folder, timeout=FETCHING,
        stdin=f"{name}:{posixpath.normpath(path)}\n",
    )  # fmt: skip
    return contents(reader.ask(asked).stdout)


def prepare(url: str, folder: str, reader: Reader) -> bool:
    """Make our own repository, with nothing in it; whether that worked."""
    made = reader.ask(command.question(url, "init", "--quiet", "--bare", "--", folder))
    if made.code:
        return False
    known = reader.ask(command.question(url, "config", "remote.origin.url", url, at=folder))
    return known.code == 0


def contents(output: str) -> bytes | None:
    """The file in the answer of `git cat-file --batch`; None for none, and for one that is not text."""
    header, _, rest = output.partition("\n")
    match header.split():
        case [_, "blob", size] if size.isdecimal():
            data = rest.removesuffix("\n").encode()
            return data if len(data) == int(size) else None
    return None
