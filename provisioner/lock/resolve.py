"""From a spec and a machine, here or known by its list alone, to a target of a lock."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from provisioner.engine.journal import Journal
from provisioner.engine.plan import make_plan, observe
from provisioner.engine.selection import Selection
from provisioner.facts.base_image import image_of
from provisioner.kinds import registry
from provisioner.kinds.base import Download, Ground
from provisioner.lock import base as grounds
from provisioner.lock.document import Target, names_on_top
from provisioner.machine.download import receipt
from provisioner.machine.reader import Machine, Reader, Tell
from provisioner.machine.urls import shown
from provisioner.model.effects import Fetch, Remove
from provisioner.model.errors import LockError, ObserveError
from provisioner.model.plan import Action, Plan, Step
from provisioner.model.report import Status
from provisioner.spec.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a person asks of a new target."""

    previous: Target | None = None
    """The target of that name as it was: its versions are kept where they still fit."""
    upgrade: frozenset[str] | None = frozenset()
    """What may become newer all the same; None stands for everything."""

    def pins(self, kind: str) -> Any:
        return self.previous.pins.get(kind) if self.previous else None


@dataclass(frozen=True)
class Made:
    """A target, and what whoever made it should know: what is amiss there, though a lock does not hold it."""

    target: Target
    cautions: tuple[str, ...]


def make(spec: Spec, reader: Reader, here: Machine, tell: Tell, asked: Asked) -> Made:
    """What a spec comes to on a machine. `here` is where downloads are made, to learn what they are.

    Raises LockError for what cannot be had, or cannot be held by a lock.
    """
    image = image_of(reader)
    place = grounds.where(reader, image)
    preferring = preferred(spec, asked)
    facts = observe(preferring, reader, looked_at(spec))
    plan = make_plan(preferring, facts)
    stuck = {step.kind for step in plan.steps if step.blocked and step.kind not in plan.gates}
    if stuck:
        # What was locked earlier can no longer be had: then the newest.
        newest = preferred(spec, replace(asked, upgrade=None)).sections
        sections = preferring.sections | {name: newest[name] for name in stuck}
        preferring = replace(preferring, sections=sections)
        facts = observe(preferring, reader, looked_at(spec))
        plan = make_plan(preferring, facts)
        refuse_blocked(plan)
    ground = Ground(image, lambda name, urls: download(name, urls, here, tell))
    pins = dict(pin_all(preferring, facts, reader, ground))
    target = Target(
        name=grounds.name_of(place, reader),
        spec=digest(spec, reader),
        machine=place,
        base=grounds.base(reader, names_on_top(pins), image),
        **pins,
    )
    return Made(target, tuple(cautions(plan)))


def looked_at(spec: Spec) -> Selection:
    """The kinds that a lock holds anything of, and those without which nothing would be applied."""
    named = ((name, registry.get(name)) for name in spec.sections)
    return Selection(only=tuple(name for name, kind in named if kind.lock or kind.gate))


def cautions(plan: Plan) -> Iterator[str]:
    """What would keep the target from being applied, and what a plan warns of."""
    for step in plan.steps:
        if step.kind in plan.gates:
            blocked = (change for change in step.changes if change.action is Action.BLOCKED)
            yield from (f"{change.address}  {change.reason}" for change in blocked)
        yield from step.warnings


def narrowed(spec: Spec, narrow: Callable[[Any, str, Any], Any]) -> Spec:
    """The spec with each section that can be locked as `narrow(lock, name, config)` has it."""
    locks = {name: registry.get(name).lock for name in spec.sections}
    sections = {
        name: narrow(lock, name, config) if (lock := locks[name]) else config
        for name, config in spec.sections.items()
    }
    return replace(spec, sections=sections)


def preferred(spec: Spec, asked: Asked) -> Spec:
    """The spec that keeps to what was locked, but for what may be newer."""
    return narrowed(spec, lambda kind, name, config: kind.prefer(config, asked.pins(name), asked.upgrade))


def refuse_blocked(plan: Plan) -> None:
    """Raise LockError when something is wanted that cannot be had."""
    steps = (step for step in plan.steps if step.kind not in plan.gates)
    blocked = [change for step in steps for change in step.changes if change.action is Action.BLOCKED]
    if blocked:
        reasons = "; ".join(f"{change.address}: {change.reason}" for change in blocked)
        raise LockError(f"what the file wants cannot be locked: {reasons}")


def pin_all(
    spec: Spec, facts: Mapping[str, Any], reader: Reader, ground: Ground
) -> Iterator[tuple[str, Any]]:
    for name, config in spec.sections.items():
        if lock := registry.get(name).lock:
            if isinstance(error := facts[name], ObserveError):
                raise LockError(error.message, error.hint)
            yield name, lock.pin(config, facts[name], reader, ground)


def digest(spec: Spec, reader: Reader) -> str:
    """Of all that the spec says, comments and order apart, and of the files that it says it in."""
    files: dict[str, str | None] = {}
    for name, config in spec.sections.items():
        if lock := registry.get(name).lock:
            paths = lock.inputs(config, reader)
            files |= {posixpath.relpath(path, spec.folder): reader.hash(path) for path in paths}
    return grounds.digest({"spec": spec.values, "files": files})


def download(name: str, urls: tuple[str, ...], here: Machine, tell: Tell) -> Download:
    """Fetch a file to learn what it is, and throw it away."""
    from provisioner.engine.executor import Executor

    path = f"{here.context.state}/locking/{name}"
    noted = receipt.beside(path)
    fetch = Fetch(urls=urls, path=path, receipt=noted)
    with Journal(here.context.state).held(lambda: None) as journal:
        outcome = Executor(here, journal, tell)(Step(id=f"datasets.{name}", changes=(), effects=(fetch,)))
    told = receipt.load(here.read(noted))
    if outcome.status is not Status.DONE or told is None:
        raise LockError(f"datasets.{name}: {outcome.error}", outcome.hint)
    for each in (path, noted):
        here.perform(Remove(path=each), lambda done, total, text: None)
    final = next(here.head(url).final for url in urls if shown(url) == told.url)
    return Download(final or told.url, told.sha256, told.size)
