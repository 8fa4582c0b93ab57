"""The effects on files: atomic, and never through a link that someone else put there."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from provisioner.model.effects import Block, Chmod, Copy, Link, Mkdir, Remove, Write
from provisioner.model.errors import EffectError

DEFAULT_MODE = 0o644

READ_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
"""A fifo or a device must not block us before we see that it is not a file."""

HINTS = {
    errno.ENOSPC: "Free some space, or choose another place.",
    errno.EDQUOT: "Your quota is used up: free some space, or choose another place.",
    errno.EACCES: "You have no permission to write there: run as root, or choose another place.",
    errno.EPERM: "You have no permission to write there: run as root, or choose another place.",
    errno.EROFS: "That file system is read-only: choose another place.",
    errno.ENOTCONN: "The mount is stale: mount it again.",
}


@contextlib.contextmanager
def in_words(verb: str, path: str) -> Iterator[None]:
    """Turn an OSError into an EffectError that says what was attempted, and where."""
    try:
        yield
    except OSError as error:
        hint = HINTS.get(error.errno or 0, "")
        raise EffectError(f"cannot {verb} {path}: {error.strerror or error}", hint) from error


@contextlib.contextmanager
def replacing(path: str, mode: int | None, *, sync: bool = True) -> Iterator[IO[bytes]]:
    """A file that replaces `path` once it is complete and, with `sync`, on disk.

    It keeps the owner of the earlier file, and its mode unless another is given.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    known = os.lstat(target) if os.path.lexists(target) else None
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            if sync:
                os.fsync(file.fileno())
        if known and os.geteuid() == 0:
            os.chown(temporary, known.st_uid, known.st_gid)
        if mode is None:
            mode = known.st_mode & 0o7777 if known and not target.is_symlink() else DEFAULT_MODE
        Path(temporary).chmod(mode)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read(path: str, most: int | None = None) -> bytes:
    """What a file or a pipe holds, or its first `most` bytes. Raises OSError."""
    with Path(path).open("rb") as file:
        return file.read() if most is None else file.read(most)


def read_regular(path: str, most: int | None = None) -> bytes:
    """The same of a file alone. Raises OSError; also for anything else, such as a pipe, without waiting."""
    with open(os.open(path, READ_FLAGS), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            is_folder = stat.S_ISDIR(os.fstat(file.fileno()).st_mode)
            code = errno.EISDIR if is_folder else errno.EINVAL
            raise OSError(code, os.strerror(code) if is_folder else "it is not a file", path)
        return file.read() if most is None else file.read(most)


def exists(path: str) -> bool:
    """Whether there is anything at a path once its links are followed."""
    return os.path.exists(path)


def appending(path: str) -> IO[str]:
    """A file to append lines to, each as soon as it is complete. Raises OSError."""
    return Path(path).open("a", buffering=1)


def matching(pattern: str) -> list[str]:
    """The paths that fit a pattern with `*`, in order."""
    return sorted(glob.glob(pattern))


def real(path: str) -> str:
    """The absolute path of what is at a path once its links are followed."""
    return os.path.realpath(path)


def write(effect: Write) -> None:
    with in_words("write", effect.path), replacing(effect.path, effect.mode) as file:
        file.write(effect.text.encode())


def block(effect: Block) -> None:
    path = Path(effect.path)
    with in_words("change", effect.path):
        known = path.read_bytes() if path.exists() else b""
        with replacing(effect.path, None) as file:
            file.write(with_block(known, effect.text.encode()))


def with_block(text: bytes, block: bytes) -> bytes:
    """`text` with the block in place of an older one, or else at the end."""
    lines = block.splitlines(keepends=True)
    before, begin, rest = text.partition(lines[0])
    _, end, after = rest.partition(lines[-1])
    if begin and end:
        return before + block + after
    return text + (b"\n" if text and not text.endswith(b"\n") else b"") + block


def copy(effect: Copy) -> None:
    with (
        in_words(f"copy {effect.source} to", effect.path),
        Path(effect.source).open("rb") as source,
        replacing(effect.path, effect.mode) as file,
    ):
        shutil.copyfileobj(source, file, 1024 * 1024)


def mkdir(effect: Mkdir) -> None:
    with in_words("make the folder", effect.path):
        path = Path(effect.path)
        path.mkdir(parents=True, exist_ok=True)
        if effect.mode is not None:
            path.chmod(effect.mode)


def chmod(effect: Chmod) -> None:
    with in_words("change the mode of", effect.path):
        if Path(effect.path).is_symlink():
            raise EffectError(f"{effect.path} is a link; its mode is not changed")
        Path(effect.path).chmod(effect.mode)


def link(effect: Link) -> None:
    with in_words("link", effect.path):
        path = Path(effect.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(path) and not path.is_symlink():
            raise EffectError(f"{path} exists and is not a link", "Move it away, or choose another name.")
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(effect.target)
        temporary.replace(path)


def remove(effect: Remove) -> None:
    with in_words("remove", effect.path):
        path = Path(effect.path)
        if effect.tree and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
