"""Archives: unpacked into a folder beside the destination, which then replaces it."""

from __future__ import annotations

import contextlib
import glob
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from provisioner.machine.download import archives, receipt, web
from provisioner.machine.download.fetch import hash_of
from provisioner.machine.download.safe_tree import RESERVE, Tree
from provisioner.machine.files import in_words
from provisioner.machine.urls import file_url
from provisioner.model.effects import Unpack
from provisioner.model.errors import EffectError, Interrupted

DAMAGED = "Give its sha256 in the spec, so that a damaged download is noticed, and apply again."

READERS = {"zip": archives.read_zip, "tar": archives.read_tar}

Tell = Callable[[int, int, str], None]


def unpack(effect: Unpack, tell: Tell, cancelled: Callable[[], bool]) -> str:
    """Unpack a zip, a tar with or without compression, or a gz, and return "".

    `to` changes only once everything is unpacked. Raises EffectError for an archive that is damaged,
    encrypted, too large or hostile, and Interrupted as soon as `cancelled()`.
    """

    def watch(done: int, total: int) -> None:
        if cancelled():
            raise Interrupted("unpacking was stopped")
        tell(done, total, "unpacking")

    to = Path(os.path.realpath(effect.to))
    with in_words("unpack to", effect.to):
        to.parent.mkdir(parents=True, exist_ok=True)
        sweep(to)
        try:
            if effect.format == "gz":
                unpack_gz(effect, to, watch)
            else:
                unpack_tree(effect, to, watch)
        finally:
            sweep(to)
        if effect.consume:
            throw_away(effect)
    return ""


def unpack_gz(effect: Unpack, to: Path, watch: archives.Watch) -> None:
    """One compressed file becomes the file `to`."""
    fresh = new(to)
    tree = Tree(str(fresh), room=room(fresh))
    with damage_in_words(effect):
        archives.read_gz(effect.archive, tree, watch, to.name)
    if effect.receipt:
        note_down(effect, tree.finish(), effect.receipt)
    (fresh / to.name).replace(to)


def unpack_tree(effect: Unpack, to: Path, watch: archives.Watch) -> None:
    """The members become the folder `to`."""
    refuse_strangers(effect, to)
    fresh = new(to)
    tree = Tree(str(fresh), effect.strip, room(fresh))
    with damage_in_words(effect):
        READERS[effect.format](effect.archive, tree, watch)
        entries = tree.finish()
    if not entries:
        raise EffectError("the archive has no file to unpack", f"Is `strip: {effect.strip}` too much?")
    if effect.receipt:
        note_down(effect, entries, str(fresh / Path(effect.receipt).name))
    if effect.over and not to.is_dir():
        to.unlink(missing_ok=True)
    take_place(fresh, to, receipt.Others(effect.keep))


def refuse_strangers(effect: Unpack, to: Path) -> None:
    """Never replace what we did not put there, unless the plan knows where it came from."""
    if effect.over or not effect.receipt or not os.path.lexists(to):
        return
    ours = (to / Path(effect.receipt).name).exists()
    if not to.is_dir() or not (ours or all(map(receipt.Others(effect.keep).own, files_below(to)))):
        raise EffectError(f"{to} exists and is not from a dataset", "Move it away, or choose another `to`.")


# What is wrong with an archive.


@contextlib.contextmanager
def damage_in_words(effect: Unpack) -> Iterator[None]:
    """Turn the standard library's many errors for damaged archives into one."""
    import lzma
    import tarfile
    import zipfile
    import zlib

    try:
        yield
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        name = Path(error.filename or "").name
        raise EffectError(f"two members of the archive conflict at {name!r}", DAMAGED) from error
    except NotImplementedError as error:
        raise EffectError(f"the archive uses an unsupported format: {error}", archives.REPACK) from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise damaged(effect, error) from error
    except (EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, ValueError) as error:
        raise damaged(effect, error) from error


def damaged(effect: Unpack, error: Exception) -> EffectError:
    """Report a damaged archive, and remove it if we downloaded it, so that the next run fetches it again."""
    with Path(effect.archive).open("rb") as file:
        beginning = file.read(512)
    if effect.consume:
        throw_away(effect)
    if web.is_page(beginning):
        return EffectError("the download is not an archive", web.PAGE)
    return EffectError(f"the archive is damaged, or is not a {effect.format}: {error}", DAMAGED)


def throw_away(effect: Unpack) -> None:
    Path(effect.archive).unlink(missing_ok=True)
    Path(effect.archive + receipt.SUFFIX).unlink(missing_ok=True)


# The destination.


def scratch(to: Path, role: str) -> Path:
    """A name beside `to`, on the same file system, that a later run recognises as ours."""
    return to.with_name(f".{to.name}.provisioner-{role}")


def new(to: Path) -> Path:
    """An empty folder beside `to`."""
    folder = scratch(to, f"new-{secrets.token_hex(4)}")
    folder.mkdir()
    return folder


def room(folder: Path) -> int:
    return max(0, shutil.disk_usage(folder).free - RESERVE)


def sweep(to: Path) -> None:
    """Remove what an unfinished run left, after restoring what it had moved aside."""
    old = scratch(to, "old")
    if old.exists() and not os.path.lexists(to):
        old.rename(to)
    for left in (old, *to.parent.glob(f"{glob.escape(str(scratch(to, 'new').name))}-*")):
        if os.path.lexists(left):
            shutil.rmtree(left)


def note_down(effect: Unpack, entries: list[receipt.Entry], path: str) -> None:
    """Write the receipt: what the archive's own says, and every file."""
    noted = receipt.load(read_if_there(effect.archive + receipt.SUFFIX))
    whole = replace(noted, strip=effect.strip) if noted else described(effect)
    receipt.write(path, whole, entries)


def described(effect: Unpack) -> receipt.Receipt:
    """The receipt of an archive that came without one."""
    size = Path(effect.archive).stat().st_size
    return receipt.Receipt(file_url(effect.archive), hash_of(effect.archive), size, effect.strip)


def read_if_there(path: str) -> bytes | None:
    return Path(path).read_bytes() if Path(path).exists() else None


def files_below(folder: Path) -> Iterator[str]:
    """The relative name of everything in a folder that is not a folder itself."""
    for above, folders, names in os.walk(folder):
        links = [name for name in folders if Path(above, name).is_symlink()]
        yield from (str(Path(above, name).relative_to(folder)) for name in (*names, *links))


def take_place(fresh: Path, to: Path, others: receipt.Others) -> None:
    """Put `fresh` where `to` is. An empty folder is replaced at once; a full one is moved aside."""
    if to.is_dir():
        if to.is_mount():
            raise EffectError(f"{to} is a mount point", "Choose a folder below it as `to`.")
        shutil.copymode(to, fresh)
        carry_over(to, fresh, others)
        if any(to.iterdir()):
            to.rename(scratch(to, "old"))
    fresh.rename(to)


def carry_over(old: Path, fresh: Path, others: receipt.Others) -> None:
    """Copy to `fresh` what is in `old` and not from the archive.

    What `others` own wins over files of the archive, and these win over the rest.
    """
    known = {receipt.SUFFIX}
    noted = receipt.load(read_if_there(receipt.inside(str(old))))
    with contextlib.suppress(ValueError):  # a damaged receipt lists nothing
        known |= {name for name, *_ in noted.entries()} if noted else set()
    for theirs in others.made:
        if os.path.lexists(old / theirs):
            replace_tree(old / theirs, fresh / theirs)
    for relative in files_below(old):
        if relative not in known and not os.path.lexists(fresh / relative):
            link_or_copy(old / relative, fresh / relative)


def replace_tree(source: Path, goal: Path) -> None:
    """Make `goal` what `source` is, with its empty folders."""
    if goal.is_dir() and not goal.is_symlink():
        shutil.rmtree(goal)
    else:
        goal.unlink(missing_ok=True)
    if source.is_symlink() or not source.is_dir():
        link_or_copy(source, goal)
        return
    for above, _, _ in os.walk(source):
        (goal / Path(above).relative_to(source)).mkdir(parents=True, exist_ok=True)
    for relative in files_below(source):
        link_or_copy(source / relative, goal / relative)


def link_or_copy(source: Path, goal: Path) -> None:
    """One file or link at two places, with the folders above the second."""
    goal.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, goal, follow_symlinks=False)
    except OSError:  # not every file system has hard links
        shutil.copy2(source, goal, follow_symlinks=False)
