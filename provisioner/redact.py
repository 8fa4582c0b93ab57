"""What must not be shown: which names hold secrets, and which lines may hold one."""

from __future__ import annotations

import re

SECRET = re.compile(r"passw(or)?d|passphrase|token|secret|credential|apikey", re.IGNORECASE)
KEY = re.compile(r"key$", re.IGNORECASE)
NAMED_KEY = re.compile(r"([\w-](?i:key)|\bK(?i:ey))[\"']?\s*[:=]")
USERINFO = re.compile(r"(?<=://)[^/\s@]+@")
PUBLIC = "key"
"""The public key of an apt repository is written `key:`; any longer name, or `KEY`, may be a secret one."""


def is_secret(path: tuple[str | int, ...]) -> bool:
    """Whether the value at `path` may be a secret, going by the names on the way to it."""
    for name in path:
        if isinstance(name, str) and (SECRET.search(name) or (KEY.search(name) and name != PUBLIC)):
            return True
    return path[:1] == ("env",) and PUBLIC in path


def holds_secret(line: str) -> bool:
    """Whether a line of a spec may hold a secret."""
    return any(pattern.search(line) for pattern in (SECRET, NAMED_KEY, USERINFO))


def redact(text: str) -> str:
    """`text` without the user and password of the URLs in it."""
    return USERINFO.sub("***@", text)
