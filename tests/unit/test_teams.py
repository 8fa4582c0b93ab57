"""What docs/teams.md shows is what happens: its commands are run, and say what stands there."""

from __future__ import annotations

from pathlib import Path

from tests import documents


def test_the_document_shows_what_happens(tmp_path: Path) -> None:
    documents.check("docs/teams.md", tmp_path)


def test_there_is_something_to_run() -> None:
    assert documents.commands("docs/teams.md") == {"status", "apply", "facts", "compare"}
