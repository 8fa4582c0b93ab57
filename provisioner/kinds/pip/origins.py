"""Where a distribution came from that no index gave, in comparison with the URL that a requirement names.

Format of direct_url.json: https://packaging.python.org/en/latest/specifications/direct-url/.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from provisioner.model.redaction import redact

REPOSITORY = re.compile(r"(?:git|hg|bzr|svn)\+(?P<url>\w+://[^/]*/[^@]*)(?:@(?P<revision>.+))?")
COMMIT = re.compile(r"[0-9a-f]{7,40}")


@dataclass(frozen=True)
class RequiredUrl:
    """The URL of a requirement in its parts."""

    url: str
    """Without revision and fragment, as a direct_url.json has it."""
    revision: str | None = None
    """The branch, tag or commit, where it names one."""
    fragment: str = ""
    in_repository: bool = False

    @property
    def subfolder(self) -> str:
        """Where the project is in a repository or archive that holds more."""
        return dict(part.partition("=")[::2] for part in self.fragment.split("&")).get("subdirectory", "")


def split_url(url: str) -> RequiredUrl:
    place, _, fragment = url.partition("#")
    if match := REPOSITORY.fullmatch(place):
        return RequiredUrl(match["url"], match["revision"], fragment, in_repository=True)
    return RequiredUrl(place, fragment=fragment)


def comes_from(origin: Mapping[str, object], url: str) -> bool:
    """Whether a direct_url.json, given as a mapping, is about the URL that a requirement names.

    A revision must be the one that was asked for then, or the commit that it resolved to; no revision is met
    by any.
    """
    wanted = split_url(url)
    same_folder = wanted.subfolder == (origin.get("subdirectory") or "")
    same_place = same_url(str(origin.get("url")), wanted.url)
    return same_folder and same_place and has_revision(origin, wanted.revision)


def has_revision(origin: Mapping[str, object], revision: str | None) -> bool:
    details = origin.get("vcs_info")
    details = details if isinstance(details, dict) else {}
    commit = str(details.get("commit_id", ""))
    return (
        not revision
        or revision == details.get("requested_revision")
        or bool(COMMIT.fullmatch(revision) and commit.startswith(revision))
    )


def is_editable(origin: Mapping[str, object], folder: str) -> bool:
    """Whether a direct_url.json, given as a mapping, is about the project in a folder, installed in place."""
    details = origin.get("dir_info")
    editable = isinstance(details, dict) and details.get("editable") is True
    return editable and same_url(str(origin.get("url")), f"file://{folder}")


def same_url(one: str, other: str) -> bool:
    """Equal but for credentials, a final slash, and how a local path is written."""
    return normal(one) == normal(other)


def normal(url: str) -> str:
    return unquote(redact(url).replace("***@", "").replace("file://localhost/", "file:///")).rstrip("/")
