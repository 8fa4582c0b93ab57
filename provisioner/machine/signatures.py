"""Signatures that show whether something on this machine has changed.

Only the standard library, and little of it: a no-op pays for it.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Mapping

Note = tuple[str, str]
"""What was looked at, and how: ("at", "/etc/hosts")."""


ROOM = 1 << 30
"""Bytes: free space is compared by the gibibyte, since it changes all the time."""


WITHOUT_TIMES = ("/proc/", "/sys/")
"""Virtual file systems: their times say nothing, so contents are compared."""


def state_folder(environ: Mapping[str, str]) -> str:
    """Where journal, logs and caches live: where XDG says, else the system's place for root."""
    if base := environ.get("XDG_STATE_HOME"):
        return os.path.join(base, "provisioner")
    if os.geteuid() == 0:
        return "/var/lib/provisioner"
    return os.path.expanduser("~/.local/state/provisioner")


def signature(found: os.stat_result) -> list[int]:
    """What identifies a file and its state."""
    return [found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def at(path: str) -> object:
    """What is at a path, a link for itself."""
    try:
        return signature(os.lstat(path))
    except OSError as error:
        return error.errno


def of(path: str) -> object:
    """What a path leads to: the contents of a file, the names in a folder."""
    try:
        if path.startswith(WITHOUT_TIMES):
            with open(path, "rb") as file:
                return zlib.crc32(file.read())
        return signature(os.stat(path))
    except OSError as error:
        return error.errno


def is_set(name: str) -> object:
    """Whether a secret variable has a value; None where it is not set."""
    value = os.environ.get(name)
    return None if value is None else bool(value)


def variables(_: str) -> object:
    """The names of all variables."""
    return sorted(os.environ)


def free(path: str) -> int:
    """Bytes that may still be written below a path, which need not exist yet. Raises OSError."""
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


def room(path: str) -> object:
    """Free space below a path, coarsely."""
    try:
        return free(path) // ROOM
    except OSError as error:
        return error.errno


def program(name: str) -> object:
    """Where a program is found."""
    import shutil

    return shutil.which(name)


def devices(_: str) -> object:
    """The device names of accelerators."""
    try:
        nodes = [name for name in os.listdir("/dev") if name.startswith(("nvidia", "accel", "vfio"))]
        return [sorted(nodes), sorted(os.listdir("/sys/bus/pci/devices"))]
    except OSError as error:
        return error.errno


def kernel(_: str) -> object:
    """Which notebook's kernel started us."""
    from provisioner.machine.kernel_process import kernel_process

    found = kernel_process()
    return found and list(found)


SIGNS: dict[str, Callable[[str], object]] = {
    "at": at,
    "of": of,
    "env": os.environ.get,
    "set": is_set,
    "names": variables,
    "room": room,
    "program": program,
    "devices": devices,
    "kernel": kernel,
}
