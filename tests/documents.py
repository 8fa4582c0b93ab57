"""Documents whose commands are run: what they say stands in the document."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```(yaml|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def check(name: str, folder: Path) -> None:
    """Run all commands of a document in a folder of their own, beside a colabenv.yaml for each piece of YAML.

    UPDATE_GOLDEN=1 writes anew what they say.
    """
    path = ROOT / name
    environ = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder / "home"),
        "XDG_STATE_HOME": str(folder / "state"),
        "COLUMNS": "80",
        "NO_COLOR": "1",
    }

    def run(command: str) -> str:
        done = subprocess.run(
            command, shell=True, cwd=folder, env=environ, capture_output=True, text=True, check=False
        )
        assert done.stderr == "", command
        return f"$ {command}\n{done.stdout}"

    def made(block: re.Match[str]) -> str:
        if block[1] == "yaml":
            (folder / "colabenv.yaml").write_text(block[2])
            return block[0]
        said = "".join(map(run, re.findall(r"^\$ (.+)", block[2], re.MULTILINE)))
        return f"```console\n{said}```"

    text = BLOCK.sub(made, path.read_text())
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()


def commands(name: str) -> set[str]:
    """The commands of ours that a document runs."""
    return set(re.findall(r"^\$ colabenv (\w+)", (ROOT / name).read_text(), re.MULTILINE))
