"""The mount table, as /proc/self/mounts has it: see fstab(5)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

TABLE = "/proc/self/mounts"


def types(table: str) -> Mapping[str, str]:
    """The type of the file system at each mount point; what was mounted last is on top."""
    lines = (line.split() for line in table.splitlines())
    return {unescaped(words[1]): words[2] for words in lines if len(words) > 2}


def unescaped(place: str) -> str:
    """In the table, odd characters are octal."""
    raw = re.sub(rb"\\([0-7]{3})", lambda match: bytes([int(match[1], 8)]), os.fsencode(place))
    return os.fsdecode(raw)


def mount_of(path: str) -> str:
    """The mount point that a path of this machine lies on, with links followed. Raises OSError."""
    place = os.path.realpath(path)
    with open(TABLE, encoding="utf-8", errors="surrogateescape") as table:
        points = types(table.read())
    while place not in points and place != "/":
        place = os.path.dirname(place)
    return place
