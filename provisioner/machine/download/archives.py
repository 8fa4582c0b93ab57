"""Reading archives, each format, into a tree; damage raises the standard library's errors."""

from __future__ import annotations

import calendar
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from provisioner.machine.download.safe_tree import Tree, refusal
from provisioner.model.errors import EffectError

if TYPE_CHECKING:
    import tarfile
    import zipfile

CHUNK = 1 << 20
LINK = 4096
"""Bytes of the longest path that Linux takes."""
STRANGE = "is neither a file, a folder nor a link"
REPACK = "Unpack it with another program, and provide it as .tar.gz or .zip."

Watch = Callable[[int, int], None]
"""Called with the bytes done and in total; raises Interrupted when the user wants us to stop."""


def read_gz(archive: str, tree: Tree, watch: Watch, name: str) -> None:
    """One compressed file, as `name`."""
    import gzip

    stat = Path(archive).stat()
    with Path(archive).open("rb") as raw, gzip.GzipFile(fileobj=raw) as stream:
        rest = pieces(stream.read, lambda: watch(raw.tell(), stat.st_size))
        tree.file(name, rest, stat.st_mtime, executable=False)


def read_zip(archive: str, tree: Tree, watch: Watch) -> None:
    import zipfile

    with zipfile.ZipFile(archive) as source:
        done, total = 0, sum(member.file_size for member in source.infolist())
        tree.expect(total)
        for member in source.infolist():
            if member.flag_bits & 0x1:
                raise EffectError(
                    "the archive is encrypted", "Only archives without a password are unpacked."
                )
            mode = member.external_attr >> 16
            if member.filename.endswith("/"):  # is_dir() of Python 3.11 fails for an empty name
                tree.folder(member.filename)
            elif stat.S_ISLNK(mode) and member.file_size <= LINK:
                tree.link(member.filename, os.fsdecode(source.read(member)))
            elif stat.S_IFMT(mode) in {0, stat.S_IFREG}:
                with source.open(member) as stream:
                    rest = pieces(stream.read, lambda: watch(done, total))  # noqa: B023 - used up at once
                    done += tree.file(member.filename, rest, zip_time(member), executable=bool(mode & 0o111))
            else:
                raise refusal(member.filename, STRANGE)


def zip_time(member: zipfile.ZipInfo) -> float:
    """The time of a member, which has no time zone; 0 where it is invalid."""
    try:
        return calendar.timegm(member.date_time)
    except ValueError:
        return 0


def read_tar(archive: str, tree: Tree, watch: Watch) -> None:
    import tarfile

    total = Path(archive).stat().st_size
    with (
        Path(archive).open("rb") as raw,
        decompressed(raw) as stream,
        tarfile.open(fileobj=stream, mode="r|", bufsize=CHUNK) as source,
    ):
        while member := source.next():
            source.members = []  # type: ignore[attr-defined]  # or it would keep every one
            watch(raw.tell(), total)
            take_member(source, member, tree, lambda: watch(raw.tell(), total))
        # The checksum is at the end of the compressed data.
        for _ in pieces(stream.read, lambda: watch(raw.tell(), total)):
            pass


def take_member(
    source: tarfile.TarFile, member: tarfile.TarInfo, tree: Tree, look: Callable[[], None]
) -> None:
    if member.isdir():
        tree.folder(member.name)
    elif member.issym():
        tree.link(member.name, member.linkname)
    elif member.islnk():
        tree.hard_link(member.name, member.linkname)
    elif member.isreg() and (stream := source.extractfile(member)):
        tree.expect(member.size)
        executable = bool(member.mode & 0o111)
        tree.file(member.name, pieces(stream.read, look), member.mtime, executable=executable)
    else:
        raise refusal(member.name, STRANGE)


def decompressed(raw: IO[bytes]) -> IO[bytes]:
    """The tar inside, known by its first bytes; every reader checks its own checksums."""
    import bz2
    import gzip
    import lzma

    beginning = raw.read(6)
    raw.seek(0)
    if beginning.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
    if beginning.startswith(b"BZh"):
        return bz2.BZ2File(raw)
    if beginning == b"\xfd7zXZ\0":
        return lzma.LZMAFile(raw)
    if beginning.startswith(b"\x28\xb5\x2f\xfd"):
        raise EffectError("the archive is compressed with zstd, which is not supported", REPACK)
    return raw


def pieces(read: Callable[[int], bytes], look: Callable[[], None]) -> Iterator[bytes]:
    while piece := read(CHUNK):
        look()
        yield piece
