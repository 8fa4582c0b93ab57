"""Write what is made from other things: the schema, the reference, the README's and the notebooks' cells.

Run it after a change of a model: .venv/bin/python scripts/generate.py. A test states that all is current.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from provisioner.commands.notebook import ipynb
from provisioner.commands.notebook.github import GitHubRepository
from provisioner.kinds import registry
from provisioner.spec import schema
from provisioner.spec.spec import load

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY = GitHubRepository("colab-provisioner/provisioner", "main", str(ROOT))
README_EXAMPLE = "examples/colab-t4-flowers.yaml"
INTRODUCTION = """\
# Reference

Every section and key of `colabenv.yaml`, made from the models that check it; editors show the same texts.
Relative paths start at the file's own folder, and `~` is your home. Unknown keys are errors.

"""

Schema = dict[str, Any]


def reference() -> str:
    """The schema as prose."""
    document = schema.generate()
    definitions: dict[str, Schema] = document["$defs"]
    lines = [INTRODUCTION + "## The file\n", f"{document['description']}\n"]
    top = {name: value for name, value in document["properties"].items() if name not in registry.NAMES}
    lines += table(top, document.get("required", []))
    for name in registry.NAMES:
        section = document["properties"][name]
        lines += ["", f"## `{name}`\n", section.get("description", "") + "\n"]
        lines += [f"Takes {takes(section)}.\n"]
        if "properties" in section:
            lines += table(section["properties"], section.get("required", []))
        for title, definition in definitions.items():
            if title.startswith(name + "."):
                lines += ["", f"### {words(title)}\n", definition.get("description", "") + "\n"]
                lines += table(definition.get("properties", {}), definition.get("required", []))
    return "\n".join(lines) + "\n"


def words(title: str) -> str:
    """ "apt.GitHubRepository" as "apt: repository"."""
    section, _, name = title.partition(".")
    return f"{section}: {name.lower()}"


def table(properties: dict[str, Schema], required: list[str]) -> Iterator[str]:
    yield "| key | takes | what it says |"
    yield "| --- | --- | --- |"
    for key, value in properties.items():
        told = value.get("description", "")
        if key in required:
            told += " Required."
        elif value.get("default") not in (None, [], {}, ""):
            told += f" Default: `{json.dumps(value['default'])}`."
        for example in value.get("examples", [])[:1]:
            told += f" Example: `{json.dumps(example, ensure_ascii=False)}`."
        yield f"| `{key}` | {takes(value)} | {told} |".replace("\n", " ")


def takes(value: Schema) -> str:
    """What a key takes, in a few words."""
    if "$ref" in value:
        return "a mapping, see " + words(value["$ref"].rpartition("/")[2])
    if "const" in value:
        return f"`{json.dumps(value['const'])}`"
    if "enum" in value:
        return ", ".join(f"`{json.dumps(choice)}`" for choice in value["enum"]).replace("|", "\\|")
    for union in ("anyOf", "oneOf"):
        if union in value:
            branches = [takes(branch) for branch in value[union] if branch.get("type") != "null"]
            return " or ".join(dict.fromkeys(branches))
    match value.get("type"):
        case "array":
            return "a list of " + takes(value.get("items", {})).removeprefix("a ")
        case "object" if isinstance(value.get("additionalProperties"), dict):
            return "names with " + takes(value["additionalProperties"])
        case "object":
            return "a mapping"
        case "string":
            return "text"
        case "integer":
            return "a whole number"
        case "number":
            return "a number"
        case "boolean":
            return "true or false"
    return "anything"


def readme(text: str) -> str:
    """The README with the example file in the block that follows its mark."""
    mark = f"<!-- {README_EXAMPLE} -->\n```yaml\n"
    before, found, rest = text.partition(mark)
    if not found:
        raise ValueError(f"the README has lost its mark {mark!r}")
    _, _, after = rest.partition("```\n")
    return before + mark + (ROOT / README_EXAMPLE).read_text() + "```\n" + after


def notebook(path: Path) -> str:
    """An example's notebook with the cells and the metadata that its spec asks for."""
    return ipynb.filled(path.read_text(), load(path.with_suffix(".yaml")), str(path), REPOSITORY)


def made() -> dict[Path, str]:
    """Every generated file with its text."""
    return {
        **{path: notebook(path) for path in (ROOT / "examples").glob("*.ipynb")},
        ROOT / "schemas" / "colabenv.schema.json": schema.text(),
        ROOT / "docs" / "reference.md": reference(),
        ROOT / "README.md": readme((ROOT / "README.md").read_text()),
    }


if __name__ == "__main__":
    for path, text in made().items():
        path.write_text(text)
