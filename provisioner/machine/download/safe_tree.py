"""A folder that is being built from untrusted names and bytes: nothing is ever written outside it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from provisioner.machine.download.receipt import SUFFIX, Entry, even_seconds
from provisioner.model.errors import EffectError

MEMBERS = 2_000_000
"""More files, folders and links than any honest archive has."""
RESERVE = 16 * 1024**2
"""Bytes left free on the disk."""

Parts = tuple[str, ...]


@dataclass
class Tree:
    """Files are made at once. Links come last, in `finish`, so that nothing is ever written through one."""

    root: str
    strip: int = 0
    room: int = 0
    """Bytes that may still be written."""
    entries: dict[str, Entry] = field(default_factory=dict)
    links: dict[Parts, str] = field(default_factory=dict)
    members: int = 0

    def place(self, name: str) -> Parts | None:
        """Where a member goes; None for one that `strip` drops, and for an old receipt.

        Raises EffectError for a name that leads out of the tree.
        """
        self.members += 1
        if self.members > MEMBERS:
            raise EffectError(f"the archive contains more than {MEMBERS} members", "Is it the right file?")
        parts = tuple(part for part in name.split("/") if part not in {"", "."})
        if name.startswith("/") or ".." in parts or "\0" in name:
            raise refusal(name, "leads out of the folder")
        kept = parts[self.strip :]
        return None if kept in {(), (SUFFIX,)} else kept

    def path(self, parts: Parts) -> str:
        return os.path.join(self.root, *parts)

    def claim(self, size: int) -> None:
        """Reserve `size` bytes of the free space."""
        self.expect(size)
        self.room -= size

    def expect(self, size: int) -> None:
        """Raise EffectError when there is no space for `size` bytes."""
        if size > self.room:
            raise EffectError(
                "the contents are larger than the free space",
                "Free some space, or choose another `to`; nothing was unpacked.",
            )

    def folder(self, name: str) -> None:
        parts = self.place(name)
        if parts:
            os.makedirs(self.path(parts), exist_ok=True)

    def file(self, name: str, chunks: Iterator[bytes], mtime: float, *, executable: bool) -> int:
        """Write one file and return its size. Of its mode only the executable bit is kept."""
        parts = self.place(name)
        if parts is None:
            return sum(map(len, chunks))
        path, digest, size = self.vacate(parts), hashlib.sha256(), 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(path, flags, 0o777 if executable else 0o666), "wb") as file:
            for chunk in chunks:
                self.claim(len(chunk))
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        self.note(parts, size, even_seconds(mtime), digest.hexdigest())
        return size

    def vacate(self, parts: Parts) -> str:
        """Make the folders above and remove an earlier member of the same name: the last one counts."""
        path = self.path(parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if self.entries.pop("/".join(parts), None):
            Path(path).unlink()
        self.links.pop(parts, None)
        return path

    def note(self, parts: Parts, size: int, mtime_ns: int, mark: str) -> None:
        os.utime(self.path(parts), ns=(mtime_ns, mtime_ns))
        relative = "/".join(parts)
        self.entries[relative] = (relative, size, mtime_ns, mark)

    def link(self, name: str, target: str) -> None:
        """Remember a symbolic link. It may climb only at its beginning, and not above the tree's root."""
        parts = self.place(name)
        if parts is None:
            return
        steps = [step for step in target.split("/") if step not in {"", "."}]
        climbs = next((index for index, step in enumerate(steps) if step != ".."), len(steps))
        if target.startswith("/") or "\0" in target or ".." in steps[climbs:] or climbs >= len(parts):
            raise refusal(name, f"is a link that leads out of the folder, to {target!r}")
        self.vacate(parts)
        self.links[parts] = target

    def hard_link(self, name: str, target: str) -> None:
        """A second name for a file that came before."""
        parts, source = self.place(name), self.place(target)
        known = self.entries.get("/".join(source or ()))
        if parts is None or parts == source:
            return
        if source is None or known is None:
            raise refusal(name, f"is a link to {target!r}, which is not in the archive")
        path = self.vacate(parts)
        self.claim(known[1])
        shutil.copyfile(self.path(source), path)
        shutil.copymode(self.path(source), path)
        self.note(parts, *known[1:])

    def finish(self) -> list[Entry]:
        """Make the links and return all entries of the tree, in order."""
        for parts, target in self.links.items():
            path = self.path(parts)
            if os.path.lexists(path):
                raise refusal("/".join(parts), "is both a link and a folder")
            os.symlink(target, path)
            relative = "/".join(parts)
            self.entries[relative] = (relative, 0, 0, f"-> {target}")
        return sorted(self.entries.values())


def refusal(name: str, why: str) -> EffectError:
    return EffectError(
        f"the archive's member {name!r} {why}", "Nothing was unpacked. Do not trust this archive."
    )
