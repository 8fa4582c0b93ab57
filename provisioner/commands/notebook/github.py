"""Where on GitHub a file is published, as its git repository's own files say. No git is run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from provisioner.machine import files
from provisioner.model.errors import ProvisionerError

SLUG = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
"""OWNER/NAME, as GitHub allows them."""
REMOTE = re.compile(r"(?:https?://(?:[^/@]*@)?|ssh://git@|git@|git://)github\.com[:/](.+?)(?:\.git)?/?")
DEFAULT_BRANCH = "main"


@dataclass(frozen=True)
class GitHubRepository:
    """A place on GitHub: `slug` is OWNER/NAME, `root` the folder of the working tree without links."""

    slug: str
    branch: str
    root: str

    def holds(self, path: str) -> bool:
        return os.path.commonpath([files.real(path), self.root]) == self.root

    def inside(self, path: str) -> str:
        """The path of a file in the repository, quoted for a URL."""
        return quote(os.path.relpath(files.real(path), self.root))

    def colab(self, path: str) -> str:
        """The address that opens a notebook in Colab."""
        branch = quote(self.branch)
        return f"https://colab.research.google.com/github/{self.slug}/blob/{branch}/{self.inside(path)}"

    def raw(self, path: str) -> str:
        """The address of a file's own text."""
        return f"https://raw.githubusercontent.com/{self.slug}/{quote(self.branch)}/{self.inside(path)}"


def checked(slug: str) -> str:
    """OWNER/NAME as it was given. Raises ProvisionerError when it is something else."""
    if not SLUG.fullmatch(slug):
        raise ProvisionerError(f"{slug!r} is not a repository on GitHub", "Write it as OWNER/NAME.")
    return slug


def locate(folder: str, slug: str | None = None) -> GitHubRepository | None:
    """The repository that a folder lies in, if GitHub has it; `slug` says so where git does not.

    With `slug` and without a repository, the folder itself is taken as the root.
    """
    folder = files.real(folder)
    for root in with_parents(folder):
        if git := git_folder(root):
            named = checked(slug) if slug else published(git)
            return GitHubRepository(named, branch(git), root) if named else None
    return GitHubRepository(checked(slug), DEFAULT_BRANCH, folder) if slug else None


def with_parents(folder: str) -> Iterator[str]:
    """An absolute folder, and those that it lies in, up to the root."""
    while folder != "/":
        yield folder
        folder = os.path.dirname(folder)
    yield folder


def git_folder(root: str) -> str | None:
    """The folder that git keeps its own files in: `.git`, or where a file of that name points."""
    git = os.path.join(root, ".git")
    _, found, named = read(git).partition("gitdir:")
    git = os.path.join(root, named.strip()) if found else git
    return git if read(f"{git}/HEAD") else None


def published(git: str) -> str | None:
    """OWNER/NAME of the remote `origin`, or of the first that is on GitHub."""
    common = read(f"{git}/commondir").strip()
    slugs: dict[str, str] = {}
    for name, url in remotes(read(os.path.join(git, common, "config"))):
        if slug := slug_of(url):
            slugs.setdefault(name, slug)
    return slugs.get("origin") or next(iter(slugs.values()), None)


def remotes(config: str) -> Iterator[tuple[str, str]]:
    """Every remote's name with each of its URLs. See git-config(1)."""
    name = ""
    for entry in config.splitlines():
        if section := re.fullmatch(r'\s*\[\s*remote\s+"(.*)"\s*\]\s*', entry):
            name = section[1]
        elif re.fullmatch(r"\s*\[.*\]\s*", entry):
            name = ""
        elif name and (value := re.fullmatch(r"\s*url\s*=\s*(.*?)\s*", entry)):
            yield name, value[1].strip('"')


def slug_of(url: str) -> str | None:
    """OWNER/NAME of a GitHub URL, without its credentials."""
    match = REMOTE.fullmatch(url)
    return match[1] if match and SLUG.fullmatch(match[1]) else None


def branch(git: str) -> str:
    """The branch that is checked out, or the usual one."""
    _, found, name = read(f"{git}/HEAD").strip().partition("ref: refs/heads/")
    return name if found and name else DEFAULT_BRANCH


def read(path: str) -> str:
    """A small file of git's; empty when there is none."""
    try:
        return files.read(path).decode("utf-8", errors="replace")
    except OSError:
        return ""
