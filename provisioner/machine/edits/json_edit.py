"""In-place changes to a JSON text that leave every other byte as it is.

Parsing and writing a file again would change how another program indents, orders and escapes. Here values are
found in the text, and only what changes is replaced.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from provisioner.machine.edits.values import same

SPACE = re.compile(r"[ \t\r\n]*")
DECODER = json.JSONDecoder()
UNIT = re.compile(r"\n([ \t]+)")


@dataclass(frozen=True)
class Item:
    """A member of an object, or an element of an array, and its place."""

    key: str | int
    start: int
    """Of the key, or of the element itself."""
    at: int
    """Of the value."""
    end: int


def skip(text: str, at: int) -> int:
    match = SPACE.match(text, at)
    return match.end() if match else at


def items(text: str, at: int) -> Iterator[Item]:
    """The items of the object or array that begins at `at`. The text must be JSON."""
    number = 0
    position = skip(text, at + 1)
    while text[position] not in "]}":
        start = position
        key: str | int = number
        if text[at] == "{":
            key, position = DECODER.raw_decode(text, position)
            position = skip(text, skip(text, position) + 1)
        value, (_, position) = position, DECODER.raw_decode(text, position)
        yield Item(key, start, value, position)
        number += 1
        position = skip(text, position)
        if text[position] == ",":
            position = skip(text, position + 1)


def find(text: str, *path: str | int) -> Item | None:
    """The value at the end of a path of keys and numbers, or None. Of equal keys the last counts."""
    found: Item | None = Item("", 0, skip(text, 0), len(text))
    for key in path:
        if found is None or text[found.at] not in "[{":
            return None
        found = next((item for item in reversed([*items(text, found.at)]) if item.key == key), None)
    return found


def replaced(text: str, item: Item, value: object) -> str:
    """The text with another value in the place of an item's; as it was when the value is the same."""
    if same(json.loads(text[item.at : item.end]), value):
        return text
    return text[: item.at] + written(text, value, depth(text, item.start)) + text[item.end :]


def inserted(text: str, at: int, value: object, *, key: str | None = None, before: int = 0) -> str:
    """The text with an item more in the object or array at `at`, before its item number `before`.

    It gets its own lines where the other items have them.
    """
    present = [*items(text, at)]
    steps = depth(text, at) if not present or "\n" in text[at : present[0].start] else None
    inner = None if steps is None else steps + 1
    made = ("" if key is None else json.dumps(key) + colon(text)) + written(text, value, inner)
    if not present:
        return text[: at + 1] + line(text, inner) + made + line(text, steps) + text[skip(text, at + 1) :]
    between = "," + (line(text, inner) or comma(text))
    if before < len(present):
        place = present[before].start
        return text[:place] + made + between + text[place:]
    place = present[-1].end
    return text[:place] + between + made + text[place:]


def removed(text: str, at: int, key: str) -> str:
    """The text without a member of the object at `at`, and without the comma that it needed."""
    present = [*items(text, at)]
    number = next((number for number, item in enumerate(present) if item.key == key), None)
    if number is None:
        return text
    if number + 1 < len(present):
        return text[: present[number].start] + text[present[number + 1].start :]
    start = present[number - 1].end if number else at + 1
    end = present[number].end if number else skip(text, present[number].end)
    return text[:start] + text[end:]


def unit(text: str) -> str:
    """One step of the text's indentation; "" where it is written without lines."""
    match = UNIT.search(text)
    return match[1] if match else ""


def depth(text: str, at: int) -> int | None:
    """How many steps the line of a place is indented by; None where the text has no lines."""
    step = unit(text)
    start = text.rfind("\n", 0, at) + 1
    return (skip(text, start) - start) // len(step) if step else None


def line(text: str, steps: int | None) -> str:
    """The beginning of a new line; "" where there is to be none."""
    if steps is None:
        return ""
    return ("\r\n" if "\r\n" in text else "\n") + unit(text) * steps


def comma(text: str) -> str:
    """What follows a comma on the same line."""
    return " " if ", " in text or ("," not in text and '": ' in text) else ""


def colon(text: str) -> str:
    return ": " if unit(text) or '": ' in text else ":"


def written(text: str, value: object, steps: int | None) -> str:
    """A value as this text would write it, in lines that are indented by `steps` or in none."""
    if steps is None:
        return json.dumps(value, separators=("," + comma(text), colon(text)))
    return json.dumps(value, indent=unit(text)).replace("\n", line(text, steps))
