"""What docs/teams.md shows is what happens: its commands are run, and say what stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "teams.md"
BLOCK = re.compile(r"^```(yaml|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_document_shows_what_happens(tmp_path: Path) -> None:
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

    text = BLOCK.sub(made, DOCUMENT.read_text())
    if os.environ.get("UPDATE_GOLDEN"):
        DOCUMENT.write_text(text)
    assert text == DOCUMENT.read_text()


def test_there_is_something_to_run() -> None:
    commands = re.findall(r"^\$ colabenv (\w+)", DOCUMENT.read_text(), re.MULTILINE)
    assert set(commands) == {"status", "apply", "facts", "compare"}
