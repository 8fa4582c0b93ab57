"""A section that is deleted whole: what it left goes with it, and nobody else's does."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from provisioner import cli
from provisioner.engine import noop_cache
from provisioner.engine.connect import connect, look
from provisioner.engine.plan import survey
from provisioner.engine.selection import EVERYTHING, Selection
from provisioner.kinds import registry
from provisioner.kinds.shared import variable_files
from provisioner.model.errors import ObserveError, ProvisionerError
from provisioner.model.plan import Action, Plan
from provisioner.spec.spec import Spec, load, parse
from tests.fakes import FakeMachine
from tests.machines import local

HEAD = "version: 1\nname: desk\nfiles: [{path: lamp, folder: true}]\n"
ENV = HEAD + "env: {LAMP: on-desk, PATH: {prepend: [/opt/lamp]}}\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a user who is not root, where everything of this test stays."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("IPYTHONDIR", raising=False)
    monkeypatch.setattr("signal.signal", lambda number, handler: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return tmp_path / "home"


def apply(text: str, *words: str) -> int:
    Path("colabenv.yaml").write_text(text)
    time.sleep(2 * noop_cache.TIMESTAMP_RESOLUTION)
    return cli.main(["apply", *words])


def planned(text: str, selection: Selection = EVERYTHING, spec: str = "colabenv.yaml") -> Plan:
    Path(spec).write_text(text)
    return plan_of(load(spec), selection)


def plan_of(spec: Spec, selection: Selection = EVERYTHING) -> Plan:
    return survey(spec, look(spec, connect(spec)), selection).plan


def removed(plan: Plan) -> list[str]:
    return [change.address for change in plan.changes if change.action is Action.REMOVE]


def test_it_is_planned_and_removed_and_then_nothing_is_left(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert apply(ENV) == 0
    left = [*home.rglob("*env.sh"), *home.rglob("00-colabenv-env.py")]
    assert len(left) == 2
    assert removed(planned(HEAD)) == ["env.LAMP", "env.PATH"]
    assert apply(HEAD) == 0
    assert [path for path in left if path.exists()] == []
    assert planned(HEAD).steps[0].kind == "files"
    capsys.readouterr()
    assert apply(HEAD) == 0
    assert "Nothing to do: 1 already right" in capsys.readouterr().out


def test_a_remembered_noop_rests_on_there_being_nothing(home: Path) -> None:
    assert apply(ENV) == 0
    shell = home / ".config" / "colabenv" / "env.sh"
    text = shell.read_text()
    assert apply(HEAD) == 0
    assert apply(HEAD) == 0
    assert noop_cache.look_up("colabenv.yaml")
    shell.write_text(text)
    assert noop_cache.look_up("colabenv.yaml") is None
    assert apply(HEAD) == 0
    assert not shell.exists()


def test_only_and_skip_know_what_is_gone(home: Path) -> None:
    assert apply(ENV) == 0
    assert removed(planned(HEAD, Selection(skip=("env",)))) == []
    assert removed(planned(HEAD, Selection(only=("files",)))) == []
    only = planned(HEAD, Selection(only=("env",)))
    assert [step.id for step in only.steps] == ["env"]
    assert apply(HEAD, "--only", "env") == 0
    assert planned(HEAD, Selection(only=("env",))).steps == ()
    with pytest.raises(ProvisionerError, match="the spec has no 'apt'"):
        planned(HEAD, Selection(only=("apt",)))


def test_another_file_in_the_same_folder_takes_nothing_back(home: Path) -> None:
    assert apply(ENV) == 0
    assert removed(planned(HEAD, spec="other.yaml")) == []
    theirs = planned(HEAD + "env: {MINE: x}\n", spec="other.yaml")
    assert removed(theirs) == ["env.LAMP", "env.PATH"]
    *_, last = theirs.changes
    assert "colabenv.yaml'; the spec that is applied last wins" in last.reason


def test_a_cell_takes_nothing_back(home: Path) -> None:
    assert apply(ENV) == 0
    cell = parse(HEAD, "colabenv.yaml", str(Path.cwd()))
    assert look(cell, connect(cell)).context.spec == ""
    assert removed(plan_of(cell)) == []


def test_what_is_left_and_cannot_be_read_blocks_its_own_kind_only(home: Path) -> None:
    spec = Path("colabenv.yaml").absolute()
    (home / ".config" / "colabenv").mkdir(parents=True)
    text = variable_files.notice(str(spec)).encode() + b"# caf\xe9\n"
    (home / ".config" / "colabenv" / "env.sh").write_bytes(text)
    plan = planned(HEAD)
    assert [(step.id, step.blocked) for step in plan.steps] == [("files.lamp", False), ("env", True)]


def test_a_section_that_never_was_costs_two_looks() -> None:
    """No kind is imported for it, and nothing but its two files is read."""
    looked: list[str] = []

    class Watched(FakeMachine):
        def read(self, path: str) -> bytes | None:
            looked.append(path)
            return super().read(path)

        def stat(self, path: str) -> None:
            raise ObserveError(f"why look at {path}?")

    assert registry.ABSENT["jdk"].observe(None, Watched()) is None
    assert looked == [
        "/etc/profile.d/colabenv-jdk.sh",
        "/root/.ipython/profile_default/startup/00-colabenv-jdk.py",
    ]
    machine = local("/", state="/nowhere", spec="/x")
    before = set(sys.modules)
    for kind in registry.ABSENT.values():
        kind.observe(None, machine)
    assert {name for name in set(sys.modules) - before if name.startswith("provisioner")} == set()
