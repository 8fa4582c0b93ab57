"""Notebooks that set themselves up: a cell that applies the spec, and metadata that ask for the hardware.

The metadata are Colab's: `accelerator`, `colab.gpuType` and `colab.machine_shape`. They are a request,
which the spec's own `accelerator` section asserts once the machine is there.
"""

from __future__ import annotations

import json
import operator
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce

from provisioner.commands.notebook.github import GitHubRepository
from provisioner.kinds import registry
from provisioner.lock.document import path_of
from provisioner.machine import files
from provisioner.machine.edits import json_edit
from provisioner.model import defaults
from provisioner.model.effects import Write
from provisioner.model.errors import ProvisionerError
from provisioner.model.notebook import NotebookRequest
from provisioner.spec.spec import Spec

CELL = "colabenv"
BADGE = "colabenv-badge"
"""The id and the tag of our cells, by which they are known again."""

BADGE_IMAGE = "https://colab.research.google.com/assets/colab-badge.svg"
PLAIN_PATH = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_./-]*")
"""A path that neither a shell nor IPython's expansion of braces and dollars changes."""

EMPTY = {
    "cells": [],
    "metadata": {
        "kernelspec": {"display_name": "Python 3", "name": "python3"},
        "language_info": {"name": "python"},
    },
    "nbformat": 4,
    "nbformat_minor": 5,
}
"""Without cells; the ids of cells came with 4.5."""


def request(spec: Spec) -> NotebookRequest:
    """What the sections of a spec ask Colab for."""
    wishes = (registry.get(name).request(config) for name, config in spec.sections.items())
    return reduce(operator.or_, wishes, NotebookRequest())


def setup(spec: str, notebook: str, repository: GitHubRepository | None) -> str:
    """The source of the cell. With a repository it fetches a spec that is not there, and its lock.

    A spec that has a lock beside it is applied with that lock. Raises ProvisionerError for a spec whose name
    cannot be written in a cell.
    """
    named = os.path.relpath(spec, os.path.dirname(notebook))
    if not PLAIN_PATH.fullmatch(named):
        raise ProvisionerError(
            f"{named} has characters in its name that have a special meaning in a cell",
            "Rename it: use only letters, digits, dots, dashes and underscores.",
        )
    lock = path_of(spec)
    locked = files.exists(lock)
    needed = {spec: named, **({lock: path_of(named)} if locked else {})}
    lines = ["!pip install -q colab-provisioner"]
    for path, name in needed.items():
        if repository and repository.holds(path):
            lines.append(f"!test -e {name} || curl -fsSL --create-dirs -o {name} {repository.raw(path)}")
    command = "%colabenv apply" + " --locked" * locked + f" {named}" * (named != defaults.SPEC)
    return "\n".join([*lines, "%load_ext provisioner", command])


def badge(notebook: str, repository: GitHubRepository) -> str:
    return f"[![Open In Colab]({BADGE_IMAGE})]({repository.colab(notebook)})"


def filled(text: str, spec: Spec, path: str, repository: GitHubRepository | None) -> str:
    """The text of the notebook at `path` with the spec's cells and request in it.

    Raises ProvisionerError when the text is not a notebook of format 4.
    """
    sources = {CELL: setup(spec.path, os.path.abspath(path), repository)}
    if repository and repository.holds(path):
        sources[BADGE] = badge(path, repository)
    return compose(text, request(spec), sources)


def compose(text: str, wish: NotebookRequest, sources: dict[str, str]) -> str:
    """A notebook's text with our cells and the request in it, and all else as it was.

    `sources` are the cells' by their ids. Raises ProvisionerError when the text is not a notebook of
    format 4.
    """
    check(text)
    for name, source in sources.items():
        text = with_cell(text, name, source)
    if wish.large:
        text = with_colab(text, "machine_shape", "hm")
    if wish.accelerator is not None:
        text = with_colab(text, "gpuType", wish.model)
        text = with_member(text, ("metadata",), "accelerator", wish.accelerator)
    return text


def check(text: str) -> None:
    """Raise ProvisionerError when the text is not a notebook of format 4."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise not_a_notebook("it is not JSON") from None
    if not isinstance(document, dict) or not isinstance(document.get("nbformat"), int):
        raise not_a_notebook("it has no `nbformat`")
    if document["nbformat"] != 4:
        hint = "Convert it: jupyter nbconvert --to notebook --nbformat 4."
        raise ProvisionerError(f"is a notebook of format {document['nbformat']}, not 4", hint)
    cells, metadata = document.get("cells"), document.get("metadata")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise not_a_notebook("it has no list of cells")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("colab", {}), dict):
        raise not_a_notebook("its metadata are not a mapping")


def not_a_notebook(why: str) -> ProvisionerError:
    return ProvisionerError(f"is not a notebook: {why}", "Name a file that Jupyter wrote.")


def with_cell(text: str, name: str, source: str) -> str:
    """The text with our cell of that name; an existing one keeps its place, output and metadata."""
    cells = json.loads(text)["cells"]
    number = next((number for number, cell in enumerate(cells) if name in names(cell)), None)
    if number is None:
        made = cell(name, source, has_ids=json.loads(text).get("nbformat_minor", 0) >= 5)
        return json_edit.inserted(text, place(text, "cells"), made, before=home(cells, name))
    if joined(cells[number].get("source", "")) == source:
        return text
    found = json_edit.find(text, "cells", number, "source")
    if found is None:
        return json_edit.inserted(text, place(text, "cells", number), lines(source), key="source")
    return json_edit.replaced(text, found, lines(source))


def names(cell: Mapping[str, object]) -> Iterator[object]:
    """All that may name a cell: its id, the id that Colab keeps in its metadata, its tags."""
    yield cell.get("id")
    metadata = cell.get("metadata")
    if isinstance(metadata, dict):
        yield metadata.get("id")
        tags = metadata.get("tags")
        yield from tags if isinstance(tags, list) else ()


def home(cells: Sequence[Mapping[str, object]], name: str) -> int:
    """Where a new cell of ours goes: the badge to the top, the setup before the first code."""
    code = (number for number, cell in enumerate(cells) if cell.get("cell_type") == "code")
    return 0 if name == BADGE else next(code, len(cells))


def cell(name: str, source: str, *, has_ids: bool) -> dict[str, object]:
    """A new cell, its keys in the order that Jupyter writes."""
    code: dict[str, object] = {} if name == BADGE else {"execution_count": None, "outputs": []}
    made = {
        "cell_type": "markdown" if name == BADGE else "code",
        "metadata": {"tags": [name]} if has_ids else {"id": name, "tags": [name]},
        "source": lines(source),
        **({"id": name} if has_ids else {}),
        **code,
    }
    return dict(sorted(made.items()))


def lines(source: str) -> list[str]:
    """A source as notebooks keep it: a list of lines with their line breaks."""
    return source.splitlines(keepends=True)


def joined(source: object) -> str:
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def with_colab(text: str, key: str, value: str) -> str:
    """The text with a key of Colab's in its metadata; an empty value takes it out."""
    if json_edit.find(text, "metadata", "colab") is None and value:
        return json_edit.inserted(text, place(text, "metadata"), {key: value}, key="colab")
    return with_member(text, ("metadata", "colab"), key, value)


def with_member(text: str, path: tuple[str, ...], key: str, value: str) -> str:
    """The text with a member of the object at `path` set, or taken out when the value is empty."""
    parent, found = json_edit.find(text, *path), json_edit.find(text, *path, key)
    if parent is None:
        return text
    if not value:
        return json_edit.removed(text, parent.at, key)
    return (
        json_edit.replaced(text, found, value)
        if found
        else json_edit.inserted(text, parent.at, value, key=key)
    )


def place(text: str, *path: str | int) -> int:
    """Where a value begins that `check` has seen."""
    found = json_edit.find(text, *path)
    if found is None:
        raise KeyError(path)
    return found.at


def produce(spec: Spec, path: str, repository: GitHubRepository | None, *, update: bool, force: bool) -> str:
    """Write the notebook at `path`, or update the one that is there; returns a description of what was done.

    Raises ProvisionerError, also when there is another file at `path` and neither `update` nor `force`.
    """
    existing = read(path) if files.exists(path) or update else None
    before = existing if update and existing is not None else json.dumps(EMPTY, indent=1) + "\n"
    try:
        text = filled(before, spec, path, repository)
    except ProvisionerError as error:
        raise ProvisionerError(f"{path} {error.message}", error.hint) from None
    if text == existing:
        return f"{path} is up to date."
    if existing is not None and not update and not force:
        hint = "Use --update to add the cell to it, or --force to overwrite it."
        raise ProvisionerError(f"{path} already exists", hint)
    files.write(Write(path=os.path.abspath(path), text=text))
    return f"{'Updated' if update else 'Wrote'} {path}. It asks Colab for: {request(spec)}."


def read(path: str) -> str:
    """A notebook's text with its own line breaks."""
    try:
        return files.read(path).decode()
    except OSError as error:
        raise ProvisionerError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ProvisionerError(f"{path} is not a notebook: it is not UTF-8") from None
