"""What documents show is what happens: their commands are run, and say what stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import documents

COMMANDS = {"docs/teams.md": {"status", "apply", "facts", "compare"}, "docs/locks.md": {"lock"}}
"""The documents, and the commands that each of them shows."""


@pytest.mark.parametrize("name", COMMANDS)
def test_the_document_shows_what_happens(name: str, tmp_path: Path) -> None:
    documents.check(name, tmp_path)


@pytest.mark.parametrize(("name", "commands"), COMMANDS.items())
def test_there_is_something_to_run(name: str, commands: set[str]) -> None:
    assert documents.commands(name) == commands
