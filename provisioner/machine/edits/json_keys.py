"""Keys of a JSON text, set in place."""

from __future__ import annotations

import json
from functools import reduce

from provisioner.machine.edits import json_edit
from provisioner.machine.edits.values import Way
from provisioner.model.errors import EffectError


def read(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise EffectError(f"it is not JSON: {error}", "Correct the file, or name its `format`.") from error


def written(text: str, way: Way, value: object) -> str:
    """The text with a value at the end of a way, of which any end may be missing."""
    if text.strip() == "{}":
        return json.dumps(nested(way, value), indent=2, ensure_ascii=False) + "\n"
    item, rest = deepest(text, way)
    if not rest or text[item.at] != "{":
        return json_edit.replaced(text, item, nested(rest, value))
    present = len([*json_edit.items(text, item.at)])
    return json_edit.inserted(text, item.at, nested(rest[1:], value), key=rest[0], before=present)


def deepest(text: str, way: Way) -> tuple[json_edit.Item, Way]:
    """The last value on a way that is there, and the rest of the way."""
    for depth in range(len(way), 0, -1):
        if item := json_edit.find(text, *numbered(text, way[:depth])):
            return item, way[depth:]
    return json_edit.Item("", 0, json_edit.skip(text, 0), len(text)), way


def numbered(text: str, way: Way) -> tuple[str | int, ...]:
    """A way with numbers where it goes through lists."""
    path: tuple[str | int, ...] = ()
    for key in way:
        item = json_edit.find(text, *path)
        in_list = item is not None and text[item.at] == "["
        path = (*path, int(key) if in_list and key.isdecimal() else key)
    return path


def nested(way: Way, value: object) -> object:
    return reduce(lambda inner, key: {key: inner}, reversed(way), value)
