"""Plans, locks and applies of a chain, with the real uv: what the first look foretells is what comes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from provisioner import cli
from provisioner.engine.plan_for_image import plan_against
from provisioner.model.plan import Action
from provisioner.runtimes import images
from provisioner.spec.spec import parse
from tests import archives
from tests.index import Index, project
from tests.server import Server

SPEC = """\
version: 1
datasets:
  proj: {{url: proj.tar, unpack: true, to: proj}}
files:
  - {{path: extra.txt, content: "petal\\n"}}
pip:
  venv: venv
  index_url: {index}
  requirements: [proj/requirements.txt, extra.txt, {url}]
"""
FILES = {"requirements.txt": b"rose\n-c limits.txt\n", "limits.txt": b"thorn<2\n"}


@pytest.fixture
def index(tmp_path: Path) -> Index:
    made = Index(tmp_path / "work" / "index")  # below the folder, so that it can be locked
    made.add("rose", "1.0", "thorn")
    made.add("thorn", "1.0")
    made.add("thorn", "2.0")
    made.add("petal", "1.0")
    made.add("moss", "1.0")
    return made


@pytest.fixture
def folder(tmp_path: Path, index: Index, server: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A spec's folder, and a state of its own."""
    made = tmp_path / "work"
    url = server.put("/course/requirements.txt", b"moss\n")
    (made / "colabenv.yaml").write_text(SPEC.format(index=index.url, url=url))
    (made / "proj.tar").write_bytes(archives.tar(*archives.files(FILES)))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(made)
    return made


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    return Say(capsys)


class Say:
    """Runs a command, which has to succeed, and gives what it prints."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *words: str) -> str:
        assert cli.main(list(words)) == 0
        return self.capsys.readouterr().out


def versions(shown: str) -> dict[str, str]:
    """What is said of each distribution."""
    return dict(re.findall(r"\b(rose|thorn|petal|moss) +(\d\S*?),?(?=\s)", shown))


ALL = {"rose": "1.0", "thorn": "1.0", "petal": "1.0", "moss": "1.0"}


def test_a_lock_can_be_made_before_anything_is_there(folder: Path, say: Say, index: Index) -> None:
    assert versions(say("plan")) == ALL
    say("lock")
    index.add("petal", "2.0")
    assert sorted(path.name for path in folder.iterdir()) == [
        "colabenv.lock",
        "colabenv.yaml",
        "index",
        "proj.tar",
    ]
    assert versions(say("plan", "--locked")) == ALL
    say("apply", "--locked")
    say("lock", "--check")
    assert "Nothing to do" in say("apply", "--locked")
    assert "Nothing to do" in say("apply"), "and nothing newer is taken where what is there will do"


def test_what_was_applied_and_locked_is_right_on_a_new_machine(folder: Path, say: Say) -> None:
    say("apply")
    say("lock")
    for name in ("proj", "venv"):
        shutil.rmtree(folder / name)
    (folder / "extra.txt").unlink()
    say("lock", "--check")
    say("apply", "--locked")
    assert "Nothing to do" in say("apply", "--locked")


def test_a_project_that_another_entry_brings(folder: Path, say: Say, index: Index) -> None:
    files = {f"src/{name}": data for name, data in project("my.rose", "1.0", ("thorn",)).items()}
    (folder / "proj.tar").write_bytes(archives.tar(*archives.files(files)))
    (folder / "colabenv.yaml").write_text(
        "version: 1\ndatasets: {proj: {url: proj.tar, unpack: true, to: proj}}\n"
        f"pip: {{venv: venv, index_url: '{index.url}', editable: [proj/src]}}\n"
    )
    assert "? pip  what proj/src asks for, known after datasets.proj" in say("plan")
    say("apply")
    assert "Nothing to do" in say("apply")
    say("lock")
    for name in ("proj", "venv"):
        shutil.rmtree(folder / name)
    say("apply", "--locked")
    assert "Nothing to do" in say("apply", "--locked")


def test_an_image_is_told_of_the_same(folder: Path, index: Index) -> None:
    text = (folder / "colabenv.yaml").read_text().replace("  venv: venv\n", "")
    spec = parse(text, "colabenv.yaml", str(folder))
    plan = plan_against(spec, images.load("colab-2026.07-gpu"))
    found = {change.address.removeprefix("pip."): change for change in plan.changes}
    assert {name: found[name].after for name in ALL} == ALL
    assert all(change.action is Action.CREATE for change in plan.changes)
