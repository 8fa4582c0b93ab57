"""What names, URLs and checksums look like, each rule once. A section passes only what differs.

All raise ValueError, whose text follows the value: "... is not a URL; write https://host/file".
"""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, WithJsonSchema

from provisioner.kinds.shared.references import refuse_variables
from provisioner.model.redaction import holds_credentials

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/")
WEB = ("http", "https")
LOCAL = ("file", "copy")
"""Schemes whose URLs name a path of this machine: `file:///path`, and with apt also `file:/path`."""

WHOLE_URL = "write https://host/file"

SHA256 = re.compile(r"[0-9a-fA-F]{64}")

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ENTRY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
ADDRESS = re.compile(r"[a-z][a-z0-9_]*(\.[^\s.]\S*)?")
MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def check_name(value: str, pattern: re.Pattern[str], fault: str) -> str:
    """A name that `pattern` matches wholly; `fault` says what it is not, and what to write instead."""
    if not pattern.fullmatch(value):
        raise ValueError(fault)
    return value


def check_variable(value: str) -> str:
    """The name of an environment variable."""
    return check_name(
        value, VARIABLE, "is not a variable's name; use letters, digits and _, and no digit first"
    )


def check_entry(value: str) -> str:
    """The name that a file gives to one of its own entries."""
    return check_name(value, ENTRY, "may contain only letters, digits, - and _, the first a letter or digit")


def check_address(value: str) -> str:
    """The address of a section or of an entry of one; whether there is such a one shows later."""
    return check_name(
        value, ADDRESS, "is not an address; write a section, or one of its entries: pip, git.tool"
    )


def check_module(value: str) -> str:
    """The name of a Python module, perhaps within packages."""
    return check_name(value, MODULE, "is not a module's name; write it like package.module")


def check_sha256(value: str) -> str:
    """A sha256 as people write it, in small letters."""
    return check_name(
        value, SHA256, "is not a sha256; write its 64 hexadecimal digits, as `sha256sum` prints them"
    ).lower()


def scheme_of(value: str) -> str:
    """The scheme of a URL, in small letters; "" for what has none, such as a path."""
    match = SCHEME.match(value)
    return match[1].lower() if match else ""


def check_url(
    value: str, *, schemes: tuple[str, ...] = WEB, instead: str = WHOLE_URL, without: str = ""
) -> str:
    """A whole URL of one of these schemes. `without` lists characters that it must not hold."""
    scheme = scheme_of(value)
    if not scheme:
        raise ValueError(f"is not a URL; {instead}")
    if re.search(r"[\s\x00-\x1f\x7f]", value):
        raise ValueError("is not a URL: it contains a space; write %20")
    if scheme not in schemes:
        raise ValueError(f"starts with {scheme}://; {instead}")
    if odd := next((character for character in value if character in without), ""):
        raise ValueError(f"contains {odd}; write %{ord(odd):02X}")
    refuse_variables(value, "write the whole URL, and %24 for a dollar")
    if not is_sound(value):
        raise ValueError("is not a URL: its host or port is malformed")
    if not is_whole(value, scheme):
        raise ValueError(f"is not a whole URL; {instead}")
    return scheme + value[len(scheme) :]


def is_sound(url: str) -> bool:
    """Whether a URL can be taken apart."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def is_whole(url: str, scheme: str) -> bool:
    """Whether a URL names a host, or, where it is a local one, a path."""
    parts = urlsplit(url)
    if scheme in LOCAL:
        return parts.hostname in (None, "localhost") and len(parts.path) > 1
    return bool(parts.hostname) and url[len(scheme) :].startswith("://")


def check_no_credentials(value: str, instead: str) -> str:
    """A URL, or text with URLs in it, without credentials."""
    if holds_credentials(value):
        raise ValueError(f"contains a user name or password; {instead}")
    return value


def as_text(pattern: re.Pattern[str]) -> WithJsonSchema:
    """What editors are told of text that has to match a pattern wholly."""
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern.pattern}$"})


VariableName = Annotated[str, AfterValidator(check_variable), as_text(VARIABLE)]
EntryName = Annotated[str, AfterValidator(check_entry), as_text(ENTRY)]
EntryAddress = Annotated[str, AfterValidator(check_address), as_text(ADDRESS)]
ModuleName = Annotated[str, AfterValidator(check_module), as_text(MODULE)]
After = Annotated[
    tuple[EntryAddress, ...],
    Field(
        description="Sections, or entries of them, that must be done first, where no path tells.",
        examples=[["pip", "datasets.flowers"]],
    ),
]
AnySha256 = Annotated[str, AfterValidator(check_sha256), as_text(SHA256)]
"""As people write it; what programs write is `fields.Sha256`."""
