"""The JSON Schema of `colabenv.yaml`, made from the kinds' own models: an editor explains every key by it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

from pydantic import TypeAdapter

from provisioner.kinds import registry
from provisioner.kinds.base import AnyKind

Schema: TypeAlias = dict[str, Any]
"""A JSON Schema, or a part of one."""

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
VERSION = 1

HEADER: Schema = {
    "version": {
        "const": VERSION,
        "title": "Version",
        "description": "The version of this file's format.",
        "examples": [VERSION],
    },
    "name": {
        "type": "string",
        "pattern": NAME,
        "title": "Name",
        "description": "What the environment is called in plans and reports; by default the folder's name.",
        "examples": ["flowers"],
    },
}


def of_kind(kind: AnyKind) -> Schema:
    """The schema of one section; what it defines is in `$defs`, under names that begin with the kind's."""
    schema = TypeAdapter(kind.config).json_schema(ref_template=f"#/$defs/{kind.name}.{{model}}")
    defined = schema.pop("$defs", {})
    schema["$defs"] = {f"{kind.name}.{model}": definition for model, definition in defined.items()}
    return schema


def generate() -> Schema:
    """The schema of the whole file, JSON Schema draft 2020-12."""
    properties = dict(HEADER)
    defined: Schema = {}
    for name in registry.every():
        section = of_kind(registry.get(name))
        defined |= section.pop("$defs")
        properties[name] = section
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:colab-provisioner:colabenv:{VERSION}",
        "title": "colabenv.yaml",
        "description": "What a machine must be: accelerator, packages, Java, data, files and environment.",
        "type": "object",
        "properties": properties,
        "required": ["version"],
        "additionalProperties": False,
        "examples": [{"version": 1, "name": "flowers", "pip": {"packages": ["keras"]}}],
        "$defs": defined,
    }


def text() -> str:
    """The schema as the committed file holds it."""
    return json.dumps(generate(), indent=2, ensure_ascii=False) + "\n"


def variants(root: Schema, node: Schema) -> Iterator[Schema]:
    """A schema and every schema that it refers to or chooses from."""
    yield node
    if reference := node.get("$ref"):
        yield from variants(root, root["$defs"][reference.removeprefix("#/$defs/")])
    for word in ("anyOf", "oneOf", "allOf"):
        for branch in node.get(word, ()):
            yield from variants(root, branch)


def at(root: Schema, path: tuple[str | int, ...]) -> list[Schema]:
    """The schemas that may hold for the value at `path`, the outermost first."""
    found = list(variants(root, root))
    for name in path:
        inner = [child for node in found for child in below(node, name)]
        found = [variant for child in inner for variant in variants(root, child)]
    return found


def below(node: Schema, name: str | int) -> Iterator[Schema]:
    """The schemas for what a mapping or list holds under `name`."""
    if isinstance(name, int):
        candidates = [node.get("items"), *node.get("prefixItems", ())[name : name + 1]]
    elif name in node.get("properties", {}):
        candidates = [node["properties"][name]]
    else:
        candidates = [node.get("additionalProperties"), *node.get("patternProperties", {}).values()]
    return (candidate for candidate in candidates if isinstance(candidate, dict))


def keys(root: Schema, path: tuple[str | int, ...]) -> list[str]:
    """The keys that the mapping at `path` may have."""
    return list(dict.fromkeys(key for node in at(root, path) for key in node.get("properties", ())))


def advice(root: Schema, path: tuple[str | int, ...]) -> str:
    """How to write the value at `path`: an example, or what it is for."""
    found = at(root, path)
    for node in found:
        if examples := node.get("examples"):
            example = examples[0] if isinstance(examples[0], str) else json.dumps(examples[0])
            return f"write it like `{example}`"
    return next((node["description"] for node in found if "description" in node), "")
