"""Datasets on this machine: applied, left alone, broken by hand, mended."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from provisioner.kinds.datasets.kind import KIND
from provisioner.kinds.datasets.section import Config, Dataset
from provisioner.machine.local import LocalMachine
from provisioner.machine.reader import Interpreter
from provisioner.model.errors import EffectError
from provisioner.model.plan import Action, Change
from tests.archives import Member, files, tar, zipped
from tests.killing import at_each_moment
from tests.machines import local
from tests.server import Server

PYTHON = Interpreter(sys.executable, "3.11.2", ())
ROSES = {f"top/roses/{number}.jpg": f"rose {number}".encode() for number in range(50)}
ARCHIVE = tar(*(Member(name, data) for name, data in ROSES.items()), mode="w:gz")


@dataclass
class Scene:
    """One spec's section on a real machine below `folder`."""

    folder: Path
    wanted: dict[str, object]
    deep: bool = False

    @property
    def machine(self) -> LocalMachine:
        return local(self.folder, PYTHON, state=str(self.folder / "state"), deep=self.deep)

    def config(self) -> dict[str, Dataset]:
        context = {"folder": str(self.folder), "home": "/root"}
        adapter: TypeAdapter[dict[str, Dataset]] = TypeAdapter(Config)
        return adapter.validate_python(self.wanted, context=context)

    def plan(self) -> list[Change]:
        steps = KIND.plan(self.config(), KIND.observe(self.config(), self.machine))
        return [change for step in steps for change in step.changes]

    def apply(self) -> list[str]:
        """Do what is planned and return the notes."""
        machine = self.machine
        steps = list(KIND.plan(self.config(), KIND.observe(self.config(), machine)))
        effects = [effect for step in steps if step.pending and not step.blocked for effect in step.effects]
        notes = [machine.perform(effect, lambda done, total, text: None) for effect in effects]
        return [note for note in notes if note]

    def files(self, name: str = "data/flowers") -> int:
        return sum(path.is_file() for path in (self.folder / name).rglob("*"))

    def expect_nothing_to_do(self) -> None:
        assert {change.action for change in self.plan()} == {Action.KEEP}, self.plan()
        assert not list(self.folder.rglob("*provisioner-*"))


@pytest.fixture
def flowers(server: Server, tmp_path: Path) -> Scene:
    url = server.put("/flowers.tgz", ARCHIVE)
    return Scene(tmp_path, {"flowers": {"url": url, "unpack": True, "strip": 1, "to": "data/flowers"}})


@pytest.fixture
def rows(server: Server, tmp_path: Path) -> Scene:
    url = server.put("/rows.csv", b"a,b\n1,2\n")
    return Scene(tmp_path, {"rows": {"url": url, "to": "data/"}})


def test_an_archive_is_applied_once(flowers: Scene, server: Server) -> None:
    notes = flowers.apply()
    assert [note[:8] for note in notes] == ["sha256: "]
    assert (flowers.folder / "data/flowers/roses/7.jpg").read_bytes() == b"rose 7"
    asked = len(server.seen)
    flowers.expect_nothing_to_do()
    assert [change.before for change in flowers.plan()] == [f"50 files, {sum(map(len, ROSES.values()))} B"]
    assert flowers.apply() == []
    assert len(server.seen) == asked, "nobody is asked about what is whole"


def test_the_line_of_the_report_can_be_pasted(flowers: Scene) -> None:
    (note,) = flowers.apply()
    flowers.wanted["flowers"] = flowers.wanted["flowers"] | {"sha256": note.removeprefix("sha256: ")}  # type: ignore[operator]
    flowers.expect_nothing_to_do()
    shutil.rmtree(flowers.folder / "data")
    assert flowers.apply() == []
    flowers.expect_nothing_to_do()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:3])


def edit(path: Path) -> None:
    path.write_bytes(path.read_bytes()[::-1])


@pytest.mark.parametrize("harm", [Path.unlink, truncate, edit, lambda path: shutil.rmtree(path.parent)])
def test_what_was_broken_by_hand_is_named_and_mended(flowers: Scene, harm: Callable[[Path], None]) -> None:
    flowers.apply()
    harm(flowers.folder / "data/flowers/roses/0.jpg")
    (change,) = flowers.plan()
    assert change.action is Action.UPDATE
    assert "missing or changed, first: roses/0.jpg" in change.reason
    flowers.apply()
    assert (flowers.folder / "data/flowers/roses/0.jpg").read_bytes() == b"rose 0"
    flowers.expect_nothing_to_do()


def test_a_folder_that_was_moved_keeps_its_receipt(flowers: Scene) -> None:
    flowers.apply()
    (flowers.folder / "data/flowers").rename(flowers.folder / "elsewhere")
    flowers.wanted["flowers"] = flowers.wanted["flowers"] | {"to": "elsewhere"}  # type: ignore[operator]
    flowers.expect_nothing_to_do()


def test_a_copy_without_its_times_is_whole(flowers: Scene) -> None:
    flowers.apply()
    for path in (flowers.folder / "data/flowers").rglob("*.jpg"):
        os.utime(path)
    flowers.expect_nothing_to_do()


def test_a_change_that_left_no_trace_is_found_by_reading(flowers: Scene) -> None:
    flowers.apply()
    path = flowers.folder / "data/flowers/roses/0.jpg"
    found = path.stat()
    edit(path)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    flowers.expect_nothing_to_do()
    deep = replace(flowers, deep=True)
    assert "first: roses/0.jpg" in deep.plan()[0].reason
    deep.apply()
    deep.expect_nothing_to_do()


@pytest.mark.parametrize("harm", [Path.unlink, truncate, edit])
def test_a_file_is_applied_broken_and_mended(rows: Scene, harm: Callable[[Path], None]) -> None:
    rows.apply()
    rows.expect_nothing_to_do()
    harm(rows.folder / "data/rows.csv")
    assert [change.action for change in rows.plan()] in ([Action.UPDATE], [Action.CREATE])
    rows.apply()
    assert (rows.folder / "data/rows.csv").read_bytes() == b"a,b\n1,2\n"
    rows.expect_nothing_to_do()


def test_a_local_zip(tmp_path: Path) -> None:
    (tmp_path / "sample.zip").write_bytes(zipped(Member("x", b"x")))
    scene = Scene(tmp_path, {"sample": {"url": "sample.zip", "unpack": True, "to": "data/sample"}})
    scene.apply()
    scene.expect_nothing_to_do()
    assert (tmp_path / "sample.zip").exists()


def test_what_is_damaged_leaves_the_rest_as_it_was(flowers: Scene, server: Server) -> None:
    flowers.apply()
    (flowers.folder / "data/flowers/roses/0.jpg").unlink()
    server.put("/flowers.tgz", ARCHIVE[:-20])
    with pytest.raises(EffectError, match="damaged"):
        flowers.apply()
    assert flowers.files() == 50, "49 flowers and the receipt"
    server.put("/flowers.tgz", ARCHIVE)
    flowers.apply()
    flowers.expect_nothing_to_do()


def first_apply(folder: Path, url: str) -> Iterator[None]:
    scene = Scene(folder, {"flowers": {"url": url, "unpack": True, "strip": 1, "to": "data/flowers"}})
    yield
    scene.apply()


def test_after_a_kill_at_any_moment_apply_converges(server: Server, tmp_path: Path) -> None:
    """Downloading, unpacking and clearing up all die."""
    url = server.put("/flowers.tgz", tar(Member("top/a", b"a"), Member("top/b", b"b"), mode="w:gz"))
    lives = at_each_moment("tests.unit.kinds.datasets.test_kind:first_apply", tmp_path, url)
    assert len(lives) > 20, "it never came to anything worth killing"
    for life in lives:
        scene = Scene(life, {"flowers": {"url": url, "unpack": True, "strip": 1, "to": "data/flowers"}})
        scene.apply()
        scene.expect_nothing_to_do()
        assert scene.files() == 3


def first_download(folder: Path, url: str) -> Iterator[None]:
    scene = Scene(folder, {"rows": {"url": url, "to": "data/"}})
    yield
    scene.apply()


def test_after_a_killed_download_apply_converges(server: Server, tmp_path: Path) -> None:
    url = server.put("/rows.csv", b"a,b\n1,2\n")
    lives = at_each_moment("tests.unit.kinds.datasets.test_kind:first_download", tmp_path, url)
    assert len(lives) > 5, "it never came to anything worth killing"
    for life in lives:
        scene = Scene(life, {"rows": {"url": url, "to": "data/"}})
        scene.apply()
        scene.expect_nothing_to_do()
        assert {path.name for path in (life / "data").iterdir()} == {"rows.csv", ".rows.csv.colabenv.jsonl"}


def test_the_archive_in_the_examples(tmp_path: Path) -> None:
    source = Path(__file__).parents[4] / "examples/data/blossoms.tar.gz"
    digest = "b19eb678197004019ad6b38dd027bfa9c8c32dd22232e496da215b78e44e93f5"
    section = {"url": f"file://{source}", "sha256": digest, "unpack": True, "strip": 1, "to": "blossoms"}
    scene = Scene(tmp_path, {"blossoms": section})
    scene.apply()
    scene.expect_nothing_to_do()
    assert (tmp_path / "blossoms/blossoms.csv").read_text().count("\n") == 101


def test_a_local_archive_that_was_made_again_is_unpacked_again(tmp_path: Path) -> None:
    archive = tmp_path / "src.tar"
    archive.write_bytes(tar(*files({"a": b"1", "b": b"2"})))
    scene = Scene(tmp_path, {"d": {"url": "src.tar", "unpack": True, "to": "d"}})
    scene.apply()
    scene.expect_nothing_to_do()
    archive.write_bytes(tar(*files({"a": b"3"})))
    os.utime(archive, (time.time() + 5, time.time() + 5))
    assert archive.stat().st_size == 10240
    (change,) = scene.plan()
    assert (change.action, change.reason) == (Action.UPDATE, f"{archive} has changed since")
    scene.apply()
    assert (tmp_path / "d/a").read_bytes() == b"3"
    assert not (tmp_path / "d/b").exists()
    os.utime(archive, (time.time() + 9, time.time() + 9))
    scene.expect_nothing_to_do()
    archive.write_bytes(tar(*files({"a": b"4" * 20000})))
    os.utime(archive, (1, 1))
    assert scene.plan()[0].action is Action.UPDATE
    archive.unlink()
    scene.expect_nothing_to_do()
