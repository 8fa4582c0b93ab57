"""The effects on whole folders, on a real file system."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from provisioner.machine import trees
from provisioner.model.effects import Chmod, Copy, Move
from provisioner.model.errors import EffectError, Interrupted

Told = list[tuple[int, int]]


def copy(source: Path, path: Path, *keep: Path, stop_after: int = 10**9) -> Told:
    told: Told = []
    effect = Copy(source=str(source), path=str(path), tree=True, keep=tuple(map(str, keep)))
    trees.copy(effect, lambda done, total, _: told.append((done, total)), lambda: len(told) >= stop_after)
    return told


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "sub/empty").mkdir(parents=True)
    (folder / "a").write_bytes(b"one")
    (folder / "sub/b").write_bytes(b"two")
    (folder / "sub/b").chmod(0o750)
    os.utime(folder / "a", ns=(10**18, 10**18))
    (folder / "link").symlink_to("a")
    return folder


def test_a_folder_is_copied_with_times_modes_and_links(tmp_path: Path, source: Path) -> None:
    target = tmp_path / "deep/copy"
    assert copy(source, target) == [(3, 6), (6, 6)]
    assert sorted(str(path.relative_to(target)) for path in target.rglob("*")) == [
        *("a", "link", "sub", "sub/b", "sub/empty")
    ]
    assert ((target / "a").read_bytes(), (target / "a").stat().st_mtime_ns) == (b"one", 10**18)
    assert ((target / "sub/b").stat().st_mode & 0o777, os.readlink(target / "link")) == (0o750, "a")


def test_only_what_differs_is_copied_and_nothing_is_removed(tmp_path: Path, source: Path) -> None:
    target = tmp_path / "copy"
    copy(source, target)
    (target / "mine").write_text("")
    (source / "a").write_bytes(b"longer")
    assert copy(source, target) == [(6, 6)]
    assert copy(source, target) == []
    assert (target / "mine").exists()


def test_an_original_of_the_same_size_that_changed_just_now_is_copied(tmp_path: Path, source: Path) -> None:
    copy(source, tmp_path / "copy")
    (source / "a").write_bytes(b"ONE")
    (tmp_path / "copy/a").touch()
    os.utime(tmp_path / "copy/a", ns=(10**18, 10**18 + 123))
    os.utime(source / "a", ns=(10**18, 10**18 + 10**9))
    assert copy(source, tmp_path / "copy") == [(3, 3)]


def test_a_time_is_compared_as_exactly_as_it_is_kept() -> None:
    exact = 10**18 + 1_234_567_891
    assert trees.same_time(exact, exact)
    assert not trees.same_time(exact, exact - 1)
    for grain in (2 * 10**9, 10**9, 10**6, 10**3, 100):
        kept = exact // grain * grain
        assert trees.same_time(exact, kept)
        assert not trees.same_time(kept + grain, kept)


def test_what_others_make_is_left_alone(tmp_path: Path, source: Path) -> None:
    target = tmp_path / "copy"
    copy(source, target, target / "sub", target / "a")
    assert os.listdir(target) == ["link"]


def test_a_file_is_copied_through_a_link_to_it(tmp_path: Path, source: Path) -> None:
    copy(source / "link", tmp_path / "deep/a")
    assert not (tmp_path / "deep/a").is_symlink()
    assert (tmp_path / "deep/a").read_bytes() == b"one"


def test_a_copy_that_is_stopped_goes_on_later(tmp_path: Path, source: Path) -> None:
    target = tmp_path / "copy"
    with pytest.raises(Interrupted):
        copy(source, target, stop_after=1)
    assert sorted(path.name for path in target.rglob("*") if path.is_file()) == ["a"]
    assert copy(source, target)[-1] == (3, 3)


def test_a_pipe_is_not_copied(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(EffectError, match="is neither a file nor a folder"):
        copy(tmp_path / "pipe", tmp_path / "copy")
    with pytest.raises(EffectError, match="No such file"):
        copy(tmp_path / "none", tmp_path / "copy")


def test_everything_in_a_folder_gets_a_mode(tmp_path: Path, source: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("")
    outside.chmod(0o600)
    (source / "sub/link").symlink_to(outside)
    effect = Chmod(path=str(source), mode=0o640, tree=True, keep=(str(source / "a"),))
    (source / "a").chmod(0o777)
    trees.chmod(effect)
    modes = {
        path: path.stat().st_mode & 0o777 for path in (source, *source.rglob("*")) if not path.is_symlink()
    }
    assert modes == {
        source: 0o750,
        source / "a": 0o777,
        source / "sub": 0o750,
        source / "sub/b": 0o640,
        source / "sub/empty": 0o750,
    }
    assert outside.stat().st_mode & 0o777 == 0o600
    with pytest.raises(EffectError, match="is not a folder"):
        trees.chmod(Chmod(path=str(outside), mode=0o640, tree=True))


def move(source: Path, path: Path, *, stop: bool = False) -> None:
    trees.move(Move(source=str(source), path=str(path)), lambda: stop)


@pytest.fixture(params=["here", "across"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Within a file system, and to another one."""
    rename = os.rename

    def refuse(source: str, path: str) -> None:
        if ".provisioner-part" not in source:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, path)

    if request.param == "across":
        monkeypatch.setattr(os, "rename", refuse)
    return str(request.param)


def test_a_folder_and_a_file_are_moved(tmp_path: Path, source: Path, way: str) -> None:
    move(source, tmp_path / "deep/new")
    assert sorted(os.listdir(tmp_path / "deep/new")) == ["a", "link", "sub"]
    assert os.listdir(tmp_path / "deep") == ["new"]
    move(tmp_path / "deep/new/a", tmp_path / "a")
    move(tmp_path / "deep/new/link", tmp_path / "link")
    assert (tmp_path / "a").read_bytes() == b"one"
    assert os.readlink(tmp_path / "link") == "a"
    assert not source.exists()


def test_nothing_is_moved_to_where_something_is(tmp_path: Path, source: Path, way: str) -> None:
    (tmp_path / "new").mkdir()
    with pytest.raises(EffectError, match="new exists"):
        move(source, tmp_path / "new")
    with pytest.raises(EffectError, match="cannot move"):
        move(tmp_path / "none", tmp_path / "else")
    assert source.exists()


@pytest.mark.parametrize("way", ["across"], indirect=True)
def test_a_move_that_is_stopped_leaves_the_source(tmp_path: Path, source: Path, way: str) -> None:
    with pytest.raises(Interrupted):
        move(source, tmp_path / "new", stop=True)
    assert os.listdir(tmp_path) == ["source"]
    assert (source / "sub/b").read_bytes() == b"two"
