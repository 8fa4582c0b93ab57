"""Archives made in memory, honest and hostile."""

from __future__ import annotations

import io
import stat
import tarfile
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

TIME = 1_500_000_000


@dataclass(frozen=True)
class Member:
    """A file, unless `type` says otherwise: a tar type such as tarfile.SYMTYPE."""

    name: str
    data: bytes = b""
    type: bytes = tarfile.REGTYPE
    target: str = ""
    mode: int = 0o644
    mtime: float = TIME


def tar(*members: Member, mode: str = "w") -> bytes:
    """A tar; `mode` is tarfile's, such as "w:gz"."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for member in members:
            info = tarfile.TarInfo(member.name)
            info.type, info.linkname, info.size = member.type, member.target, len(member.data)
            info.mode, info.mtime = member.mode, member.mtime
            archive.addfile(info, io.BytesIO(member.data))
    return buffer.getvalue()


def zipped(*members: Member, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for member in members:
            info = zipfile.ZipInfo(member.name, (2017, 7, 14, 2, 40, 0))
            info.compress_type = compression
            kind, data = stat.S_IFREG, member.data
            if member.type == tarfile.SYMTYPE:
                kind, data = stat.S_IFLNK, member.target.encode()
            elif member.type == tarfile.FIFOTYPE:
                kind = stat.S_IFIFO
            info.external_attr = (kind | member.mode) << 16
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a name that comes twice
                archive.writestr(info, data)
    return buffer.getvalue()


def files(contents: Mapping[str, bytes]) -> list[Member]:
    return [Member(name, data) for name, data in contents.items()]
