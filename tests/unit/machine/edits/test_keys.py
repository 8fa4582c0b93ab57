"""Keys that are set: they have their values then, and the rest of the text stays."""

from __future__ import annotations

import configparser
import difflib
import json
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from provisioner.machine.edits.keys import with_keys
from provisioner.machine.edits.values import MISSING, value_at
from provisioner.model.effects import SettingsFormat
from provisioner.model.errors import EffectError

YAML = """\
# top
data:   # where
  root: old   # keep me
  list: [1, 2]
  quoted: "x"
  text: |
    abc
    def
# tail
anchor: &x {a: 1}
alias: *x
empty:
many:
  - a: 1
    b: 2
  - c
tagged: !Path /a
last: 1 # c
"""

TOML = """\
# top
title = "x" # keep me
[a]
b = 1
[a.c]
d = [1,
  2]
[[many]]
k = 1
"""

JSON = """\
{
  "a": {"b": 1.0, "c": [1, {"d": null}]},
  "e": "\\u00e9"
}
"""

INI = """\
; top
before = 1
[s]
# keep me
Key = a
  more
other: v

[t]
x=1
"""


def put(text: str, form: SettingsFormat, **keys: object) -> str:
    ways = [(tuple(key.split("__")), json.dumps(value)) for key, value in keys.items()]
    result, _ = with_keys(text, form, ways)
    assert with_keys(result, form, ways) == (result, ())
    return result


def line_changes(before: str, after: str) -> list[str]:
    """The lines that are gone or new."""
    return [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]


@pytest.mark.parametrize(
    ("form", "text", "key", "value", "changes"),
    [
        ("yaml", YAML, "data__root", "/d", ["-   root: old   # keep me", "+   root: /d   # keep me"]),
        ("yaml", YAML, "data__new", "é: #", ["+   new: 'é: #'"]),
        ("yaml", YAML, "data__a__b", [1, {"k": None}], ["+   a:", "+     b: [1, {k: null}]"]),
        ("yaml", YAML, "data__list__1", 7, ["-   list: [1, 2]", "+   list: [1, 7]"]),
        ("yaml", YAML, "data__quoted", 'it"s', ['-   quoted: "x"', '+   quoted: "it\\"s"']),
        ("yaml", YAML, "data__text", "x", ["-   text: |", "-     abc", "-     def", "+   text: x"]),
        ("yaml", YAML, "alias", 3, ["- alias: *x", "+ alias: 3"]),
        ("yaml", YAML, "empty", True, ["- empty:", "+ empty: true"]),
        ("yaml", YAML, "empty__in__er", "yes", ["+   in:", "+     er: 'yes'"]),
        ("yaml", YAML, "many__0__b", "x\ny", ["-     b: 2", '+     b: "x\\ny"']),
        ("yaml", YAML, "many__0__z", 1, ["+     z: 1"]),
        ("yaml", YAML, "many", 5, ["- many:", "-   - a: 1", "-     b: 2", "-   - c", "+ many: 5"]),
        ("yaml", YAML, "tagged", "/b", ["- tagged: !Path /a", "+ tagged: /b"]),
        ("yaml", YAML, "last", "1", ["- last: 1 # c", "+ last: '1' # c"]),
        ("yaml", YAML, "fresh__one", 1.5, ["+ fresh:", "+   one: 1.5"]),
        ("toml", TOML, "title", True, ['- title = "x" # keep me', "+ title = true # keep me"]),
        ("toml", TOML, "a__b", 2, ["- b = 1", "+ b = 2"]),
        ("toml", TOML, "many__0__k", 2, ["- k = 1", "+ k = 2"]),
        ("toml", TOML, "new__x__y", 1, ["+ ", "+ [new.x]", "+ y = 1"]),
        ("json", JSON, "e", "x", ['-   "e": "\\u00e9"', '+   "e": "x"']),
        ("json", JSON, "a__c__1__d", 1, None),
        ("json", JSON, "f__g", [], None),
        ("ini", INI, "s__key", "n", ["- Key = a", "-   more", "+ Key = n"]),
        ("ini", INI, "s__New", 2, ["+ New = 2"]),
        ("ini", INI, "t__y", False, ["+ y = false"]),
        ("ini", INI, "before", 5, ["- before = 1", "+ before = 5"]),
        ("ini", INI, "first", 6, ["+ first = 6"]),
        ("ini", INI, "u__z", "q", ["+ ", "+ [u]", "+ z = q"]),
    ],
)
def test_one_key_is_set_and_no_other_line_changes(
    form: SettingsFormat, text: str, key: str, value: object, changes: list[str] | None
) -> None:
    result = put(text, form, **{key: value})
    found = [line for line in line_changes(text, result) if line != "? "]
    if changes is not None:
        assert sorted(found) == sorted(changes)


@pytest.mark.parametrize(
    ("form", "text", "result"),
    [
        ("yaml", "", "a:\n  b: 1\n"),
        ("yaml", "# c", "# c\na:\n  b: 1\n"),
        ("yaml", "---\n", "---\na:\n  b: 1\n"),
        ("yaml", "x: 1", "x: 1\na:\n  b: 1"),
        ("yaml", "\ufeffx: 1\r\n", "\ufeffx: 1\r\na:\r\n  b: 1\r\n"),
        ("yaml", "{}", "{a: {b: 1}}"),
        ("yaml", "{x: 1}", "{x: 1, a: {b: 1}}"),
        ("yaml", "a: {b: }", "a: {b: 1 }"),
        ("yaml", "a: null # c\n", "a: {b: 1} # c\n"),
        ("json", "", '{\n  "a": {\n    "b": 1\n  }\n}\n'),
        ("json", '{"x": 1}', '{"x": 1, "a": {"b": 1}}'),
        ("json", '{"a": null}', '{"a": {"b": 1}}'),
        ("toml", "", "[a]\nb = 1\n"),
        ("toml", "a = {x = 1}\n", "a = {x = 1, b = 1}\n"),
        ("ini", "", "[a]\nb = 1\n"),
        ("ini", "[a]", "[a]\nb = 1\n"),
        ("ini", "[a]\r\nx=2\r\n", "[a]\r\nx=2\r\nb=1\r\n"),
        ("ini", "[a]\nb\n", "[a]\nb = 1\n"),
    ],
)
def test_what_is_missing_is_made(form: SettingsFormat, text: str, result: str) -> None:
    assert put(text, form, a__b=1).replace("1,b", "1, b") == result


@pytest.mark.parametrize(
    ("form", "text", "told"),
    [
        ("yaml", "a: 1", "^a.b cannot be set, since a is a single value$"),
        ("yaml", "- 1", "a.b cannot be set, since the whole of it is a list of 1"),
        ("yaml", "a: [", "it is not YAML: while parsing .* line 1, column 5"),
        ("yaml", "a: 1\n--- \nb: 1\n", "it is not YAML"),
        ("yaml", "x: &x {b: 2}\na: *x\n", "a.b cannot be set without changing something else"),
        ("yaml", "a: &x {b: 2}\nc: *x\n", "a.b cannot be set without changing something else"),
        ("json", "[1]", "a.b cannot be set, since the whole of it is a list of 1"),
        ("json", "{", "it is not JSON"),
        ("toml", "a = 1", "a.b cannot be set, since a is a single value"),
        ("toml", "a = ", "it is not TOML"),
        ("ini", "=x\n", "it is not ini"),
    ],
)
def test_what_cannot_be_set(form: SettingsFormat, text: str, told: str) -> None:
    with pytest.raises(EffectError, match=told):
        put(text, form, a__b=1)


@pytest.mark.parametrize("form", ["yaml", "json"])
@pytest.mark.parametrize(("first", "second"), [(1, True), (1, 1.0), ("1", 1), (None, False), ([], {})])
def test_values_of_other_types_differ(form: SettingsFormat, first: object, second: object) -> None:
    assert put(put("", form, a=first), form, a=second) != put("", form, a=first)


def test_keys_that_undo_each_other_are_refused() -> None:
    with pytest.raises(EffectError, match="one of the keys would have another value"):
        with_keys("", "ini", [(("a", "Key"), "1"), (("a", "key"), "2")])


# Properties

NAMES = st.text("abcXY_ é.", min_size=1, max_size=4).filter(lambda name: name == name.strip())
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text(max_size=6)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=4)
WAYS = st.lists(NAMES, min_size=1, max_size=3).map(tuple)


def without_null(value: object) -> Any:
    if isinstance(value, dict):
        return {key: without_null(each) for key, each in value.items() if each is not None}
    return [without_null(each) for each in value if each is not None] if isinstance(value, list) else value


def toml(document: dict[str, Any]) -> str:
    import tomlkit

    return tomlkit.dumps(without_null(document))


WRITERS: dict[SettingsFormat, list[Callable[[dict[str, Any]], str]]] = {
    "yaml": [
        lambda document: str(yaml.safe_dump(document, allow_unicode=True)),
        lambda document: str(yaml.safe_dump(document, default_flow_style=True)),
        lambda document: str(yaml.safe_dump(document, indent=4, default_style='"')),
    ],
    "json": [lambda document: json.dumps(document), lambda document: json.dumps(document, indent=1)],
    "toml": [toml],
}
READERS: dict[SettingsFormat, Callable[[str], Any]] = {
    "yaml": yaml.safe_load,
    "json": json.loads,
    "toml": tomllib.loads,
}


@pytest.mark.parametrize("form", ["yaml", "json", "toml"])
@given(st.data(), DOCUMENTS, WAYS, VALUES)
def test_a_key_that_is_set_can_be_read(
    form: SettingsFormat, data: st.DataObject, document: dict[str, Any], way: tuple[str, ...], value: object
) -> None:
    if form == "toml":
        value = without_null(value) if value is not None else 0
    text = data.draw(st.sampled_from(WRITERS[form]))(document)
    known = value_at(READERS[form](text), way[:1])
    try:
        result, _ = with_keys(text, form, [(way, json.dumps(value))])
    except EffectError:
        if known is MISSING or (isinstance(known, dict) and len(way) < 3):
            raise
        return
    found = READERS[form](result)
    assert value_at(found, way) == value
    assert {key: each for key, each in found.items() if key != way[0]} == {
        key: each for key, each in READERS[form](text).items() if key != way[0]
    }
    assert with_keys(result, form, [(way, json.dumps(value))]) == (result, ())


INI_NAMES = st.text("abcXY_", min_size=1, max_size=3)
INI_VALUES = st.text("ab1 =:;#", max_size=5).map(str.strip)


@given(
    st.dictionaries(INI_NAMES, st.dictionaries(INI_NAMES, INI_VALUES, max_size=3), max_size=3),
    st.tuples(INI_NAMES, INI_NAMES),
    INI_VALUES,
)
def test_a_key_of_an_ini_file_that_is_set_can_be_read(
    document: dict[str, dict[str, str]], way: tuple[str, str], value: str
) -> None:
    text = "".join(
        f"[{name}]\n# {name}\n" + "".join(f"{key} = {each}\n" for key, each in keys.items())
        for name, keys in document.items()
    )
    result, _ = with_keys(text, "ini", [(way, json.dumps(value))])
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(result)
    assert parser[way[0]][way[1]] == value
    assert with_keys(result, "ini", [(way, json.dumps(value))]) == (result, ())
    assert all(line in result.splitlines() for line in text.splitlines() if line.startswith(("#", "[")))
