"""From a spec and a machine to a plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from provisioner.engine.selection import EVERYTHING, Selection
from provisioner.engine.threads import together
from provisioner.kinds import base, registry
from provisioner.kinds.base import AnyKind
from provisioner.machine.reader import Reader
from provisioner.machine.traced import TracedReader
from provisioner.model.errors import ObserveError, ProvisionerError
from provisioner.model.plan import Action, Change, Check, Named, Plan, Step
from provisioner.spec.spec import Spec

Facts = Mapping[str, object]
"""What each kind found; an ObserveError stands for what could not be determined."""


@dataclass(frozen=True)
class Survey:
    """One look at a machine, its facts, and the plan."""

    reader: TracedReader
    facts: Facts
    plan: Plan


def wanted(spec: Spec) -> Iterator[tuple[AnyKind, object]]:
    """Each kind with its section, and what cleans up after a section that was removed."""
    for name in registry.in_order({*spec.sections, *registry.ABSENT}):
        if name in spec.sections:
            yield registry.get(name), spec.sections[name]
        else:
            yield registry.ABSENT[name], None


def learnt(spec: Spec, facts: Facts) -> Iterator[tuple[AnyKind, object]]:
    """Each kind that could be observed, with its facts."""
    for kind, _ in wanted(spec):
        if kind.name in facts and not isinstance(facts[kind.name], ObserveError):
            yield kind, facts[kind.name]


def observe(spec: Spec, reader: Reader, selection: Selection = EVERYTHING) -> Facts:
    """What every kind finds."""
    asked = [(kind, config) for kind, config in wanted(spec) if selection.has_kind(kind.name)]

    def look(kind: AnyKind, config: object) -> object:
        try:
            return base.observe(kind, config, reader, spec.pins.get(kind.name))
        except ObserveError as error:
            return error

    works = [partial(look, *each) for each in asked]
    found = together(works, len(works), reader.cancel)
    return {kind.name: facts for (kind, _), facts in zip(asked, found, strict=True) if facts is not None}


def make_plan(spec: Spec, facts: Facts, selection: Selection = EVERYTHING) -> Plan:
    """What must change for the facts to match the spec. Pure: the same arguments give the same plan."""
    steps: list[Step] = []
    checks: list[Check] = []
    gates: list[str] = []
    named: list[Named] = []
    for kind, config in wanted(spec):
        name = kind.name
        if name not in facts:
            continue
        if isinstance(error := facts[name], ObserveError):
            planned = [unknown(name, error)]
            named.append((name, None))
        else:
            planned = list(base.plan(kind, config, facts[name], spec.pins.get(name)))
            named += kind.named(config, facts[name])
            checks += [check for check in kind.checks(config, facts[name]) if selection.has(check.address)]
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


def unknown(name: str, error: ObserveError) -> Step:
    """The step of a kind that could not be observed: it is blocked."""
    reason = " ".join(filter(None, (error.message, error.hint)))
    return Step(id=name, changes=(Change(name, Action.BLOCKED, reason=reason),))


def survey(spec: Spec, reader: TracedReader, selection: Selection = EVERYTHING) -> Survey:
    """Observe and plan. Raises ProvisionerError when the selection names what the spec does not have."""
    facts = observe(spec, reader, selection)
    plan = make_plan(spec, facts, selection)
    refuse_unknown(spec, plan, selection)
    return Survey(reader, facts, plan)


def refuse_unknown(spec: Spec, plan: Plan, selection: Selection) -> None:
    """Raise ProvisionerError when the selection names what neither the spec nor its plan has."""
    everything = [*spec.sections, *(step.id for step in plan.steps), *(c.address for c in plan.checks)]
    kinds_known = {*spec.sections, *registry.ABSENT}
    for word in (*selection.only, *selection.skip):
        kind = word.partition(".")[0]
        if kind not in kinds_known or (word in selection.only and word not in {*everything, *kinds_known}):
            known = ", ".join(dict.fromkeys(everything))
            raise ProvisionerError(f"the spec has no {word!r}", f"It has: {known}.")
