"""What may be said about a URL, and where a file URL leads."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from provisioner.model.redaction import is_signature, redact


def shown(url: str) -> str:
    """The URL without credentials: it names the same thing and may be logged."""
    parts = urlsplit(redact(url))
    parameters = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in parameters if not is_signature(name)]
    if kept != parameters:
        parts = parts._replace(query=urlencode(kept))
    return urlunsplit(parts._replace(fragment=""))


def is_web(place: str) -> bool:
    """Whether a place is an address of a web server, and not a path."""
    return place.startswith(("http://", "https://"))


def origin(url: str) -> str:
    """Where a download comes from, in short: a host, or the name of a local file."""
    return file_name(url) if local_path(url) else urlsplit(url).hostname or ""


def file_name(url: str) -> str:
    """The last part of the URL's path; empty when it ends in a slash."""
    return posixpath.basename(unquote(urlsplit(url).path))


def local_path(url: str) -> str | None:
    """The path that a file URL names; None for every other URL."""
    parts = urlsplit(url)
    return unquote(parts.path) if parts.scheme.lower() == "file" else None


def file_url(path: str) -> str:
    """The file URL of an absolute path."""
    return "file://" + quote(path)


def is_below(path: str) -> bool:
    """Whether a relative path stays within the folder where it starts."""
    plain = not re.search(r"[\x00-\x1f\x7f]", path) and not posixpath.isabs(path)
    return plain and posixpath.normpath(path).partition("/")[0] != ".."
