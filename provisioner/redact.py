"""What must not be shown: which names hold secrets, and which lines may hold one."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

SECRET = re.compile(r"passw(or)?d|passphrase|token|secret|credential|apikey", re.IGNORECASE)
KEY = re.compile(r"key$", re.IGNORECASE)
NAMED_KEY = re.compile(r"([\w-](?i:key)|\bK(?i:ey))[\"']?\s*[:=]")
USERINFO = re.compile(r"(?<=://)[^/\s@]+@")
SECRET_VARIABLE = re.compile(
    r"(?:^|_)(?:TOKEN|PASSWORD|PASSWD|SECRET|APIKEY|KEY|CREDENTIALS?)(?:$|_)", re.IGNORECASE
)
"""Whole words only: TOKENIZERS_PARALLELISM holds no secret, and blotting out "false" would spoil a log."""

SHORTEST_SECRET = 6
"""Characters: a shorter value would blot out ordinary text."""

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


def redactor(environ: Mapping[str, str], names: Collection[str] = ()) -> Callable[[str], str]:
    """A function that blots out the values of secret variables, and the user part of URLs.

    Secret is what is called so, and what `names` names.
    """
    secrets = sorted(
        {
            value
            for name, value in environ.items()
            if (name in names or SECRET_VARIABLE.search(name))
            and len(value) >= SHORTEST_SECRET
            and not value.startswith("/")
        },
        key=len,
        reverse=True,
    )
    pattern = re.compile("|".join(map(re.escape, secrets))) if secrets else None

    def blot(text: str) -> str:
        text = redact(text)
        return pattern.sub("***", text) if pattern else text

    return blot
