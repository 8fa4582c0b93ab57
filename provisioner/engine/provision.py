"""The one data flow: observe, plan, apply, observe again, check, report."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import partial

from provisioner.engine import noop_cache
from provisioner.engine.checks import CheckCache, run_checks
from provisioner.engine.connect import OurMachine, connect, look
from provisioner.engine.decide import decide
from provisioner.engine.executor import Executor
from provisioner.engine.journal import Journal
from provisioner.engine.observe import look_at
from provisioner.engine.plan import Survey, learnt, survey
from provisioner.engine.saved_plan import refuse_if_moved
from provisioner.engine.scheduler import FINE, Carried, schedule
from provisioner.engine.selection import EVERYTHING, Selection
from provisioner.machine.reader import Reader
from provisioner.model.accelerators import Accelerators
from provisioner.model.errors import ObserveError
from provisioner.model.plan import Action, Change, Plan, Step, fingerprint
from provisioner.model.report import SILENT, Event, Outcome, Report, Reporter, Status, Verdict
from provisioner.spec.spec import Spec

JOBS = 8
"""Steps at once: they mostly wait for the network and the disk."""

Summarize = Callable[[Report], str]
"""The text of a report of nothing to do."""


def provision(
    spec: Spec,
    *,
    selection: Selection = EVERYTHING,
    saved: Plan | None = None,
    reporter: Reporter = SILENT,
    summarize: Summarize | None = None,
    jobs: int = JOBS,
) -> Report:
    """Make this machine match the spec, and verify it. The reporter is shown the plan first.

    With `saved`, exactly that plan is carried out. Raises PlanMovedError when it no longer fits the machine.
    With `summarize`, the text of a no-op is kept, for the next apply to print while nothing changes.
    """
    began = time.monotonic()
    machine = connect(spec)
    with (
        closing(machine.log),
        Journal(machine.context.state).exclusive(lambda: tell_waiting(reporter)) as journal,
    ):
        suspects = journal.suspects()
        before = survey(spec, look(spec, machine, suspects), selection)
        if saved:
            refuse_if_moved(saved, before.plan)
        reporter.show(before.plan)
        if saved and before.plan.deferred:
            tell_deferred(before.plan, reporter)
        fresh = partial(look, spec, machine, suspects)
        replanner = Replanner(spec, before.plan, fresh, reporter)
        carried = carry_out(before.plan, machine, journal, replanner, jobs)
        outcomes = carried.outcomes
        after = look_again(spec, machine, selection, reporter) if changed(outcomes) else before
        residual = left_over(after.plan, outcomes) if changed(outcomes) else ()
        verdicts: tuple[Verdict, ...] = ()
        if succeeded(outcomes) and not residual:
            verdicts = check_and_remember(spec, after, machine, jobs, summarize)
        if succeeded(outcomes) and covers(carried.plan, selection, suspects):
            journal.clear()
    return Report(
        plan=carried.plan,
        outcomes=outcomes,
        residual=residual,
        verdicts=verdicts,
        accelerators=attached(spec, after),
        seconds=time.monotonic() - began,
        log=machine.log.written_to,
        fingerprint="" if after is before and touched(outcomes) else fingerprint(after.plan),
        restart=restart_of(after.plan),
    )


def tell_deferred(plan: Plan, reporter: Reporter) -> None:
    """Say what a saved plan does not have: nobody has seen it yet."""
    parts = ", ".join(change.address for change in plan.deferred)
    text = f"Not in the saved plan, and decided on the way: {parts}."
    reporter.tell(Event(step="", what="note", text=text))


def tell_waiting(reporter: Reporter) -> None:
    reporter.tell(Event(step="", what="note", text="Another apply is running; waiting for it to end."))


def carry_out(plan: Plan, machine: OurMachine, journal: Journal, replanner: Replanner, jobs: int) -> Carried:
    """The plan with what is decided on the way, and the outcome of each step. The journal must be locked."""
    if not plan.pending:
        return Carried(plan, kept(plan))
    perform = Executor(machine, journal, replanner.reporter.tell)
    return schedule(plan, jobs, perform, machine.cancel, replanner)


@dataclass(frozen=True)
class Replanner:
    """Observes and plans an entry again, when all that it needs is done, and shows what is new in that."""

    spec: Spec
    plan: Plan
    look: Callable[[], Reader]
    """A fresh look at the machine."""
    reporter: Reporter

    def __call__(self, address: str) -> tuple[Step, ...]:
        entry = self.spec.order.entries[address]
        settled = {step.entry: (step,) for step in self.plan.steps if step.absent}
        try:
            found = look_at(entry, self.spec, self.look(), settled)
        except ObserveError as error:
            found = error
        chosen = Selection(self.plan.only, self.plan.skip)
        steps = tuple(
            step
            for step in decide(entry, self.spec, {address: found}, settled)
            if chosen.has(address, step.id)
        )
        foreseen = tuple(step for step in self.plan.steps if step.entry == address)
        if essence(steps) != essence(foreseen):
            self.reporter.tell(Event(step=address, what="planned", planned=steps))
        return steps


def essence(steps: tuple[Step, ...]) -> list[tuple[Change, ...]]:
    """What is done, whoever asks for it: that may be unknown before a file is there."""
    return [tuple(replace(change, transitive=False) for change in step.changes) for step in steps]


def look_again(spec: Spec, machine: OurMachine, selection: Selection, reporter: Reporter) -> Survey:
    """Observe the machine after the steps, none of which is suspect any more."""
    reporter.tell(Event(step="", what="note", text="Observing again and running checks."))
    machine.sleep(noop_cache.TIMESTAMP_RESOLUTION)
    return survey(spec, look(spec, machine, suspects=frozenset()), selection)


def check_and_remember(
    spec: Spec, after: Survey, machine: OurMachine, jobs: int, summarize: Summarize | None
) -> tuple[Verdict, ...]:
    """Run the checks; if nothing is left to do, keep that for the next apply."""
    reader = after.reader
    complete, known = reader.complete, set(reader.notes)
    cache = CheckCache(machine.context.state)
    verdicts = run_checks(after.plan.checks, reader, machine.redact, jobs=jobs, cache=cache)
    whole = complete and not after.plan.pending and not restart_of(after.plan)
    if summarize and whole and all(verdict.passed for verdict in verdicts):
        reader.renew(known)
        remember(spec, after, summarize(unchanged(after.plan, verdicts)))
    return verdicts


def remember(spec: Spec, after: Survey, text: str) -> None:
    """Keep the text of a no-op report. If that fails, the next apply is only slower."""
    for path in spec.sources:
        after.reader.note("of", path)
    asked = noop_cache.identity(spec.path, after.plan.only, after.plan.skip, bool(spec.lock))
    with suppress(OSError):
        noop_cache.keep(spec.path, asked, after.reader.notes, text, after.reader.began)


def verify(spec: Spec, *, selection: Selection = EVERYTHING, deep: bool = False, jobs: int = JOBS) -> Report:
    """Verify that this machine matches the spec, changing nothing and trusting no earlier check."""
    began = time.monotonic()
    machine = connect(spec, deep=deep)
    found = survey(spec, look(spec, machine), selection)
    residual = tuple(change for change in found.plan.changes if change.action is not Action.KEEP)
    return Report(
        plan=found.plan,
        residual=residual,
        verdicts=run_checks(found.plan.checks, found.reader, machine.redact, jobs=jobs),
        accelerators=attached(spec, found),
        seconds=time.monotonic() - began,
        fingerprint=fingerprint(found.plan),
        restart=restart_of(found.plan),
    )


def attached(spec: Spec, found: Survey) -> Accelerators | None:
    """What is attached, for the report of a spec that asks for it."""
    found_by_kind = (kind.attached(facts) for kind, facts in learnt(spec, found.facts) if kind.attached)
    return next(found_by_kind, None)


def restart_of(plan: Plan) -> tuple[str, ...]:
    """What the notebook's kernel has imported in another version than is installed now."""
    return tuple(name for step in plan.steps for name in step.restart)


def changed(outcomes: tuple[Outcome, ...]) -> bool:
    return any(outcome.status is Status.DONE for outcome in outcomes)


def succeeded(outcomes: tuple[Outcome, ...]) -> bool:
    return all(outcome.status in FINE for outcome in outcomes)


def touched(outcomes: tuple[Outcome, ...]) -> bool:
    """Whether the machine may have changed since the steps were planned."""
    return any(outcome.status in (Status.DONE, Status.FAILED, Status.INTERRUPTED) for outcome in outcomes)


def covers(plan: Plan, selection: Selection, suspects: frozenset[str]) -> bool:
    """Whether everything that an earlier run left unfinished was observed, if the file still has it."""
    return selection == EVERYTHING or suspects <= {step.id for step in plan.steps}


def unchanged(plan: Plan, verdicts: tuple[Verdict, ...]) -> Report:
    """What the next apply will report, if nothing changes until then."""
    verdicts = tuple(replace(verdict, remembered=True) for verdict in verdicts)
    return Report(plan=plan, outcomes=kept(plan), verdicts=verdicts, fingerprint=fingerprint(plan))


def kept(plan: Plan) -> tuple[Outcome, ...]:
    return tuple(Outcome(step=step.id, status=Status.KEPT) for step in plan.steps)


def left_over(plan: Plan, outcomes: tuple[Outcome, ...]) -> tuple[Change, ...]:
    """What still differs, except in the steps and kinds that failed, which report that themselves."""
    failed = {outcome.step for outcome in outcomes if outcome.status not in FINE}
    return tuple(
        change
        for step in plan.steps
        if not failed & {step.id, step.kind}
        for change in step.changes
        if change.action is not Action.KEEP
    )
