"""One step, performed: its effects in order, each retried only where that may help."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from provisioner.engine.journal import Journal
from provisioner.machine.reader import Machine, Tell
from provisioner.model.effects import Effect
from provisioner.model.errors import EffectError, Interrupted, TransientError
from provisioner.model.plan import Step
from provisioner.model.report import Event, Outcome, Status

if TYPE_CHECKING:
    from tenacity import RetryCallState

LONGEST_WAIT = 30.0
"""Seconds between two tries, unless a server asks for more."""

LONGEST_REQUEST = 120.0
"""The longest that a server may ask us to wait, in seconds; beyond that we fail."""

RETRIES_PER_RUN = 20
"""For all steps together: a network that is down should not be retried forever."""


class Executor:
    """Performs steps on a machine; used by many threads at once."""

    def __init__(self, machine: Machine, journal: Journal, tell: Tell) -> None:
        self.machine = machine
        self.journal = journal
        self.tell = tell
        self.began = time.monotonic()
        self._retries_left = RETRIES_PER_RUN
        self._lock = threading.Lock()

    def __call__(self, step: Step) -> Outcome:
        """Perform one step to its outcome. Never raises for what a machine or a user can cause."""
        started = time.monotonic()
        attempts = 1

        def retrying(error: EffectError, wait: float) -> None:
            nonlocal attempts
            attempts += 1
            text = f"{error.message}; retrying in {wait:.0f} s"
            self.tell(Event(step=step.id, what="retry", text=text))

        def outcome(status: Status, error: EffectError | Interrupted | None = None) -> Outcome:
            self.journal.end(step.id)
            return Outcome(
                step=step.id,
                status=status,
                attempts=attempts,
                started=started - self.began,
                seconds=time.monotonic() - started,
                error=error.message if error else "",
                hint=error.hint if error else "",
                tail=error.tail if isinstance(error, EffectError) else "",
                notes=tuple(notes),
            )

        notes: list[str] = []
        self.journal.begin(step.id)
        self.tell(Event(step=step.id, what="begin"))
        try:
            for effect in step.effects:
                note = self._persist(step, effect, retrying)
                if note:
                    notes.append(note)
        except EffectError as error:
            result = outcome(Status.FAILED, error)
        except Interrupted:
            # No end in the journal: this step was interrupted, and the next apply must check it.
            result = Outcome(step=step.id, status=Status.INTERRUPTED, attempts=attempts)
        else:
            result = outcome(Status.DONE)
        self.tell(Event(step=step.id, what="end", status=result.status, seconds=result.seconds))
        return result

    def _persist(self, step: Step, effect: Effect, retrying: Callable[[EffectError, float], None]) -> str:
        """Perform one effect, with retries. Raises what the last try raised."""
        from tenacity import Retrying, retry_if_exception_type

        def progress(done: int, total: int, text: str) -> None:
            self.tell(Event(step=step.id, what="progress", done=done, total=total, text=text))

        def before_sleep(state: RetryCallState) -> None:
            if state.outcome and isinstance(error := state.outcome.exception(), EffectError):
                retrying(error, state.upcoming_sleep)

        return Retrying(
            retry=retry_if_exception_type(TransientError),
            stop=lambda state: state.attempt_number > step.retries or not self._may_retry(state),
            wait=wait_of,
            sleep=self.machine.sleep,
            before_sleep=before_sleep,
            reraise=True,
        )(self.machine.perform, effect, progress)

    def _may_retry(self, state: RetryCallState) -> bool:
        """Whether the run has retries left, and the server does not ask us to wait too long."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, TransientError) and (error.retry_after or 0) > LONGEST_REQUEST:
            return False
        with self._lock:
            self._retries_left -= 1
            return self._retries_left >= 0


def wait_of(state: RetryCallState) -> float:
    """Seconds until the next try: what the server asked for, else a full-jitter exponential wait."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, TransientError) and error.retry_after is not None:
        return error.retry_after
    return random.uniform(0, min(LONGEST_WAIT, 2.0**state.attempt_number))  # noqa: S311
