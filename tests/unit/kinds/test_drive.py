"""What a case file cannot say about Drive."""

from __future__ import annotations

from provisioner.engine.observe import observe
from provisioner.engine.plan import make_plan
from provisioner.kinds import drive
from provisioner.machine.mounts import types
from provisioner.machine.reader import Stat
from provisioner.model.errors import ObserveError
from provisioner.model.plan import Action, Change, Plan
from provisioner.spec.spec import parse
from tests import scene
from tests.fakes import FakeMachine

MOUNTED = "drive /content/drive fuse.drive rw 0 0\n"

CHAIN = """\
version: 1
drive: {links: {models: MyDrive/models}, required: REQUIRED}
datasets:
  data: {url: /content/drive/MyDrive/data.zip, unpack: true, to: data}
  linked: {url: models/weights.zip, unpack: true, to: weights}
  web: {url: "https://example.org/web.zip", unpack: true, to: web}
files:
  - {path: copy, source: models/settings.toml}
  - {path: own, content: x}
"""


class Stale(FakeMachine):
    """A machine whose Drive stopped answering."""

    def stat(self, path: str) -> Stat | None:
        if path.startswith("/content/drive/"):
            raise ObserveError(f"cannot look at {path}: Transport endpoint is not connected")
        return super().stat(path)


def on_colab(machine: FakeMachine, mounts: str = "") -> FakeMachine:
    machine.put("/var/colab/hostname")
    machine.put("/proc/self/mounts", mounts)
    machine.urls["https://example.org/web.zip"] = b"zip"
    return machine


def plan_for(text: str, machine: FakeMachine) -> Plan:
    spec = parse(text, "colabenv.yaml", "/work", "/root")
    return make_plan(spec, observe(spec, machine))


def changes(text: str, machine: FakeMachine) -> dict[str, Change]:
    return {change.address: change for change in plan_for(text, machine).changes}


def test_a_stale_mount_is_to_be_mounted_again_and_blocks_only_what_lies_on_it() -> None:
    found = changes(CHAIN.replace("REQUIRED", "false"), on_colab(Stale(), MOUNTED))
    reason = found["drive.mount"].reason
    assert "Transport endpoint is not connected" in reason
    assert "    drive.flush_and_unmount()\n    drive.mount('/content/drive')" in reason
    assert {address: change.action for address, change in found.items()} == {
        "drive.mount": Action.BLOCKED,
        "drive.link models": Action.BLOCKED,
        "datasets.data": Action.BLOCKED,
        "datasets.linked": Action.BLOCKED,
        "datasets.web": Action.CREATE,
        "files.copy": Action.BLOCKED,
        "files.own": Action.CREATE,
    }


def test_what_lies_on_drive_refers_to_the_mount_that_says_why() -> None:
    found = changes(CHAIN.replace("REQUIRED", "true"), on_colab(FakeMachine()))
    assert "Drive is not mounted. Run this in a cell" in found["drive.mount"].reason
    assert found["drive.link models"].reason == "needs drive.mount, which is blocked"
    assert found["datasets.data"].reason == "needs drive.mount, which is blocked"
    assert found["datasets.linked"].reason == "needs drive.link models, which is blocked"
    told = [change.reason for change in found.values() if "Run this in a cell" in change.reason]
    assert len(told) == 1


def test_what_lies_on_an_optional_drive_is_left_out_by_way_of_links_too() -> None:
    found = changes(
        CHAIN.replace("REQUIRED", "false"), FakeMachine(urls={"https://example.org/web.zip": b"zip"})
    )
    left_out = {address for address, change in found.items() if change.before == "left out"}
    assert left_out == {"drive.link models", "datasets.data", "datasets.linked", "files.copy"}
    assert found["files.copy"].reason == "needs /work/models, which is left out"
    assert {found["datasets.web"].action, found["files.own"].action} == {Action.CREATE}


def test_who_only_comes_after_an_optional_drive_is_not_left_out() -> None:
    text = """\
version: 1
drive: {required: false}
run: [{name: say, command: [echo, hi], creates: said, after: [drive]}]
"""
    found = changes(text, FakeMachine(programs={"echo": scene.scripted([])}))
    assert found["run.say"].action is Action.CREATE


def test_parts_of_a_drive_that_turns_out_to_be_unusable_say_why() -> None:
    told = {"folders": ["MyDrive/a"], "paths": ["MyDrive/b"], "links": {"c": "MyDrive/c"}}
    for mounts, reason in (
        ("", "Drive is not mounted at /content/drive"),
        (MOUNTED, "/content/drive is mounted, but MyDrive is not in it"),
    ):
        machine = on_colab(FakeMachine(), mounts)
        config = scene.validate("drive", told, machine)
        assert isinstance(config, drive.Drive)
        _, *parts = drive.entries(config, "/work")
        for entry in parts:
            assert isinstance(entry.config, drive.OnDrive)
            (step,) = drive.plan(entry.config, drive.observe(entry.config, machine))
            assert step.blocked
            assert not step.effects
            assert step.id == entry.address
            assert step.changes[0].reason == reason


def test_a_mount_point_is_read_as_the_table_writes_it() -> None:
    table = r"x /mnt/a\040b fuse.drive rw 0 0" + "\n\n"
    assert types(table).get("/mnt/a b", "") == "fuse.drive"
    assert types(table).get("/mnt/a", "") == ""


def test_the_default_place_of_drive() -> None:
    assert drive.Drive().mount == "/content/drive"
    assert drive.observe(drive.Drive(), FakeMachine()).links == ()
