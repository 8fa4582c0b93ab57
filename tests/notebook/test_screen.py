"""The magics where there is no kernel: commands print, and failures are exceptions all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.api import NotDone
from provisioner.model.errors import ProvisionerError
from provisioner.notebook import magics

SPEC = "version: 1\nfiles: [{path: a, content: b}]\n"


@pytest.fixture(autouse=True)
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(magics, "FOLDERS", {})
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "colabenv.yaml"
    path.write_text(SPEC)
    return path


def test_a_failure_is_raised_with_its_report(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NotDone, match="1 still different from the file") as caught:
        magics.line_magic("verify")
    assert capsys.readouterr().out.startswith("Still different from the file:")
    conclusion = "Not done: 1 still different from the file; 0 changed, 0 already right."
    assert caught.value._render_traceback_() == [conclusion]
    with pytest.raises(NotDone):
        magics.line_magic("verify --json")
    assert capsys.readouterr().out.startswith("{")


def test_drift_is_raised(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ProvisionerError, match="changes are pending"):
        magics.line_magic("status")
    assert capsys.readouterr().out.startswith("  + files.a  file\nDrift: 1 to add.\n")
    with pytest.raises(ProvisionerError, match="changes are pending"):
        magics.line_magic("plan --json --detailed-exitcode")
    magics.line_magic("apply")
    magics.line_magic("status")
    magics.line_magic("facts --out me.json")
    Path("you.json").write_text(Path("me.json").read_text().replace('"cpus": ', '"cpus": 9'))
    with pytest.raises(ProvisionerError, match="compare ended with exit code 2"):
        magics.line_magic("compare me.json you.json --detailed-exitcode")


def test_a_plan_shows_what_is_blocked_and_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    cell = "version: 1\nruntime: {python: '<3.0'}\n"
    magics.cell_magic("plan", cell)
    magics.cell_magic("plan --against gpu", cell)
    assert capsys.readouterr().out.count("blocked") >= 2


def test_only_a_kernel_can_be_restarted(spec: Path) -> None:
    with pytest.raises(ProvisionerError, match="--restart restarts the notebook's kernel"):
        magics.line_magic("apply --restart")
    assert not spec.with_name("a").exists()


def test_a_cell_holds_a_spec_and_no_lock(spec: Path) -> None:
    spec.unlink()
    magics.cell_magic("", SPEC)
    assert spec.with_name("a").read_text() == "b"
    magics.cell_magic("apply --dry-run", SPEC)
    with pytest.raises(ProvisionerError, match="in no file has no lock"):
        magics.cell_magic("plan --locked", SPEC)
    with pytest.raises(ProvisionerError, match="takes validate, plan, status, apply, verify, and not lock"):
        magics.cell_magic("lock", SPEC)


def test_a_spec_is_found_again_from_another_folder(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    magics.line_magic("plan colabenv.yaml")
    magics.cell_magic("apply", SPEC)
    (spec.parent / "below").mkdir()
    monkeypatch.chdir(spec.parent / "below")
    magics.line_magic("verify colabenv.yaml")
    magics.line_magic("verify")
    magics.cell_magic("verify", SPEC)


def test_a_name_may_look_like_an_option(spec: Path) -> None:
    """It is a path from its first use on, and never a word of a line again."""
    spec.rename(spec.with_name("-weird.yaml"))
    with pytest.raises(ProvisionerError, match="changes are pending"):
        magics.line_magic("status -- -weird.yaml")
