"""The part of a spec that is asked for: words mean exactly what has that name."""

from __future__ import annotations

import pytest

from provisioner.engine.selection import Selection
from provisioner.model.errors import ProvisionerError
from tests import chains
from tests.chains import machine, parse, plan

SPEC = (
    "files: [{path: a, content: a}, {path: a.txt, content: b}, {path: a.txt.d/x, content: c}]\n"
    "run: [{name: a, command: [make, x], creates: x}, {name: a.b, command: [make, y], creates: y}]\n"
    "secrets: [ONE, TWO]\n"
    "verify: {imports: [json, json.tool]}"
)
FILES = {"files.a", "files.a.txt", "files.a.txt.d/x"}
COMMANDS = {"run.a", "run.a.b"}
SECRETS = {"secrets.ONE", "secrets.TWO"}
CHECKS = {"verify.import json", "verify.import json.tool"}
EVERYTHING = FILES | COMMANDS | SECRETS | CHECKS


def selected(selection: Selection) -> set[str]:
    made = plan(parse(SPEC), machine({}), selection)
    return {step.id for step in made.steps if step.kind in SPEC} | {check.address for check in made.checks}


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("files",), FILES),
        (("files.a",), {"files.a"}),
        (("files.a.txt",), {"files.a.txt"}),
        (("run.a", "files.a.txt.d/x"), {"run.a", "files.a.txt.d/x"}),
        (("secrets.ONE",), {"secrets.ONE"}),
        (("secrets",), SECRETS),
        (("verify.import json",), {"verify.import json"}),
        (("verify",), CHECKS),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_word_is_a_kind_an_entry_a_step_or_a_check(words: tuple[str, ...], parts: set[str]) -> None:
    assert selected(Selection(only=words)) == parts
    assert selected(Selection(skip=words)) == EVERYTHING - parts


def test_what_is_skipped_is_not_asked_for_either() -> None:
    assert selected(Selection(only=("files",), skip=("files.a",))) == FILES - {"files.a"}
    assert selected(Selection(only=("secrets",), skip=("secrets.ONE",))) == {"secrets.TWO"}
    assert selected(Selection(only=("files.a",), skip=("files",))) == set()


@pytest.mark.parametrize("word", ["files.a.tx", "file", "secrets.THREE", "verify.import"])
def test_the_beginning_of_a_name_is_no_name(word: str) -> None:
    with pytest.raises(ProvisionerError, match=f"the spec has no '{word}'"):
        chains.refuse(parse(SPEC), machine({}), Selection(only=(word,)))
