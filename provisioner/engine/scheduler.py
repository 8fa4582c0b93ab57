"""Steps in parallel: each after what it needs, one at a time in each lane, results in declared order."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias, TypeVar

from provisioner.engine.threads import WAKE
from provisioner.model.errors import Interrupted
from provisioner.model.plan import Action, Plan, Step
from provisioner.model.report import Outcome, Status

T = TypeVar("T")

Result: TypeAlias = "Outcome | tuple[Step, ...]"
Ended: TypeAlias = "tuple[Step, Result | BaseException]"

FINE = {Status.KEPT, Status.DONE}


@dataclass(frozen=True)
class Carried:
    """A plan as it was carried out, with what was decided on the way, and the outcome of each step."""

    plan: Plan
    outcomes: tuple[Outcome, ...]


Named: TypeAlias = dict[str, list[Step]]
"""Steps by every word that means them: their ids, the addresses of their entries, their kinds."""


def by_names(steps: Iterable[Step]) -> Named:
    named: Named = {}
    for step in steps:
        for word in {step.id, step.entry, step.kind}:
            named.setdefault(word, []).append(step)
    return named


def named_by(words: tuple[str, ...], step: Step, named: Named) -> list[Step]:
    """The other steps that these words mean; those of the step's own entry only by their ids."""
    return [
        other
        for word in words
        for other in named.get(word, ())
        if other is not step and (other.id == word or other.entry != step.entry)
    ]


def without_work(step: Step) -> Outcome | None:
    """The outcome of a step without work: everything is right already, or it is blocked."""
    if step.blocked:
        blocked = [change for change in step.changes if change.action is Action.BLOCKED]
        return Outcome(step=step.id, status=Status.BLOCKED, error="; ".join(c.reason for c in blocked))
    if not step.pending:
        return Outcome(step=step.id, status=Status.KEPT)
    return None


def skipped(step: Step, causes: Iterable[str]) -> Outcome:
    named = ", ".join(dict.fromkeys(causes))
    return Outcome(step=step.id, status=Status.SKIPPED, error=f"not tried, because of {named}")


def next_of(ended: queue.SimpleQueue[T]) -> T:
    """The next item of a queue, waited for in short intervals, so that signals are handled."""
    while True:
        with suppress(queue.Empty):
            return ended.get(timeout=WAKE)


def schedule(
    plan: Plan,
    jobs: int,
    perform: Callable[[Step], Outcome],
    cancel: Callable[[], None],
    replan: Callable[[str], tuple[Step, ...]],
) -> Carried:
    """Run every step of a plan, at most `jobs` at once.

    What depends on a step that did not succeed is skipped; what does not goes on. While a gate is blocked,
    nothing is started. Steps to `replan` are replaced by those of their entry, as they are planned once all
    that they need is done. When this thread is interrupted, `cancel` is called, the steps that run are waited
    for, and those that never began are INTERRUPTED.
    """
    run = Schedule(plan, jobs, perform, replan)
    try:
        run.to_the_end()
    except (KeyboardInterrupt, Interrupted):
        cancel()
        run.interrupt()
    return run.result()


class Schedule:
    """The state of a plan that is carried out. Only the thread that made it changes it."""

    def __init__(
        self,
        plan: Plan,
        jobs: int,
        perform: Callable[[Step], Outcome],
        replan: Callable[[str], tuple[Step, ...]],
    ) -> None:
        self.plan = plan
        self.jobs = jobs
        self.perform = perform
        self.replan = replan
        self.steps = list(plan.steps)
        self.named = by_names(plan.steps)
        self.outcomes: dict[str, Outcome] = {}
        self.lanes: dict[str, str] = {}
        """The lane of everything that runs, by the id of its step or the address of its entry."""
        self.ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()
        self.waiting: dict[str, Step] = {}
        self.admit(plan.steps)
        if shut := [step.id for step in plan.steps if step.blocked and step.kind in plan.gates]:
            self.skip_all(shut)

    def admit(self, steps: Iterable[Step]) -> None:
        """Take steps in: those that have work wait, the others have their outcome."""
        for step in steps:
            if not step.replan and (outcome := without_work(step)):
                self.outcomes[step.id] = outcome
            else:
                self.waiting[step.id] = step

    def to_the_end(self) -> None:
        while self.waiting or self.lanes:
            waited = len(self.waiting)
            self.start_all()
            if self.lanes:
                self.collect()
            elif len(self.waiting) == waited:
                self.give_up()

    def start_all(self) -> None:
        """Start whatever can be started, and skip what never can."""
        for step in sorted(self.waiting.values(), key=lambda step: step.foreground):
            if len(self.lanes) >= self.jobs:
                return
            if step.id not in self.waiting:
                continue  # planned again with another step of its entry
            needed = [self.outcomes.get(other.id) for other in named_by(step.after, step, self.named)]
            before = (self.outcomes.get(other.id) for other in named_by(step.behind, step, self.named))
            lane = step.entry if step.replan else step.lane or step.id
            if failed := [found.step for found in needed if found and found.status not in FINE]:
                self.outcomes[step.id] = skipped(step, failed)
                del self.waiting[step.id]
            elif lane in self.lanes.values() or None in needed or None in before:
                continue
            elif step.replan:
                self.waiting = {
                    id_: other for id_, other in self.waiting.items() if other.entry != step.entry
                }
                self.start(step, lane, partial(self.replan, step.entry))
            else:
                del self.waiting[step.id]
                self.start(step, lane, partial(self.perform, step))

    def give_up(self) -> None:
        """Skip what waits for itself, as only the steps of a faulty plugin can."""
        self.skip_all([*self.waiting])

    def skip_all(self, causes: list[str]) -> None:
        self.outcomes |= {step.id: skipped(step, causes) for step in self.waiting.values()}
        self.waiting = {}

    def start(self, step: Step, lane: str, work: Callable[[], Result]) -> None:
        """In its own thread; what talks to the user or to IPython runs in this one."""

        def run() -> None:
            try:
                self.ended.put((step, work()))
            except BaseException as bug:  # noqa: BLE001 - raised again where it is seen
                self.ended.put((step, bug))

        self.lanes[step.id] = lane
        if step.foreground and not step.replan:
            run()
        else:
            threading.Thread(target=run, name=step.id).start()

    def collect(self) -> None:
        """Wait for something to end, and take its result."""
        step, result = next_of(self.ended)
        del self.lanes[step.id]
        if isinstance(result, BaseException):
            self.outcomes[step.id] = Outcome(step=step.id, status=Status.INTERRUPTED)
            raise result
        if isinstance(result, Outcome):
            self.outcomes[step.id] = result
        else:
            self.replace(step, result)

    def replace(self, step: Step, planned: tuple[Step, ...]) -> None:
        """Put the steps that an entry turned out to have in the place of those that stood for it."""
        at = next(number for number, other in enumerate(self.steps) if other.entry == step.entry)
        others = [other for other in self.steps if other.entry != step.entry]
        self.steps = [*others[:at], *planned, *others[at:]]
        self.named = by_names(self.steps)
        self.admit(planned)

    def interrupt(self) -> None:
        """Wait for what runs; what never began was interrupted."""
        while self.lanes:
            with suppress(Interrupted):
                self.collect()
        self.outcomes |= {
            step.id: Outcome(step=step.id, status=Status.INTERRUPTED)
            for step in self.steps
            if step.id not in self.outcomes
        }

    def result(self) -> Carried:
        steps = tuple(self.steps)
        return Carried(replace(self.plan, steps=steps), tuple(self.outcomes[step.id] for step in steps))
