"""What a case file cannot say about how files are looked at."""

from __future__ import annotations

from typing import Any

from provisioner.kinds.files.facts import LITTLE
from provisioner.kinds.files.kind import KIND
from provisioner.model.effects import Copy
from provisioner.model.plan import Action
from tests import scene
from tests.fakes import Entry, FakeMachine


def test_a_device_where_a_file_belongs_is_in_the_way() -> None:
    machine = FakeMachine()
    machine.entries["/work"] = Entry("folder")
    machine.entries["/work/a"] = Entry("other")
    machine.put("/work/b", "x")
    for wanted in ({"content": "x"}, {"folder": True}, {"link": "b"}, {"copy": "b"}):
        config = scene.validate("files", [{"path": "a", **wanted}], machine)
        (step,) = scene.plan("files", config, machine)
        assert step.changes[0].action is Action.BLOCKED
        assert step.changes[0].reason.startswith("there is something else at /work/a")


def test_a_device_is_not_copied() -> None:
    machine = FakeMachine()
    machine.make_folders("/src")
    machine.entries["/src/pipe"] = Entry("other")
    for source, told in (("/src", "/work/a/pipe is of another type"), ("/src/pipe", "is neither a file nor")):
        config = scene.validate("files", [{"path": "a", "copy": source}], machine)
        (step,) = scene.plan("files", config, machine)
        assert (step.changes[0].action, told in step.changes[0].reason) == (Action.BLOCKED, True)


class Careful(FakeMachine):
    """Lets no content be read."""

    def hash(self, path: str) -> str | None:
        raise AssertionError(f"read {path} for nothing")


def test_large_contents_are_not_read_when_sizes_differ() -> None:
    machine = Careful()
    machine.put("/work/a", bytes(LITTLE + 1))
    machine.put("/work/b", "b")
    config: Any = scene.validate(
        "files", [{"path": "a", "content": "x"}, {"path": "a2", "source": "b"}], machine
    )
    steps = scene.plan("files", config, machine)
    assert [step.changes[0].action for step in steps] == [Action.UPDATE, Action.CREATE]
    named = KIND.named(config, KIND.observe(config, machine))
    assert dict(named) == {"files.a": None, "files.a2": "absent"}


def large_copy(machine: FakeMachine) -> Any:
    machine.put("/src/a", bytes(LITTLE + 1))
    machine.put("/work/copy/a", bytes(LITTLE + 1))
    machine.entries["/work/copy/a"].mtime_ns = machine.entries["/src/a"].mtime_ns
    return scene.validate("files", [{"path": "copy", "copy": "/src"}], machine)


def test_a_large_copy_is_compared_by_sizes_and_times() -> None:
    machine = Careful()
    config = large_copy(machine)
    (step,) = scene.plan("files", config, machine)
    assert step.changes[0].action is Action.KEEP
    assert dict(KIND.named(config, KIND.observe(config, machine))) == {"files.copy": None}


def test_a_deep_look_reads_a_copy() -> None:
    machine = FakeMachine(deep=True)
    config = large_copy(machine)
    machine.entries["/work/copy/a"].data = bytes(LITTLE) + b"x"
    (step,) = scene.plan("files", config, machine)
    assert step.changes[0].action is Action.UPDATE


def test_links_in_a_copy_are_compared_and_not_followed() -> None:
    machine = FakeMachine()
    machine.make_folders("/work/copy")
    machine.put_link("/src/loop", "/src")
    machine.put_link("/work/copy/loop", "/elsewhere")
    config = scene.validate("files", [{"path": "copy", "copy": "/src"}], machine)
    (step,) = scene.plan("files", config, machine)
    assert (step.changes[0].action, step.changes[0].reason) == (
        Action.UPDATE,
        "/work/copy/loop is missing or differs",
    )


def a_copy(machine: FakeMachine, original: int, here: int) -> Action:
    """What is planned for a copy of the same size, given both times in nanoseconds."""
    machine.put("/src/a", "aaa")
    machine.put("/work/copy/a", "bbb")
    machine.entries["/src/a"].mtime_ns, machine.entries["/work/copy/a"].mtime_ns = original, here
    config = scene.validate("files", [{"path": "copy", "copy": "/src"}], machine)
    (step,) = scene.plan("files", config, machine)
    return step.changes[0].action


def test_a_change_within_two_seconds_is_seen() -> None:
    at = 10**18 + 123_456_789
    assert a_copy(FakeMachine(), at + 10**9, at) is Action.UPDATE
    assert a_copy(FakeMachine(), at, at + 10**9) is Action.BLOCKED
    assert a_copy(FakeMachine(), at, 10**18) is Action.KEEP, "a file system that keeps even seconds"


def test_what_others_edit_and_remove_is_of_a_copy() -> None:
    machine = FakeMachine(edited=("/work/copy/b",))
    for path in ("/src/a", "/src/b", "/work/copy/b"):
        machine.put(path, path)
    config = scene.validate("files", [{"path": "copy", "copy": "/src"}], machine)
    (step,) = scene.plan("files", config, machine)
    (effect,) = step.effects
    assert isinstance(effect, Copy)
    assert effect.keep == ("/work/copy/b",)
