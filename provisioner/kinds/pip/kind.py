"""`pip`: Python distributions, installed by uv into this interpreter or into a virtual environment.

What it may be asked for is in `provisioner.python.packages`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import replace

from provisioner.facts.distributions import Installed
from provisioner.facts.interpreter import DEFAULT_VENV
from provisioner.kinds.base import ABSENT, Ground, Kind, Lockable
from provisioner.kinds.pip import gpu_builds, loaded, lock, pins, protected, uv_offline
from provisioner.kinds.pip import uv as resolution
from provisioner.kinds.pip.absent import Unwanted, look_at_unwanted
from provisioner.kinds.pip.closure import Walker
from provisioner.kinds.pip.facts import LISTED, Facts, Named, find_damage, look_up
from provisioner.kinds.pip.locked import Drift, settle
from provisioner.kinds.pip.pins import LockedPip, Pins, PreferringPip, asked_for
from provisioner.kinds.pip.resolve import Held, Outcome, Preferences, Solution, Unbuilt, solve
from provisioner.kinds.pip.section import Pip
from provisioner.kinds.pip.specifiers import contains
from provisioner.kinds.pip.uv import QUIET, Move, Refusal, Request, command, find_uv
from provisioner.machine.reader import Reader
from provisioner.model.effects import Effect, Refresh
from provisioner.model.errors import LockError
from provisioner.model.plan import Action, Change, Step


def observe(config: Pip, reader: Reader) -> Facts:
    """What is installed and, when that is not all that is wanted, what uv makes of it."""
    asked = asked_for(config, reader)
    walker = Walker(Installed(reader), asked.limits)
    closure = walker.walk(asked.wanted, deps=not config.no_deps)
    damaged = find_damage(reader, walker.installed, closure, config.absent)
    named = tuple(look_up(asked, walker, closure, damaged))
    upgrade = isinstance(config, PreferringPip) and config.upgrade
    doubt = uv_offline.in_doubt(reader, closure)
    unsettled = bool(closure.lacking or asked.undecided or damaged or upgrade or doubt) and not asked.absent
    unwelcome = any(walker.installed.get(name) for name in config.absent)
    idle = not (unsettled or unwelcome or isinstance(config, LockedPip)) and reader.context.python.exists
    request = Request(
        uv="" if idle else find_uv(reader),
        cwd=reader.context.folder,
        target=resolution.target(reader.context.python),
        into=resolution.into(reader.context.python, reader.context.state),
        indexes=config.indexes,
        options=config.options,
        packages=config.packages,
    )
    outcome: Outcome | None = None
    drifts: tuple[Drift, ...] = ()
    if isinstance(config, LockedPip):
        outcome, drifts = settle(config, asked, walker, damaged, request)
    elif unsettled:
        preferred = Preferences()
        if isinstance(config, PreferringPip):
            preferred = Preferences(config.preferences, config.upgrade)
        outcome = solve(reader, request, walker, closure, config.preinstalled, damaged, preferred)
    unwanted = tuple(look_at_unwanted(config.absent, walker.installed, closure, outcome))
    moved = (
        {move.name: move.after for move in outcome.moves if move.before}
        if isinstance(outcome, Solution)
        else {}
    )
    moved |= {each.name: None for each in unwanted if each.goes}
    kernel = reader.kernel()
    held = loaded.observe(reader, walker.installed, closure.reached.keys() | moved.keys() | damaged.keys())
    return Facts(
        folder=reader.context.folder,
        python=reader.context.python,
        uv=request.uv,
        named=named,
        damaged=damaged,
        unwanted=unwanted,
        files_absent=tuple(asked.absent),
        outcome=outcome,
        conflicts=tuple(protected.conflicts(walker, moved)) if moved else (),
        lost_gpus=tuple(find_lost_gpus(reader, walker, outcome)) if isinstance(outcome, Solution) else (),
        loaded=tuple(each for each in held if each.stale or each.name in moved or each.name in damaged),
        inside=kernel is not None and kernel.inside,
        drifts=drifts,
        unlisted=tuple(uv_offline.cautions(reader, moved)),
    )


def find_lost_gpus(reader: Reader, walker: Walker, solution: Solution) -> Iterator[str]:
    versions = {name: found.version for name, found in walker.installed.found.items()}
    return gpu_builds.warnings(solution.moves, solution.needs, versions, reader.accelerators())


def plan(config: Pip, facts: Facts) -> Iterable[Step]:
    """One step: uv does all of it in one transaction."""
    changes = [
        *plan_venv(config, facts),
        *plan_files(facts),
        *plan_packages(facts),
        *map(plan_drift, facts.drifts),
        *map(plan_unwanted, facts.unwanted),
    ]
    if not changes:
        return
    outcome = facts.outcome
    built = isinstance(outcome, Unbuilt) or (isinstance(outcome, Solution) and outcome.from_source)
    yield Step(
        id="pip",
        changes=tuple(changes),
        effects=tuple(effects(facts)),
        after=("apt",) if built else (),
        lane="pip",
        download=outcome.sizes.download if isinstance(outcome, Solution | Held) else 0,
        warnings=tuple(plan_warnings(facts)),
        restart=tuple(each.name for each in facts.loaded if each.stale),
    )


def plan_venv(config: Pip, facts: Facts) -> Iterator[Change]:
    python = facts.python
    shown = f"{python.venv} (Python {python.version})"
    if not python.exists:
        yield Change("pip.venv", Action.CREATE, None, shown)
    elif python.venv == (config.venv or posixpath.join(facts.folder, DEFAULT_VENV)):
        yield Change("pip.venv", Action.KEEP, shown)


def plan_files(facts: Facts) -> Iterator[Change]:
    for path in facts.files_absent:
        reason = f"There is no file {path}: check the path."
        yield Change(f"pip.{posixpath.basename(path)}", Action.BLOCKED, reason=reason)


def plan_packages(facts: Facts) -> Iterator[Change]:
    """What becomes of everything that is named, then what comes along or stands in the way."""
    due = facts.due
    drifted = {each.name for each in facts.drifts}
    named = [each for each in facts.named if each.name not in drifted]
    kept = [each for each in named if each.met or not due]
    match facts.outcome:
        case Solution() | Held() as found if due or isinstance(found, Solution):
            moves = {move.name: move for move in found.moves}
            for each in named:
                move = moves.pop(each.name, None)
                yield plan_move(move, "", facts) if move else keep(each)
            for move in moves.values():
                if isinstance(found, Held) and move.name in found.kept:
                    yield plan_held(move, found)
                elif move.name not in {each.name for each in facts.unwanted}:
                    yield replace(plan_move(move, who_wants(move, found), facts), along=True)
        case Unbuilt():
            for each in named:
                action = Action.CREATE if each.version is None else Action.UPDATE
                yield (
                    keep(each) if each.met else Change(f"pip.{each.name}", action, each.version, each.wanted)
                )
        case Refusal() as refusal if due:
            yield from map(keep, kept)
            for each in blamed(refusal, due):
                yield Change(f"pip.{each.name}", Action.BLOCKED, each.version, each.wanted, refusal.reason)
        case _:
            yield from map(keep, kept if facts.files_absent else named)


def keep(each: Named) -> Change:
    return Change(f"pip.{each.name}", Action.KEEP, each.version)


def plan_move(move: Move, why: str, facts: Facts) -> Change:
    action = Action.CREATE if move.before is None else Action.REMOVE if move.after is None else Action.UPDATE
    reason = facts.damaged.get(move.name, why)
    return Change(f"pip.{move.name}", action, move.before, move.after, reason)


def plan_held(move: Move, held: Held) -> Change:
    way_out = f"name {move.name} in pip.packages to let it move, or set preinstalled: free"
    reason = f"{held_reason(move, held)}; {way_out}"
    return Change(f"pip.{move.name}", Action.BLOCKED, move.before, move.after, reason, along=True)


def who_wants(move: Move, solution: Solution | Held) -> str:
    """Who makes it come, or change: none of those who can do with the version that is there."""
    needs = solution.needs.get(move.name, ())
    if there := move.before:
        needs = tuple(
            need for answer in (False, None) for need in needs if contains(need[1], there) is answer
        )
    by, limit = next(iter(needs), ("", ""))
    return f"needed by {by} ({move.name}{limit})" if by else ""


def held_reason(move: Move, held: Held) -> str:
    return f"{who_wants(move, held) or 'needed in another version'}, but it is preinstalled and held"


def blamed(refusal: Refusal, due: list[Named]) -> list[Named]:
    """Those that uv speaks of, or else the first."""
    return [each for each in due if each.name in refusal.spoken] or due[:1]


def plan_drift(each: Drift) -> Change:
    return Change(f"pip.{each.name}", Action.BLOCKED, each.before, each.after, each.reason)


def plan_unwanted(each: Unwanted) -> Change:
    if each.kept_by:
        return Change(f"pip.{each.name}", Action.BLOCKED, each.version, None, each.kept_by)
    action = Action.KEEP if each.version is None else Action.REMOVE
    return Change(f"pip.{each.name}", action, each.version)


def plan_warnings(facts: Facts) -> Iterator[str]:
    """What a reader of the plan should know, and what is amiss but was so before."""
    yield from (*facts.conflicts, *facts.lost_gpus, *facts.unlisted)
    match facts.outcome:
        case Solution(cautions=cautions):
            yield from cautions
        case Unbuilt(refusal=refusal):
            yield f"What comes along will show when it is built: {refusal.text}"
        case Held() as held if not facts.due:
            blocked = (move for move in held.moves if move.name in held.kept)
            yield from (f"{move.name} {move.before}: {held_reason(move, held)}" for move in blocked)
        case Refusal() as refusal if not facts.due:
            yield refusal.reason
    yield from plan_restart(facts)


def plan_restart(facts: Facts) -> Iterator[str]:
    """Which of the packages that change the notebook's kernel has imported already."""
    held = [f"{each.name} {each.version}".strip() for each in facts.loaded if not each.stale]
    if held:
        yield (
            f"The notebook's kernel has imported {', '.join(held)} already and keeps what it has: "
            "it must be restarted afterwards."
        )


def effects(facts: Facts) -> Iterator[Effect]:
    """Make the virtual environment, take away, then install exactly what was shown."""
    python, uv = facts.python, facts.uv
    if not python.exists:
        making = ("--python", python.maker or python.version, "--no-python-downloads")
        argv = (uv, "venv", *QUIET, "--allow-existing", *making, str(python.venv))
        yield command(argv, facts.folder)
    target = ("--python", python.executable)
    if gone := [each.name for each in facts.unwanted if each.goes]:
        yield command((uv, "pip", "uninstall", *QUIET, *target, "--", *gone), facts.folder)
    outcome = facts.outcome
    if isinstance(outcome, Unbuilt) or (isinstance(outcome, Solution) and outcome.moves):
        yield replace(outcome.request, target=target, into=()).install(outcome.constraints)
    if facts.inside:
        replaced = tuple(each.name for each in facts.loaded if not each.stale)
        yield Refresh(folders=python.site_packages, replaced=replaced)


def pin(config: Pip, facts: Facts, reader: Reader, ground: Ground) -> Pins:
    """What the section came to. What must be built to know what it needs cannot be foreseen."""
    match facts.outcome:
        case Unbuilt(refusal=refusal):
            raise LockError(f"pip: {refusal.text}", "Apply first, then lock.")
        case Held() | Refusal():
            raise LockError("pip: what is wanted cannot be had", "colabenv plan says why.")
        case solution:
            return lock.pin(config, solution, reader, ground)


def named(config: Pip, facts: Facts) -> Iterator[tuple[str, str]]:
    """Each version, with its source where that was no index, and with what is wrong with it."""
    if config.venv:
        yield "pip.venv", f"Python {facts.python.version}" if facts.python.exists else ABSENT
    for each in facts.named:
        told = ", ".join(filter(None, (each.version, each.source, facts.damaged.get(each.name))))
        yield f"pip.{each.name}", told or (listed(facts) if each.wanted == LISTED else ABSENT)
    for path in facts.files_absent:
        yield f"pip.{posixpath.relpath(path, facts.folder)}", ABSENT
    for one in facts.unwanted:
        yield f"pip.{one.name}", one.version or ABSENT


def listed(facts: Facts) -> str:
    """Whether all is there that a file lists; in which versions, uv does not say."""
    return "all there" if isinstance(facts.outcome, Solution) and not facts.outcome.moves else ABSENT


KIND = Kind(
    name="pip",
    config=Pip,
    observe=observe,
    plan=plan,
    named=named,
    lock=Lockable(pins=Pins, pin=pin, hold=pins.hold, prefer=pins.prefer, inputs=pins.inputs),
)
