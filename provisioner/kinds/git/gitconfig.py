"""git's own configuration files, read as git reads them, but for `include`.

Source: git-config(1), "SYNTAX".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

SPACES = " \t\r\n"
"""The others of Unicode are letters to git."""

SECTION = re.compile(r'\[[ \t]*([A-Za-z0-9.-]+)[ \t]*(?:"((?:[^"\\\n]|\\.)*)")?[ \t]*\]')
ENTRY = re.compile(r"([A-Za-z][A-Za-z0-9-]*)[ \t]*(=[ \t]*)?")
ESCAPES = {"n": "\n", "t": "\t", "b": "\b"}

Settings = Mapping[str, tuple[str, ...]]
"""The values of each key, in the order of the file; a key without a value is "true"."""


def parse(text: str) -> Settings:
    """All settings of a file; what git would call a mistake ends the reading of its line."""
    found: dict[str, tuple[str, ...]] = {}
    section, at = "", 0
    text = text.replace("\r\n", "\n")
    while at < len(text):
        if text[at] in SPACES:
            at += 1
        elif text[at] in "#;":
            at = end_of_line(text, at)
        elif header := SECTION.match(text, at):
            section, at = section_name(header[1], header[2]), header.end()
        elif (entry := ENTRY.match(text, at)) and section:
            value, at = (
                read_value(text, entry.end()) if entry[2] else ("true", end_of_line(text, entry.end()))
            )
            key = f"{section}.{entry[1].lower()}"
            found[key] = (*found.get(key, ()), value)
        else:
            at = end_of_line(text, at)
    return found


def section_name(name: str, quoted: str | None) -> str:
    if quoted is None:
        return name.lower()
    return f"{name.lower()}." + re.sub(r"\\(.)", r"\1", quoted)


def end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def read_value(text: str, at: int) -> tuple[str, int]:
    """A value that begins at a place, and where it ends; spaces at its end do not count unless quoted."""
    value, kept, quoted = "", 0, False
    while at < len(text) and text[at] != "\n":
        character = text[at]
        if character in "#;" and not quoted:
            return value[:kept], end_of_line(text, at)
        if character == "\\" and at + 1 < len(text):
            at += 1
            value += "" if text[at] == "\n" else ESCAPES.get(text[at], text[at])
            kept = len(value)
        elif character == '"':
            quoted = not quoted
            kept = len(value)
        else:
            value += character
            if quoted or character not in SPACES:
                kept = len(value)
        at += 1
    return value[:kept], at


def last(settings: Settings, key: str) -> str:
    """The value of a key that counts; "" for none."""
    return settings.get(key, ("",))[-1]
