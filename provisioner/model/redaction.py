"""What must not be shown: which names hold secrets, and which lines may hold one."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

# What secrets are called. Each pattern below is a view of these words, for one kind of name.

ALWAYS = "passw(?:or)?d|passphrase|token|secret|apikey"
OR_A_PATH = "credentials?"
"""A secret, or the path of a file that holds one."""

OR_PUBLIC = "key"
"""A secret key, a public one, or a key to sort by."""

IN_A_NAME = re.compile(f"{ALWAYS}|{OR_A_PATH}", re.IGNORECASE)
"""Names in a spec, also within a word: an error that shows too little of a spec does no harm."""

KEY_AT_THE_END = re.compile(f"{OR_PUBLIC}$", re.IGNORECASE)

KEY_IN_A_LINE = re.compile(rf"([\w-](?i:{OR_PUBLIC})|\bK(?i:ey))[\"']?\s*[:=]")
"""A line alone does not show its place, so a plain `key:` is taken for the public one of a repository."""

SECRET_VARIABLE = re.compile(rf"(?:^|_)(?:{ALWAYS}|{OR_A_PATH}|{OR_PUBLIC})(?:$|_)", re.IGNORECASE)
"""Variables whose values are masked. Whole words only: TOKENIZERS_PARALLELISM is not a secret, and masking
"false" would spoil a log."""

NOT_FOR_SHARING = re.compile(
    rf"(?:^|_)(?:{ALWAYS})(?:$|_)|(?:api|access|private)_{OR_PUBLIC}$", re.IGNORECASE
)
"""Variables that no shared file may set. Whole words only, and only what is certainly a secret:
GOOGLE_APPLICATION_CREDENTIALS is a path, and a SORT_KEY is not a secret."""

SIGNATURE = re.compile(
    rf"x-(amz|goog)-|expires$|.*({ALWAYS}|{OR_A_PATH}|{OR_PUBLIC}|passw|sig|auth)", re.IGNORECASE
)
"""Parameters of a URL that grant access, and those that change whenever such a URL is signed again."""

USERINFO = re.compile(r"(?<=://)[^/\s@]+@")
CREDENTIALS = re.compile(r"(?<!ssh)://[^/\s@]+@|://[^/\s@:]*:[^/\s@]*@")
"""Over ssh a user is not a secret, only a password is."""

SHORTEST_SECRET = 6
"""Characters: a shorter value may be part of ordinary words and numbers."""

SHORTEST_NAMED_SECRET = 3
"""Characters: one or two are not a secret, and a log without any "1" or "no" is useless."""


def is_secret(path: tuple[str | int, ...]) -> bool:
    """Whether the value at `path` may be a secret, going by the names on the way to it."""
    return any(
        isinstance(name, str)
        and (IN_A_NAME.search(name) or (KEY_AT_THE_END.search(name) and not is_public(path[: at + 1])))
        for at, name in enumerate(path)
    )


def is_public(path: tuple[str | int, ...]) -> bool:
    """Whether a path leads to the `key` of a repository, `apt.repositories[0].key`."""
    match path:
        case (*_, "repositories", int(), "key"):
            return True
    return False


def holds_secret(line: str) -> bool:
    """Whether a line of a spec may hold a secret."""
    return any(pattern.search(line) for pattern in (IN_A_NAME, KEY_IN_A_LINE, USERINFO))


def may_hold_secret(variable: str) -> bool:
    """Whether an environment variable's name is one whose value must not be shown."""
    return bool(SECRET_VARIABLE.search(variable))


def is_for_sharing(variable: str) -> bool:
    """Whether a file that is shared may set this environment variable."""
    return not NOT_FOR_SHARING.search(variable)


def is_signature(parameter: str) -> bool:
    """Whether a parameter of a URL grants access, or says for how long."""
    return bool(SIGNATURE.match(parameter))


def holds_credentials(text: str) -> bool:
    """Whether a URL in the text has a user or password that grants access."""
    return bool(CREDENTIALS.search(text))


def redact(text: str) -> str:
    """`text` without the user and password of the URLs in it."""
    return USERINFO.sub("***@", text)


def redactor(environ: Mapping[str, str], names: Collection[str] = ()) -> Callable[[str], str]:
    """A function that masks the values of secret variables, and the user part of URLs.

    Secret are the variables in `names`, whatever their values, and those whose names say so. A long value is
    masked everywhere, even within a word, and so is each long line of it, since logs are written by lines. A
    short one is masked only as a whole word: a PIN of 1234 must not damage 512345. Not masked are values of
    one or two characters, and values in another encoding, such as base64 or percent signs. Of variables that
    only have a secret's name, short values ("false", "none") are not masked, nor paths, which are usually
    those of files with secrets.
    """
    named = {value for name, value in environ.items() if name in names}
    called = {value for name, value in environ.items() if may_hold_secret(name)}
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
