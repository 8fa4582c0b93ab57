"""What holds for every chain: one apply is enough, also after an interruption, in whatever order it is."""

from __future__ import annotations

import posixpath
import random
from dataclasses import dataclass
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.model.plan import Action, Plan
from tests.archives import files, tar
from tests.chains import FOLDER, Stopping, apply, changes, machine, parse, plan
from tests.fakes import FakeMachine

INNER = tar(*files({"g.txt": b"inner", "deep/h.txt": b"deep"}))
OUTER = tar(*files({"f.txt": b"outer", "sub/g.txt": b"sub", "inner.tar": INNER}))
FOUND = {"outer.tar": OUTER, "inner.tar": INNER, "raw.txt": b"raw"}
HELD = {"outer.tar": ("f.txt", "sub/g.txt", "inner.tar"), "inner.tar": ("g.txt", "deep/h.txt")}

EXAMPLES = settings(max_examples=40)


@dataclass(frozen=True, repr=False)
class World:
    wanted: dict[str, Any]
    found: dict[str, bytes]

    def __repr__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        return yaml.safe_dump(self.wanted, sort_keys=False)

    def machine(self) -> Stopping:
        return machine(self.found)


def shuffled(wanted: dict[str, Any], order: random.Random) -> dict[str, Any]:
    """Commands keep their order, which means something."""
    files = [*wanted["files"]]
    order.shuffle(files)
    mixed = {key: mix(wanted[key], order) for key in ("datasets", "inputs")}
    return mix({**wanted, **mixed, "files": files}, order)


def mix(mapping: dict[str, Any], order: random.Random) -> dict[str, Any]:
    keys = [*mapping]
    order.shuffle(keys)
    return {key: mapping[key] for key in keys}


class Growing:
    """A file that grows: every new part may need what is there by then, so that it has no circles."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.wanted: dict[str, Any] = {"datasets": {}, "files": [], "run": [], "inputs": {}}
        self.found: dict[str, bytes] = dict(FOUND)
        self.folders = [""]
        self.readable = ["raw.txt"]
        self.archives = {"outer.tar": HELD["outer.tar"], "inner.tar": HELD["inner.tar"]}
        self.taken: set[str] = set()
        self.number = 0

    def pick(self, choices: list[Any]) -> Any:
        return self.draw(st.sampled_from(choices))

    def new(self) -> str:
        """A path that nobody has, perhaps below what another makes."""
        self.number += 1
        return f"{self.pick(self.folders)}n{self.number}"

    def is_new(self, path: str) -> bool:
        return posixpath.basename(path) == f"n{self.number}"

    def inside(self) -> str:
        """A path that nobody has, or that of a file that an archive brings."""
        found = [path for path in self.readable if path.endswith(".txt") and "/" in path]
        path: str = self.pick([self.new(), *(path for path in found if path not in self.taken)])
        self.taken.add(path)
        return path

    def add_archive(self) -> None:
        """Perhaps in a folder of another one, over what is there: then it has that, too, for who needs it.

        What is not new comes from what needs nothing, so that it does not close a circle.
        """
        folders = [folder.rstrip("/") for folder in self.folders if folder.endswith("/sub/")]
        path = self.pick([self.new(), *(folder for folder in folders if folder not in self.taken)])
        source = self.pick([*self.archives]) if self.is_new(path) else "inner.tar"
        self.taken.add(path)
        self.wanted["datasets"][f"d{self.number}"] = {"url": source, "unpack": True, "to": path}
        for name in self.archives[source]:
            if name.endswith(".tar"):
                self.archives[f"{path}/{name}"] = HELD[name]
            self.readable.append(f"{path}/{name}")
        self.folders += [f"{path}/", f"{path}/sub/"]

    def add_download(self) -> None:
        path = self.inside()
        source = self.pick(self.readable) if self.is_new(path) else "raw.txt"
        self.wanted["datasets"][f"d{self.number}"] = {"url": source, "to": path}
        self.readable.append(path)

    def add_content(self) -> None:
        path = self.inside()
        self.wanted["files"].append({"path": path, "content": f"content of {path}"})
        self.readable.append(path)

    def add_copy(self) -> None:
        path, source = self.new(), self.pick(self.readable)
        self.wanted["files"].append({"path": path, "source": source})
        self.readable.append(path)

    def add_link(self) -> None:
        self.wanted["files"].append({"path": self.new(), "link": self.pick(self.readable)})

    def add_folder(self) -> None:
        path = self.pick([self.new(), *(folder.rstrip("/") for folder in self.folders[1:])])
        if path not in self.taken:
            self.taken.add(path)
            self.wanted["files"].append({"path": path, "folder": True, "mode": "0700"})

    def add_command(self) -> None:
        path, sources = self.new(), [self.pick(self.readable) for _ in range(self.pick([0, 1, 2]))]
        command: dict[str, Any] = {"name": f"r{self.number}", "command": ["make", path, *sources]}
        if self.pick([True, False]):
            command["creates"] = path
            self.readable.append(path)
        else:
            command["unless"] = ["has", path]
        if self.wanted["datasets"] and self.pick([True, False]):
            command["after"] = [f"datasets.{self.pick([*self.wanted['datasets']])}"]
        self.wanted["run"].append(command)

    def add_input(self) -> None:
        path = self.new()
        self.found[path] = b"a key"
        self.wanted["inputs"][f"i{self.number}"] = {"to": path}
        self.readable.append(path)

    def grow(self) -> World:
        parts = [
            *(self.add_archive, self.add_archive, self.add_download, self.add_content, self.add_content),
            *(self.add_copy, self.add_link, self.add_folder, self.add_command, self.add_command),
            self.add_input,
        ]
        for part in self.draw(st.lists(st.sampled_from(parts), min_size=1, max_size=9)):
            part()
        return World(self.wanted, self.found)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    return Growing(draw).grow()


def everything(found: FakeMachine) -> dict[str, tuple[object, ...]]:
    """What is below the folder, but for the times of it, which receipts have, too."""
    return {
        path: (each.type, each.data, each.link, each.mode)
        for path, each in found.entries.items()
        if path.startswith(FOLDER) and not path.endswith(".jsonl")
    }


def assert_is_done(world: World, found: FakeMachine) -> None:
    made = plan(parse(world.text), found)
    assert {change.action for change in made.changes} == {Action.KEEP}, changes(made)


def ends_well(world: World, found: FakeMachine, jobs: int = 1) -> dict[str, tuple[object, ...]]:
    applied = apply(parse(world.text), found, jobs=jobs)
    assert {*applied.statuses.values()} <= {"done", "kept"}, applied.statuses
    assert_is_done(world, found)
    return everything(found)


@EXAMPLES
@given(world=worlds())
def test_one_apply_is_enough(world: World) -> None:
    ends_well(world, world.machine())


@EXAMPLES
@given(world=worlds(), part=st.sampled_from(["none", "some", "all"]), data=st.data())
def test_one_more_is_enough_after_an_interruption(world: World, part: str, data: st.DataObject) -> None:
    whole = world.machine()
    end = ends_well(world, whole)
    effects = len(whole.performed)
    if not effects:
        return
    found = world.machine()
    found.part, found.effects_left = part, data.draw(st.integers(1, effects))
    apply(parse(world.text), found)
    found.effects_left = None
    assert ends_well(world, found) == end


@EXAMPLES
@given(world=worlds(), broken=st.integers(1, 9), jobs=st.sampled_from([1, 4]))
def test_a_failure_concerns_only_what_waits_for_it(world: World, broken: int, jobs: int) -> None:
    found, spec = world.machine(), parse(world.text)
    found.broken = frozenset({f"n{broken}"})
    statuses = apply(spec, found, jobs=jobs).statuses
    failed = [step for step, status in statuses.items() if status == "failed"]
    concerned = {each for step in failed for each in spec.order.waiting_for(step)}
    assert {step for step, status in statuses.items() if status not in ("done", "kept")} == concerned
    found.broken = frozenset()
    assert ends_well(world, found) == ends_well(world, world.machine())


def by_address(made: Plan) -> dict[str, tuple[object, ...]]:
    return {step.id: (step.changes, step.effects, step.replan) for step in made.steps}


@EXAMPLES
@given(world=worlds(), seed=st.integers(0, 99))
def test_the_order_in_which_it_is_written_never_matters(world: World, seed: int) -> None:
    other = World(shuffled(world.wanted, random.Random(seed)), world.found)
    assert by_address(plan(parse(world.text), world.machine())) == by_address(
        plan(parse(other.text), world.machine())
    )
    assert ends_well(world, world.machine()) == ends_well(other, world.machine())
