"""What brings a repository to its place, or to another revision there: complete, or as it was before.

A clone is made beside its place, under a hidden name, and moves in when all of it is there.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from provisioner.kinds.git.command import git, words
from provisioner.kinds.git.facts import Clone, RepoFacts
from provisioner.kinds.git.look import CLONE, OLD, beside
from provisioner.kinds.git.pins import WantedRepository
from provisioner.kinds.git.repository import noted
from provisioner.kinds.git.state import Task, is_ours, patterns
from provisioner.model.effects import Effect, Move, Remove, Run, Write

ABSENT = r"reference is not a tree|unable to read tree|not a valid object|bad object|did not match any"
"""What git says of a commit that no branch or tag led to."""

REFUSED = r"not our ref|unadvertised object|couldn't find remote ref|does not support shallow"
"""What servers say that give away only what a branch or a tag names."""

EVERYTHING = ("fetch", "--tags", "--force", "origin", "+refs/heads/*:refs/remotes/origin/*")


def effects(task: Task, wanted: WantedRepository, found: RepoFacts) -> Iterator[Effect]:
    """What does a task."""
    clone = found.clone
    if clone is None:
        if task is Task.CLONE:
            yield from make_clone(wanted, found)
        return
    yield from tidy(found)
    if task in (Task.CHECKOUT, Task.FORWARD):
        yield from change_revision(task, wanted, found, clone)
    if task is Task.FINISH:
        for submodule in clone.submodules:
            if submodule.cut_short:
                place = posixpath.join(found.path, submodule.path)
                yield git(wanted.repo.url, "reset", "--quiet", "--hard", at=place)
        yield from choose_files(wanted, clone.folder, found.path, clone.sparse)
    if task in (Task.CHECKOUT, Task.FORWARD, Task.FINISH):
        if wanted.repo.sparse or is_ours(clone.sparse):
            yield git(wanted.repo.url, "sparse-checkout", choice(wanted), at=found.path)
        yield from complete(wanted, found.path)


# A new clone


def make_clone(wanted: WantedRepository, found: RepoFacts) -> Iterator[Effect]:
    """Clone beside the place, then move in."""
    aside = beside(found.path, CLONE)
    yield from put_back(found)
    yield Remove(path=aside, tree=True)
    yield from fetch_anew(wanted, found, aside)
    yield from choose_files(wanted, f"{aside}/.git", aside)
    yield from check_out_anew(wanted, found, aside)
    yield from complete(wanted, aside)
    yield from move_in(found, aside)


def fetch_anew(wanted: WantedRepository, found: RepoFacts, aside: str) -> Iterator[Run]:
    """The history, as far as it is asked for, with nothing checked out."""
    repo = wanted.repo
    lean = ("--filter=blob:none",) if repo.sparse else ()
    depth = ("--depth", str(repo.depth)) if repo.depth else ()
    if wanted.commit and repo.depth:
        yield git(repo.url, "init", "--quiet", "--", aside)
        yield git(repo.url, "remote", "add", "--", "origin", repo.url, at=aside)
        yield fetch_commit(repo.url, wanted.commit, (*depth, *lean), aside)
        return
    if wanted.commit or wanted.short:
        depth = ()  # what leads to a commit may be far back
    branch = ("--branch", wanted.name) if wanted.name and is_named(wanted, found) else ()
    local = ("--no-local",) if repo.local else ()
    yield git(
        repo.url, "clone", "--no-checkout", "--no-recurse-submodules", *local, *depth, *lean, *branch,
        "--", repo.url, aside,
    )  # fmt: skip
    if wanted.name and not branch and not wanted.short:
        yield fetch_ref(repo.url, wanted.name, noted(wanted.name), depth, aside)


def is_named(wanted: WantedRepository, found: RepoFacts) -> bool:
    """Whether `git clone` finds a revision by its name: that of a branch or of a tag."""
    name, answer = wanted.name or "", found.remote
    if name.startswith("refs/"):
        return False
    if answer and not answer.unknown and wanted.short:
        return bool(answer.branch(name) or answer.tag(name))
    return not wanted.short


def fetch_commit(url: str, commit: str, options: tuple[str, ...], at: str) -> Run:
    """Fetch a commit by itself; where a server refuses that, all that branches and tags lead to."""
    instead = (REFUSED, words(url, *EVERYTHING, at=at))
    return git(url, "fetch", *options, "origin", commit, at=at, instead=(instead,))


def fetch_ref(url: str, ref: str, to: str, options: tuple[str, ...], at: str) -> Run:
    return git(url, "fetch", *options, "origin", f"+{ref}:{to}", at=at)


def check_out_anew(wanted: WantedRepository, found: RepoFacts, aside: str) -> Iterator[Run]:
    """The revision that is wanted, in a clone where HEAD is the branch or tag that it was made for."""
    url, name = wanted.repo.url, wanted.name
    if wanted.commit:
        remedy = (ABSENT, words(url, "fetch", "origin", wanted.commit, at=aside))
        yield git(url, "checkout", "--quiet", "--detach", wanted.commit, "--", at=aside, remedies=(remedy,))
    elif name is None or is_named(wanted, found):
        yield git(url, "reset", "--quiet", "--hard", at=aside)
    elif wanted.short:
        yield git(url, "checkout", "--quiet", "--detach", name, "--", at=aside)
    else:
        yield git(url, "checkout", "--quiet", "--detach", noted(name), "--", at=aside)
    known = found.remote if found.remote and not found.remote.unknown else None
    if name and known and not known.branch(name) and not wanted.short:
        yield note(url, name, aside)


def note(url: str, name: str, at: str) -> Run:
    """Note which commit a tag is."""
    return git(url, "update-ref", noted(name), "HEAD", at=at)


def move_in(found: RepoFacts, aside: str) -> Iterator[Effect]:
    """Put a complete clone into its place, and into it what other entries had put there before."""
    nested = tuple(dict.fromkeys((*found.nested, *(found.old or ()))))
    old, occupied = beside(found.path, OLD), found.exists or found.old is not None
    if occupied:
        yield Move(source=found.path, path=old)
    yield Move(source=aside, path=found.path)
    if occupied:
        yield from bring_back(nested, old, found.path)


def bring_back(names: tuple[str, ...], old: str, path: str) -> Iterator[Effect]:
    """Move what lay in a folder into the clone that took its place."""
    for name in names:
        place = posixpath.join(path, name)
        yield Remove(path=place, tree=True)
        yield Move(source=posixpath.join(old, name), path=place)
    yield Remove(path=old, tree=True)


# What an interrupted run left


def put_back(found: RepoFacts) -> Iterator[Effect]:
    """Make the place as it was before an interrupted run took its contents away."""
    old = beside(found.path, OLD)
    if found.old is None:
        return
    if not found.exists:
        yield Move(source=old, path=found.path)
    else:
        yield from bring_back(tuple(name for name in found.old if name not in found.nested), old, found.path)


def tidy(found: RepoFacts) -> Iterator[Effect]:
    """Clear away a clone that was not completed, and finish what came after one that was."""
    if found.aside:
        yield Remove(path=beside(found.path, CLONE), tree=True)
    if found.old is not None:
        yield from bring_back(found.old, beside(found.path, OLD), found.path)


# Another revision


def change_revision(task: Task, wanted: WantedRepository, found: RepoFacts, clone: Clone) -> Iterator[Effect]:
    """Fetch what is not here, and check it out; what other entries edited is edited again after that."""
    url, path = wanted.repo.url, found.path
    if found.suspect:
        yield Remove(path=f"{clone.folder}/index.lock")
    yield from choose_files(wanted, clone.folder, path, clone.sparse)
    yield from fetch_more(task, wanted, found, clone)
    if found.explained and not found.suspect:
        yield git(url, "--literal-pathspecs", "checkout", "--quiet", "HEAD", "--", *found.explained, at=path)
    how = ("--force",) if found.suspect else ("--no-overwrite-ignore",)
    if task is Task.FORWARD:
        yield go_forward(wanted, found, clone)
    else:
        yield git(url, "checkout", "--quiet", *how, *revision(wanted, found, clone), "--", at=path)
        if wanted.name and not is_branch(wanted, found, clone) and not wanted.short:
            yield note(url, wanted.name, path)


def go_forward(wanted: WantedRepository, found: RepoFacts, clone: Clone) -> Run:
    """Take what is new on the branch, which has no commits of its own."""
    branch = clone.head.branch
    upstream = f"refs/remotes/origin/{branch}"
    if found.suspect:
        return git(
            wanted.repo.url, "checkout", "--quiet", "--force", "-B", branch, upstream, "--", at=found.path
        )
    return git(wanted.repo.url, "merge", "--quiet", "--ff-only", upstream, at=found.path)


def is_branch(wanted: WantedRepository, found: RepoFacts, clone: Clone) -> bool:
    """Whether the revision that is wanted is a branch, here or on the server."""
    return bool(clone.branch or (found.remote and wanted.name and found.remote.branch(wanted.name)))


def revision(wanted: WantedRepository, found: RepoFacts, clone: Clone) -> tuple[str, ...]:
    """What `git checkout` is told: a branch is made when it is new, everything else has none."""
    name = wanted.name or clone.head.branch
    if wanted.commit or (wanted.short and not is_branch(wanted, found, clone)):
        return ("--detach", wanted.commit or found.target or name)
    if clone.branch:
        return (name,)
    if is_branch(wanted, found, clone) or not wanted.name:
        return ("-B", name, "--track", f"origin/{name}") if name else ("--detach", "origin/HEAD")
    return ("--detach", noted(name))


def fetch_more(task: Task, wanted: WantedRepository, found: RepoFacts, clone: Clone) -> Iterator[Run]:
    """What the revision needs and is not here."""
    url, path, name = wanted.repo.url, found.path, wanted.name or clone.head.branch
    depth = ("--depth", str(wanted.repo.depth or 1)) if clone.shallow and task is Task.CHECKOUT else ()
    if task is Task.FORWARD:
        name = clone.head.branch
    elif wanted.commit:
        if not found.target:
            yield fetch_commit(url, wanted.commit, depth, path)
        return
    elif clone.branch:
        return
    elif wanted.short and not is_branch(wanted, found, clone):
        if not found.target:
            whole = ("--unshallow",) if clone.shallow else ()
            yield git(url, *EVERYTHING[:1], *whole, *EVERYTHING[1:], at=path)
        return
    elif wanted.name and not is_branch(wanted, found, clone):
        ref = name if name.startswith("refs/") else f"refs/tags/{name}"
        yield fetch_ref(url, ref, noted(name), depth, path)
        return
    if clone.narrow:
        yield git(url, "remote", "set-branches", "--add", "origin", name, at=path)
    yield fetch_ref(url, f"refs/heads/{name}", f"refs/remotes/origin/{name}", depth, path)


# What belongs to a revision


def choice(wanted: WantedRepository) -> str:
    """What makes git check out the files that are chosen, or all again."""
    return "reapply" if wanted.repo.sparse else "disable"


def choose_files(wanted: WantedRepository, folder: str, at: str, found: str = "") -> Iterator[Effect]:
    """Say which files are to be checked out, and what makes large files of Git LFS's pointers."""
    url, text = wanted.repo.url, patterns(wanted.repo.sparse)
    if text and text != found:
        yield git(url, "config", "--worktree", "core.sparseCheckoutCone", "false", at=at)
        yield git(url, "config", "--worktree", "core.sparseCheckout", "true", at=at)
        yield Write(path=f"{folder}/info/sparse-checkout", text=text)
    if wanted.repo.lfs:
        yield git(url, "lfs", "install", "--local", "--skip-repo", at=at)


def complete(wanted: WantedRepository, at: str) -> Iterator[Run]:
    """Submodules and large files."""
    repo = wanted.repo
    if repo.submodules:
        yield git(repo.url, "submodule", "update", "--init", "--recursive", at=at)
    if repo.lfs:
        only = ("--include", ",".join(repo.sparse)) if repo.sparse else ()
        yield git(repo.url, "lfs", "pull", *only, at=at)
