"""The JSON Schema: current, valid, with every key explained, and in agreement with the loader."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from provisioner.kinds import registry
from provisioner.model.errors import SpecError
from provisioner.spec import schema
from provisioner.spec.source import read
from provisioner.spec.spec import parse
from tests import scene

ROOT = Path(__file__).parents[3]
SPECS = [ROOT / "colabenv.yaml", *sorted((ROOT / "examples").glob("*.yaml"))]
DOCUMENT = schema.generate()
VALIDATOR = Draft202012Validator(DOCUMENT)


def properties(node: object, place: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property at every level, with where it is defined."""
    if isinstance(node, list):
        for number, item in enumerate(node):
            yield from properties(item, f"{place}/{number}")
    elif isinstance(node, dict):
        for name, item in node.get("properties", {}).items():
            yield f"{place}/properties/{name}", item
        for name, item in node.items():
            yield from properties(item, f"{place}/{name}")


def test_the_committed_file_is_current() -> None:
    """Made anew with: python -m provisioner schema > schemas/colabenv.schema.json"""
    assert (ROOT / "schemas" / "colabenv.schema.json").read_text() == schema.text()


def test_it_is_valid() -> None:
    Draft202012Validator.check_schema(DOCUMENT)
    assert DOCUMENT["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_it_is_the_same_every_time() -> None:
    assert schema.text() == schema.text()
    assert list(DOCUMENT["properties"]) == ["version", "name", *registry.NAMES]


def test_every_reference_leads_somewhere() -> None:
    text = schema.text()
    referred = {part.split('"')[0] for part in text.split('"$ref": "#/$defs/')[1:]}
    assert referred <= DOCUMENT["$defs"].keys()
    assert {name.partition(".")[0] for name in DOCUMENT["$defs"]} <= set(registry.NAMES)


def test_every_key_is_explained() -> None:
    unexplained = [place for place, item in properties(DOCUMENT) if not item.get("description", "").strip()]
    assert unexplained == []
    assert len(list(properties(DOCUMENT))) > 50


def test_every_mapping_of_known_keys_is_closed() -> None:
    known = [DOCUMENT, *(item for item in DOCUMENT["$defs"].values() if "properties" in item)]
    assert [item["title"] for item in known if item["additionalProperties"] is not False] == []


def test_examples_are_right() -> None:
    """What the schema gives as an example for a key is valid there."""
    resolve = VALIDATOR.evolve
    wrong = [
        f"{place}: {example}"
        for place, item in properties(DOCUMENT)
        for example in item.get("examples", ())
        if not resolve(schema={**item, "$defs": DOCUMENT["$defs"]}).is_valid(example)
    ]
    assert wrong == []


@pytest.mark.parametrize("path", SPECS, ids=[path.name for path in SPECS])
def test_our_own_specs(path: Path) -> None:
    document = read(path.read_bytes(), path.name)
    assert [error.message for error in VALIDATOR.iter_errors(document.root.value)] == []
    assert parse(path.read_bytes(), path.name, str(path.parent)).sections


CASES = [
    pytest.param(kind, case["wanted"], id=f"{kind}: {case['name']}")
    for kind, case in scene.read_cases()
    if "wanted" in case and "invalid" not in case
]


@pytest.mark.parametrize(("kind", "wanted"), CASES)
def test_what_the_loader_takes_the_schema_takes(kind: str, wanted: object) -> None:
    errors = VALIDATOR.iter_errors({"version": 1, kind: wanted})
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


REFUSED = [
    ("pip: {}", "the version is missing"),
    ("version: 2", "another version"),
    ("version: 1\npipp: {}", "an unknown section"),
    ("version: 1\nname: a b", "no name"),
    ("version: 1\npip: {pacakges: [a]}", "an unknown key"),
    ("version: 1\npip: {packages: a}", "no list"),
    ("version: 1\npip: {preinstalled: gard}", "no such choice"),
    ("version: 1\npip:", "an empty section"),
    ("version: 1\nruntime: {python: 3.11}", "a number for a text"),
    ("version: 1\nfiles: [{content: a}]", "a key is missing"),
]


@pytest.mark.parametrize(("text", "why"), REFUSED, ids=[why for _, why in REFUSED])
def test_what_the_schema_refuses_the_loader_refuses(text: str, why: str) -> None:
    assert not VALIDATOR.is_valid(read(text, "f.yaml").root.value)
    with pytest.raises(SpecError):
        parse(text, "f.yaml", "/work")


def test_text_is_the_document() -> None:
    assert json.loads(schema.text()) == DOCUMENT


# Looking things up, for the words of errors

LOOKUP: dict[str, Any] = {
    "anyOf": [{"type": "string"}, {"$ref": "#/$defs/Box"}],
    "description": "A box.",
    "$defs": {
        "Box": {
            "properties": {
                "items": {"items": {"$ref": "#/$defs/Item"}, "examples": [["a"]]},
                "pair": {"prefixItems": [{"description": "First."}, {"description": "Second."}]},
            },
            "additionalProperties": False,
        },
        "Item": {"allOf": [{"properties": {"x": {"description": "An x."}}}], "patternProperties": {"^y": {}}},
    },
}


@pytest.mark.parametrize(
    ("path", "advice"),
    [
        ((), "A box."),
        (("items",), 'write it like `["a"]`'),
        (("items", 0, "x"), "An x."),
        (("pair", 1), "Second."),
        (("pair", 2), ""),
        (("unknown", "x"), ""),
    ],
)
def test_advice(path: tuple[str | int, ...], advice: str) -> None:
    assert schema.advice(LOOKUP, path) == advice


def test_keys() -> None:
    assert schema.keys(LOOKUP, ()) == ["items", "pair"]
    assert schema.keys(LOOKUP, ("items", 3)) == ["x"]
    assert schema.keys(LOOKUP, ("items", 3, "yes")) == []
