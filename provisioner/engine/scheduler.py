"""Steps in parallel: each after what it needs, one at a time in each lane, results in declared order."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from provisioner.engine.threads import WAKE
from provisioner.model.errors import Interrupted
from provisioner.model.plan import Action, Plan, Step
from provisioner.model.report import Outcome, Status

T = TypeVar("T")

FINE = {Status.KEPT, Status.DONE}


def needs(step: Step, plan: Plan) -> list[Step]:
    """The steps that must have succeeded before `step` may begin.

    Only steps declared before it count, so no plan can wait for itself.
    """
    earlier = plan.steps[: plan.steps.index(step)]
    return [other for other in earlier if other.id in step.after or other.kind in step.after]


def without_work(step: Step) -> Outcome | None:
    """The outcome of a step without work: everything is right already, or it is blocked."""
    if step.blocked:
        blocked = [change for change in step.changes if change.action is Action.BLOCKED]
        return Outcome(step=step.id, status=Status.BLOCKED, error="; ".join(c.reason for c in blocked))
    if not step.pending:
        return Outcome(step=step.id, status=Status.KEPT)
    return None


def skipped(step: Step, causes: list[str]) -> Outcome:
    return Outcome(step=step.id, status=Status.SKIPPED, error=f"not tried, because of {', '.join(causes)}")


def next_of(ended: queue.SimpleQueue[T]) -> T:
    """The next item of a queue, waited for in short intervals, so that signals are handled."""
    while True:
        with suppress(queue.Empty):
            return ended.get(timeout=WAKE)


def schedule(
    plan: Plan, jobs: int, perform: Callable[[Step], Outcome], cancel: Callable[[], None]
) -> tuple[Outcome, ...]:
    """Run every step of a plan, at most `jobs` at once.

    What depends on a step that did not succeed is skipped; what does not goes on. While a gate is blocked,
    nothing is started. When this thread is interrupted, `cancel` is called, the steps that run are waited
    for, and those that never began are INTERRUPTED.
    """
    outcomes = {step.id: outcome for step in plan.steps if (outcome := without_work(step))}
    waiting = [step for step in plan.steps if step.id not in outcomes]
    shut = [step.id for step in plan.steps if step.blocked and step.kind in plan.gates]
    if shut:
        outcomes |= {step.id: skipped(step, shut) for step in waiting}
        waiting = []
    lanes: dict[str, str] = {}
    ended: queue.SimpleQueue[tuple[Step, Outcome | BaseException]] = queue.SimpleQueue()

    def start(step: Step) -> None:
        """In its own thread; what talks to the user or to IPython runs in this one."""

        def run() -> None:
            try:
                ended.put((step, perform(step)))
            except BaseException as bug:  # noqa: BLE001 - raised again where it is seen
                ended.put((step, bug))

        lanes[step.id] = step.lane or step.id
        if step.foreground:
            run()
        else:
            threading.Thread(target=run, name=step.id).start()

    def collect() -> None:
        step, outcome = next_of(ended)
        del lanes[step.id]
        if isinstance(outcome, BaseException):
            outcomes[step.id] = Outcome(step=step.id, status=Status.INTERRUPTED)
            raise outcome
        outcomes[step.id] = outcome

    try:
        while waiting or lanes:
            for step in sorted(waiting, key=lambda step: step.foreground):
                needed = [outcomes.get(other.id) for other in needs(step, plan)]
                failed = [found.step for found in needed if found and found.status not in FINE]
                if failed:
                    outcomes[step.id] = skipped(step, failed)
                elif None in needed or len(lanes) >= jobs or (step.lane or step.id) in lanes.values():
                    continue
                else:
                    start(step)
                waiting.remove(step)
            if lanes:
                collect()
    except (KeyboardInterrupt, Interrupted):
        cancel()
        while lanes:
            collect()
        outcomes |= {step.id: Outcome(step=step.id, status=Status.INTERRUPTED) for step in waiting}
    return tuple(outcomes[step.id] for step in plan.steps)
