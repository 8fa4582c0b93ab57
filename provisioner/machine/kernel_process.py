"""The notebook's kernel among our parents: a cell's `!` starts us as its child, or its grandchild.

Only the standard library, and little of it: a no-op apply imports it.
"""

from __future__ import annotations

import os
import re

LAUNCHER = re.compile(rb"[\0/](?:ipykernel_launcher|colab_kernel_launcher|ipykernel)(?:\.py)?[\0/]")
"""In a kernel's command line; Colab starts its own module in place of ipykernel's."""

MOST = 16
"""Generations that are looked at."""


def kernel_process(pid: int | None = None) -> tuple[int, int] | None:
    """Process id and start time (clock ticks since boot) of the kernel that we descend from, or None."""
    for _ in range(MOST):
        parent = os.getppid() if pid is None else fields(pid)[1]
        if parent <= 1:
            return None
        try:
            with open(f"/proc/{parent}/cmdline", "rb") as file:
                if LAUNCHER.search(file.read()):
                    return parent, fields(parent)[19]
        except OSError:
            return None
        pid = parent
    return None


def fields(pid: int) -> list[int]:
    """The numbers of /proc/PID/stat that follow the program's name, the state as 0: see proc(5)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            after_name = file.read().rpartition(")")[2]
    except OSError:
        return [0] * 20
    return [int(word) if word.lstrip("-").isdigit() else 0 for word in after_name.split()]
