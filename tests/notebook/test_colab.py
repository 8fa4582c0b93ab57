"""What only Colab's kernel can do, in real kernels with a stand-in for google.colab."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.notebook.conftest import offer
from tests.notebook.kernels import RunningKernel

DRIVE = """\
%%colabenv apply
version: 1
drive: {mount: DRIVE, paths: [MyDrive/models], links: {m: MyDrive/models}}
"""
ON_DRIVE = """\
%%colabenv apply
version: 1
drive:
  mount: FOLDER/cloud
  paths: ["MyDrive/Donn\u00e9es"]
  folders: [MyDrive/results]
  links: {out: MyDrive/results, cs285: MyDrive/cs285, data: "MyDrive/\ub370"}
datasets:
  rows: {url: "FOLDER/cloud/MyDrive/Donn\u00e9es/rows.csv", to: rows.csv}
  e: {url: e.txt, to: FOLDER/cloud/MyDrive/e.txt}
files:
  - {path: settings.toml, source: FOLDER/cloud/MyDrive/settings.toml}
  - {path: FOLDER/cloud/MyDrive/log.txt, content: "begun\\n"}
  - {path: FOLDER/cloud/MyDrive/cs285, folder: true}
pip: {requirements: ["FOLDER/cloud/MyDrive/Donn\u00e9es/requirements.txt"]}
"""
MISSING_ON_DRIVE = """\
%%colabenv apply
version: 1
drive: {mount: FOLDER/cloud, paths: [MyDrive/results], folders: [MyDrive/out]}
files: [{path: settings.toml, source: FOLDER/cloud/MyDrive/settings.toml}]
"""
SECRET = "%%colabenv apply\nversion: 1\nsecrets: {HF_TOKEN: {}, OTHER: {required: false}}\n"
INPUT = "%%colabenv apply\nversion: 1\ninputs: {kaggle: {to: ~/.kaggle/kaggle.json}}\n"
VALUE = "hf_very_secret_value"


@pytest.fixture
def loaded(colab: RunningKernel) -> RunningKernel:
    assert colab.run("%load_ext provisioner").status == "ok"
    return colab


def test_drive_is_mounted_once(loaded: RunningKernel, tmp_path: Path) -> None:
    cell = DRIVE.replace("DRIVE", str(tmp_path / "drive"))
    first = loaded.run(cell)
    assert (first.status, first.stdout.count("Mounted at")) == ("ok", 1), first.text
    assert (tmp_path / "m").resolve() == tmp_path / "drive" / "MyDrive" / "models"
    second = loaded.run(cell)
    assert "Mounted at" not in second.stdout
    assert "Nothing to do: 3 already right" in second.text


def test_what_lies_on_drive_is_done_in_the_apply_that_mounts_it(
    loaded: RunningKernel, tmp_path: Path
) -> None:
    """Drive keeps the names of macOS, whose letters are decomposed."""
    stored = {
        "MyDrive/settings.toml": "a = 1\n",
        "MyDrive/Donne\u0301es/requirements.txt": "ipykernel\n",
        "MyDrive/Donne\u0301es/rows.csv": "1,2\n",
        "MyDrive/\u1103\u1166/a.txt": "a",
    }
    (tmp_path / "e.txt").write_text("e")
    offer(tmp_path, drive=stored)
    cell = ON_DRIVE.replace("FOLDER", str(tmp_path))
    first = loaded.run(cell)
    assert (first.status, first.stdout.count("Mounted at")) == ("ok", 1), first.text + first.error
    assert "known after drive.mount" in first.text
    my_drive = tmp_path / "cloud" / "MyDrive"
    assert (tmp_path / "settings.toml").read_text() == "a = 1\n"
    assert (tmp_path / "rows.csv").read_text() == "1,2\n"
    assert (tmp_path / "data" / "a.txt").read_text() == "a"
    assert (tmp_path / "out").resolve() == my_drive / "results"
    assert (tmp_path / "cs285").resolve() == my_drive / "cs285"
    assert (my_drive / "e.txt").read_text() == "e"
    assert (my_drive / "log.txt").read_text() == "begun\n"
    assert [path.name for path in my_drive.glob("D*")] == ["Donne\u0301es"]
    second = loaded.run(cell)
    assert "Nothing to do" in second.text, second.text
    assert "Mounted at" not in second.stdout


def test_what_is_missing_on_drive_keeps_nothing_else_back(loaded: RunningKernel, tmp_path: Path) -> None:
    offer(tmp_path, drive={"MyDrive/results /a": "", "MyDrive/settings.toml": "a = 1\n"})
    cell = MISSING_ON_DRIVE.replace("FOLDER", str(tmp_path))
    result = loaded.run(cell)
    assert result.status == "error"
    told = " ".join((result.text + result.error).split())
    assert "MyDrive has no results. There is 'results ', with a space at its end" in told
    assert (tmp_path / "settings.toml").read_text() == "a = 1\n"
    assert (tmp_path / "cloud" / "MyDrive" / "out").is_dir()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("mount failed: timeout during initial read of root folder", "too long to list its top folder"),
        ("The domain policy has disabled Drive File Stream", "administrator of this Google account"),
        ("Error: credential propagation was unsuccessful", "did not give this notebook access"),
        ("mount failed", "Drive could not be mounted"),
    ],
)
def test_what_keeps_drive_away_is_told(loaded: RunningKernel, tmp_path: Path, error: str, told: str) -> None:
    offer(tmp_path, drive_error=error)
    result = loaded.run(DRIVE.replace("DRIVE", str(tmp_path / "drive")))
    assert result.status == "error"
    assert told in result.error
    assert "FAILED      drive" in result.error


def test_a_place_that_colab_refuses_is_never_tried(loaded: RunningKernel, tmp_path: Path) -> None:
    (tmp_path / "drive" / "data").mkdir(parents=True)
    result = loaded.run(DRIVE.replace("DRIVE", str(tmp_path / "drive")))
    assert "is not empty" in " ".join(result.error.split())
    assert "Mounted at" not in result.stdout


def test_a_secret_reaches_the_environment_and_nothing_else(loaded: RunningKernel, tmp_path: Path) -> None:
    offer(tmp_path, secrets={"HF_TOKEN": VALUE})
    (tmp_path / "say.py").write_text("import os; open('said', 'w'); print(os.environ)\n")
    cell = SECRET + "run: [{name: say, command: [python, say.py], creates: said}]\n"
    result = loaded.run(cell)
    assert result.status == "ok", result.error
    assert "OTHER is not set" in result.text
    assert loaded.run("import os\nprint(os.environ['HF_TOKEN'][:3])").stdout == "hf_\n"
    assert VALUE not in result.text + str(result.displays)
    (tmp_path / "colab.json").unlink()
    held = [path for path in tmp_path.rglob("*") if path.is_file() and VALUE.encode() in path.read_bytes()]
    assert held == []
    logs = "".join(path.read_text() for path in tmp_path.rglob("*.log"))
    assert "'HF_TOKEN': '***'" in logs


@pytest.mark.parametrize(
    ("offered", "told"),
    [
        ({}, "Colab's Secrets have no HF_TOKEN"),
        ({"forbidden": ["HF_TOKEN"]}, "this notebook may not read the secret HF_TOKEN"),
        ({"silent": True}, "the Colab page does not answer"),
    ],
)
def test_why_a_secret_cannot_be_had(
    loaded: RunningKernel, tmp_path: Path, offered: dict[str, object], told: str
) -> None:
    offer(tmp_path, **offered)
    result = loaded.run(SECRET)
    assert result.status == "error"
    assert told in result.error


def test_a_file_is_asked_for_once(loaded: RunningKernel, tmp_path: Path) -> None:
    none = loaded.run(INPUT)
    assert "no files were chosen" in none.error
    offer(tmp_path, files={"kaggle (1).json": "{}"})
    assert loaded.run(INPUT).status == "ok"
    there = tmp_path / "home" / ".kaggle" / "kaggle.json"
    assert (there.read_text(), oct(there.stat().st_mode)[-3:]) == ("{}", "600")
    assert not (tmp_path / "kaggle (1).json").exists()
    assert "Nothing to do: 1 already right" in loaded.run(INPUT).text


def test_a_child_can_do_none_of_it_and_says_so(colab: RunningKernel, tmp_path: Path) -> None:
    """`import google.colab` succeeds there, and asking it for anything is an AttributeError."""
    offer(tmp_path, secrets={"HF_TOKEN": VALUE})
    ask = "from google.colab import userdata; userdata.get('HF_TOKEN')"
    assert "'NoneType' object has no attribute 'kernel'" in colab.run(f'!python -c "{ask}"').stdout
    spec = (
        "version: 1\nsecrets: [HF_TOKEN]\ninputs: {k: {to: k.json}}\nnotebook: {extensions: [autoreload]}\n"
    )
    (tmp_path / "colabenv.yaml").write_text(spec)
    told = " ".join(colab.run("!python -m provisioner apply").said.split())
    assert "Only the kernel can read Colab's Secrets" in told
    assert "Only the kernel can ask for it in the browser" in told
    assert "Only the kernel can do this to itself" in told
    assert told.count("%load_ext provisioner") >= 3
    assert "Not done: 3 blocked" in told
