"""Archives: what is honest arrives whole, what is not never leaves the folder."""

from __future__ import annotations

import bz2
import errno
import gzip
import hashlib
import lzma
import os
import random
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from provisioner.machine.download import receipt, safe_tree
from provisioner.machine.download.unpack import scratch, unpack
from provisioner.model.effects import Unpack
from provisioner.model.errors import EffectError, Interrupted
from tests.archives import TIME, Member, files, tar, zipped
from tests.killing import at_each_moment

LINK, HARD, FOLDER = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE
CONTENTS = {"top/roses/a.jpg": b"rose", "top/tulips/b.jpg": b"tulip" * 1000, "top/empty": b""}


@pytest.fixture
def to(tmp_path: Path) -> Path:
    return tmp_path / "data" / "flowers"


def put(
    data: bytes,
    to: Path,
    form: str = "tar",
    *,
    strip: int = 0,
    consume: bool = False,
    noted: bool = True,
    over: bool = False,
) -> None:
    """Unpack `data` to `to`."""
    archive = to.parent / "archive"
    archive.parent.mkdir(exist_ok=True)
    archive.write_bytes(data)
    path = receipt.beside(str(to)) if form == "gz" else receipt.inside(str(to))
    effect = Unpack(
        archive=str(archive),
        to=str(to),
        format=form,
        strip=strip,
        receipt=path if noted else None,
        consume=consume,
        over=over,
    )
    unpack(effect, lambda done, total, text: None, lambda: False)


def content(to: Path) -> dict[str, bytes]:
    """Every file below a folder but the receipt."""
    return {
        str(path.relative_to(to)): path.read_bytes()
        for path in to.rglob("*")
        if path.is_file() and path.name != receipt.SUFFIX
    }


def around(to: Path) -> set[str]:
    return {path.name for path in to.parent.iterdir()}


# What is honest.

ARCHIVES = {
    "zip": zipped(*files(CONTENTS)),
    "stored": zipped(*files(CONTENTS), compression=zipfile.ZIP_STORED),
    "bzip2 in zip": zipped(*files(CONTENTS), compression=zipfile.ZIP_BZIP2),
    "lzma in zip": zipped(*files(CONTENTS), compression=zipfile.ZIP_LZMA),
    **{mode: tar(*files(CONTENTS), mode=mode) for mode in ("w", "w:gz", "w:bz2", "w:xz")},
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_every_format_arrives_whole(to: Path, kind: str) -> None:
    put(ARCHIVES[kind], to, "tar" if kind.startswith("w") else "zip")
    assert content(to) == CONTENTS
    assert around(to) == {"flowers", "archive"}
    assert stat.S_IMODE(to.stat().st_mode) == 0o777 & ~umask()


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("kind", ["zip", "w:gz"])
def test_leading_folders_are_dropped(to: Path, kind: str) -> None:
    put(ARCHIVES[kind], to, "zip" if kind == "zip" else "tar", strip=1)
    assert set(content(to)) == {"roses/a.jpg", "tulips/b.jpg", "empty"}
    put(ARCHIVES[kind], to, "zip" if kind == "zip" else "tar", strip=2)
    assert set(content(to)) == {"a.jpg", "b.jpg"}
    put(tar(Member("top", type=FOLDER), Member("top/new")), to, strip=1)
    assert set(content(to)) == {"new"}


def test_a_gz_alone_becomes_one_file(to: Path) -> None:
    put(gzip.compress(b"rows"), to, "gz")
    assert to.read_bytes() == b"rows"
    assert around(to) == {"flowers", "archive", ".flowers.colabenv.jsonl"}
    put(gzip.compress(b"new rows"), to, "gz", noted=False)
    assert to.read_bytes() == b"new rows"


def test_the_receipt_tells_every_file(to: Path) -> None:
    data = tar(*files(CONTENTS), Member("top/link", type=LINK, target="roses/a.jpg"))
    put(data, to)
    told = receipt.load((to / receipt.SUFFIX).read_bytes())
    assert told is not None
    assert (told.sha256, told.size, told.files) == (hashlib.sha256(data).hexdigest(), len(data), 4)
    entries = {name: (size, mtime, mark) for name, size, mtime, mark in told.entries()}
    assert entries["top/link"] == (0, 0, "-> roses/a.jpg")
    rose = to / "top/roses/a.jpg"
    assert entries["top/roses/a.jpg"] == (4, rose.stat().st_mtime_ns, hashlib.sha256(b"rose").hexdigest())
    assert rose.stat().st_mtime == TIME


def test_the_receipt_takes_over_what_the_download_noted(to: Path) -> None:
    to.parent.mkdir()
    noted = to.parent / ("archive" + receipt.SUFFIX)
    noted.write_text(receipt.dump(receipt.Receipt("https://host/x.tar", "5" * 64, 7), []))
    put(ARCHIVES["w"], to, strip=1, consume=True)
    told = receipt.load((to / receipt.SUFFIX).read_bytes())
    assert told is not None
    assert (told.url, told.sha256, told.size, told.strip) == ("https://host/x.tar", "5" * 64, 7, 1)
    assert around(to) == {"flowers"}


def test_an_old_receipt_in_an_archive_is_not_believed(to: Path) -> None:
    put(tar(*files(CONTENTS), Member(receipt.SUFFIX, b"lies")), to)
    assert receipt.load((to / receipt.SUFFIX).read_bytes()) is not None


def test_links_that_stay_inside(to: Path) -> None:
    put(
        tar(
            Member("a/b/up", type=LINK, target="../../x"),
            Member("a/here", type=LINK, target="./b"),
            Member("x", b"x"),
            Member("y", type=HARD, target="./x"),
            Member("x", type=HARD, target="x"),
        ),
        to,
    )
    assert (to / "a/b/up").read_bytes() == b"x"
    assert os.readlink(to / "a/here") == "./b"
    assert (to / "y").read_bytes() == b"x"


def test_links_in_a_zip(to: Path) -> None:
    put(zipped(Member("x", b"x"), Member("d/l", type=LINK, target="../x"), Member("e/")), to, "zip")
    assert (to / "d/l").read_bytes() == b"x"
    assert (to / "e").is_dir()


def test_the_last_of_two_members_counts(to: Path) -> None:
    put(
        tar(
            Member("x", b"old"), Member("l", type=LINK, target="x"), Member("x", b"new"), Member("l", b"file")
        ),
        to,
    )
    assert content(to) == {"x": b"new", "l": b"file"}


def test_only_the_executable_bit_of_a_mode_is_kept(to: Path) -> None:
    put(
        tar(Member("tool", mode=0o4777), Member("text", mode=0o000), Member("d", type=FOLDER, mode=0o000)), to
    )
    assert stat.S_IMODE((to / "tool").stat().st_mode) == 0o777 & ~umask()
    assert stat.S_IMODE((to / "text").stat().st_mode) == 0o666 & ~umask()
    assert stat.S_IMODE((to / "d").stat().st_mode) == 0o777 & ~umask()


@pytest.mark.parametrize("mtime", [-5, 1e11, 1.5, 3])
def test_times_are_made_ones_that_every_file_system_keeps(to: Path, mtime: float) -> None:
    put(tar(Member("x", mtime=mtime)), to)
    found = (to / "x").stat().st_mtime_ns
    assert found % (2 * 10**9) == 0
    assert 0 <= found < 2**33 * 10**9


def test_a_zip_may_have_no_date(to: Path) -> None:
    data = bytearray(zipped(Member("x", b"x")))
    for place in (10, data.index(b"PK\1\2") + 12):
        data[place : place + 4] = b"\0\0\0\0"
    put(bytes(data), to, "zip")
    assert (to / "x").stat().st_mtime == 0


def test_sparse_files(tmp_path: Path, to: Path) -> None:
    tool = shutil.which("tar")
    assert tool
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(5_000_000)
        file.write(b"head")
    subprocess.run([tool, "-C", tmp_path, "--sparse", "-czf", tmp_path / "x.tgz", "sparse"], check=True)
    put((tmp_path / "x.tgz").read_bytes(), to)
    assert (to / "sparse").read_bytes() == (tmp_path / "sparse").read_bytes()


# The destination.


def test_a_new_version_takes_the_place_of_the_old(to: Path) -> None:
    put(tar(Member("old", b"old"), Member("both", b"1")), to)
    put(tar(Member("new", b"new"), Member("both", b"2")), to)
    assert content(to) == {"new": b"new", "both": b"2"}
    assert around(to) == {"flowers", "archive"}


def test_what_others_put_there_stays(to: Path) -> None:
    put(tar(Member("d/a", b"a")), to)
    (to / "d/mine").write_text("mine")
    (to / "notes").mkdir()
    (to / "notes/n").write_text("n")
    (to / "dir-link").symlink_to("notes")
    (to / "d/a").write_text("edited")
    put(tar(Member("d/a", b"a")), to)
    assert content(to) == {"d/a": b"a", "d/mine": b"mine", "notes/n": b"n"}
    assert os.readlink(to / "dir-link") == "notes"


def test_what_others_put_there_stays_without_hard_links(to: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise OSError("not on this file system")

    monkeypatch.setattr(os, "link", refuse)
    put(tar(Member("a", b"a")), to)
    (to / "mine").write_text("mine")
    put(tar(Member("a", b"a")), to)
    assert content(to) == {"a": b"a", "mine": b"mine"}


def test_with_a_damaged_receipt_whatever_is_not_replaced_stays(to: Path) -> None:
    put(tar(Member("a", b"a"), Member("b", b"b")), to)
    noted = to / receipt.SUFFIX
    noted.write_text(noted.read_text().replace('["a",1', '["a","1"'))
    put(tar(Member("a", b"new")), to)
    assert content(to) == {"a": b"new", "b": b"b"}


def test_an_empty_folder_is_taken_with_its_mode(to: Path) -> None:
    to.mkdir(parents=True, mode=0o700)
    put(ARCHIVES["w"], to)
    assert content(to) == CONTENTS
    assert stat.S_IMODE(to.stat().st_mode) == 0o700


def test_a_link_is_followed(to: Path, tmp_path: Path) -> None:
    to.parent.mkdir()
    to.symlink_to(tmp_path / "big disk")
    put(ARCHIVES["w"], to)
    assert to.is_symlink()
    assert content(tmp_path / "big disk") == CONTENTS


def test_somebody_elses_folder_is_left_alone(to: Path) -> None:
    to.mkdir(parents=True)
    (to / "thesis.txt").write_text("mine")
    with pytest.raises(EffectError, match="is not from a dataset"):
        put(ARCHIVES["w"], to)
    assert content(to) == {"thesis.txt": b"mine"}
    put(ARCHIVES["w"], to, noted=False)  # without a receipt nothing is known to be anyone's
    assert "thesis.txt" in content(to)


def test_somebody_elses_file_is_left_alone(to: Path) -> None:
    to.parent.mkdir(parents=True)
    to.write_text("mine")
    with pytest.raises(EffectError, match="is not from a dataset"):
        put(ARCHIVES["w"], to)
    assert to.read_text() == "mine"


def test_what_came_with_something_else_of_the_spec_gives_way_and_the_rest_of_it_stays(to: Path) -> None:
    to.mkdir(parents=True)
    (to / ".gitkeep").touch()
    (to / "a").write_text("sample")
    put(tar(*files({"a": b"1", "b": b"2"})), to, over=True)
    assert content(to) == {".gitkeep": b"", "a": b"1", "b": b"2"}
    put(tar(*files({"b": b"3"})), to)
    assert content(to) == {".gitkeep": b"", "b": b"3"}
    assert around(to) == {"flowers", "archive"}


def test_a_file_of_something_else_gives_way_to_a_folder(to: Path) -> None:
    to.parent.mkdir(parents=True)
    to.write_text("sample")
    with pytest.raises(EffectError, match="the archive is damaged"):
        put(b"no archive", to, over=True)
    assert to.read_text() == "sample"
    put(tar(*files({"a": b"1"})), to, over=True)
    assert content(to) == {"a": b"1"}


def test_a_mount_point_cannot_be_replaced(to: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    to.mkdir(parents=True)
    monkeypatch.setattr(Path, "is_mount", lambda self: self == to)
    with pytest.raises(EffectError, match="is a mount point"):
        put(ARCHIVES["w"], to)


def test_a_failure_leaves_everything_as_it_was(to: Path) -> None:
    put(tar(Member("a", b"a")), to)
    with pytest.raises(EffectError):
        put(tar(Member("b", b"b"), Member("../c", b"c")), to)
    assert content(to) == {"a": b"a"}
    assert around(to) == {"flowers", "archive"}


def test_a_stop_is_obeyed_between_two_members(to: Path) -> None:
    put(tar(Member("a", b"a")), to)
    archive = to.parent / "archive"
    archive.write_bytes(tar(Member("b", b"b"), Member("c", b"c")))
    effect = Unpack(archive=str(archive), to=str(to), format="tar", receipt=receipt.inside(str(to)))
    asked = iter([False, True])
    with pytest.raises(Interrupted):
        unpack(effect, lambda done, total, text: None, lambda: next(asked))
    assert content(to) == {"a": b"a"}
    assert around(to) == {"flowers", "archive"}


def test_leftovers_of_an_unfinished_run_are_swept(to: Path) -> None:
    left = scratch(to, "new-12345678")
    left.mkdir(parents=True)
    (left / "half").write_text("half")
    put(ARCHIVES["w"], to)
    assert around(to) == {"flowers", "archive"}


def test_what_was_moved_aside_comes_back(to: Path) -> None:
    """The unfinished run died between its two renames."""
    put(tar(Member("a", b"a")), to)
    (to / "mine").write_text("mine")
    to.rename(scratch(to, "old"))
    put(tar(Member("a", b"new")), to)
    assert content(to) == {"a": b"new", "mine": b"mine"}
    assert around(to) == {"flowers", "archive"}


NEW = {"a": b"new", "c": b"c"}


def replace_a_version(folder: Path) -> Iterator[None]:
    to = folder / "flowers"
    folder.mkdir()
    put(tar(Member("a", b"old"), Member("b", b"b")), to)
    (to / "mine").write_text("mine")
    yield
    put(tar(*files(NEW)), to)


def test_a_kill_at_any_moment_loses_nothing(tmp_path: Path) -> None:
    lives = at_each_moment("tests.unit.machine.download.test_unpack:replace_a_version", tmp_path)
    assert len(lives) > 15, "it never came to anything worth killing"
    for to in (life / "flowers" for life in lives):
        if to.exists():
            assert content(to) in ({"a": b"old", "b": b"b", "mine": b"mine"}, {**NEW, "mine": b"mine"})
        put(tar(*files(NEW)), to)
        assert content(to) == {**NEW, "mine": b"mine"}
        assert around(to) == {"flowers", "archive"}


# What is damaged.

SHORT = random.Random(2).randbytes(5000)
BROKEN = {
    "a cut gz": (tar(Member("x", SHORT), mode="w:gz")[:-100], "tar"),
    "a gz without its checksum": (tar(Member("x", SHORT), mode="w:gz")[:-8], "tar"),
    "a gz with a wrong checksum": (tar(Member("x", SHORT), mode="w:gz")[:-8] + b"12345678", "tar"),
    "a wrong checksum far behind the last member": (
        gzip.compress(tar(Member("x", SHORT)) + bytes(3_000_000))[:-8] + b"12345678",
        "tar",
    ),
    "a cut bz2": (tar(Member("x", SHORT), mode="w:bz2")[:-100], "tar"),
    "a cut xz": (tar(Member("x", SHORT), mode="w:xz")[:-100], "tar"),
    "a cut tar": (tar(Member("x", SHORT))[:3000], "tar"),
    "a cut zip": (zipped(Member("x", SHORT))[:-100], "zip"),
    "a zip with a wrong byte": (zipped(Member("x", SHORT)).replace(SHORT[100:110], b"0123456789"), "zip"),
    "a cut gz alone": (gzip.compress(SHORT)[:-10], "gz"),
    "no gz": (b"text", "gz"),
    "no tar": (b"text" * 1000, "tar"),
    "no zip": (b"text" * 1000, "zip"),
    "nothing as tar": (b"", "tar"),
    "nothing as zip": (b"", "zip"),
    "bz2 of no tar": (bz2.compress(b"text" * 1000), "tar"),
    "xz of no tar": (lzma.compress(b"text" * 1000), "tar"),
    "gz of no tar": (gzip.compress(b"text" * 1000), "tar"),
    "a zip with a name that is no text": (
        zipped(Member("ä", SHORT)).replace(b"\xc3\xa4", b"\xff\xfe"),
        "zip",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_damaged_archive_is_one_clear_error(to: Path, kind: str) -> None:
    data, form = BROKEN[kind]
    with pytest.raises(EffectError, match=f"the archive is damaged, or is not a {form}") as caught:
        put(data, to, form, consume=True)
    assert "sha256" in caught.value.hint
    assert around(to) == set(), "the next run downloads it anew"


def test_a_damaged_archive_that_is_not_ours_to_remove_stays(to: Path) -> None:
    with pytest.raises(EffectError, match="damaged"):
        put(b"text", to, "zip")
    assert around(to) == {"archive"}


def test_a_web_page_is_called_one(to: Path) -> None:
    with pytest.raises(EffectError, match="not an archive") as caught:
        put(b"<html>Quota exceeded", to, "zip")
    assert "browser" in caught.value.hint


def test_an_encrypted_zip(to: Path) -> None:
    data = bytearray(zipped(Member("x", b"x")))
    for place in (6, data.index(b"PK\1\2") + 8):
        data[place] |= 1
    with pytest.raises(EffectError, match="encrypted"):
        put(bytes(data), to, "zip")


def test_a_compression_that_is_not_supported(to: Path) -> None:
    data = bytearray(zipped(Member("x", b"x" * 100)))
    for place in (8, data.index(b"PK\1\2") + 10):
        data[place] = 9
    with pytest.raises(EffectError, match="not supported") as caught:
        put(bytes(data), to, "zip")
    assert "tar.gz" in caught.value.hint
    with pytest.raises(EffectError, match="zstd"):
        put(b"\x28\xb5\x2f\xfd" + bytes(100), to)


def test_nothing_is_left_after_strip(to: Path) -> None:
    with pytest.raises(EffectError, match="no file to unpack") as caught:
        put(ARCHIVES["w"], to, strip=5)
    assert "strip: 5" in caught.value.hint


def test_a_name_that_the_file_system_does_not_take(to: Path) -> None:
    with pytest.raises(EffectError, match=r"cannot unpack to .*: File name too long"):
        put(tar(Member("x" * 300)), to)


@pytest.mark.parametrize("form", ["tar", "zip"])
def test_members_in_each_others_way(to: Path, form: str) -> None:
    pack = tar if form == "tar" else zipped
    with pytest.raises(EffectError, match="conflict"):
        put(pack(Member("a", b"file"), Member("a/b", b"below")), to, form)
    with pytest.raises(EffectError, match="conflict"):
        put(pack(Member("a/b", b"below"), Member("a", b"file")), to, form)


# What is hostile.

HOSTILE = {
    "up": (Member("../x"), "leads out"),
    "up and down": (Member("a/../../x"), "leads out"),
    "absolute": (Member("/etc/x"), "leads out"),
    "folder up": (Member("../d", type=FOLDER), "leads out"),
    "absolute link": (Member("l", type=LINK, target="/etc"), "is a link that leads out"),
    "link up": (Member("l", type=LINK, target=".."), "is a link that leads out"),
    "link far up": (Member("a/l", type=LINK, target="../../x"), "is a link that leads out"),
    "link that climbs behind another": (
        Member("a/l", type=LINK, target="b/../x"),
        "is a link that leads out",
    ),
    "hard link out": (Member("l", type=HARD, target="/etc/passwd"), "leads out"),
    "hard link to nothing": (Member("l", type=HARD, target="x"), "not in the archive"),
    "device": (Member("null", type=tarfile.CHRTYPE), "neither a file, a folder nor a link"),
    "disk": (Member("disk", type=tarfile.BLKTYPE), "neither a file, a folder nor a link"),
    "pipe": (Member("pipe", type=tarfile.FIFOTYPE), "neither a file, a folder nor a link"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_member_is_refused_by_name(to: Path, kind: str) -> None:
    member, why = HOSTILE[kind]
    with pytest.raises(EffectError, match=why) as caught:
        put(tar(Member("good", b"good"), member), to)
    assert member.name in caught.value.message
    assert around(to) == {"archive"}


def test_hostile_members_of_a_zip(to: Path) -> None:
    for member in (Member("../x"), Member("l", type=LINK, target="/etc"), Member("p", type=tarfile.FIFOTYPE)):
        with pytest.raises(EffectError):
            put(zipped(member), to, "zip")
    with pytest.raises(EffectError, match="neither"):
        put(zipped(Member("l", type=LINK, target="x/" * 4000)), to, "zip")
    assert around(to) == {"archive"}


def test_nothing_is_written_through_a_link(to: Path) -> None:
    for behind in (Member("l/x", b"x"), Member("l/m", type=LINK, target="x"), Member("l/d", type=FOLDER)):
        with pytest.raises(EffectError, match="both a link and a folder"):
            put(tar(Member("a/x"), Member("l", type=LINK, target="a"), behind), to)


def test_a_chain_of_links_stays_inside(to: Path, tmp_path: Path) -> None:
    """Each link on its own looks harmless; together they would climb."""
    (tmp_path / "x").write_text("secret")
    with pytest.raises(EffectError, match="leads out"):
        put(
            tar(Member("deep/l", type=LINK, target=".."), Member("m", type=LINK, target="deep/l/../../x")), to
        )


def test_a_bomb_is_stopped_by_what_it_declares(to: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit_space(monkeypatch, 1_000_000)
    for form, data in (
        ("zip", zipped(Member("x", bytes(2_000_000)))),
        ("tar", tar(Member("x", bytes(2_000_000)), mode="w:gz")),
    ):
        with pytest.raises(EffectError, match="larger than the free space"):
            put(data, to, form)
        assert around(to) == {"archive"}


def test_a_bomb_that_declares_nothing_is_stopped_on_the_way(
    to: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_space(monkeypatch, 1_000_000)
    with pytest.raises(EffectError, match="larger than the free space"):
        put(gzip.compress(bytes(3_000_000)), to, "gz")
    with pytest.raises(EffectError, match="larger than the free space"):
        put(tar(Member("x", bytes(400_000)), *(Member(f"y{i}", type=HARD, target="x") for i in range(5))), to)
    assert around(to) == {"archive"}


def limit_space(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    usage = namedtuple("usage", "total used free")  # noqa: PYI024
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, safe_tree.RESERVE + room))


def test_too_many_members(to: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_tree, "MEMBERS", 10)
    with pytest.raises(EffectError, match="more than 10 members"):
        put(tar(*(Member(str(number)) for number in range(11))), to)


NAMES = st.lists(
    st.sampled_from(["..", ".", "", "a", "b", "l", receipt.SUFFIX, "ä", "\\..\\", "\udcff"]),
    min_size=1,
    max_size=5,
).map("/".join)
TYPES = st.sampled_from([tarfile.REGTYPE, LINK, HARD, FOLDER, tarfile.FIFOTYPE, tarfile.CHRTYPE, b"S"])
FORMATS = st.sampled_from(["tar", "zip"])
MEMBERS = st.lists(st.builds(Member, name=NAMES, data=st.just(b""), type=TYPES, target=NAMES), max_size=6)


@given(members=MEMBERS, strip=st.integers(0, 2), form=FORMATS)
def test_no_archive_ever_escapes(members: list[Member], strip: int, form: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        base = Path(os.path.realpath(name))
        to = base / "in" / "side"
        (base / "secret").write_text("secret")
        try:
            data = tar(*members) if form == "tar" else zipped(*members)
        except UnicodeEncodeError:
            reject()
        try:
            put(data, to, form, strip=strip)
        except EffectError:
            assert not to.exists()
        assert {path.name for path in base.iterdir()} == {"in", "secret"}
        assert around(to) <= {"side", "archive"}
        assert (base / "secret").read_text() == "secret"
        for path in to.rglob("*"):
            assert leads_nowhere(path) or Path(os.path.realpath(path)).is_relative_to(to), path
            assert path.is_symlink() or path.is_dir() or path.is_file()


def leads_nowhere(path: Path) -> bool:
    """Whether links lead in a circle, which nothing can follow; realpath makes a wrong path of some."""
    try:
        path.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


# A budget.

WEIGH = """
import resource, sys
from provisioner.machine.download import unpack, fetch
from provisioner.model.effects import Fetch, Unpack
quiet = lambda *_: None
never = lambda: False
source, folder = sys.argv[1:]
fetch.fetch(Fetch(urls=("file://" + source,), path=folder + "/warm-up"), quiet, never)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for format in ("tar", "zip", "gz"):
    archive = f"{folder}/large.{format}"
    fetch.fetch(Fetch(urls=("file://" + archive,), path=folder + "/got"), quiet, never)
    unpack.unpack(Unpack(archive=folder + "/got", to=f"{folder}/to-{format}", format=format), quiet, never)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_does_not_grow_with_the_archive(tmp_path: Path) -> None:
    """Of 300 MB, unpacked three times, a twentieth is ever held."""
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(300_000_000)
    with tarfile.open(tmp_path / "large.tar", "w:gz", compresslevel=1) as archive:
        archive.add(large, "x")
    with zipfile.ZipFile(tmp_path / "large.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        packed.write(large, "x")
    with large.open("rb") as source, gzip.open(tmp_path / "large.gz", "wb", compresslevel=1) as goal:
        shutil.copyfileobj(source, goal)
    small = tmp_path / "small"
    small.write_text("small")
    ended = subprocess.run(
        [sys.executable, "-c", WEIGH, str(small), str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert int(ended.stdout) * 1024 < 15_000_000
    assert (tmp_path / "to-gz").stat().st_size == 300_000_000
    for name in ("to-tar", "to-zip"):
        shutil.rmtree(tmp_path / name)
    (tmp_path / "to-gz").unlink()
