"""What `!python -m provisioner apply` looks like in a cell, through Colab's kind of terminal."""

from __future__ import annotations

import re
from pathlib import Path

from tests import golden
from tests.notebook.kernels import RunningKernel

SPEC = """\
version: 1
files:
  - {path: made.txt, content: hello}
secrets: [HF_TOKEN]
notebook: {extensions: [autoreload]}
"""

SMEARS = re.compile(r"\x1b\[(?![\d;]*m)|\x08|\r(?!\n)|\x07")
"""Whatever moves the cursor or rings; colours are all right."""


def test_the_transcript(colab: RunningKernel, tmp_path: Path) -> None:
    """A cell's own `!`, twice: on a terminal of size 0x0, where a failure does not fail the cell."""
    (tmp_path / "colabenv.yaml").write_text(SPEC)
    cells = ["!stty size; python -m provisioner apply", "!python -m provisioner apply"]
    transcripts = []
    for cell in cells:
        ended = colab.run(cell)
        assert (ended.status, colab.run("print(_exit_code)").stdout) == ("ok", "1\n")
        assert SMEARS.findall(ended.stdout) == []
        assert "\r" not in ended.stdout
        transcripts.append(tidy(ended.stdout, tmp_path))
    assert transcripts[0].startswith("0 0\n")
    golden.check("notebook/transcript.txt", "\n".join(transcripts))


def test_what_is_right_already_is_said_in_two_lines(colab: RunningKernel, tmp_path: Path) -> None:
    (tmp_path / "colabenv.yaml").write_text("version: 1\nfiles: [{path: made.txt, content: hello}]\n")
    colab.run("!python -m provisioner apply")
    fingerprint, line = colab.run("!python -m provisioner apply").said.splitlines()
    assert fingerprint.startswith("Fingerprint: ")
    assert line.startswith("Nothing to do: 1 already right. Every part is verified.")
    assert colab.run("print(_exit_code)").stdout == "0\n"


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
