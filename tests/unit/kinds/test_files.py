"""What a case file cannot say about files."""

from __future__ import annotations

from provisioner.kinds import files
from provisioner.model.plan import Action
from tests import scene
from tests.fakes import Entry, FakeMachine


def test_a_device_where_a_file_belongs_is_in_the_way() -> None:
    machine = FakeMachine()
    machine.entries["/work"] = Entry("folder")
    machine.entries["/work/a"] = Entry("other")
    for wanted in ({"content": "x"}, {"folder": True}, {"link": "b"}):
        config = scene.validate("files", [{"path": "a", **wanted}], machine)
        (step,) = scene.plan("files", config, machine)
        assert step.changes[0].action is Action.BLOCKED
        assert step.changes[0].reason.startswith("there is something else at /work/a")


def test_a_spec_in_the_root_folder_names_paths_in_full() -> None:
    machine = FakeMachine(folder="/", home="/")
    assert files.shorten("/etc/a", machine) == "/etc/a"
    assert files.shorten("/work/a/b", FakeMachine()) == "a/b"
    assert files.shorten("/workshop/a", FakeMachine()) == "/workshop/a"


def test_large_contents_are_not_read_when_sizes_differ() -> None:
    class Careful(FakeMachine):
        def hash(self, path: str) -> str | None:
            raise AssertionError(f"read {path} for nothing")

    machine = Careful()
    machine.put("/work/a", bytes(files.LITTLE + 1))
    machine.put("/work/b", "b")
    config = scene.validate("files", [{"path": "a", "content": "x"}, {"path": "a2", "source": "b"}], machine)
    steps = scene.plan("files", config, machine)
    assert [step.changes[0].action for step in steps] == [Action.UPDATE, Action.CREATE]
    named = files.KIND.named(config, files.KIND.observe(config, machine))  # type: ignore[arg-type]
    assert dict(named) == {"files.a": None, "files.a2": "absent"}


def test_what_is_made_is_known_beforehand() -> None:
    made = [{"path": "a", "content": "x"}, {"path": "b", "folder": True}, {"path": "c", "link": "a"}]
    config = scene.validate("files", made, FakeMachine())
    assert [*files.makes(config)] == ["/work/a", "/work/c"]  # type: ignore[arg-type]
