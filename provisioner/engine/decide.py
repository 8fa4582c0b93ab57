"""The steps of one entry, given what was found and the steps of all that it waits for. Pure.

What has to see what another entry will make is deferred: it is planned during apply, when that is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from provisioner.kinds import base, registry
from provisioner.kinds.base import AnyKind, Entry
from provisioner.kinds.order import Dependency, matching
from provisioner.kinds.shared.fields import is_at_or_below
from provisioner.model.errors import ObserveError
from provisioner.model.plan import Action, Change, Plan, Step
from provisioner.spec.spec import Spec

Facts = Mapping[str, object]
"""What each entry found, by its address; an ObserveError stands for what could not be determined."""

Decided = Mapping[str, tuple[Step, ...]]
"""The steps of the entries that were planned, by their addresses."""


def kind_of(entry: Entry) -> AnyKind:
    """The kind of an entry, or what cleans up after a section that was removed."""
    name = entry.address.partition(".")[0]
    return registry.ABSENT[name] if entry.config is None else registry.get(name)


def decided_in(plan: Plan) -> Decided:
    """The steps of a plan by their entries."""
    found: dict[str, tuple[Step, ...]] = {}
    for step in plan.steps:
        found[step.entry] = (*found.get(step.entry, ()), step)
    return found


# What an entry waits for, and what remains of it


def unfinished(entry: Entry, spec: Spec, decided: Decided, *needs: Dependency) -> tuple[str, ...]:
    """The entries that one needs in one of these ways, and that have something to do."""
    found = spec.order.needs[entry.address].items()
    return tuple(
        other
        for other, need in found
        if need in needs and any(step.pending for step in decided.get(other, ()))
    )


def unseen(entry: Entry, spec: Spec, decided: Decided) -> tuple[str, ...]:
    """The entries that must be done before one can be observed."""
    lock, pinning = kind_of(entry).lock, spec.pins.get(kind_of(entry).name)
    if lock and lock.complete and pinning and pinning.exact:
        return ()
    return unfinished(entry, spec, decided, Dependency.SEEN)


def left_out(entry: Entry, spec: Spec, decided: Decided) -> tuple[str, ...]:
    """Paths that are optional and not here, at or below which an entry reads or writes."""
    claims = (*entry.makes, *entry.ensures, *entry.edits, *entry.reads, *entry.uses)
    needed = (step for other in spec.order.needs[entry.address] for step in decided.get(other, ()))
    absent = (path for step in needed for path in step.absent)
    return tuple(path for path in absent if any(is_at_or_below(claim, path) for claim in claims))


def remaining(entry: Entry, spec: Spec, decided: Decided) -> object:
    """The section of an entry, without what is left out."""
    paths = left_out(entry, spec, decided)
    return kind_of(entry).without(entry.config, paths) if paths else entry.config


def is_left_out(entry: Entry, spec: Spec, decided: Decided) -> bool:
    """Whether nothing of an entry remains."""
    return entry.config is not None and remaining(entry, spec, decided) is None


# Steps


def decide(entry: Entry, spec: Spec, facts: Facts, decided: Decided) -> Iterator[Step]:
    """The steps of an entry, given those of all that it needs. Pure."""
    address = entry.address
    needs = spec.order.needs[address]
    after, behind = tuple(needs), tuple(sorted(spec.order.behind.get(address, ())))
    makers = unseen(entry, spec, decided)
    if is_left_out(entry, spec, decided):
        change = left_out_change(entry, spec, decided)
        yield Step(id=address, changes=(change,), entry=address, absent=entry.makes)
    elif address in facts:
        again = any(may_change(step) for other in needs for step in decided.get(other, ()))
        stuck = blocked_in(needs, decided)
        for step in planned(entry, facts[address], remaining(entry, spec, decided), spec):
            own = (*without_circles(step.after, address, spec), *((step.joined,) if step.joined else ()))
            yield replace(
                step if not stuck else kept_back(step, stuck),
                entry=address,
                after=(*own, *after),
                behind=behind,
                replan=again and not stuck and not step.joined,
            )
    elif makers:
        change = deferred_change(entry, makers, decided)
        again = change.action is Action.DEFERRED
        yield Step(id=address, changes=(change,), entry=address, after=after, behind=behind, replan=again)


def may_change(step: Step) -> bool:
    """Whether a step has something that can be done, or may turn out to have it."""
    return step.replan or (step.pending and not step.blocked)


def without_circles(words: tuple[str, ...], address: str, spec: Spec) -> tuple[str, ...]:
    """What a kind says that its step is after, without entries that wait for this one."""
    if not words:
        return ()
    waiting = spec.order.waiting_for(address) - {address}
    return tuple(word for word in words if not any(matching(word, waiting)))


def planned(entry: Entry, found: object, config: object, spec: Spec) -> Iterable[Step]:
    """The steps from what was found to what an entry asks for."""
    kind = kind_of(entry)
    if isinstance(found, ObserveError):
        return [unknown(entry.address, found)]
    return base.plan(kind, config, found, spec.pins.get(kind.name))


def unknown(address: str, error: ObserveError) -> Step:
    """The step of an entry that could not be observed: it is blocked."""
    reason = ". ".join(filter(None, (error.message, error.hint)))
    return Step(id=address, changes=(Change(address, Action.BLOCKED, reason=reason),))


def blocked_in(others: Iterable[str], decided: Decided) -> tuple[str, ...]:
    """Those of some entries that are blocked, whatever is done before them."""
    return tuple(
        other for other in others if any(step.blocked and not step.replan for step in decided.get(other, ()))
    )


def needing(blocked: tuple[str, ...]) -> str:
    return f"needs {', '.join(blocked)}, which {'are' if blocked[1:] else 'is'} blocked"


def kept_back(step: Step, blocked: tuple[str, ...]) -> Step:
    """A step that others keep from being done, as far as there is something to do."""
    idle = (Action.KEEP, Action.BLOCKED)
    changes = tuple(
        change
        if change.action in idle
        else replace(change, action=Action.BLOCKED, reason=needing(blocked), known_after=())
        for change in step.changes
    )
    return replace(step, changes=changes)


def deferred_change(entry: Entry, makers: tuple[str, ...], decided: Decided) -> Change:
    """What is told of an entry that waits to be planned; it is blocked where what it waits for is."""
    if blocked := blocked_in(makers, decided):
        return Change(entry.address, Action.BLOCKED, reason=needing(blocked))
    known = ", ".join(filter(None, (entry.about, f"known after {', '.join(makers)}")))
    return Change(entry.address, Action.DEFERRED, reason=known, known_after=makers)


def left_out_change(entry: Entry, spec: Spec, decided: Decided) -> Change:
    """What is told of an entry of which nothing remains."""
    place = left_out(entry, spec, decided)[0]
    mounted = any(place in other.reveals for other in spec.order.entries.values())
    why = "not mounted and not required" if mounted else "left out"
    reason = f"needs {place}, which is {why}"
    return Change(entry.address, Action.KEEP, "left out", reason=reason, left_out=True)
