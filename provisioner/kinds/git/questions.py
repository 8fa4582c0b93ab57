"""What git and the server are asked about a repository when something is amiss: never when all is right."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from provisioner.kinds.git import command, remote
from provisioner.kinds.git.facts import Clone, RepoFacts
from provisioner.kinds.git.pins import WantedRepository
from provisioner.kinds.git.state import Task, is_behind, state, target_of
from provisioner.kinds.shared.changed import as_changed, content_at, is_changed
from provisioner.kinds.shared.fields import at_or_below_any, is_at_or_below
from provisioner.machine.edits.diffs import Content
from provisioner.machine.reader import Completed, Reader
from provisioner.model.errors import EffectError, ObserveError

PROGRAM = "100755"
"""The mode that git has of a file that may be run. Source: git-ls-tree(1)."""

NOT_STARTED = 127
"""git is not there yet; what it would say is asked again when it is."""


def needs_asking(wanted: WantedRepository, found: RepoFacts, reader: Reader) -> bool:
    """Whether more must be known than files show."""
    task, _ = state(wanted, found)
    if found.clone and found.clone.pointers:
        return True
    on_branch = found.clone is not None and bool(found.clone.head.branch) and not wanted.commit
    return task in (Task.CLONE, Task.CHECKOUT) or (
        task in (Task.KEEP, Task.TIDY) and on_branch and (wanted.follows or reader.context.deep)
    )


def ask(wanted: WantedRepository, found: RepoFacts, reader: Reader) -> RepoFacts:
    """The same, with what the server has, and with what would be lost in a clone that has to change."""
    clone, repo = found.clone, wanted.repo
    if clone is None:
        return replace(found, remote=remote.ask(repo.url, wanted.commit or wanted.name, reader))
    if clone.pointers:
        clone = replace(clone, pointers=kept_apart(wanted, found, clone, reader))
        found = replace(found, clone=clone)
        if not needs_asking(wanted, replace(found, clone=replace(clone, pointers=())), reader):
            return found
    task, _ = state(wanted, found)
    if task is not Task.CHECKOUT:
        answer = remote.ask(repo.url, clone.head.branch, reader)
        found = replace(found, remote=answer)
        if not (wanted.follows and is_behind(clone, answer)):
            return found
        newest = here(answer.branch(clone.head.branch), wanted, found, reader)
        ahead = is_ahead(wanted, found, clone, reader)
        return with_edits(wanted, replace(found, target=newest, ahead=ahead), reader)
    known = known_commit(wanted, found, clone, reader)
    if not known:
        found = replace(found, remote=remote.ask(repo.url, wanted.commit or wanted.name, reader))
        known = here(target_of(wanted, found), wanted, found, reader)
    return with_edits(wanted, replace(found, target=known), reader)


def kept_apart(wanted: WantedRepository, found: RepoFacts, clone: Clone, reader: Reader) -> tuple[str, ...]:
    """The pointers that Git LFS is to replace: a repository may also have some as files of their own."""
    how = ("check-attr", "-z", "--stdin", "filter")
    names = "\0".join(clone.pointers)
    asked = command.question(wanted.repo.url, *how, at=found.path, stdin=names)
    fields = reader.ask(asked).stdout.split("\0")
    kept = {path for path, value in zip(fields[::3], fields[2::3], strict=False) if value == "lfs"}
    return tuple(path for path in clone.pointers if path in kept)


def known_commit(wanted: WantedRepository, found: RepoFacts, clone: Clone, reader: Reader) -> str:
    """The commit that is wanted, where that and its files are here; "" where the server must be asked."""
    if wanted.commit:
        return here(wanted.commit, wanted, found, reader)
    if clone.branch:
        return clone.branch
    return here(wanted.name or "", wanted, found, reader) if wanted.short else ""


def here(commit: str, wanted: WantedRepository, found: RepoFacts, reader: Reader) -> str:
    """A commit by any beginning of it, in full, where it is here; "" where it is not."""
    if not commit:
        return ""
    told = git(wanted, found, reader, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
    return "" if told.code else told.stdout.strip()


def is_ahead(wanted: WantedRepository, found: RepoFacts, clone: Clone, reader: Reader) -> bool:
    """Whether a branch has commits that were not on the server when it was last fetched."""
    if not clone.upstream or clone.upstream == clone.head.commit:
        return False
    return git(wanted, found, reader, "merge-base", "--is-ancestor", "HEAD", clone.upstream).code == 1


def with_edits(wanted: WantedRepository, found: RepoFacts, reader: Reader) -> RepoFacts:
    """The same, with what was edited there, and what of it other entries did."""
    how = ("--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=all")
    told = git(wanted, found, reader, "status", *how)
    if told.code == NOT_STARTED:
        return found
    if told.code or told.timed_out:
        raise ObserveError(
            f"git cannot tell what was edited in {found.path}: {remote.last_line(told.stderr)}",
            f"Find out why: git -C {shlex.quote(found.path)} status",
        )
    names = tuple(changed(told.stdout))
    explained = tuple(name for name in names if is_explained(name, wanted, found, reader))
    edited = [name for name in names if name not in explained]
    if found.suspect and edited and found.target:
        edited = left_by_us(edited, wanted, found, reader)
    found = replace(found, edited=tuple(edited), explained=explained)
    return replace(found, in_the_way=in_the_way(wanted, found, reader)) if found.target else found


def is_explained(name: str, wanted: WantedRepository, found: RepoFacts, reader: Reader) -> bool:
    """Whether a tracked file differs because of other entries alone: one makes it, or they change it so."""
    path = posixpath.join(found.path, name)
    inside = [made for made in reader.context.made if made != found.path and is_at_or_below(made, found.path)]
    if at_or_below_any(path, inside):
        return True
    if not is_changed(path, reader):
        return False
    listed = git(wanted, found, reader, "ls-tree", "HEAD", "--", f":(literal){name}")
    blob = git(wanted, found, reader, "cat-file", "blob", f"HEAD:{name}")
    known = Content(None if blob.code else blob.stdout.encode(), listed.stdout.startswith(PROGRAM))
    here = content_at(path, reader)
    with suppress(EffectError):  # what is here may be what they said before they were changed
        return as_changed(path, known, reader) in (here, as_changed(path, here, reader))
    return False


def changed(output: str) -> Iterator[str]:
    """The paths in what `git status --porcelain -z` says, where a renamed file has its old one after it."""
    fields = iter(output.split("\0"))
    for line in fields:
        if line[:2].strip():
            yield line[3:]
            if "R" in line[:2] or "C" in line[:2]:
                yield next(fields)


def left_by_us(names: list[str], wanted: WantedRepository, found: RepoFacts, reader: Reader) -> list[str]:
    """What of this an interrupted checkout does not explain: what is not as the new revision has it."""
    how = ("--name-only", "-z", "--no-ext-diff", "--no-textconv", "--diff-filter=AMT")
    told = git(wanted, found, reader, "diff", *how, found.target)
    differing = set(told.stdout.split("\0"))
    return names if told.code or told.timed_out else [name for name in names if name in differing]


def in_the_way(wanted: WantedRepository, found: RepoFacts, reader: Reader) -> tuple[str, ...]:
    """What is not tracked, and would be overwritten by the commit that is wanted, which is here."""
    if found.suspect:
        return ()
    how = ("--name-only", "-z", "--no-ext-diff", "--no-renames", "--diff-filter=A")
    told = git(wanted, found, reader, "diff", *how, "HEAD", found.target)
    added = [name for name in told.stdout.split("\0") if name]
    return tuple(name for name in added if reader.stat(posixpath.join(found.path, name)))


def git(wanted: WantedRepository, found: RepoFacts, reader: Reader, *arguments: str) -> Completed:
    """What git says in the clone."""
    return reader.ask(command.question(wanted.repo.url, *arguments, at=found.path))
