"""Retries: only for what another try may mend, at one layer, within a budget."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from provisioner.engine.executor import RETRIES_PER_RUN, Executor
from provisioner.engine.journal import Journal
from provisioner.model.effects import Effect, Remove
from provisioner.model.errors import EffectError, Interrupted, TransientError
from provisioner.model.plan import Action, Change, Step
from provisioner.model.report import Event, Status
from tests.fakes import FakeMachine


class Troubled(FakeMachine):
    """Fails as it is told to, then works."""

    def __init__(self, *troubles: Exception) -> None:
        super().__init__()
        self.troubles = list(troubles)
        self.slept: list[float] = []

    def perform(self, effect: Effect, tell: Callable[[int, int, str], None]) -> str:
        tell(1, 2, "at it")
        if self.troubles:
            raise self.troubles.pop(0)
        return "a note"

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


STEP = Step(id="a", changes=(Change("a", Action.CREATE),), effects=(Remove(path="/x"),), retries=3)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(str(tmp_path))


def run(machine: Troubled, journal: Journal, step: Step = STEP) -> tuple[object, list[str]]:
    told: list[Event] = []
    with journal.exclusive(lambda: None):
        outcome = Executor(machine, journal, told.append)(step)
    return outcome, [event.what for event in told]


@pytest.mark.parametrize(
    ("troubles", "status", "attempts"),
    [
        ([], Status.DONE, 1),
        ([TransientError("reset")], Status.DONE, 2),
        ([TransientError("reset")] * 3, Status.DONE, 4),
        ([TransientError("reset")] * 4, Status.FAILED, 4),
        ([EffectError("404")], Status.FAILED, 1),
        ([TransientError("reset"), EffectError("404")], Status.FAILED, 2),
        ([TransientError("busy", retry_after=3600)], Status.FAILED, 1),
        ([Interrupted("stop")], Status.INTERRUPTED, 1),
    ],
)
def test_only_what_may_mend_is_tried_again(
    journal: Journal, troubles: list[Exception], status: Status, attempts: int
) -> None:
    machine = Troubled(*troubles)
    with journal.exclusive(lambda: None):
        outcome = Executor(machine, journal, lambda event: None)(STEP)
    assert (outcome.status, outcome.attempts) == (status, attempts)


def test_a_server_s_wish_is_honoured(journal: Journal) -> None:
    machine = Troubled(TransientError("busy", retry_after=7))
    run(machine, journal)
    assert machine.slept == [7]


def test_a_wait_is_jittered_and_bounded(journal: Journal) -> None:
    machine = Troubled(*[TransientError("reset")] * 3)
    run(machine, journal)
    assert all(0 <= seconds <= 2.0**number for number, seconds in enumerate(machine.slept, 1))


def test_a_run_has_a_budget_of_retries(journal: Journal) -> None:
    machine = Troubled(*[TransientError("down")] * 1000)
    executor = Executor(machine, journal, lambda event: None)
    with journal.exclusive(lambda: None):
        attempts = [executor(STEP).attempts for _ in range(20)]
    assert sum(attempts) == RETRIES_PER_RUN + 20
    assert attempts[-1] == 1


def test_what_happened_is_told_and_kept(journal: Journal) -> None:
    outcome, told = run(Troubled(TransientError("reset")), journal)
    assert told == ["begin", "progress", "retry", "progress", "end"]
    assert getattr(outcome, "notes", None) == ("a note",)


@pytest.mark.parametrize(
    ("trouble", "suspects"), [(EffectError("no"), set()), (Interrupted("stop"), {"a"}), (None, set())]
)
def test_only_a_step_that_was_cut_short_is_suspect(
    journal: Journal, trouble: Exception | None, suspects: set[str]
) -> None:
    run(Troubled(*([trouble] if trouble else [])), journal)
    assert journal.suspects() == suspects
