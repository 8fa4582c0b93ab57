"""Distributions that a spec wants gone, and what may keep them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from provisioner.facts.distributions import Installed
from provisioner.kinds.pip.closure import Closure
from provisioner.kinds.pip.resolve import Held, Outcome, Solution


@dataclass(frozen=True)
class Unwanted:
    name: str
    version: str | None = None
    kept_by: str = ""
    """Why it cannot go."""

    @property
    def goes(self) -> bool:
        return self.version is not None and not self.kept_by


def look_at_unwanted(
    names: Iterable[str], installed: Installed, closure: Closure, outcome: Outcome | None
) -> Iterator[Unwanted]:
    needed_by = dict(closure.needed_by)
    if isinstance(outcome, Solution | Held):
        needed_by |= {move.name: "what is wanted" for move in outcome.moves}
        needed_by |= {name: wants[0][0] for name, wants in outcome.needs.items()}
    for name in names:
        there = installed.get(name)
        version = there.version if there else None
        kept_by = ""
        if there and there.by_apt:
            kept_by = f"It belongs to apt: name python3-{name} in apt.absent."
        elif by := needed_by.get(name):
            kept_by = f"{by} needs it: take one of the two out of the file."
        yield Unwanted(name, version, kept_by)
