"""Every look at this machine knows which steps an earlier run began and never ended."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

import provisioner
from provisioner import cli
from provisioner.model.plan import Action

SPEC = """\
version: 1
name: torn
datasets:
  d: {url: "file://%s/d.tgz", sha256: %s, to: d, unpack: true}
"""


@pytest.fixture
def torn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dataset that a crash left behind: nothing but its contents tells that it is not whole."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with tarfile.open(tmp_path / "d.tgz", "w:gz") as archive:
        for name in ("one", "two"):
            entry = tarfile.TarInfo(name)
            entry.size = 4
            archive.addfile(entry, io.BytesIO(b"full"))
    digest = hashlib.sha256((tmp_path / "d.tgz").read_bytes()).hexdigest()
    (tmp_path / "colabenv.yaml").write_text(SPEC % (tmp_path, digest))
    assert provisioner.apply().ok
    tear(tmp_path / "d/one")
    begun = {"event": "begin", "step": "datasets.d"}
    (tmp_path / "state/provisioner/journal.jsonl").write_text(json.dumps(begun) + "\n")
    return tmp_path


def tear(file: Path) -> None:
    """Change what a file holds, and nothing that a quick look sees."""
    known = file.stat()
    file.write_bytes(b"half")
    os.utime(file, ns=(known.st_atime_ns, known.st_mtime_ns))


def wrong(plan: provisioner.Plan) -> list[str]:
    return [change.address for change in plan.changes if change.action is not Action.KEEP]


LOOKS: list[Callable[[], list[str]]] = [
    lambda: wrong(provisioner.plan()),
    lambda: wrong(provisioner.verify(check=False).plan),
    lambda: [name for name, what in provisioner.snapshot("colabenv.yaml").named.items() if what is None],
]


@pytest.mark.parametrize("look", LOOKS, ids=["plan", "verify", "snapshot"])
def test_a_step_that_was_cut_short_is_looked_at_closely(torn: Path, look: Callable[[], list[str]]) -> None:
    assert look() == ["datasets.d"]


def test_status_tells_of_it(torn: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status"]) == 2
    assert "1 of 2 files" in capsys.readouterr().out


def test_a_saved_plan_mends_it(torn: Path) -> None:
    provisioner.save_plan(provisioner.plan(), "plan.json")
    assert provisioner.apply_plan("plan.json").ok
    assert (torn / "d/one").read_bytes() == b"full"
    assert wrong(provisioner.plan()) == []


ASKING = """\
version: 1
datasets:
  d: {url: d.tgz, to: d, unpack: true}
env:
  FOUND: ${datasets.d}/one
  GIVEN: the file
  LISTED: {prepend: [first]}
  HIDDEN: null
run:
  - name: a
    command: ["false"]
    unless:
      - sh
      - -c
      - test "$FOUND, $GIVEN, $LISTED, $HIDDEN." = "$PWD/d/one, the command, $PWD/first:second, ."
    env: {GIVEN: the command}
"""


def test_the_files_variables_count_for_its_commands(torn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked of a real shell, before `env` has written anything."""
    monkeypatch.setenv("LISTED", "second")
    monkeypatch.setenv("HIDDEN", "set")
    (torn / "colabenv.yaml").write_text(ASKING)
    (asked,) = (change for change in provisioner.plan(only=["run"]).changes)
    assert asked.action is Action.KEEP, asked.reason
    monkeypatch.setenv("LISTED", "third")
    (asked,) = (change for change in provisioner.plan(only=["run"]).changes)
    assert asked.action is Action.CREATE
