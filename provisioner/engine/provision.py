"""The one data flow: spec, facts, plan, apply, verify, report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from provisioner.engine import noop_cache
from provisioner.engine.journal import Journal
from provisioner.engine.scheduler import FINE, schedule
from provisioner.engine.threads import together
from provisioner.facts.interpreter import resolve
from provisioner.kinds import registry
from provisioner.kinds.base import Kind
from provisioner.machine.reader import Interpreter, Machine, Reader, Tell
from provisioner.machine.traced import TracedMachine
from provisioner.model.accelerators import Accelerators
from provisioner.model.errors import ObserveError, PlanMovedError, ProvisionerError
from provisioner.model.plan import (
    Action,
    Change,
    Event,
    Named,
    Outcome,
    Plan,
    Report,
    Status,
    Step,
    Verdict,
    fingerprint,
)
from provisioner.spec.spec import Spec, load

JOBS = 8
"""Steps at once: they mostly wait for the network and the disk."""

Facts = dict[str, Any]


@dataclass(frozen=True)
class Selection:
    """The part of a spec that a command is about: kinds (`pip`) or steps (`datasets.flowers`)."""

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()

    def has_kind(self, name: str) -> bool:
        """Whether anything of a kind may be asked for."""
        return name not in self.skip and (not self.only or name in {w.partition(".")[0] for w in self.only})

    def has(self, address: str) -> bool:
        """Whether one step or check is asked for."""

        def named(words: tuple[str, ...]) -> bool:
            return any(address == word or address.startswith(word + ".") for word in words)

        return not named(self.skip) and (not self.only or named(self.only))


EVERYTHING = Selection()


def target_of(spec: Spec) -> Interpreter:
    """The interpreter that the spec's packages go into."""
    pip = spec.sections.get("pip")
    return resolve(pip.venv if pip else None, spec.folder)


def connect(spec: Spec, *, deep: bool = False) -> TracedMachine:
    """The machine that we run on, seen from a spec's folder; in a notebook's kernel, the kernel too."""
    from provisioner.machine.kernel_state import running_shell

    make: Callable[..., TracedMachine] = TracedMachine
    if shell := running_shell():
        from provisioner.machine.notebook_kernel import KernelMachine

        make = partial(KernelMachine, shell=shell)
    secrets = tuple(spec.sections.get("secrets", ()))
    kept = spec.path if spec.kept else ""
    machine = make(spec.folder, target_of(spec), deep=deep, spec=kept, secrets=secrets)
    machine.suspects = Journal(machine.state).suspects()
    return machine


def wanted(spec: Spec) -> Iterator[tuple[Kind[Any, Any], Any]]:
    """Each kind with its section, and what takes back what a section has left that is there no more."""
    for name in registry.NAMES:
        if name in spec.sections:
            yield registry.get(name), spec.sections[name]
        elif name in registry.ABSENT:
            yield registry.ABSENT[name], None


def observe(spec: Spec, reader: Reader, selection: Selection = EVERYTHING) -> Facts:
    """What every kind finds, if anything; an ObserveError stands for what could not be learnt."""
    asked = [(kind, config) for kind, config in wanted(spec) if selection.has_kind(kind.name)]

    def look(kind: Kind[Any, Any], config: Any) -> Any:
        try:
            return kind.observe(config, reader)
        except ObserveError as error:
            return error

    works = [partial(look, *each) for each in asked]
    found = together(works, len(works), reader.cancel)
    return {kind.name: facts for (kind, _), facts in zip(asked, found, strict=True) if facts is not None}


def make_plan(spec: Spec, facts: Facts, selection: Selection = EVERYTHING) -> Plan:
    """What stands between the facts and the spec. Pure: the same arguments give the same plan."""
    steps: list[Step] = []
    checks = []
    gates = []
    named: list[Named] = []
    for kind, config in wanted(spec):
        name = kind.name
        if name not in facts:
            continue
        if isinstance(error := facts[name], ObserveError):
            reason = " ".join(filter(None, (error.message, error.hint)))
            planned = [Step(id=name, changes=(Change(name, Action.BLOCKED, reason=reason),))]
            named.append((name, None))
        else:
            planned = list(kind.plan(config, facts[name]))
            named += kind.named(config, facts[name])
            checks += [c for c in kind.checks(config, facts[name]) if selection.has(c.address)]
        steps += [
            replace(step, after=(*step.after, *kind.after)) for step in planned if selection.has(step.id)
        ]
        if kind.gate:
            gates.append(name)
    return Plan(
        name=spec.name,
        spec=spec.path,
        digest=spec.digest,
        steps=tuple(steps),
        checks=tuple(checks),
        gates=tuple(gates),
        only=selection.only,
        skip=selection.skip,
        lock=spec.lock,
        notes=spec.notes,
        named=tuple(named),
    )


def survey(spec: Spec, machine: TracedMachine, selection: Selection = EVERYTHING) -> Plan:
    """Observe and plan. Raises ProvisionerError when the selection names what the spec has not."""
    machine.python = target_of(spec)
    machine.begin()
    plan = make_plan(spec, observe(spec, machine, selection), selection)
    refuse_unknown(spec, plan, selection)
    return plan


def refuse_unknown(spec: Spec, plan: Plan, selection: Selection) -> None:
    """Raise ProvisionerError when the selection names what neither the spec nor its plan has."""
    everything = [*spec.sections, *(step.id for step in plan.steps), *(c.address for c in plan.checks)]
    kinds_known = {*spec.sections, *registry.ABSENT}
    for word in (*selection.only, *selection.skip):
        kind = word.partition(".")[0]
        if kind not in kinds_known or (word in selection.only and word not in {*everything, *kinds_known}):
            known = ", ".join(dict.fromkeys(everything))
            raise ProvisionerError(f"the spec has no {word!r}", f"It has: {known}.")


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


def refuse_if_moved(saved: Plan, plan: Plan) -> None:
    """Raise PlanMovedError unless `saved` is what would be planned now."""
    if saved.digest != plan.digest:
        raise PlanMovedError(f"{plan.spec} was edited since the plan was made", "Make a new plan.")
    if saved.lock != plan.lock:
        raise PlanMovedError(f"the lock of {plan.spec} was made anew since the plan was", "Make a new plan.")
    if bare(saved) != bare(plan):
        theirs, ours = set(saved.changes), set(plan.changes)
        moved = sorted({change.address for change in theirs ^ ours}) or ["how it would be done"]
        raise PlanMovedError(
            f"this machine is not what the plan was made for; different now: {', '.join(moved)}",
            "Make a new plan.",
        )


def bare(plan: Plan) -> tuple[Step, ...]:
    """The steps without their warnings, which decide nothing and may tell of a passing state."""
    return tuple(replace(step, warnings=()) for step in plan.steps)


__all__ = ["Selection", "apply", "connect", "load", "make_plan", "observe", "provision", "verify"]
