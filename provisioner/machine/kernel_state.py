"""What can be seen of a notebook's kernel, from within it and from a process that it started.

Sources: proc(5) for maps and stat; a library that was replaced while mapped is shown as "(deleted)".
"""

from __future__ import annotations

import os
import re
import sys
from typing import Any, TypeAlias

from provisioner.machine.kernel_process import fields, kernel_process
from provisioner.model.kernel import Kernel

Shell: TypeAlias = Any
"""IPython's shell, which has no types."""

MAPPED = re.compile(r"^\S+ \S+ \S+ \S+ [1-9]\d* +(/.*?\.so)( \(deleted\))?$", re.MULTILINE)


def running_shell() -> Shell | None:
    """The IPython shell of the kernel that this process is; None in any other process."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module and hasattr(module, "get_ipython") else None
    return shell if getattr(shell, "kernel", None) is not None else None


def look_from_outside() -> Kernel | None:
    """The kernel among our parents, by the libraries that it has mapped."""
    found = kernel_process()
    if found is None:
        return None
    present, deleted = mapped(found[0])
    return Kernel(inside=False, modules=dict.fromkeys(present | deleted, ""), deleted=deleted)


def look_from_inside(shell: Shell, replaced: frozenset[str], refused: dict[str, str]) -> Kernel:
    """The kernel that this process is."""
    return Kernel(
        modules=imported(),
        deleted=mapped(os.getpid())[1],
        replaced=replaced,
        started_ns=started_ns(os.getpid()),
        extensions=tuple(sorted(shell.extension_manager.loaded)),
        path=tuple(sys.path),
        folder=os.getcwd(),
        refused=dict(refused),
    )


def imported() -> dict[str, str]:
    """The file of each imported module, and its version; that may be missing, or not text."""
    found = {}
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str):
            version = vars(module).get("__version__")
            found[file] = version if isinstance(version, str) else ""
    return found


def mapped(pid: int) -> tuple[frozenset[str], frozenset[str]]:
    """The libraries that a process has mapped: those that are on disk, and those that no longer are."""
    try:
        with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as file:
            found = set(MAPPED.findall(file.read()))
    except OSError:
        return frozenset(), frozenset()
    return (
        frozenset(path for path, gone in found if not gone),
        frozenset(path for path, gone in found if gone),
    )


def started_ns(pid: int) -> int:
    """When a process was started, in nanoseconds since the epoch."""
    with open("/proc/stat", encoding="ascii") as file:
        booted = next(int(line.split()[1]) for line in file if line.startswith("btime "))
    return booted * 10**9 + fields(pid)[19] * 10**9 // os.sysconf("SC_CLK_TCK")
