"""Where paths lead: links are followed in one place, and one that leads in a circle leads nowhere."""

from __future__ import annotations

import posixpath

from provisioner.machine.reader import Reader, Stat
from provisioner.model.names import composed

LINKS = 40
"""Symbolic links followed one after the other before we call it a circle, as Linux does."""


def follow(path: str, reader: Reader) -> str | None:
    """Where a path leads when its last part is a symbolic link; None when links lead in a circle."""
    place, ahead = way(path)
    links = 0
    while ahead:
        part = ahead.pop(0)
        if part == "..":
            place = posixpath.dirname(place)
        elif part not in ("", "."):
            path = posixpath.join(place, part)
            stat = reader.stat(path)
            if stat and stat.link is not None:
                if (links := links + 1) > LINKS:
                    return None
                place, steps = way(posixpath.join(place, stat.link))
                ahead = [*steps, *ahead]
            elif ahead and not (stat and stat.type == "folder"):
                return posixpath.join(path, *ahead)
            else:
                place = path
    return place


def way(path: str) -> tuple[str, list[str]]:
    """A folder and the steps from there: all of a path with `..`, which goes up from where a link led."""
    parts = path.split("/")
    if ".." in parts:
        return "/", parts
    place, name = posixpath.split(posixpath.normpath(path))
    return place, [name]


def look_through(path: str, reader: Reader) -> Stat | None:
    """What is at a path once its links are followed; None for nothing."""
    place = follow(path, reader)
    return reader.stat(place) if place else None


def as_stored(path: str, reader: Reader) -> str:
    """An absolute path as the file system writes it.

    A name that is not there stands for one that reads the same and is: see `composed`.
    """
    if path.isascii() or reader.stat(path):
        return path
    place = "/"
    for part in path.split("/"):
        place = posixpath.join(place, stored_name(part, place, reader))
    return place


def stored_name(name: str, folder: str, reader: Reader) -> str:
    """A name as its folder writes it; unchanged where it has nothing that reads the same."""
    if name.isascii() or reader.stat(posixpath.join(folder, name)):
        return name
    same = (other for other in reader.list(folder) or () if composed(other) == composed(name))
    return next(same, name)
