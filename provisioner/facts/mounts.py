"""What is mounted where."""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.machine import mounts
from provisioner.machine.reader import Reader

TABLE = mounts.TABLE


def mounted(reader: Reader) -> Mapping[str, str]:
    """The type of the file system at each mount point."""
    return mounts.types((reader.read(TABLE) or b"").decode(errors="surrogateescape"))
