"""`import provisioner` in a plain process: the same commands, without a notebook."""

from __future__ import annotations

from pathlib import Path

import pytest

import provisioner
from provisioner.model.errors import ProvisionerError
from provisioner.model.plan import Plan
from provisioner.model.report import Status
from provisioner.notebook import NotDone
from provisioner.notebook.run import run
from provisioner.spec.spec import parse


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    path = tmp_path / "colabenv.yaml"
    path.write_text("version: 1\nfiles: [{path: a, content: b}]\n")
    return path


def test_it_plans_applies_and_proves(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert provisioner.load(spec).sections.keys() == {"files"}
    assert provisioner.plan(spec).pending
    assert "Plan: 1 to add." in capsys.readouterr().out
    report = provisioner.apply(str(spec), only=["files"], jobs=2)
    assert [outcome.status for outcome in report.outcomes] == [Status.DONE]
    assert "1 changed, 0 already right" in capsys.readouterr().out
    assert provisioner.verify(spec, skip=[], deep=True).ok


def test_what_is_not_so_is_raised(spec: Path) -> None:
    with pytest.raises(NotDone, match="1 not as the file says") as caught:
        provisioner.verify(spec)
    assert caught.value.report.residual
    assert caught.value._render_traceback_() == [caught.value.message.splitlines()[-1].rpartition(" (")[0]]
    with pytest.raises(ProvisionerError, match="the spec has no 'pip'"):
        provisioner.plan(spec, only="pip")


def test_drift_is_raised(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ProvisionerError, match="changes are pending"):
        run(["status", str(spec)])
    assert capsys.readouterr().out.startswith("  + files.a  file\nDrift: 1 to add.\n")
    provisioner.apply(spec)
    assert isinstance(run(["status", str(spec)]), Plan)


def test_only_a_kernel_can_be_restarted(spec: Path) -> None:
    with pytest.raises(ProvisionerError, match="--restart restarts the notebook's kernel"):
        provisioner.apply(spec, restart=True)


def test_other_names_are_unknown() -> None:
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        _ = provisioner.no_such_name


def test_it_keeps_to_a_lock(spec: Path) -> None:
    with pytest.raises(ProvisionerError, match=r"there is no lock beside colabenv\.yaml"):
        provisioner.apply(spec, locked=True)
    run(["lock", str(spec)])
    assert provisioner.apply(spec, locked=True).ok
    assert provisioner.verify(spec, locked=True).ok
    assert provisioner.plan(spec, locked=True).lock
    with pytest.raises(ProvisionerError, match="a cell has no lock"):
        run(["plan", "--locked"], parse(spec.read_text(), "cell", str(spec.parent)))


def test_it_plans_for_an_image(spec: Path) -> None:
    made = provisioner.plan(spec, against="gpu")
    assert made.against
    assert made.against.image.endswith("-gpu")
