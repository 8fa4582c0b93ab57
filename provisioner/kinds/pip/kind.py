"""`pip`: Python distributions, installed by uv into this interpreter or into a virtual environment."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import replace

from provisioner.facts.distributions import PipRequirement
from provisioner.facts.interpreter import DEFAULT_VENV
from provisioner.kinds.base import ABSENT, Entry, Kind, Lockable, Pinning
from provisioner.kinds.pip import lock
from provisioner.kinds.pip.facts import LISTED, AbsentDistribution, NamedRequirement, PipFacts, observe
from provisioner.kinds.pip.reconcile import LockDrift
from provisioner.kinds.pip.requirement_files import inputs, local, name_of, reading, without
from provisioner.kinds.pip.requirements import gather
from provisioner.kinds.pip.resolve import ProtectedConflict, Solution, Unbuilt
from provisioner.kinds.pip.section import Pip, paths
from provisioner.kinds.pip.specifiers import contains
from provisioner.kinds.pip.uv import QUIET, PipMove, Refusal, command
from provisioner.kinds.shared.fields import as_written, at_or_below_any
from provisioner.kinds.shared.frameworks import concerns_of_families
from provisioner.kinds.shared.pylock import PipPins
from provisioner.machine.reader import Reader
from provisioner.machine.urls import is_web, shown
from provisioner.model.effects import Effect, Refresh
from provisioner.model.errors import ProvisionerError
from provisioner.model.plan import Action, Change, Step
from provisioner.runtimes.difference import Concern, Concerns

PROGRAMS = ("python", "python3", "pip", "pip3")
"""Programs that need what is installed."""


def plan(config: Pip, facts: PipFacts, pinning: Pinning[PipPins] | None = None) -> Iterable[Step]:
    """One step: uv does all of it in one transaction."""
    changes = [
        *plan_venv(config, facts),
        *plan_files(facts),
        *plan_packages(facts),
        *map(plan_drift, facts.drifts),
        *map(plan_absent, facts.absent),
    ]
    if not changes:
        return
    found = facts.resolution
    built = isinstance(found, Unbuilt) or (isinstance(found, Solution) and found.from_source)
    yield Step(
        id="pip",
        changes=tuple(changes),
        effects=tuple(effects(facts)),
        after=("apt",) if built else (),
        lane="pip",
        download=found.sizes.download if isinstance(found, Solution | ProtectedConflict) else 0,
        warnings=tuple(plan_warnings(facts)),
        restart=tuple(each.name for each in facts.imported if each.stale),
    )


def plan_venv(config: Pip, facts: PipFacts) -> Iterator[Change]:
    python = facts.python
    shown = f"{python.venv} (Python {python.version})"
    if not python.exists:
        yield Change("pip.venv", Action.CREATE, None, shown)
    elif python.venv == (config.venv or posixpath.join(facts.folder, DEFAULT_VENV)):
        yield Change("pip.venv", Action.KEEP, shown)


def plan_files(facts: PipFacts) -> Iterator[Change]:
    for place, reason in facts.missing_files.items():
        yield Change(f"pip.{name_of(place)}", Action.BLOCKED, reason=reason)


def plan_packages(facts: PipFacts) -> Iterator[Change]:
    """The change of everything that is named, then what changes with it or prevents it."""
    due = facts.due
    drifted = {each.name for each in facts.drifts}
    named = [each for each in facts.named if each.name not in drifted]
    kept = [each for each in named if each.met or not due]
    match facts.resolution:
        case Solution() | ProtectedConflict() as found if due or isinstance(found, Solution):
            yield from plan_moves(found, named, facts)
        case Unbuilt():
            yield from map(plan_unbuilt, named)
        case Refusal() as refusal if due:
            yield from map(keep, kept)
            for each in blamed(refusal, due):
                yield Change(f"pip.{each.name}", Action.BLOCKED, each.version, each.wanted, refusal.reason)
        case _:
            yield from map(keep, kept if facts.missing_files else named)


def plan_moves(
    found: Solution | ProtectedConflict, named: Iterable[NamedRequirement], facts: PipFacts
) -> Iterator[Change]:
    """What is named, each as it moves or stays, and then everything else that moves."""
    moves = {move.name: move for move in found.moves}
    for each in named:
        move = moves.pop(each.name, None)
        yield plan_move(move, "", facts) if move else keep(each)
    absent = {each.name for each in facts.absent}
    for move in moves.values():
        if isinstance(found, ProtectedConflict) and move.name in found.protected:
            yield plan_protected(move, found)
        elif move.name not in absent:
            yield replace(plan_move(move, who_needs(move, found), facts), transitive=True)


def keep(each: NamedRequirement) -> Change:
    return Change(f"pip.{each.name}", Action.KEEP, each.version)


def plan_move(move: PipMove, why: str, facts: PipFacts) -> Change:
    action = Action.CREATE if move.before is None else Action.REMOVE if move.after is None else Action.UPDATE
    reason = facts.damaged.get(move.name, why)
    return Change(f"pip.{move.name}", action, move.before, move.after, reason)


def plan_unbuilt(each: NamedRequirement) -> Change:
    """Something named, whose version uv cannot determine yet."""
    if each.met:
        return keep(each)
    action = Action.CREATE if each.version is None else Action.UPDATE
    return Change(f"pip.{each.name}", action, each.version, each.wanted)


def plan_protected(move: PipMove, conflict: ProtectedConflict) -> Change:
    way_out = f"name {move.name} in pip.packages to let it change, or set preinstalled: free"
    reason = f"{protected_reason(move, conflict)}; {way_out}"
    return Change(f"pip.{move.name}", Action.BLOCKED, move.before, move.after, reason, transitive=True)


def who_needs(move: PipMove, found: Solution | ProtectedConflict) -> str:
    """What needs it in another version than the one that is there."""
    needs = found.needs.get(move.name, ())
    if before := move.before:
        needs = tuple(
            need for answer in (False, None) for need in needs if contains(need[1], before) is answer
        )
    by, limit = next(iter(needs), ("", ""))
    return f"needed by {by} ({move.name}{limit})" if by else ""


def protected_reason(move: PipMove, conflict: ProtectedConflict) -> str:
    why = who_needs(move, conflict) or "needed in another version"
    return f"{why}, but it is protected because it came with the image"


def blamed(refusal: Refusal, due: list[NamedRequirement]) -> list[NamedRequirement]:
    """Those that uv mentions, or else the first."""
    return [each for each in due if each.name in refusal.mentioned] or due[:1]


def plan_drift(each: LockDrift) -> Change:
    return Change(f"pip.{each.name}", Action.BLOCKED, each.before, each.after, each.reason)


def plan_absent(each: AbsentDistribution) -> Change:
    if each.kept_by:
        return Change(f"pip.{each.name}", Action.BLOCKED, each.version, None, each.kept_by)
    action = Action.KEEP if each.version is None else Action.REMOVE
    return Change(f"pip.{each.name}", action, each.version)


def plan_warnings(facts: PipFacts) -> Iterator[str]:
    """Warnings for the plan, also about what was already wrong before."""
    yield from (*facts.conflicts, *facts.lost_gpus, *facts.offline)
    for url, line in facts.unpinned.items():
        yield f"{shown(url)} is not pinned, so another day it may ask for something else; write {line}"
    match facts.resolution:
        case Solution(warnings=warnings):
            yield from warnings
        case Unbuilt(refusal=refusal):
            yield f"Its dependencies are known only when it is built: {refusal.text}"
        case ProtectedConflict() as conflict if not facts.due:
            blocked = (move for move in conflict.moves if move.name in conflict.protected)
            yield from (f"{move.name} {move.before}: {protected_reason(move, conflict)}" for move in blocked)
        case Refusal() as refusal if not facts.due:
            yield refusal.reason
    yield from plan_restart(facts)


def plan_restart(facts: PipFacts) -> Iterator[str]:
    """Which of the packages that change the notebook's kernel has imported already."""
    imported = [f"{each.name} {each.version}".strip() for each in facts.imported if not each.stale]
    if imported:
        yield (
            f"The notebook's kernel has imported {', '.join(imported)} already and keeps that version: "
            "it must be restarted afterwards."
        )


def effects(facts: PipFacts) -> Iterator[Effect]:
    """Make the virtual environment, remove, then install exactly what was shown."""
    python, uv = facts.python, facts.uv
    if not python.exists:
        making = ("--python", python.maker or python.version, "--no-python-downloads")
        argv = (uv, "venv", *QUIET, "--allow-existing", *making, str(python.venv))
        yield command(argv, facts.folder)
    target = ("--python", python.executable)
    if gone := [each.name for each in facts.absent if each.removable]:
        yield command((uv, "pip", "uninstall", *QUIET, *target, "--", *gone), facts.folder)
    found = facts.resolution
    if isinstance(found, Unbuilt) or (isinstance(found, Solution) and found.moves):
        yield replace(found.request, target=target, into=()).install(found.constraints)
    if facts.inside:
        replaced = tuple(each.name for each in facts.imported if not each.stale)
        yield Refresh(folders=python.site_packages, replaced=replaced)


def named(config: Pip, facts: PipFacts) -> Iterator[tuple[str, str]]:
    """Each version, with its source where that was no index, and with what is wrong with it."""
    if config.venv:
        yield "pip.venv", f"Python {facts.python.version}" if facts.python.exists else ABSENT
    for each in facts.named:
        state = ", ".join(filter(None, (each.version, each.source, facts.damaged.get(each.name))))
        yield f"pip.{each.name}", state or (listed(facts) if each.wanted == LISTED else ABSENT)
    for place in facts.missing_files:
        yield f"pip.{shown(place) if is_web(place) else posixpath.relpath(place, facts.folder)}", ABSENT
    for one in facts.absent:
        yield f"pip.{one.name}", one.version or ABSENT


def listed(facts: PipFacts) -> str:
    """Whether all is there that a file lists; in which versions, uv does not say."""
    found = facts.resolution
    return "all there" if isinstance(found, Solution) and not found.moves else ABSENT


def concerns(config: Pip, reader: Reader) -> Concerns:
    """What a section asks of an image, which is nothing but its Python where a virtual environment is made.

    Raises ProvisionerError when a requirements file is not there. What others have yet to make is undecided.
    """
    python = Concern("runtime.python")  # wheels are made for one Python
    if config.venv:
        return Concerns((python,))
    asked = gather(config, reader.context.folder, reading(config, reader))
    to_come = [path for path in asked.missing if at_or_below_any(path, reader.context.made)]
    for path in asked.missing:
        if path not in to_come:
            raise ProvisionerError(
                f"there is no file {shown(path) if is_web(path) else path}",
                f"{reader.context.spec or 'The spec'} names it: write it, or name another.",
            )
    found = (
        python,
        *(Concern(f"pip.{name}") for name in config.absent),
        *map(concern_of, asked.wanted),
        *(Concern(f"pip.{name}") for name in asked.limits),
        *concerns_of_families(frozenset(each.name for each in asked.wanted)),
    )
    return Concerns(found, tuple(dict.fromkeys((*asked.undecided, *to_come))))


def concern_of(requirement: PipRequirement) -> Concern:
    """What is required only on some machines, by a marker, is not reported as missing on another."""
    address = f"pip.{requirement.name}"
    if requirement.marker:
        return Concern(address)
    return Concern(address, requirement.shown, requirement.accepts)


def entries(config: Pip, folder: str) -> Iterator[Entry]:
    """One for all, since uv resolves everything together."""
    sources = local(config)
    yield Entry(
        address="pip",
        config=config,
        makes=(*([config.venv] if config.venv else []), *(f"program:{name}" for name in PROGRAMS)),
        reads=sources,
        after=config.after,
        about=f"what {', '.join(map(as_written, sources))} {'ask' if sources[1:] else 'asks'} for"
        if sources
        else "",
    )


def requirements(facts: PipFacts) -> Iterator[tuple[str, bool]]:
    """The address of everything that is named, and whether any version of it is there."""
    for each in facts.named:
        yield f"pip.{each.name}", each.version is not None


KIND = Kind(
    name="pip",
    config=Pip,
    observe=observe,
    plan=plan,
    named=named,
    lock=Lockable(
        pins=PipPins,
        observe=observe,
        plan=plan,
        check=lock.check,
        pin=lock.pin,
        contents=lock.contents,
        materials=lock.materials,
        inputs=inputs,
        complete=True,
    ),
    environment=lambda config: config.venv,
    entries=entries,
    paths=paths,
    without=without,
    foresees=True,
    concerns=concerns,
    requirements=requirements,
    listing="distributions",
)
