"""Keys that are set in YAML, JSON, TOML and ini, while the rest of the text stays as it is, comments too.

Pure. The result is read back: where it says anything but what was asked, it is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from provisioner.machine.edits.values import Way, dotted, same, value_at, with_value
from provisioner.model.effects import SettingsFormat
from provisioner.model.errors import EffectError

FORMATS: dict[str, SettingsFormat] = {
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
    ".toml": "toml",
    ".ini": "ini",
    ".cfg": "ini",
}
"""What the end of a name says about the format."""


def as_it_is(value: object) -> object:
    """Most formats can say any value."""
    return value


def same_way(way: Way) -> Way:
    """Most formats nest as deep as one likes."""
    return way


@dataclass(frozen=True)
class Language:
    """How a format is read and changed. All of it raises EffectError for what cannot be."""

    read: Callable[[str], object]
    written: Callable[[str, Way, object], str]
    """The text with a value that it does not have yet."""
    meant: Callable[[object], object] = as_it_is
    """A value as the format can say it."""
    way: Callable[[Way], Way] = same_way
    """A way as the format knows it."""
    empty: str = ""
    """The least that a file of this format holds."""


def language(form: SettingsFormat) -> Language:
    if form == "yaml":
        from provisioner.machine.edits import yaml_edit

        return Language(yaml_edit.read, yaml_edit.written)
    if form == "json":
        from provisioner.machine.edits import json_keys

        return Language(json_keys.read, json_keys.written, empty="{}\n")
    if form == "toml":
        from provisioner.machine.edits import toml_edit

        return Language(toml_edit.read, toml_edit.written, toml_edit.meant)
    from provisioner.machine.edits import ini_edit

    return Language(ini_edit.read, ini_edit.written, ini_edit.meant, ini_edit.way)


def with_keys(
    text: str, form: SettingsFormat, keys: Sequence[tuple[Way, str]]
) -> tuple[str, tuple[str, ...]]:
    """The text in which each key has its value, given as JSON; and the keys that did not have it.

    Raises EffectError when a key cannot be set, or not without changing something else.
    """
    known, mark = language(form), "\ufeff" if text.startswith("\ufeff") else ""
    text = text.removeprefix(mark)
    if not text.strip():
        text = text or known.empty
    changed = []
    for asked, encoded in keys:
        if is_set(text, known, asked, encoded):
            continue
        value = known.meant(json.loads(encoded))
        expected = with_value(known.read(text), known.way(asked), value)
        text = known.written(text, asked, value)
        if not same(known.read(text), expected):
            raise EffectError(
                f"{dotted(asked)} cannot be set without changing something else",
                "Change it by hand, or with `edit`.",
            )
        changed.append(dotted(asked))
    if changed and not all(is_set(text, known, asked, encoded) for asked, encoded in keys):
        raise EffectError("once set, one of the keys would have another value", "Set each of them once.")
    return mark + text, tuple(changed)


def is_set(text: str, known: Language, asked: Way, encoded: str) -> bool:
    return same(value_at(known.read(text), known.way(asked)), known.meant(json.loads(encoded)))


def refuse(form: SettingsFormat, keys: Sequence[tuple[Way, str]]) -> None:
    """Raise EffectError for a key or a value that a format cannot have."""
    known = language(form)
    for way, encoded in keys:
        known.way(way)
        known.meant(json.loads(encoded))
