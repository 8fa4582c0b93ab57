"""What a case file cannot say about Drive."""

from __future__ import annotations

from provisioner.kinds import drive
from provisioner.machine.reader import Stat
from provisioner.model.errors import ObserveError
from provisioner.model.plan import Action
from tests import scene
from tests.fakes import FakeMachine


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
