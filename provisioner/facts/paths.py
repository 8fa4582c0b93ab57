"""Where paths lead: links are followed in one place, and one that leads in a circle leads nowhere."""

from __future__ import annotations

import posixpath

from provisioner.machine.reader import Reader, Stat

LINKS = 40
"""Symbolic links followed one after the other before we call it a circle, as Linux does."""


def follow(path: str, reader: Reader) -> str | None:
    """Where a path leads when its last part is a symbolic link; None when links lead in a circle."""
    for _ in range(LINKS):
        stat = reader.stat(path)
        if stat is None or stat.link is None:
            return path
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), stat.link))
    return None


def look_through(path: str, reader: Reader) -> Stat | None:
    """What is at a path once its links are followed; None for nothing."""
    place = follow(path, reader)
    return reader.stat(place) if place else None
