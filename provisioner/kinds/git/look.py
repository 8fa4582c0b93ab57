"""What stands where a repository is wanted, as far as files show it: git is not started, nothing is asked."""

from __future__ import annotations

import posixpath
import re

from provisioner.facts.paths import follow
from provisioner.kinds.git import repository
from provisioner.kinds.git.facts import Clone, RepoFacts
from provisioner.kinds.git.pins import WantedRepository
from provisioner.kinds.git.repository import GitFolder
from provisioner.kinds.shared.fields import is_at_or_below
from provisioner.machine.reader import Reader

HIDDEN = re.compile(r"\..+\.(provisioner-\w+|colabenv\.jsonl)")
"""What the entries that make files keep beside them."""

CLONE, OLD = "provisioner-clone", "provisioner-old"
"""What a clone is called until it is complete, and what was in its place until it has moved in."""


def look(name: str, wanted: WantedRepository, reader: Reader) -> RepoFacts:
    """Everything about a repository that can be seen without git and without a network."""
    path = follow(wanted.repo.place, reader)
    if path is None:
        return RepoFacts(wanted.repo.place, circle=True)
    stat = reader.stat(path)
    folder = repository.find(path, reader) if stat else None
    own, obstacle = ((), "") if folder or stat is None else what_else(path, stat.type, reader)
    return RepoFacts(
        path,
        clone=look_at_clone(wanted, folder) if folder else None,
        exists=stat is not None,
        obstacle=obstacle,
        nested=own,
        aside=reader.stat(beside(path, CLONE)) is not None,
        old=belongings(beside(path, OLD), path, reader),
        suspect=f"git.{name}" in reader.context.suspects,
    )


def beside(path: str, what: str) -> str:
    """Where something waits, hidden, beside a path."""
    folder, base = posixpath.split(path)
    return posixpath.join(folder, f".{base}.{what}")


def what_else(path: str, type_: str, reader: Reader) -> tuple[tuple[str, ...], str]:
    """What other entries have put into a folder, and what stands there that nobody of the file did."""
    if type_ != "folder":
        return (), f"{path} is a {type_}" if type_ == "file" else f"there is something else at {path}"
    if reader.stat(f"{path}/.git") is not None:
        return (), f"{path}/.git is there, and git could not read it"
    own, others = sort_out(path, path, reader)
    return tuple(own), f"{path} is not a clone and holds {others[0]}" if others else ""


def belongings(folder: str, path: str, reader: Reader) -> tuple[str, ...] | None:
    """What was taken out of `path` into a folder beside it; None where there is no such folder."""
    if reader.stat(folder) is None:
        return None
    own, others = sort_out(folder, path, reader)
    return (*own, *others)


def sort_out(folder: str, path: str, reader: Reader) -> tuple[list[str], list[str]]:
    """What is in a folder, relative to it: what entries make, as if it were at `path`, and what else."""
    own: list[str] = []
    others: list[str] = []
    below = [made for made in reader.context.made if is_at_or_below(made, path) and made != path]

    def walk(inside: str) -> None:
        for name in reader.list(posixpath.join(folder, inside)) or ():
            place = posixpath.join(inside, name)
            full = posixpath.join(path, place)
            stat = reader.stat(posixpath.join(folder, place))
            if full in below or HIDDEN.fullmatch(name):
                own.append(place)
            elif stat and stat.type == "folder" and any(is_at_or_below(made, full) for made in below):
                walk(place)
            else:
                others.append(place)

    walk("")
    return own, others


def look_at_clone(wanted: WantedRepository, folder: GitFolder) -> Clone:
    """What a clone has, as far as it matters to what is wanted."""
    head, name, repo = folder.head, wanted.name, wanted.repo
    attributes = repository.text(f"{folder.worktree}/.gitattributes", folder.reader)
    fetched = folder.settings.get("remote.origin.fetch", ())
    return Clone(
        folder=folder.path,
        url=folder.url,
        head=head,
        tag=folder.tag(name) if name else "",
        branch=folder.ref(f"refs/heads/{name}") if name else "",
        upstream=folder.ref(f"refs/remotes/origin/{head.branch}") if head.branch else "",
        narrow=not any("refs/heads/*" in each for each in fetched),
        shallow=folder.shallow,
        sparse=folder.sparse,
        submodules=tuple(repository.amiss(folder)) if repo.submodules and head.commit else (),
        pointers=repository.pointers(folder) if repo.lfs else (),
        large="filter=lfs" in attributes,
    )
