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
"""Characters: a shorter value may be part of ordinary words and numbers."""

SHORTEST_NAMED_SECRET = 3
"""Characters: one or two keep nothing secret, and a log without any "1" or "no" tells nothing."""

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

    Secret is what `names` names, whatever its value looks like, and what is called so. A long value goes
    wherever it stands, even within a word, and so does each long line of it, since logs are written by
    lines. A short one goes where it stands alone: a PIN of 1234 must not tear holes into 512345. Text like
    that has to be left, as have values of one or two characters, and values in another spelling, such as
    base64 or percent signs. Of what is only called a secret, nothing short is blotted out ("false",
    "none"), and no path: it is usually where a secret lies.
    """
    named = {value for name, value in environ.items() if name in names}
    called = {value for name, value in environ.items() if SECRET_VARIABLE.search(name)}
    called = {value for value in called if not value.startswith("/")}
    lines = {line.strip() for value in (*named, *called) for line in (value, *value.splitlines())}
    anywhere = {line for line in lines if len(line) >= SHORTEST_SECRET}
    alone = {value.strip() for value in named} - anywhere
    patterns = {value: re.escape(value) for value in anywhere}
    patterns |= {
        value: rf"(?<!\w){re.escape(value)}(?!\w)" for value in alone if len(value) >= SHORTEST_NAMED_SECRET
    }
    longest_first = sorted(patterns, key=len, reverse=True)
    pattern = re.compile("|".join(patterns[value] for value in longest_first)) if patterns else None

    def blot(text: str) -> str:
        text = redact(text)
        return pattern.sub("***", text) if pattern else text

    return blot
