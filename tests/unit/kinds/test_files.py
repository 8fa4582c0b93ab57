"""What a case file cannot say about files and Drive."""

from __future__ import annotations

from provisioner.kinds import drive, files
from provisioner.machine.reader import Stat
from provisioner.model.errors import ObserveError
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


class Stale(FakeMachine):
    """A machine whose Drive stopped answering."""

    def stat(self, path: str) -> Stat | None:
        if path.startswith("/content/drive/"):
            raise ObserveError(f"cannot look at {path}: Transport endpoint is not connected")
        return super().stat(path)


def test_a_stale_mount_is_to_be_mounted_again() -> None:
    machine = Stale()
    machine.put("/var/colab/hostname")
    machine.put("/proc/self/mounts", "drive /content/drive fuse.drive rw 0 0\n")
    config = scene.validate("drive", {"paths": ["MyDrive/a"], "required": False}, machine)
    (step,) = scene.plan("drive", config, machine)
    (change,) = step.changes
    assert change.action is Action.BLOCKED
    assert "Transport endpoint is not connected" in change.reason
    assert "    drive.flush_and_unmount()\n    drive.mount('/content/drive')" in change.reason


def test_links_wait_for_the_mount() -> None:
    machine = FakeMachine()
    config = scene.validate("drive", {"links": {"a": "MyDrive/a", "b": "MyDrive/b"}}, machine)
    steps = scene.plan("drive", config, machine)
    assert [step.after for step in steps] == [(), ("drive",), ("drive",)]
    assert steps[0].blocked


def test_a_mount_point_is_read_as_the_table_writes_it() -> None:
    table = r"x /mnt/a\040b fuse.drive rw 0 0" + "\n\n"
    assert drive.mounted_type(table, "/mnt/a b") == "fuse.drive"
    assert drive.mounted_type(table, "/mnt/a") == ""


def test_the_default_place_of_drive() -> None:
    assert drive.Drive().mount == "/content/drive"
    assert drive.observe(drive.Drive(), FakeMachine()).links == ()


def test_what_is_made_is_known_beforehand() -> None:
    made = [{"path": "a", "content": "x"}, {"path": "b", "folder": True}, {"path": "c", "link": "a"}]
    config = scene.validate("files", made, FakeMachine())
    assert [*files.makes(config)] == ["/work/a", "/work/c"]  # type: ignore[arg-type]
