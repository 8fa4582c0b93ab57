"""Keys of a TOML text, set by tomlkit, which keeps all the rest."""

from __future__ import annotations

import tomllib
from collections.abc import MutableMapping

from provisioner.machine.edits.values import Way
from provisioner.model.errors import EffectError


def read(text: str) -> object:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise EffectError(f"it is not TOML: {error}", "Correct the file, or name its `format`.") from error


def meant(value: object) -> object:
    """The value itself. Raises EffectError where it has a null, which TOML cannot say."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if value is None:
        raise EffectError("TOML cannot say null", "Give a value.")
    for each in inner:
        meant(each)
    return value


def written(text: str, way: Way, value: object) -> str:
    """The text with a value at the end of a way, of which any end may be missing."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
        put(document, way, value)
        return tomlkit.dumps(document)
    except TOMLKitError as error:
        hint = "Change it by hand, or with `edit`."
        raise EffectError(f"{way[-1]} cannot be set here: {error}", hint) from error


def put(place: object, way: Way, value: object) -> None:
    key, *rest = way
    if isinstance(place, list) and rest:
        put(place[int(key)], tuple(rest), value)
    elif isinstance(place, list):
        place[int(key)] = value
    elif isinstance(place, MutableMapping) and rest and key in place:
        put(place[key], tuple(rest), value)
    elif isinstance(place, MutableMapping):
        place[key] = nested(tuple(rest), value, like=place)


def nested(way: Way, value: object, like: object) -> object:
    """What a missing part of a way is made with: tables, on one line where they are so around it."""
    import tomlkit
    from tomlkit.items import InlineTable

    if not way:
        return value
    made: MutableMapping[str, object] = (
        tomlkit.inline_table() if isinstance(like, InlineTable) else tomlkit.table()
    )
    made[way[0]] = nested(way[1:], value, made)
    return made
