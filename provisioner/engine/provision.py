"""The one data flow: spec, facts, plan, apply, verify, report."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace

from provisioner.engine import noop_cache
from provisioner.engine.connect import connect
from provisioner.engine.journal import Journal
from provisioner.engine.plan import survey
from provisioner.engine.saved_plan import refuse_if_moved
from provisioner.engine.scheduler import FINE, schedule
from provisioner.engine.selection import EVERYTHING, Selection
from provisioner.machine.reader import Machine, Tell
from provisioner.machine.traced import TracedMachine
from provisioner.model.accelerators import Accelerators
from provisioner.model.plan import Action, Change, Plan, fingerprint
from provisioner.model.report import Event, Outcome, Report, Status, Verdict
from provisioner.spec.spec import Spec

JOBS = 8
"""Steps at once: they mostly wait for the network and the disk."""


def apply(
    plan: Plan, machine: Machine, journal: Journal, tell: Tell, jobs: int = JOBS
) -> tuple[Outcome, ...]:
    """Carry out a plan; the outcomes are in the order of its steps. The journal must be held."""
    from provisioner.engine.executor import Executor

    return schedule(plan, jobs, Executor(machine, journal, tell), machine.cancel)


def prove(plan: Plan, machine: Machine, jobs: int, *, anew: bool) -> tuple[Verdict, ...]:
    """The verdict on every check; unless `anew`, a proof that still stands is not made again."""
    from provisioner.engine.checks import Proofs, prove

    return prove(plan.checks, machine, jobs=jobs, proofs=None if anew else Proofs(machine.state))


def provision(
    spec: Spec,
    *,
    selection: Selection = EVERYTHING,
    saved: Plan | None = None,
    tell: Tell = lambda event: None,
    show: Callable[[Plan], None] = lambda plan: None,
    conclude: Callable[[Report], str] | None = None,
    jobs: int = JOBS,
) -> Report:
    """Make this machine what the spec says, and prove it. `show` hears the plan before anything is done.

    With `saved`, exactly that plan is carried out. Raises PlanMovedError when the machine is no longer
    what it was made for. With `conclude`, which puts a report of nothing to do in words, the next apply
    may recall that conclusion while all it rests on stands.
    """
    began = time.monotonic()
    machine = connect(spec)

    def waiting() -> None:
        tell(Event(step="", what="note", text="Another apply is running; waiting for it to end."))

    with closing(machine.log), Journal(machine.state).held(waiting) as journal:
        suspects = machine.suspects = journal.suspects()
        plan = survey(spec, machine, selection)
        if saved:
            refuse_if_moved(saved, plan)
        show(plan)
        outcomes = apply(plan, machine, journal, tell, jobs) if plan.pending else kept(plan)
        left = plan
        residual: tuple[Change, ...] = ()
        verdicts: tuple[Verdict, ...] = ()
        if any(outcome.status is Status.DONE for outcome in outcomes):
            tell(Event(step="", what="note", text="Observing again, and checking."))
            machine.suspects = frozenset()
            machine.sleep(noop_cache.SETTLED)
            left = survey(spec, machine, selection)
            residual = left_over(left, outcomes)
        fine = all(outcome.status in FINE for outcome in outcomes)
        if fine and not residual:
            complete, known = machine.complete, set(machine.notes)
            verdicts = prove(plan, machine, jobs, anew=False)
            whole = complete and not left.pending and not restart_of(left)
            if conclude and whole and all(verdict.passed for verdict in verdicts):
                machine.renew(known)
                remember(spec, selection, machine, conclude(standing(left, verdicts)))
        # What the file no longer has is nobody's to look at twice.
        if fine and (selection == EVERYTHING or suspects <= {step.id for step in plan.steps}):
            journal.clear()
    log = str(machine.log.path) if machine.log.written else ""
    return Report(
        plan=plan,
        outcomes=outcomes,
        residual=residual,
        verdicts=verdicts,
        accelerators=attached(spec, machine, selection),
        seconds=time.monotonic() - began,
        log=log,
        fingerprint="" if left is plan and touched(outcomes) else fingerprint(left),
        restart=restart_of(left),
    )


def restart_of(plan: Plan) -> tuple[str, ...]:
    """What the notebook's kernel holds in another version than is installed now."""
    return tuple(name for step in plan.steps for name in step.restart)


def touched(outcomes: tuple[Outcome, ...]) -> bool:
    """Whether the machine may be another than it was when the steps were planned."""
    return any(outcome.status in (Status.DONE, Status.FAILED, Status.INTERRUPTED) for outcome in outcomes)


def standing(plan: Plan, verdicts: tuple[Verdict, ...]) -> Report:
    """What the next apply will report, if nothing changes until then."""
    proved = tuple(replace(verdict, remembered=True) for verdict in verdicts)
    return Report(plan=plan, outcomes=kept(plan), verdicts=proved, fingerprint=fingerprint(plan))


def remember(spec: Spec, selection: Selection, machine: TracedMachine, conclusion: str) -> None:
    """Let the next apply recall a conclusion. One that cannot be kept only makes that apply slower."""
    for path in spec.sources:
        machine.note("of", path)
    asked = noop_cache.identity(spec.path, selection.only, selection.skip, bool(spec.lock))
    with suppress(OSError):
        noop_cache.keep(spec.path, asked, machine.notes, conclusion, machine.began)


def verify(spec: Spec, *, selection: Selection = EVERYTHING, deep: bool = False, jobs: int = JOBS) -> Report:
    """Prove that this machine is what the spec says, changing nothing and trusting no earlier proof."""
    began = time.monotonic()
    machine = connect(spec, deep=deep)
    plan = survey(spec, machine, selection)
    residual = tuple(change for change in plan.changes if change.action is not Action.KEEP)
    verdicts = prove(plan, machine, jobs, anew=True)
    return Report(
        plan=plan,
        residual=residual,
        verdicts=verdicts,
        accelerators=attached(spec, machine, selection),
        seconds=time.monotonic() - began,
        fingerprint=fingerprint(plan),
        restart=restart_of(plan),
    )


def attached(spec: Spec, machine: Machine, selection: Selection) -> Accelerators | None:
    """What is attached, for the report of a spec that asks for it."""
    asked = "accelerator" in spec.sections and selection.has_kind("accelerator")
    return machine.accelerators() if asked else None


def kept(plan: Plan) -> tuple[Outcome, ...]:
    return tuple(Outcome(step=step.id, status=Status.KEPT) for step in plan.steps)


def left_over(plan: Plan, outcomes: tuple[Outcome, ...]) -> tuple[Change, ...]:
    """What is still to be changed, but for the steps and kinds that failed, which say so themselves."""
    failed = {outcome.step for outcome in outcomes if outcome.status not in FINE}
    return tuple(
        change
        for step in plan.steps
        if not failed & {step.id, step.kind}
        for change in step.changes
        if change.action is not Action.KEEP
    )
