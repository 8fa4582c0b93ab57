"""Values in nested mappings, by the way to them: `("data", "root")`; a number goes into a list."""

from __future__ import annotations

from typing import TypeAlias

from provisioner.model.errors import EffectError

Way: TypeAlias = tuple[str, ...]

MISSING = object()
"""What is found where there is nothing; null is something."""


def same(first: object, second: object) -> bool:
    """Whether two values are equal and of the same types: 1 is neither true nor 1.0."""
    if type(first) is not type(second):
        return False
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(same, first, second))
    return first == second


def step(root: object, key: str) -> object:
    """The key in a mapping, or the number in a list, that a part of a way means; MISSING for none."""
    if isinstance(root, dict):
        return key if key in root else next((other for other in root if str(other) == key), MISSING)
    if isinstance(root, list) and key.isdecimal() and int(key) < len(root):
        return int(key)
    return MISSING


def value_at(root: object, way: Way) -> object:
    for key in way:
        found = step(root, key)
        if isinstance(root, dict) and found is not MISSING:
            root = root[found]
            continue
        if not (isinstance(root, list) and isinstance(found, int)):
            return MISSING
        root = root[found]
    return root


def with_value(root: object, way: Way, value: object, above: Way = ()) -> object:
    """The same values but for one; `above` is the way to the root.

    Raises EffectError where something else than a mapping is in the way.
    """
    if not way:
        return value
    key, *rest = way
    if root is None or root is MISSING:
        root = {}
    found = step(root, key)
    if isinstance(root, dict):
        inner = with_value(value_at(root, (key,)), tuple(rest), value, (*above, key))
        return {**root, (key if found is MISSING else found): inner}
    if isinstance(root, list) and isinstance(found, int):
        inner = with_value(root[found], tuple(rest), value, (*above, key))
        return [*root[:found], inner, *root[found + 1 :]]
    place = dotted(above) if above else "the whole of it"
    what = f"a list of {len(root)}" if isinstance(root, list) else "a single value"
    raise EffectError(
        f"{dotted((*above, *way))} cannot be set, since {place} is {what}", "Look at what the file says now."
    )


def dotted(way: Way) -> str:
    """A way as people write it: `data.root`, and in quotes what has a dot itself."""
    return ".".join(f'"{key}"' if "." in key or not key else key for key in way)
