"""`import provisioner` in a plain process: values out, errors raised, nothing printed."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import provisioner
from provisioner import api

SPEC = "version: 1\nname: desk\nfiles: [{path: a, content: b}, {path: c, folder: true}]\n"


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "colabenv.yaml"
    path.write_text(SPEC)
    return path


@pytest.fixture(autouse=True)
def quiet(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Nothing is printed by any of these calls, but for what a test has read already."""
    yield
    assert capsys.readouterr() == ("", "")


class Listener:
    """A reporter that keeps what it hears."""

    def __init__(self) -> None:
        self.plans: list[provisioner.Plan] = []
        self.events: list[provisioner.Event] = []
        self.threads: set[str] = set()

    def show(self, plan: provisioner.Plan) -> None:
        self.plans.append(plan)

    def tell(self, event: provisioner.Event) -> None:
        self.events.append(event)
        self.threads.add(threading.current_thread().name)


# The whole story


def test_it_plans_applies_and_verifies(spec: Path) -> None:
    assert provisioner.load(spec).sections.keys() == {"files"}
    assert [change.address for change in provisioner.plan(spec).changes] == ["files.a", "files.c"]
    report = provisioner.apply(str(spec), only=["files.a"], jobs=2)
    assert [outcome.status for outcome in report.outcomes] == [provisioner.Status.DONE]
    assert provisioner.apply().changed
    assert not provisioner.apply().changed
    assert provisioner.verify(spec, skip=[], deep=True).ok


def test_a_spec_is_a_value_or_a_path_of_any_sort(spec: Path) -> None:
    made = [provisioner.plan(each) for each in (spec, str(spec), provisioner.load(spec))]
    assert made[0] == made[1] == made[2] == provisioner.plan()
    loaded = provisioner.load(spec)
    assert provisioner.load(loaded) is loaded


def test_one_name_may_be_a_text(spec: Path) -> None:
    assert [step.id for step in provisioner.plan(spec, only="files.a").steps] == ["files.a"]
    assert [step.id for step in provisioner.plan(spec, skip=("files.a",)).steps] == ["files.c"]


def test_a_text_is_no_file(tmp_path: Path, spec: Path) -> None:
    there = tmp_path / "there"
    parsed = provisioner.parse("version: 1\nfiles: [{path: a, content: b}]\n", folder=there)
    assert provisioner.apply(parsed).ok
    assert (there / "a").read_text() == "b"
    with pytest.raises(provisioner.SpecError) as caught:
        provisioner.parse("version: 1\nfiels: []\n", name="cell")
    assert caught.value.message.startswith("cell:2:1: `fiels`")
    assert caught.value.problems[0].line == 2
    with pytest.raises(provisioner.ProvisionerError, match="in no file has no lock"):
        provisioner.apply(parsed, locked=True)
    with pytest.raises(provisioner.ProvisionerError, match="in no file has no lock"):
        provisioner.plan(parsed, locked=True, against="gpu")


@pytest.mark.parametrize("name", ["-weird.yaml", "--json", "apply"])
def test_a_file_may_be_called_anything(spec: Path, name: str) -> None:
    with pytest.raises(provisioner.ProvisionerError, match=f"there is no file {name}"):
        provisioner.plan(name)
    spec.rename(spec.with_name(name))
    assert provisioner.plan(name).pending
    assert provisioner.apply(name).ok


# What goes wrong


def test_what_is_not_so_is_raised(spec: Path) -> None:
    with pytest.raises(provisioner.NotDone, match="2 still different from the file") as caught:
        provisioner.verify(spec)
    assert len(caught.value.report.residual) == 2
    assert caught.value._render_traceback_() == caught.value.message.splitlines()
    shown = api.NotDone(caught.value.report, shown=True)
    assert shown._render_traceback_() == [caught.value.message.splitlines()[-1].rpartition(" (")[0]]
    (spec.parent / "a").mkdir()
    with pytest.raises(provisioner.NotDone, match="1 blocked"):
        provisioner.apply(spec)


def test_a_report_can_be_had_whatever_it_says(spec: Path) -> None:
    assert not provisioner.verify(spec, check=False).ok
    (spec.parent / "a").mkdir()
    report = provisioner.apply(spec, check=False)
    assert {outcome.status for outcome in report.outcomes} == {
        provisioner.Status.BLOCKED,
        provisioner.Status.DONE,
    }


def test_mistakes_are_named(spec: Path) -> None:
    with pytest.raises(provisioner.ProvisionerError, match="the spec has no 'pip'"):
        provisioner.plan(spec, only="pip")
    with pytest.raises(ValueError, match="jobs must be 1 or more"):
        provisioner.apply(spec, jobs=0)
    with pytest.raises(ValueError, match="jobs must be 1 or more"):
        provisioner.verify(spec, jobs=-1)
    with pytest.raises(provisioner.ProvisionerError, match="there is no Colab image named xpu"):
        provisioner.plan(spec, against="xpu")


# Reporters


def test_a_reporter_hears_all(spec: Path) -> None:
    listener = Listener()
    report = provisioner.apply(spec, reporter=listener)
    assert listener.plans == [report.plan]
    assert {(event.step, event.what) for event in listener.events} >= {
        (step, what) for step in ("files.a", "files.c") for what in ("begin", "end")
    }
    assert {"files.a", "files.c"} <= listener.threads


def test_the_ready_made_reporter_shows_progress(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with provisioner.progress(events=spec.with_name("events.jsonl")) as reporter:
        provisioner.apply(spec, reporter=reporter)
    shown = capsys.readouterr().out
    assert shown.startswith("files\n  + a  file\n  + c  folder\n\nPlan: 2 to add.\n")
    assert "files.a: done" in shown
    assert len(spec.with_name("events.jsonl").read_text().splitlines()) >= 4
    with pytest.raises(provisioner.ProvisionerError, match="cannot write the events"):
        provisioner.progress(events="/no/such/folder/x")


# Kept plans


def test_a_plan_is_kept_and_applied(spec: Path) -> None:
    plan = provisioner.plan(spec, only="files.a")
    provisioner.save_plan(plan, spec.with_name("p.json"))
    assert provisioner.load_plan(spec.with_name("p.json")) == plan
    assert provisioner.apply_plan("p.json").ok
    assert not (spec.parent / "c").exists()
    assert provisioner.apply_plan(provisioner.plan(spec)).ok
    with pytest.raises(provisioner.PlanMovedError):
        provisioner.apply_plan(plan)


def test_what_is_no_plan_is_not_taken_for_one(spec: Path) -> None:
    assert provisioner.load_plan(spec) is None
    assert provisioner.load_plan("none.json") is None
    with pytest.raises(provisioner.ProvisionerError, match=r"there is no plan in colabenv\.yaml"):
        provisioner.apply_plan("colabenv.yaml")


def test_it_plans_for_an_image(spec: Path) -> None:
    plan = provisioner.plan(spec, against="gpu")
    assert plan.against
    assert plan.against.image.endswith("-gpu")
    with pytest.raises(provisioner.ProvisionerError, match="cannot be saved for apply"):
        provisioner.save_plan(plan, "p.json")
    with pytest.raises(
        provisioner.ProvisionerError, match=r"this is a plan for .*-gpu and cannot be applied"
    ):
        provisioner.apply_plan(plan)


# Locks


def test_it_keeps_to_a_lock(spec: Path) -> None:
    with pytest.raises(provisioner.ProvisionerError, match=r"there is no lock beside colabenv\.yaml"):
        provisioner.apply(spec, locked=True)
    update = provisioner.write_lock(spec)
    assert update.path == str(spec.with_suffix(".lock"))
    assert [made.target for made in update.made] == list(provisioner.check_lock(spec).targets)
    assert provisioner.apply(spec, locked=True).ok
    assert provisioner.verify(spec, locked=True).ok
    assert provisioner.plan(spec, locked=True).lock
    provisioner.save_plan(provisioner.plan(spec, locked=True), "p.json")
    assert provisioner.apply_plan("p.json").ok
    (name,) = provisioner.drop_targets(spec, targets="here")
    assert name == update.made[0].target.name
    with pytest.raises(provisioner.LockError):
        provisioner.plan(spec, locked=True)


def test_a_lock_is_exported(spec: Path) -> None:
    provisioner.write_lock(spec)
    text = provisioner.export("pylock", spec, path="pylock.toml")
    assert "lock-version" in text
    assert Path("pylock.toml").read_text() == text
    assert provisioner.export("pylock", spec) == text


# Machines and images


def test_machines_are_compared(spec: Path) -> None:
    before = provisioner.snapshot(spec)
    provisioner.save_snapshot(before, "before.json")
    assert provisioner.load_snapshot("before.json").named == before.named
    provisioner.apply(spec)
    found = provisioner.compare("before.json", provisioner.snapshot(spec), labels=("before", "now"))
    assert found.labels == ("before", "now")
    assert found.same is False
    (named,) = [group for group in found.groups if group.name == "named by the spec"]
    assert [one.name for one in named.differences] == ["files.a", "files.c"]
    assert provisioner.snapshot().name == ""


def test_images_differ(spec: Path) -> None:
    names = [image.name for image in provisioner.images()]
    assert {"colab-2026.07-gpu", "colab-2026.08-gpu"} <= set(names)
    every = provisioner.image_difference("2026.07-gpu", "2026.08-gpu")
    assert (len(every.changes), every.others, every.new.name) == (268, 0, "colab-2026.08-gpu")
    jdk = provisioner.parse("version: 1\njdk: 17\n")
    of_spec = provisioner.image_difference("2026.07-gpu", "2026.08-gpu", spec=jdk)
    assert 0 < len(of_spec.changes) < 268
    assert len(of_spec.changes) + of_spec.others == 268


def test_the_accelerators_are_examined(spec: Path) -> None:
    seen = provisioner.examine(frameworks=False)
    assert seen.verdicts == ()
    assert seen.machine["colabenv"] == provisioner.__version__


# The package's face


def test_every_public_name_is_there_and_nothing_else() -> None:
    for name in provisioner.__all__:
        assert getattr(provisioner, name) is not None, name
    assert set(provisioner.__all__) <= set(dir(provisioner))
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        _ = provisioner.no_such_name  # type: ignore[attr-defined]


def test_no_public_name_is_a_folder_s() -> None:
    """Importing `provisioner.lock` makes that module an attribute, whatever was called so."""
    modules = {module.name for module in pkgutil.iter_modules(provisioner.__path__)}
    assert modules & set(provisioner.__all__) == set()


def test_every_function_of_the_api_is_public() -> None:
    defined = {name for name, value in vars(api).items() if getattr(value, "__module__", "") == api.__name__}
    assert {name for name in defined if not name.startswith("_")} <= set(provisioner.__all__)


def test_the_api_needs_no_command_line(spec: Path) -> None:
    """Nor a notebook: neither is imported, and importing it does nothing else."""
    code = "import sys, provisioner; provisioner.apply(); provisioner.write_lock(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {"argparse", "IPython", "rich", "provisioner.cli", "provisioner.notebook"} & loaded == set()
    assert not any(name.startswith("provisioner.commands") for name in loaded)
