"""From a spec and a machine to a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from provisioner.engine.decide import Decided, Facts, decide, is_left_out, kind_of, remaining
from provisioner.engine.observe import observe
from provisioner.engine.selection import EVERYTHING, Selection
from provisioner.kinds import registry
from provisioner.kinds.base import ABSENT, AnyKind, Entry
from provisioner.machine.traced import TracedReader
from provisioner.model.errors import ObserveError, ProvisionerError
from provisioner.model.plan import Check, Named, Plan, Step
from provisioner.spec.spec import Spec


@dataclass(frozen=True)
class Survey:
    """One look at a machine, its facts, and the plan."""

    reader: TracedReader
    facts: Facts
    plan: Plan


def learnt(spec: Spec, facts: Facts) -> Iterator[tuple[AnyKind, object]]:
    """The kind of each entry that could be observed, with its facts."""
    for address, entry in spec.order.entries.items():
        if address in facts and not isinstance(facts[address], ObserveError):
            yield kind_of(entry), facts[address]


def make_plan(spec: Spec, facts: Facts, selection: Selection = EVERYTHING) -> Plan:
    """What must change for the facts to match the spec. Pure: the same arguments give the same plan."""
    decided: dict[str, tuple[Step, ...]] = {}
    for entries in spec.order.levels:
        asked = [entry for entry in entries if selection.concerns(entry.address, spec.order.entries)]
        decided |= {entry.address: tuple(decide(entry, spec, facts, decided)) for entry in asked}
    chosen = [entry for address, entry in spec.order.entries.items() if address in decided]
    return Plan(
        name=spec.name,
        spec=spec.path,
        digest=spec.digest,
        steps=tuple(
            step for entry in chosen for step in decided[entry.address] if selection.has(step.entry, step.id)
        ),
        checks=tuple(
            check
            for entry in chosen
            for check in checks(entry, spec, facts, decided)
            if selection.has(entry.address, check.address)
        ),
        gates=tuple(dict.fromkeys(kind_of(entry).name for entry in chosen if kind_of(entry).gate)),
        only=selection.only,
        skip=selection.skip,
        lock=spec.lock,
        notes=spec.notes,
        named=tuple(each for entry in chosen for each in named(entry, spec, facts, decided)),
    )


def checks(entry: Entry, spec: Spec, facts: Facts, decided: Decided) -> Iterable[Check]:
    """The checks of an entry, as far as they are known."""
    found = facts.get(entry.address)
    if found is None or isinstance(found, ObserveError):
        return ()
    return kind_of(entry).checks(remaining(entry, spec, decided), found)


def named(entry: Entry, spec: Spec, facts: Facts, decided: Decided) -> Iterable[Named]:
    """What an entry names, and what it is here."""
    found = facts.get(entry.address)
    if is_left_out(entry, spec, decided):
        return ((entry.address, ABSENT),)
    if isinstance(found, ObserveError) or (found is None and decided[entry.address]):
        return ((entry.address, None),)
    return () if found is None else kind_of(entry).named(remaining(entry, spec, decided), found)


def survey(spec: Spec, reader: TracedReader, selection: Selection = EVERYTHING) -> Survey:
    """Observe and plan. Raises ProvisionerError when the selection names what the spec does not have."""
    facts = observe(spec, reader, selection)
    plan = make_plan(spec, facts, selection)
    refuse_unknown(spec, plan, selection)
    return Survey(reader, facts, plan)


def refuse_unknown(spec: Spec, plan: Plan, selection: Selection) -> None:
    """Raise ProvisionerError when the selection names what neither the spec nor its plan has."""
    everything = [
        *spec.sections,
        *(address for address, entry in spec.order.entries.items() if entry.config is not None),
        *(step.id for step in plan.steps),
        *(check.address for check in plan.checks),
    ]
    kinds_known = {*spec.sections, *registry.ABSENT}
    for word in (*selection.only, *selection.skip):
        kind = word.partition(".")[0]
        if kind not in kinds_known or (word in selection.only and word not in {*everything, *kinds_known}):
            known = ", ".join(dict.fromkeys(everything))
            raise ProvisionerError(f"the spec has no {word!r}", f"It has: {known}.")
