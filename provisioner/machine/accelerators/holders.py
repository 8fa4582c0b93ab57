"""Which processes have a device open."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from provisioner.machine.accelerators.pci import read


@dataclass(frozen=True)
class Holder:
    """A process; its name is "" when we cannot see it, as for one outside this container."""

    pid: int
    name: str = ""

    def __str__(self) -> str:
        return f"process {self.pid} ({self.name})" if self.name else f"process {self.pid}"


def name_of(root: Path, pid: int) -> str:
    """The name that the kernel has for a process: at most 15 characters of its program's."""
    return read(root / f"proc/{pid}/comm")


def holders(root: Path, nodes: Collection[str]) -> Iterator[Holder]:
    """The other processes that have one of the device files in `nodes` open, as far as we may look."""
    try:
        pids = sorted(int(name) for name in os.listdir(root / "proc") if name.isdigit())
    except OSError:
        return
    for pid in pids:
        if pid != os.getpid() and holds(root / f"proc/{pid}/fd", nodes):
            yield Holder(pid, name_of(root, pid))


def holds(folder: Path, nodes: Collection[str]) -> bool:
    try:
        return any(os.readlink(folder / number) in nodes for number in os.listdir(folder))
    except OSError:  # it ended meanwhile, or is another user's
        return False
