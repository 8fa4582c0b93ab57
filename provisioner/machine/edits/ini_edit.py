"""Keys of an ini file, set line by line, and read as configparser reads them.

A way has a section and a key, or a key alone for what comes before the first section.
"""

from __future__ import annotations

import configparser
import re
from dataclasses import dataclass, replace

from provisioner.machine.edits.text import newline_of
from provisioner.machine.edits.values import Way, dotted
from provisioner.model.errors import EffectError

BEFORE = ""
"""The name that the part before the first section has here."""

NO_SECTION = "before any section\x1f"
"""A header that stands for it in what configparser reads, and that no file has."""

HEADER = re.compile(r"\[(?P<name>.+)\]")
KEY = re.compile(r"(?P<before>\s*(?P<key>[^\s=:#;\[][^=:]*?)(?P<sign>\s*[=:][ \t]*))(?P<value>.*)")
BARE = re.compile(r"\s*(?P<key>[^\s=:#;\[][^=:]*?)\s*$")


def read(text: str) -> object:
    """The keys, in small letters, of each section; their values are texts, or null."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True, default_section="\x1f")
    try:
        parser.read_string(f"[{NO_SECTION}]\n{text}")
    except configparser.Error as error:
        why = " ".join(str(error).replace("'<string>'", "it").split())
        raise EffectError(f"it is not ini: {why}", "Correct the file, or name its `format`.") from error
    return {BEFORE if name == NO_SECTION else name: dict(parser.items(name)) for name in parser.sections()}


def way(asked: Way) -> Way:
    """Section and key, the latter in small letters, as configparser compares it."""
    section, key = (BEFORE, *asked) if len(asked) == 1 else asked[:2]
    if len(asked) > 2:
        raise EffectError(
            f"{dotted(asked)} has {len(asked)} parts, and an ini file has sections and keys",
            "Put quotes round a name with dots: '\"a.section\".key'.",
        )
    return section, key.lower()


def meant(value: object) -> object:
    """A value as the text that an ini file has for it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value == value.strip() and not re.search(r"[\r\n]", value):
        return value
    if isinstance(value, int | float):
        return str(value)
    raise EffectError(
        "an ini file holds only numbers, true, false, and texts of one line", "Give such a value."
    )


@dataclass(frozen=True)
class Place:
    """Lines of a section by their numbers."""

    last: int
    """The last one that says something."""
    first: int | None = None
    """The key's own; None where it is not there."""
    end: int = 0
    """After the key's last one: its value may go on in lines that are indented."""


def written(text: str, asked: Way, value: object) -> str:
    """The text with a value of a key, which, like its section, may be missing."""
    section, key = (BEFORE, *asked) if len(asked) == 1 else asked
    lines, end = text.split("\n"), newline_of(text)
    place = find(lines, section, key.lower())
    if place and place.first is not None:
        lines[place.first : place.end] = [with_value_of(lines[place.first], str(value), end)]
        return "\n".join(lines)
    made = f"{key}{sign(lines)}{value}{end}"
    if place is None:
        above = text.rstrip("\r\n")
        return f"{above}{(end + end) if above else ''}[{section}]{end}{made}"
    above = "\n".join(lines[: place.last + 1])
    gap = "" if place.last < 0 or place.last < len(lines) - 1 else end
    return (
        (above + gap if gap else above + "\n" * (place.last >= 0)) + made + "\n".join(lines[place.last + 1 :])
    )


def find(lines: list[str], section: str, key: str) -> Place | None:
    """Where a key is, the last one that counts, or where it would go; None where its section is not."""
    here, indent, place = BEFORE, 0, Place(-1) if section == BEFORE else None
    goes_on = False
    for number, line in enumerate(lines):
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            continue
        depth = len(line) - len(line.lstrip())
        if goes_on and depth > indent:
            if here == section and place:
                place = replace(place, last=number, end=number + 1 if place.end > place.last else place.end)
            continue
        indent, goes_on = depth, True
        if header := HEADER.match(stripped):
            here, goes_on = header["name"], False
            place = replace(place or Place(0), last=number) if here == section else place
        elif here == section and place:
            match = KEY.match(line) or BARE.match(line)
            mine = match is not None and match["key"].lower() == key
            place = Place(number, number, number + 1) if mine else replace(place, last=number)
    return place


def with_value_of(line: str, value: str, end: str) -> str:
    """A key's line with another value, and without the newline that ends it."""
    match = KEY.match(line.removesuffix("\r"))
    sign = match["sign"] if match else " = "
    begin = match["before"].removesuffix(sign) if match else line.rstrip()
    return begin + sign + value + end.removesuffix("\n")


def sign(lines: list[str]) -> str:
    """How this file writes what stands between a key and its value."""
    matches = (KEY.match(line) for line in lines)
    return next((match["sign"] for match in matches if match and match["value"].strip()), " = ")
