"""What `!python -m provisioner apply` looks like in a cell, through Colab's kind of terminal."""

from __future__ import annotations

import re
from pathlib import Path

from tests import golden
from tests.notebook.kernels import RunningKernel

COLABS_BANG = """\
import os, pty, subprocess

def bang(command):
    "Run a command as Colab's `!` does: by bash, on a terminal without a size."
    ours, theirs = pty.openpty()
    child = subprocess.Popen(["bash", "-c", command], stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said = b""
    while True:
        try:
            chunk = os.read(ours, 4096)
        except OSError:
            break
        said += chunk
    print(said.decode(), end="")
    print("exit code", child.wait())
"""

SPEC = """\
version: 1
files:
  - {path: made.txt, content: hello}
secrets: [HF_TOKEN]
notebook: {extensions: [autoreload]}
"""

SMEARS = re.compile(r"\x1b\[(?![\d;]*m)|\x08|\r(?!\n)|\x07")
"""Whatever moves the cursor or rings; colours are all right."""


def test_the_transcript(plain: RunningKernel, tmp_path: Path) -> None:
    (tmp_path / "colabenv.yaml").write_text(SPEC)
    plain.run(COLABS_BANG)
    raw = plain.run("bang('stty size; python -m provisioner apply')").stdout
    again = plain.run("bang('python -m provisioner apply')").stdout
    for transcript in (raw, again):
        assert SMEARS.findall(transcript) == []
    golden.check("notebook/transcript.txt", tidy(raw, tmp_path) + "\n" + tidy(again, tmp_path))


def test_jupyters_own_terminal_has_a_size_and_no_cursor(plain: RunningKernel, tmp_path: Path) -> None:
    (tmp_path / "colabenv.yaml").write_text(SPEC)
    raw = plain.run("!stty size; python -m provisioner apply").stdout
    assert "0 0" not in raw.splitlines()[0]
    assert SMEARS.findall(raw) == []


def tidy(transcript: str, folder: Path) -> str:
    """Without colours, and without what differs from run to run."""
    text = re.sub(r"\x1b\[[\d;]*m", "", transcript).replace("\r\n", "\n").replace(str(folder), "FOLDER")
    text = re.sub(r"\d+\.\d+ s\b", "N s", text)
    return re.sub(r"logs/[\d-]+\.log", "logs/LOG", text)
