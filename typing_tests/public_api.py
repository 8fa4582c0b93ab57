"""What users write, and the types that they get. Type checkers read this; nobody runs it."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, assert_type

import provisioner
from provisioner import (
    Action,
    Change,
    Check,
    Comparison,
    Event,
    Image,
    ImageDifference,
    Lock,
    LockUpdate,
    MachineExamination,
    NotDone,
    Outcome,
    Plan,
    Problem,
    ProvisionerError,
    Report,
    Reporter,
    Snapshot,
    Spec,
    SpecError,
    Status,
    Step,
    Verdict,
)


def specs() -> None:
    assert_type(provisioner.load(), Spec)
    assert_type(provisioner.load(pathlib.Path("colabenv.yaml")), Spec)
    assert_type(provisioner.parse(b"version: 1\n", folder="/content", name="cell"), Spec)
    assert_type(provisioner.load("colabenv.yaml").name, str)


def plans() -> None:
    plan = provisioner.plan("colabenv.yaml", only="pip", skip=["datasets.flowers"], locked=True)
    assert_type(plan, Plan)
    assert_type(plan.pending, bool)
    assert_type(plan.steps, tuple[Step, ...])
    assert_type(plan.checks, tuple[Check, ...])
    assert_type(plan.changes, Iterator[Change])
    assert_type([change.action for change in plan.changes], list[Action])
    assert_type(next(plan.changes).before, str | None)
    provisioner.save_plan(plan, pathlib.Path("p.json"))
    assert_type(provisioner.load_plan("p.json"), Plan | None)
    assert_type(provisioner.apply_plan(plan), Report)
    assert_type(provisioner.apply_plan("p.json", check=False), Report)


def reports(spec: Spec) -> None:
    report = provisioner.apply(spec, jobs=4)
    assert_type(report, Report)
    assert_type(report.ok, bool)
    assert_type(report.outcomes, tuple[Outcome, ...])
    assert_type(report.outcomes[0].status, Status)
    assert_type(report.verdicts, tuple[Verdict, ...])
    assert_type(report.residual, tuple[Change, ...])
    assert_type(provisioner.verify(deep=True, check=False), Report)


class Counter:
    """A user's own reporter: a class with these two methods is one."""

    def __init__(self) -> None:
        self.ended = 0

    def show(self, plan: Plan) -> None:
        print(len(plan.steps))

    def tell(self, event: Event) -> None:
        assert_type(event.status, Status | None)
        self.ended += event.what == "end"


def reporters() -> None:
    provisioner.apply(reporter=Counter())
    assert_type(provisioner.progress(), AbstractContextManager[Reporter])
    with provisioner.progress(verbose=True, events=pathlib.Path("events.jsonl")) as reporter:
        provisioner.apply(reporter=reporter)


def errors() -> None:
    try:
        provisioner.apply()
    except NotDone as error:
        assert_type(error.report, Report)
    except SpecError as error:
        assert_type(error.problems, tuple[Problem, ...])
    except ProvisionerError as error:
        assert_type(error.hint, str)


def locks() -> None:
    assert_type(provisioner.write_lock(targets=("gpu", "here"), upgrade=True), LockUpdate)
    assert_type(provisioner.write_lock(upgrade="numpy"), LockUpdate)
    assert_type(provisioner.check_lock(), Lock)
    assert_type(provisioner.drop_targets(targets="here"), tuple[str, ...])
    assert_type(provisioner.export("pylock", path="pylock.toml"), str)


def machines() -> None:
    here = provisioner.snapshot()
    assert_type(here, Snapshot)
    provisioner.save_snapshot(here, "me.json")
    assert_type(provisioner.load_snapshot("me.json"), Snapshot)
    assert_type(provisioner.compare(here, "you.json", labels=("me", "you")), Comparison)
    assert_type(provisioner.compare(here, here).same, bool | None)
    assert_type(provisioner.examine(frameworks=False), MachineExamination)
    assert_type(provisioner.images(), tuple[Image, ...])
    assert_type(provisioner.image_difference("2026.07-gpu", "gpu", spec="colabenv.yaml"), ImageDifference)


def a_function_can_be_handed_on(verify: Callable[..., Report] = provisioner.verify) -> Report:
    return verify()


def the_version() -> None:
    assert_type(provisioner.__version__, str)


def only_names(names: Sequence[str], shell: Any) -> Plan:
    provisioner.load_ipython_extension(shell)
    return provisioner.plan(only=names)
