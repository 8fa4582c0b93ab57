"""The part of a spec that a command is about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Selection:
    """The part of a spec that a command is about: kinds (`pip`) or steps (`datasets.flowers`)."""

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()

    def has_kind(self, name: str) -> bool:
        """Whether anything of a kind may be asked for."""
        return name not in self.skip and (not self.only or name in {w.partition(".")[0] for w in self.only})

    def has(self, address: str) -> bool:
        """Whether one step or check is asked for."""

        def named(words: tuple[str, ...]) -> bool:
            return any(address == word or address.startswith(word + ".") for word in words)

        return not named(self.skip) and (not self.only or named(self.only))


EVERYTHING = Selection()
