"""Steps in parallel: order, lanes, skipping, gates, interruption. No clock, no luck."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.engine.scheduler import FINE, by_names, named_by, schedule
from provisioner.model.plan import Action, Change, Plan, Step
from provisioner.model.report import Outcome, Status
from tests.clock import PATIENCE

EFFECT = Action.CREATE


def step(name: str, *after: str, lane: str = "", action: Action = Action.CREATE) -> Step:
    change = Change(name, action, reason="no way" if action is Action.BLOCKED else "")
    return Step(id=name, entry=name, changes=(change,), after=after, lane=lane)


def plan(*steps: Step, gates: tuple[str, ...] = ()) -> Plan:
    return Plan(name="p", spec="/s", digest="d", steps=steps, gates=gates)


def never(entry: str) -> tuple[Step, ...]:
    raise AssertionError(f"{entry} is not to be planned again")


def done(step: Step) -> Outcome:
    return Outcome(step=step.id, status=Status.DONE)


def statuses(outcomes: tuple[Outcome, ...]) -> dict[str, str]:
    return {outcome.step: outcome.status.value for outcome in outcomes}


def run(made: Plan, jobs: int = 4, failing: tuple[str, ...] = ()) -> dict[str, str]:
    def perform(step: Step) -> Outcome:
        return Outcome(step=step.id, status=Status.FAILED if step.id in failing else Status.DONE)

    return statuses(schedule(made, jobs, perform, lambda: None, never).outcomes)


def test_results_come_in_declared_order() -> None:
    made = plan(step("a"), step("b"), step("c"))
    assert list(run(made)) == ["a", "b", "c"]


def test_what_is_right_is_kept_and_nothing_is_called() -> None:
    assert run(plan(step("a", action=Action.KEEP)), failing=("a",)) == {"a": "kept"}


def test_a_failure_skips_its_dependents_and_theirs_but_nothing_else() -> None:
    made = plan(step("a"), step("b", "a"), step("c", "b"), step("d"))
    assert run(made, failing=("a",)) == {"a": "failed", "b": "skipped", "c": "skipped", "d": "done"}


def test_a_skipped_step_names_its_cause() -> None:
    outcomes = schedule(
        plan(step("a", action=Action.BLOCKED), step("b", "a")), 1, done, lambda: None, never
    ).outcomes
    assert outcomes[0].error == "no way"
    assert outcomes[1].error == "not tried, because of a"


def test_a_kind_stands_for_all_its_steps() -> None:
    made = plan(step("datasets.x"), step("datasets.y"), step("run.z", "datasets"))
    assert run(made, failing=("datasets.y",))["run.z"] == "skipped"


def test_a_dependent_that_is_right_already_stays_so() -> None:
    made = plan(step("a", action=Action.BLOCKED), step("b", "a", action=Action.KEEP))
    assert run(made) == {"a": "blocked", "b": "kept"}


def test_a_blocked_gate_lets_nothing_begin() -> None:
    made = plan(step("accelerator", action=Action.BLOCKED), step("apt"), gates=("accelerator",))
    assert run(made) == {"accelerator": "blocked", "apt": "skipped"}


def test_steps_of_one_lane_never_overlap_and_others_do() -> None:
    together = threading.Barrier(2, timeout=PATIENCE)
    busy: list[str] = []
    overlaps: list[str] = []

    def perform(step: Step) -> Outcome:
        if step.lane == "apt":
            overlaps.extend(busy)
            busy.append(step.id)
        if step.id in ("apt", "pip"):
            together.wait()  # passes only when both lanes are at work
        if step.lane == "apt":
            busy.remove(step.id)
        return done(step)

    schedule(
        plan(step("apt", lane="apt"), step("jdk", lane="apt"), step("pip")), 3, perform, lambda: None, never
    )
    assert overlaps == []


def test_no_more_than_jobs_at_once() -> None:
    running, most, lock = [0], [0], threading.Lock()

    def perform(step: Step) -> Outcome:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        with lock:
            running[0] -= 1
        return done(step)

    schedule(plan(*(step(f"s{number}") for number in range(20))), 1, perform, lambda: None, never)
    assert most == [1]


def test_an_interruption_cancels_waits_and_tells_what_never_began() -> None:
    cancelled = threading.Event()

    def perform(step: Step) -> Outcome:
        if step.id == "a":
            raise KeyboardInterrupt
        assert cancelled.wait(PATIENCE)
        return Outcome(step=step.id, status=Status.INTERRUPTED)

    outcomes = schedule(plan(step("a"), step("b"), step("c", "b")), 2, perform, cancelled.set, never).outcomes
    assert statuses(outcomes)["b"] == statuses(outcomes)["c"] == "interrupted"


def test_a_bug_in_a_step_is_not_swallowed() -> None:
    def perform(step: Step) -> Outcome:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        schedule(plan(step("a")), 1, perform, lambda: None, never)


@given(
    links=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20),
    failing=st.sets(st.integers(0, 9)),
    jobs=st.integers(1, 4),
)
def test_every_step_gets_an_outcome_and_none_runs_before_what_it_needs(
    links: list[tuple[int, int]], failing: set[int], jobs: int
) -> None:
    after = {index: [str(to) for origin, to in links if origin == index] for index in range(10)}
    made = plan(*(step(str(index), *after[index]) for index in range(10)))
    ended: dict[str, Status] = {}

    def perform(step: Step) -> Outcome:
        assert all(ended.get(other.id) in FINE for other in named_by(step.after, step, by_names(made.steps)))
        status = Status.FAILED if int(step.id) in failing else Status.DONE
        ended[step.id] = status
        return Outcome(step=step.id, status=status)

    outcomes = schedule(made, jobs, perform, lambda: None, never).outcomes
    assert [outcome.step for outcome in outcomes] == [s.id for s in made.steps]
    for outcome, made_step in zip(outcomes, made.steps, strict=True):
        upstream = {
            ended.get(other.id, Status.SKIPPED)
            for other in named_by(made_step.after, made_step, by_names(made.steps))
        }
        assert (outcome.status is Status.SKIPPED) == (not upstream <= FINE)
