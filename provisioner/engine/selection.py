"""The part of a spec that a command is about."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass


@dataclass(frozen=True)
class Selection:
    """The part of a spec that a command is about.

    Each word is a kind (`pip`), an entry or a step (`datasets.flowers`), or a check (`verify.import numpy`).
    """

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()

    def concerns(self, entry: str, entries: Container[str]) -> bool:
        """Whether anything of an entry may be asked for: all of it, or what may be a step or check of it.

        `entries` are the addresses of all entries: a word that is one of them means no part of another.
        """
        part = any(word.startswith(f"{entry}.") and word not in entries for word in self.only)
        return self.has(entry) or (part and not self.skips(entry))

    def has(self, *names: str) -> bool:
        """Whether something is asked for, given the address of its entry, and its own if it is a part."""
        return not self.skips(*names) and (not self.only or means(self.only, names))

    def skips(self, *names: str) -> bool:
        return means(self.skip, names)


def means(words: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """Whether one of `words` is one of `names`, or their kind."""
    return any(word in names or word == names[0].partition(".")[0] for word in words)


EVERYTHING = Selection()
