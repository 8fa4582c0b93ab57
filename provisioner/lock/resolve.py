"""From a spec and a machine, here or known by its list alone, to a target of a lock."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from pydantic import TypeAdapter

from provisioner.engine.decide import Facts, decided_in
from provisioner.engine.executor import Executor
from provisioner.engine.journal import Journal
from provisioner.engine.observe import foreseeing, observe
from provisioner.engine.plan import make_plan
from provisioner.engine.selection import Selection
from provisioner.facts.base_image import image_of
from provisioner.kinds import registry
from provisioner.kinds.base import AnyLockable, AnyPinning, Download, LockContext, Pinning
from provisioner.kinds.order import Dependency
from provisioner.kinds.shared.fields import at_or_below_any
from provisioner.lock import base
from provisioner.lock.document import Target
from provisioner.machine.download import receipt
from provisioner.machine.reader import Machine, Reader, Tell
from provisioner.machine.urls import is_web, shown
from provisioner.model.effects import Fetch, Remove
from provisioner.model.errors import LockError, ObserveError
from provisioner.model.plan import Action, Plan, Step
from provisioner.model.report import Status
from provisioner.spec.spec import Spec


@dataclass(frozen=True)
class LockedTarget:
    """A target, and warnings for the person who made it, which the lock does not have."""

    target: Target
    cautions: tuple[str, ...]


def resolve(
    spec: Spec,
    reader: Reader,
    here: Machine,
    tell: Tell,
    *,
    previous: Target | None = None,
    upgrade: frozenset[str] | None = frozenset(),
) -> LockedTarget:
    """What a spec resolves to on a machine. Downloads are made on `here`, to hash them.

    The versions of the `previous` target are kept where they still fit, but for what `upgrade` names; None
    means everything. Raises LockError for what is not available, or cannot be locked.
    """
    image = image_of(reader)
    place = base.describe(reader, image)
    spec = with_preferred_pins(spec, previous, upgrade)
    facts, plan = foresee(spec, reader)
    if stuck := blocked_kinds(plan):
        # What was locked earlier is no longer available: use the newest.
        spec = with_newest(spec, stuck)
        facts, plan = foresee(spec, reader)
        refuse_blocked(plan)
    refuse_deferred(plan)
    context = LockContext(image, lambda address, urls: download(address, urls, here, tell))
    pins = dict(pin_all(spec, facts, plan, reader, context))
    target = Target(
        name=base.name_of(place, reader),
        spec=digest(spec, reader),
        machine=place,
        base=base.installed_before(reader, on_top(pins), image),
        **pins,
    )
    return LockedTarget(target, tuple(cautions(plan)))


def lockable(spec: Spec) -> dict[str, AnyLockable]:
    """How each lockable section of a spec is locked."""
    locks = ((name, registry.get(name).lock) for name in spec.sections)
    return {name: lock for name, lock in locks if lock}


def empty_pins(lock: AnyLockable) -> object:
    pins: object = TypeAdapter(lock.pins).validate_python({})
    return pins


def with_preferred_pins(spec: Spec, previous: Target | None, upgrade: frozenset[str] | None) -> Spec:
    """The spec with the pins of the earlier lock, except for what is upgraded."""
    pins = previous.pins if previous else {}
    strategies: dict[str, AnyPinning] = {
        name: Pinning(pins.get(name, empty_pins(lock)), exact=False, upgrade=upgrade)
        for name, lock in lockable(spec).items()
    }
    return replace(spec, pins=strategies)


def with_newest(spec: Spec, kinds: set[str]) -> Spec:
    """The spec with the newest of everything that these kinds need."""
    newest = {name: replace(pinning, upgrade=None) for name, pinning in spec.pins.items() if name in kinds}
    return replace(spec, pins={**spec.pins, **newest})


def foresee(spec: Spec, reader: Reader) -> tuple[Facts, Plan]:
    """The facts of the kinds that a lock is about, or without which nothing would be applied; and of the
    entries that these must see."""
    kinds = ((name, registry.get(name)) for name in spec.sections)
    names = tuple(name for name, kind in kinds if kind.lock or kind.gate)
    selection = Selection(only=(*names, *seen_by(names, spec)))
    facts = observe(spec, reader, selection)
    return facts, make_plan(spec, facts, selection)


def seen_by(names: tuple[str, ...], spec: Spec) -> Iterator[str]:
    """The entries that those of some kinds must see done, and those that these must."""
    asked = [address for address in spec.order.entries if address.partition(".")[0] in names]
    known = {*asked}
    while asked:
        for other, need in spec.order.needs[asked.pop()].items():
            if need is Dependency.SEEN and other not in known:
                known.add(other)
                asked.append(other)
                yield other


def blocked_kinds(plan: Plan) -> set[str]:
    return {step.kind for step in plan.steps if step.blocked and step.kind not in plan.gates}


def cautions(plan: Plan) -> Iterator[str]:
    """What would prevent the target from being applied, and the warnings of its plan."""
    for step in plan.steps:
        if step.kind in plan.gates:
            blocked = (change for change in step.changes if change.action is Action.BLOCKED)
            yield from (f"{change.address}  {change.reason}" for change in blocked)
        yield from step.warnings


def refuse_deferred(plan: Plan) -> None:
    """Raise LockError for what would only be known during an apply."""
    for change in plan.changes:
        if change.action is Action.DEFERRED:
            raise LockError(
                f"{change.address} cannot be locked yet: {change.reason}", "Apply the file, then lock it."
            )


def refuse_blocked(plan: Plan) -> None:
    """Raise LockError when something required is not available."""
    steps = (step for step in plan.steps if step.kind not in plan.gates)
    blocked = [change for step in steps for change in step.changes if change.action is Action.BLOCKED]
    if blocked:
        reasons = "; ".join(f"{change.address}: {change.reason}" for change in blocked)
        raise LockError(f"what the file asks for cannot be locked: {reasons}")


def pin_all(
    spec: Spec, facts: Facts, plan: Plan, reader: Reader, context: LockContext
) -> Iterator[tuple[str, object]]:
    """The pins of each section, which may be about what others are still to make."""
    for name, lock in lockable(spec).items():
        found = facts_of(name, spec, facts)
        through = ahead_of(name, spec, plan, reader) if registry.get(name).foresees else reader
        yield name, lock.pin(spec.sections[name], found, through, context, spec.pins.get(name))


def ahead_of(name: str, spec: Spec, plan: Plan, reader: Reader) -> Reader:
    """A Reader for a kind that also tells what other kinds are still to make."""
    steps = decided_in(plan).items()
    others = {address: found for address, found in steps if address.partition(".")[0] != name}
    return foreseeing(spec, reader, others)


def facts_of(name: str, spec: Spec, facts: Facts) -> object:
    """What a kind found, of all its entries. Raises LockError for what could not be determined."""
    found = [facts[address] for address in spec.order.entries if address.partition(".")[0] == name]
    for each in found:
        if isinstance(each, ObserveError):
            raise LockError(each.message, each.hint)
    if len(found) == 1:
        return found[0]
    return {key: value for each in found if isinstance(each, Mapping) for key, value in each.items()}


def on_top(pins: Mapping[str, object]) -> set[str]:
    """Names of distributions and packages that come on top of the base."""
    locks = {name: registry.get(name).lock for name in pins}
    return {each for name, lock in locks.items() if lock for each in lock.contents(pins[name]).on_top}


def digest(spec: Spec, reader: Reader) -> str:
    """Of what the spec says, without comments and order, and of the files that it names and does not make."""
    files = {shown_input(path, spec): reader.hash(path) for path in inputs(spec, reader)}
    return base.digest({"spec": spec.values, "files": files})


def inputs(spec: Spec, reader: Reader) -> Iterator[str]:
    """The paths and URLs of the files that a lock depends on, but for what others make."""
    for name, lock in lockable(spec).items():
        for path in lock.inputs(spec.sections[name], reader):
            if not at_or_below_any(path, spec.order.made):
                yield path


def shown_input(path: str, spec: Spec) -> str:
    """A URL, or a path below the spec's folder."""
    return path if is_web(path) else posixpath.relpath(path, spec.folder)


def download(address: str, urls: tuple[str, ...], here: Machine, tell: Tell) -> Download:
    """Fetch a file to hash it, and delete it."""
    path = f"{here.context.state}/locking/{address.partition('.')[2]}"
    noted = receipt.beside(path)
    fetch = Fetch(urls=urls, path=path, receipt=noted)
    with Journal(here.context.state).exclusive(lambda: None) as journal:
        outcome = Executor(here, journal, tell)(Step(id=address, changes=(), effects=(fetch,)))
    whole = receipt.load(here.read(noted))
    if outcome.status is not Status.DONE or whole is None:
        raise LockError(f"{address}: {outcome.error}", outcome.hint)
    for each in (path, noted):
        here.perform(Remove(path=each), lambda done, total, text: None)
    final = next(here.head(url).final for url in urls if shown(url) == whole.url)
    return Download(final or whole.url, whole.sha256, whole.size)
