"""What files will hold that a clone brings, as the repository has them."""

from __future__ import annotations

import posixpath

from provisioner.kinds.git.blob import blob
from provisioner.kinds.git.pins import GitPinning, WantedRepository, wanted
from provisioner.kinds.git.repository import POINTER
from provisioner.kinds.git.section import Git
from provisioner.kinds.shared.fields import is_at_or_below
from provisioner.machine.reader import Reader


def preview(config: Git, pinning: GitPinning | None, reader: Reader, path: str) -> bytes | None:
    """What a text file will hold; None where git cannot say so, or does not decide it."""
    for each in wanted(config.repos, pinning).values():
        repo = each.repo
        if is_at_or_below(path, repo.place) and moves(each, reader) and not repo.sparse:
            revision = each.commit or repo.rev
            data = blob(repo.url, revision, posixpath.relpath(path, repo.place), reader)
            return None if data is None or data.startswith(POINTER) else data
    return None


def moves(each: WantedRepository, reader: Reader) -> bool:
    """Whether the clone will be at what the server has: a branch that is there stays where it is."""
    return bool(each.commit) or each.follows or reader.stat(each.repo.place) is None
