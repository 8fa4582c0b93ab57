"""How what is installed compares with what a section asks for, read from files before uv is asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from provisioner.facts.distributions import Distribution, Installed, PipRequirement
from provisioner.kinds.pip.closure import Closure, Walker
from provisioner.kinds.pip.requirements import Requirements
from provisioner.machine.reader import Reader

OURSELVES = "colab-provisioner"
"""Never taken for damaged: it runs, and if it was installed from a folder, no index could repair it."""


@dataclass(frozen=True)
class PipComparison:
    """What a section asks for, beside what is there."""

    requirements: Requirements
    walker: Walker
    closure: Closure
    damaged: Mapping[str, str]
    """What is wrong with damaged distributions, by name."""

    @property
    def installed(self) -> dict[str, Distribution]:
        return self.walker.installed.found

    @property
    def applying(self) -> list[PipRequirement]:
        """The requirements that are for an interpreter like this."""
        return [each for each in self.requirements.wanted if self.walker.applies(each)]


def compare(
    requirements: Requirements, reader: Reader, *, deps: bool, absent: Collection[str]
) -> PipComparison:
    """Follow requirements through what is installed, with all that they need where `deps` says so.

    `absent` names what is not wanted, so damage to it does not matter.
    """
    walker = Walker(Installed(reader), requirements.limits)
    closure = walker.walk(requirements.wanted, deps=deps)
    damaged = find_damage(reader, walker.installed, closure, absent)
    return PipComparison(requirements, walker, closure, damaged)


def find_damage(
    reader: Reader, installed: Installed, closure: Closure, absent: Iterable[str]
) -> dict[str, str]:
    """What is damaged of what the spec leads to, or of everything after a run was cut short.

    Where requirements are not met, uv goes on from there, and must not find what is installed only in part.
    """
    suspect = "pip" in reader.context.suspects
    names = closure.reached.keys() | closure.unmet
    if closure.lacking:
        names |= installed.partial()
    looked_at = set(installed.found) if suspect else names & installed.found.keys()
    found = {
        name: installed.damage(installed.found[name], thorough=suspect, hashes=reader.context.deep)
        for name in sorted(looked_at - {*absent, OURSELVES})
    }
    return {name: what for name, what in found.items() if what}
