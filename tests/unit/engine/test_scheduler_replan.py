"""Steps that are planned again on the way: when, in which thread, and what becomes of those around them."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from provisioner.engine.scheduler import Carried, schedule
from provisioner.model.effects import Mkdir, Mount
from provisioner.model.errors import Interrupted
from provisioner.model.plan import Action, Change, Plan, Step
from provisioner.model.report import Outcome, Status
from tests.clock import PATIENCE


def step(
    name: str, *after: str, entry: str = "", action: Action = Action.CREATE, again: bool = False
) -> Step:
    return Step(
        id=name,
        entry=entry or name,
        changes=(Change(name, action, reason="no way"),),
        effects=(Mkdir(path=f"/{name}"),),
        after=after,
        replan=again,
    )


def plan(*steps: Step) -> Plan:
    return Plan(name="p", spec="/s", digest="d", steps=steps)


def carry(made: Plan, planned: dict[str, tuple[Step, ...]], failing: str = "", jobs: int = 4) -> Carried:
    def perform(step: Step) -> Outcome:
        return Outcome(step=step.id, status=Status.FAILED if step.id == failing else Status.DONE)

    return schedule(made, jobs, perform, lambda: None, planned.pop)


def ends(carried: Carried) -> dict[str, str]:
    assert [step.id for step in carried.plan.steps] == [outcome.step for outcome in carried.outcomes]
    return {outcome.step: outcome.status.value for outcome in carried.outcomes}


def test_an_entry_has_the_steps_that_it_turns_out_to_have_where_it_stood() -> None:
    made = plan(step("a"), step("b", "a", again=True), step("c", "b"))
    more = (step("b.1", "a", entry="b"), step("b.2", "b.1", entry="b"))
    carried = carry(made, {"b": more})
    assert ends(carried) == {"a": "done", "b.1": "done", "b.2": "done", "c": "done"}


def test_what_waits_for_an_entry_waits_for_all_that_it_turns_out_to_be() -> None:
    made = plan(step("a"), step("b", "a", again=True), step("c", "b"))
    more = (step("b.1", entry="b"), step("b.2", entry="b"))
    assert ends(carry(made, {"b": more}, failing="b.2"))["c"] == "skipped"


def test_nothing_left_to_do_is_as_good_as_done() -> None:
    made = plan(step("a"), step("b", "a", again=True), step("c", "b"))
    assert ends(carry(made, {"b": ()})) == {"a": "done", "c": "done"}
    kept = step("b", action=Action.KEEP)
    assert ends(carry(made, {"b": (kept,)})) == {"a": "done", "b": "kept", "c": "done"}


def test_what_turns_out_blocked_skips_what_waits_for_it() -> None:
    made = plan(step("a"), step("b", "a", again=True), step("c", "b"), step("d"))
    carried = carry(made, {"b": (step("b", action=Action.BLOCKED),)})
    assert ends(carried) == {"a": "done", "b": "blocked", "c": "skipped", "d": "done"}
    assert [outcome.error for outcome in carried.outcomes[1:3]] == ["no way", "not tried, because of b"]


def test_all_steps_of_an_entry_are_planned_again_together() -> None:
    parts = (step("b.1", "a", entry="b", again=True), step("b.2", "a", "b.1", entry="b", again=True))
    carried = carry(plan(step("a"), *parts), {"b": tuple(replace(each, replan=False) for each in parts)})
    assert ends(carried) == {"a": "done", "b.1": "done", "b.2": "done"}


def test_nothing_is_planned_again_whose_maker_failed() -> None:
    made = plan(step("a"), step("b", "a", again=True, action=Action.KEEP))
    assert ends(carry(made, {}, failing="a")) == {"a": "failed", "b": "skipped"}


def test_it_waits_for_what_it_is_behind() -> None:
    begun, order = threading.Event(), []

    def perform(step: Step) -> Outcome:
        if step.id == "slow":
            assert begun.wait(PATIENCE)
        begun.set()
        order.append(step.id)
        return Outcome(step=step.id, status=Status.FAILED if step.id == "slow" else Status.DONE)

    last = replace(step("last", "quick", again=True), behind=("slow",))

    def again(entry: str) -> tuple[Step, ...]:
        order.append("planned")
        return (replace(last, replan=False),)

    carried = schedule(plan(step("slow"), step("quick"), last), 4, perform, lambda: None, again)
    assert order == ["quick", "slow", "planned", "last"]
    assert ends(carried)["last"] == "done"


def test_what_asks_the_user_is_planned_beside_the_rest_and_asks_in_this_thread() -> None:
    asks = replace(step("drive", "a", again=True), effects=(Mount(path="/d"),))
    threads = {}

    def perform(step: Step) -> Outcome:
        threads[step.id] = threading.current_thread()
        return Outcome(step=step.id, status=Status.DONE)

    def again(entry: str) -> tuple[Step, ...]:
        threads["planning"] = threading.current_thread()
        return (replace(asks, replan=False),)

    schedule(plan(step("a"), asks), 2, perform, lambda: None, again)
    main = threading.current_thread()
    assert [name for name, thread in threads.items() if thread is main] == ["drive"]


@pytest.mark.parametrize("planned", [True, False], ids=["it is planned still", "planning was stopped"])
def test_an_interruption_while_it_is_planned(planned: bool) -> None:
    cancelled = threading.Event()

    def perform(step: Step) -> Outcome:
        if step.id == "stop":
            raise KeyboardInterrupt
        return Outcome(step=step.id, status=Status.DONE)

    def again(entry: str) -> tuple[Step, ...]:
        assert cancelled.wait(PATIENCE)
        if not planned:
            raise Interrupted("stopped")
        return (step("b.1", entry="b"), step("b.2", entry="b", action=Action.KEEP))

    made = plan(step("b", again=True), step("stop"), step("c", "b"))
    found = ends(schedule(made, 2, perform, cancelled.set, again))
    parts = {"b.1": "interrupted", "b.2": "kept"} if planned else {"b": "interrupted"}
    assert found == {**parts, "stop": "interrupted", "c": "interrupted"}


def test_a_bug_while_it_is_planned_is_not_swallowed() -> None:
    with pytest.raises(KeyError):
        carry(plan(step("b", again=True)), {})


def test_many_steps_are_no_matter() -> None:
    files = [step(f"files.{number}", "datasets.d", again=True) for number in range(300)]
    last = [
        replace(step(f"run.{number}"), behind=tuple(each.id for each in files), lane="run")
        for number in range(20)
    ]
    made = plan(step("datasets.d"), *files, *last)
    calls = []

    def again(entry: str) -> tuple[Step, ...]:
        calls.append(entry)
        return tuple(replace(each, replan=False) for each in files if each.entry == entry)

    carried = schedule(made, 8, lambda step: Outcome(step=step.id, status=Status.DONE), lambda: None, again)
    assert {*ends(carried).values()} == {"done"}
    assert sorted(calls) == sorted(each.id for each in files)
