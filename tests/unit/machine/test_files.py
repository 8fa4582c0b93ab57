"""The effects on files, on a real file system."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.machine import files
from provisioner.model.effects import Block, Chmod, Copy, Link, Mkdir, Remove, Write
from provisioner.model.errors import EffectError


def test_a_file_is_written_whole_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    files.write(Write(path=str(path), text="één", mode=0o600))
    assert path.read_text() == "één"
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(path.parent) == ["b"]


@pytest.mark.parametrize(
    ("known", "wanted", "mode"), [(None, None, 0o644), (0o700, None, 0o700), (0o700, 0o640, 0o640)]
)
def test_the_mode_is_kept_unless_told(
    tmp_path: Path, known: int | None, wanted: int | None, mode: int
) -> None:
    path = tmp_path / "file"
    if known:
        path.write_text("old")
        path.chmod(known)
    files.write(Write(path=str(path), text="new", mode=wanted))
    assert path.stat().st_mode & 0o777 == mode


def test_a_link_in_the_way_is_replaced_and_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (tmp_path / "link").symlink_to(precious)
    files.write(Write(path=str(tmp_path / "link"), text="new"))
    assert precious.read_text() == "mine"
    assert not (tmp_path / "link").is_symlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_the_owner_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    os.chown(path, 1000, 1000)
    files.write(Write(path=str(path), text="new"))
    assert (path.stat().st_uid, path.read_text()) == (1000, "new")


def test_a_failure_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EffectError, match="No space left") as caught:
        files.write(Write(path=str(path), text="new"))
    assert "Free some space" in caught.value.hint
    assert (path.read_text(), os.listdir(tmp_path)) == ("old", ["file"])


def test_a_file_is_copied(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"\0\1")
    files.copy(Copy(source=str(tmp_path / "source"), path=str(tmp_path / "copy"), mode=0o755))
    assert (tmp_path / "copy").read_bytes() == b"\0\1"
    with pytest.raises(EffectError, match="No such file"):
        files.copy(Copy(source=str(tmp_path / "none"), path=str(tmp_path / "copy")))


def test_a_folder_is_made_with_its_mode(tmp_path: Path) -> None:
    files.mkdir(Mkdir(path=str(tmp_path / "a/b"), mode=0o750))
    files.mkdir(Mkdir(path=str(tmp_path / "a/b")))
    assert (tmp_path / "a/b").stat().st_mode & 0o777 == 0o750


def test_a_mode_is_changed_but_not_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    files.chmod(Chmod(path=str(tmp_path / "file"), mode=0o600))
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
    (tmp_path / "link").symlink_to("file")
    with pytest.raises(EffectError, match="is a link"):
        files.chmod(Chmod(path=str(tmp_path / "link"), mode=0o777))


def test_a_link_replaces_a_link_and_nothing_else(tmp_path: Path) -> None:
    for target in ("one", "two"):
        files.link(Link(path=str(tmp_path / "deep/link"), target=target))
    assert os.readlink(tmp_path / "deep/link") == "two"
    (tmp_path / "file").write_text("mine")
    with pytest.raises(EffectError, match="is not a link"):
        files.link(Link(path=str(tmp_path / "file"), target="one"))


def test_removing(tmp_path: Path) -> None:
    (tmp_path / "tree/below").mkdir(parents=True)
    (tmp_path / "link").symlink_to("tree")
    files.remove(Remove(path=str(tmp_path / "none")))
    files.remove(Remove(path=str(tmp_path / "link"), tree=True))
    assert (tmp_path / "tree/below").exists()
    with pytest.raises(EffectError, match="cannot remove"):
        files.remove(Remove(path=str(tmp_path / "tree")))
    files.remove(Remove(path=str(tmp_path / "tree"), tree=True))
    assert os.listdir(tmp_path) == []


BLOCK = "# >>> new >>>\n{}\n# <<< new <<<\n"


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_a_block_is_put_once_and_the_rest_is_left_alone(before: bytes, after: bytes) -> None:
    block, old = BLOCK.format("new").encode(), BLOCK.format("old").encode()
    once = files.with_block(before, block)
    assert once.startswith(before)
    assert files.with_block(once + after, block) == once + after
    assert files.with_block(files.with_block(before, old) + after, block) == once + after


def test_a_block_is_put_into_a_file_that_is_not_ours(tmp_path: Path) -> None:
    path, block = tmp_path / "rc", BLOCK.format("x")
    files.block(Block(path=str(path), text=block))
    assert path.read_text() == block
    path.write_bytes(b"caf\xe9")
    path.chmod(0o600)
    for _ in range(2):
        files.block(Block(path=str(path), text=block))
        assert path.read_bytes() == b"caf\xe9\n" + block.encode()
    assert path.stat().st_mode & 0o777 == 0o600
