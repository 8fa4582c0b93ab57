"""What documents show is what happens: their commands are run, and say what stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent.parent / "docs"
COMMANDS = {"teams.md": {"status", "apply", "facts", "compare"}, "locks.md": {"lock"}}
"""The documents, and the commands that each of them shows."""

BLOCK = re.compile(r"^```(yaml|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_document_shows_what_happens(name: str, tmp_path: Path) -> None:
    """UPDATE_GOLDEN=1 writes anew what the commands say."""
    environ = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "COLUMNS": "80",
        "NO_COLOR": "1",
    }

    def run(command: str) -> str:
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
        )
        assert done.stderr == "", command
        return f"$ {command}\n{done.stdout}"

    def made(block: re.Match[str]) -> str:
        if block[1] == "yaml":
            (tmp_path / "colabenv.yaml").write_text(block[2])
            return block[0]
        said = "".join(map(run, re.findall(r"^\$ (.+)", block[2], re.MULTILINE)))
        return f"```console\n{said}```"

    document = DOCS / name
    text = BLOCK.sub(made, document.read_text())
    if os.environ.get("UPDATE_GOLDEN"):
        document.write_text(text)
    assert text == document.read_text()


@pytest.mark.parametrize(("name", "commands"), COMMANDS.items())
def test_there_is_something_to_run(name: str, commands: set[str]) -> None:
    assert set(re.findall(r"^\$ colabenv (\w+)", (DOCS / name).read_text(), re.MULTILINE)) == commands
