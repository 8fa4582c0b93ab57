"""The effects on whole folders: copied, moved, given a mode. Links in them are never followed."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from provisioner.machine.files import in_words, replacing
from provisioner.model.effects import Chmod, Copy, Move
from provisioner.model.errors import EffectError, Interrupted

GRAINS = (2 * 10**9, 10**9, 10**6, 10**3, 100, 1)
"""Nanoseconds: how well file systems keep times, the coarsest (FAT) first."""

PIECE = 1 << 20

Stop = Callable[[], bool]
Tell = Callable[[int, int, str], None]


def same_time(original: int, stored: int) -> bool:
    """Whether a copy's time, in nanoseconds, is its original's, as exactly as its file system keeps times."""
    grain = next(grain for grain in GRAINS if stored % grain == 0)
    return abs(original - stored) < grain


def mode_in_tree(mode: int, *, folder: bool) -> int:
    """The mode of what is in a folder: folders get an x for each r, so that they can be entered."""
    return mode | (mode & 0o444) >> 2 if folder else mode


def below(path: str, keep: Collection[str]) -> Iterator[os.DirEntry[str]]:
    """Everything in a folder, what is in a folder before itself; what is at or below `keep` is left out."""
    with os.scandir(path) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if entry.path in keep:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from below(entry.path, keep)
        yield entry


def chmod(effect: Chmod) -> None:
    """Change the mode of everything in a folder, the innermost first, lest it can no longer be reached."""
    with in_words("change the modes in", effect.path):
        if os.path.islink(effect.path) or not os.path.isdir(effect.path):
            raise EffectError(f"{effect.path} is not a folder", "Leave out `recurse`.")
        for entry in below(effect.path, effect.keep):
            if not entry.is_symlink():
                folder = entry.is_dir(follow_symlinks=False)
                os.chmod(entry.path, mode_in_tree(effect.mode, folder=folder))
        os.chmod(effect.path, mode_in_tree(effect.mode, folder=True))


def copy(effect: Copy, tell: Tell, cancelled: Stop) -> None:
    """Copy what differs, file by file; an interruption leaves whole files, and the next run goes on.

    Raises Interrupted as soon as `cancelled()`.
    """
    source = os.path.realpath(effect.source)
    with in_words(f"copy {effect.source} to", effect.path):
        if not os.path.isdir(source):
            work = [(source, effect.path)]
        else:
            skipped = {source + path.removeprefix(effect.path) for path in effect.keep}
            Path(effect.path).mkdir(parents=True, exist_ok=True)
            work = [
                (entry.path, effect.path + entry.path.removeprefix(source))
                for entry in below(source, skipped)
            ]
        differing = [(old, new) for old, new in work if differs(old, new)]
        total = sum(bytes_of(old) for old, _ in differing)
        done = 0
        for old, new in differing:
            if cancelled():
                raise Interrupted("the copy was stopped")
            for size in copy_one(old, new, cancelled):
                done += size
                tell(done, total, "copying")


def bytes_of(path: str) -> int:
    """The size of a file; 0 for anything else."""
    found = os.lstat(path)
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


def differs(source: str, path: str) -> bool:
    """Whether a file, a link or a folder is not yet what another one is."""
    if not os.path.lexists(path):
        return True
    theirs, ours = os.lstat(source), os.lstat(path)
    if stat.S_IFMT(theirs.st_mode) != stat.S_IFMT(ours.st_mode):
        return True
    if stat.S_ISLNK(theirs.st_mode):
        return os.readlink(source) != os.readlink(path)
    same = theirs.st_size == ours.st_size and same_time(theirs.st_mtime_ns, ours.st_mtime_ns)
    return not stat.S_ISDIR(theirs.st_mode) and not same


def copy_one(source: str, path: str, cancelled: Stop) -> Iterator[int]:
    """Copy one thing with its mode and its time; yields how many bytes were copied each time."""
    found = os.lstat(source)
    target = Path(path)
    if stat.S_ISDIR(found.st_mode):
        target.mkdir(parents=True, exist_ok=True)
    elif stat.S_ISLNK(found.st_mode):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(os.readlink(source))
        temporary.replace(target)
    elif stat.S_ISREG(found.st_mode):
        with open(source, "rb") as data, replacing(path, stat.S_IMODE(found.st_mode), sync=False) as file:
            while piece := data.read(PIECE):
                if cancelled():
                    raise Interrupted("the copy was stopped")
                file.write(piece)
                yield len(piece)
            file.flush()
            os.utime(file.fileno(), ns=(found.st_atime_ns, found.st_mtime_ns))
    else:
        raise EffectError(f"{source} is neither a file nor a folder", "Remove it, or copy what is beside it.")


def move(effect: Move, cancelled: Stop) -> None:
    """Move a file or a folder, also to another file system. Raises Interrupted as soon as `cancelled()`."""
    with in_words(f"move {effect.source} to", effect.path):
        if os.path.lexists(effect.path):
            raise EffectError(f"{effect.path} exists", "Move it away, or choose another path.")
        Path(effect.path).parent.mkdir(parents=True, exist_ok=True)
        try:
            os.rename(effect.source, effect.path)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            move_across(effect, cancelled)


def move_across(effect: Move, cancelled: Stop) -> None:
    """Copy, and remove the source once the copy is complete."""
    folder, name = os.path.split(effect.path)
    part = os.path.join(folder, f".{name}.provisioner-part")
    discard(part)

    def take(source: str, path: str) -> str:
        if cancelled():
            raise Interrupted("the move was stopped")
        return str(shutil.copy2(source, path, follow_symlinks=False))

    try:
        if os.path.isdir(effect.source) and not os.path.islink(effect.source):
            shutil.copytree(effect.source, part, symlinks=True, copy_function=take)
        else:
            take(effect.source, part)
        os.rename(part, effect.path)
    except BaseException:
        discard(part)
        raise
    discard(effect.source)


def discard(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        Path(path).unlink(missing_ok=True)
