"""What talks to the user or to IPython runs in the thread that schedules, beside all the rest."""

from __future__ import annotations

import threading

import pytest

from provisioner.engine.scheduler import schedule
from provisioner.model.effects import Effect, Mkdir, Mount, Secret
from provisioner.model.plan import Action, Change, Plan, Step
from provisioner.model.report import Outcome, Status
from tests.clock import PATIENCE
from tests.unit.engine.test_scheduler import never


def step(name: str, *effects: Effect) -> Step:
    return Step(id=name, changes=(Change(name, Action.CREATE),), effects=effects)


PLAN = Plan(
    name="n",
    spec="s",
    digest="d",
    steps=(
        step("drive", Mount(path="/content/drive")),
        step("files.a", Mkdir(path="/a")),
        step("secrets.A", Secret(name="A", variable="A")),
    ),
)


def test_they_run_in_this_thread_while_others_go_on() -> None:
    begun = threading.Event()
    threads = {}

    def perform(step: Step) -> Outcome:
        threads[step.id] = threading.current_thread()
        if step.id == "files.a":
            begun.set()
        else:
            assert begun.wait(PATIENCE), "the others wait for the user"
        return Outcome(step=step.id, status=Status.DONE)

    outcomes = schedule(PLAN, 2, perform, lambda: None, never).outcomes
    assert [outcome.status for outcome in outcomes] == [Status.DONE] * 3
    main = threading.current_thread()
    assert [name for name, thread in threads.items() if thread is main] == ["drive", "secrets.A"]


@pytest.mark.parametrize("order", [KeyboardInterrupt, RuntimeError])
def test_an_interruption_there_ends_the_run(order: type[BaseException]) -> None:
    cancelled = []

    def perform(step: Step) -> Outcome:
        if step.foreground:
            raise order
        return Outcome(step=step.id, status=Status.DONE)

    if order is RuntimeError:
        with pytest.raises(RuntimeError):
            schedule(PLAN, 1, perform, lambda: None, never)
        return
    outcomes = schedule(PLAN, 1, perform, lambda: cancelled.append(True), never).outcomes
    assert cancelled
    assert {outcome.status for outcome in outcomes} == {Status.DONE, Status.INTERRUPTED}
