"""Whole specs on the machine in memory: planned, carried out, planned again on the way, as `apply` does."""

from __future__ import annotations

import posixpath
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import provisioner
from provisioner.engine.executor import Executor
from provisioner.engine.journal import Journal
from provisioner.engine.observe import observe
from provisioner.engine.plan import make_plan, refuse_unknown
from provisioner.engine.provision import Replanner
from provisioner.engine.scheduler import schedule
from provisioner.engine.selection import EVERYTHING, Selection
from provisioner.machine.reader import Completed
from provisioner.model.effects import Effect, Fetch, Run, Unpack
from provisioner.model.errors import EffectError, Interrupted
from provisioner.model.plan import Plan
from provisioner.model.report import Event, Outcome
from provisioner.spec.spec import Spec
from tests import archives
from tests.fakes import FakeMachine
from tests.scene import format_change

FOLDER = "/work"


class Memory(Journal):
    """A journal that is kept in memory."""

    def __init__(self) -> None:
        super().__init__("/nowhere")
        self.begun: set[str] = set()

    def suspects(self) -> frozenset[str]:
        return frozenset(self.begun)

    def begin(self, step: str) -> None:
        self.begun.add(step)

    def end(self, step: str) -> None:
        self.begun.discard(step)


@dataclass
class Stopping(FakeMachine):
    """A machine that stops at an effect, which has done a part of its work by then, and does nothing more."""

    effects_left: int | None = None
    part: str = "none"
    """How much of the last effect is done: none, some, or all."""
    broken: frozenset[str] = frozenset()
    """Programs, and names of files, with which nothing works."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def perform(self, effect: Effect, tell: Callable[[int, int, str], None]) -> str:
        with self.lock:
            return self.perform_alone(effect, tell)

    def perform_alone(self, effect: Effect, tell: Callable[[int, int, str], None]) -> str:
        if self.effects_left is not None:
            self.effects_left -= 1
            if self.effects_left == 0 and self.part == "all":
                super().perform(effect, tell)
            if self.effects_left == 0 and self.part == "some":
                self.do_half(effect)
            if self.effects_left <= 0:
                raise Interrupted("stopped")
        if self.broken & {posixpath.basename(word) for word in words_of(effect)}:
            raise EffectError("it does not work")
        return super().perform(effect, tell)

    def do_half(self, effect: Effect) -> None:
        match effect:
            case Fetch(path=path):
                self.put(f"{path}.part", "the beginning")
            case Unpack(to=to):
                folder, base = posixpath.split(to)
                self.put(f"{folder}/.{base}.provisioner-new-12ab/first", "x")
            case Run(argv=("make", out, *_)):
                self.put(at(out, effect), "half of it")
            case _:
                """Whatever else there is happens at once."""


def words_of(effect: Effect) -> tuple[str, ...]:
    """A program's arguments, or where the effect is."""
    if isinstance(effect, Run):
        return effect.argv
    return (effect.to if isinstance(effect, Unpack) else getattr(effect, "path", ""),)


@dataclass(frozen=True)
class Applied:
    plan: Plan
    """As it was shown before."""
    carried: Plan
    """As it was carried out."""
    outcomes: Mapping[str, Outcome]
    events: tuple[Event, ...]

    @property
    def statuses(self) -> dict[str, str]:
        return {step: outcome.status.value for step, outcome in self.outcomes.items()}

    @property
    def on_the_way(self) -> dict[str, list[str]]:
        """What was planned on the way, by entry."""
        return {
            event.step: [format_change(change) for step in event.planned for change in step.changes]
            for event in self.events
            if event.what == "planned"
        }


@dataclass
class Listener:
    events: list[Event] = field(default_factory=list)

    def show(self, plan: Plan) -> None:
        """Plans are returned."""

    def tell(self, event: Event) -> None:
        self.events.append(event)


def parse(text: str) -> Spec:
    return provisioner.parse(f"version: 1\n{text}\n", folder=FOLDER)


def machine(files: Mapping[str, str | bytes], **settings: object) -> Stopping:
    """A machine with these files in the spec's folder, and programs that make and ask."""
    made = Stopping(folder=FOLDER, **settings)  # type: ignore[arg-type]
    made.make_folders(FOLDER)
    for name, content in files.items():
        made.put(posixpath.join(FOLDER, name), content)
    for name, program in PROGRAMS.items():
        made.programs[name] = program
        made.put(f"/usr/bin/{name}", "")
    return made


def bundle(**files: str) -> bytes:
    """A tar of files; `__` in a name is a slash, `_` a dot."""
    contents = {name.replace("__", "/").replace("_", "."): text.encode() for name, text in files.items()}
    return archives.tar(*archives.files(contents))


def at(word: str, run: Run) -> str:
    return posixpath.normpath(posixpath.join(run.cwd or "/", word))


def make(machine: FakeMachine, run: Run) -> Completed:
    """`make OUT IN...`: write OUT from all of IN."""
    out, *sources = (at(word, run) for word in run.argv[1:])
    missing = [path for path in sources if machine.read(path) is None]
    if missing:
        return Completed(1, "", f"no {missing[0]}")
    machine.put(out, b"made of " + b" and ".join(machine.read(path) or b"" for path in sources))
    return Completed(0, "", "")


def has(machine: FakeMachine, run: Run) -> Completed:
    """`has PATH...`: whether all of them are there."""
    paths = (at(word, run) for word in run.argv[1:])
    return Completed(0 if all(machine.stat(path) for path in paths) else 1, "", "")


PROGRAMS = {"make": make, "has": has}


def introduce(spec: Spec, found: FakeMachine) -> None:
    """Tell a machine what a spec's entries have to do with its files."""
    order = spec.order
    found.made, found.ensured = order.made, order.ensured
    found.edited, found.changes = order.edited, order.changes


def plan(spec: Spec, found: FakeMachine, selection: Selection = EVERYTHING) -> Plan:
    introduce(spec, found)
    return make_plan(spec, observe(spec, found, selection), selection)


def refuse(spec: Spec, found: FakeMachine, selection: Selection) -> None:
    """Raise ProvisionerError for a selection of what is not there."""
    refuse_unknown(spec, plan(spec, found, selection), selection)


def changes(made: Plan) -> list[str]:
    return [format_change(change) for change in made.changes]


def apply(
    spec: Spec,
    found: FakeMachine,
    selection: Selection = EVERYTHING,
    *,
    saved: Plan | None = None,
    jobs: int = 1,
) -> Applied:
    """What `apply` does, but for checks and reports; what it began and never ended is suspect next time."""
    before = saved or plan(spec, found, selection)
    introduce(spec, found)
    journal, listener = Memory(), Listener()
    journal.begun |= found.suspects
    perform = Executor(found, journal, listener.tell)
    replanner = Replanner(spec, before, lambda: found, listener)
    carried = schedule(before, jobs, perform, found.cancel, replanner)
    found.suspects = journal.suspects()
    return Applied(
        before, carried.plan, {each.step: each for each in carried.outcomes}, tuple(listener.events)
    )
