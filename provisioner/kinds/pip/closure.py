"""Whether requirements are met by what is installed, with their extras and all that they need in turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName, default_environment

from provisioner.facts.distributions import Distribution, Installed, PipRequirement
from provisioner.kinds.pip.origins import comes_from, is_editable

ITSELF = ""
"""Means a distribution without any extra."""


@dataclass(frozen=True)
class Lack:
    """A requirement that is not met; `by` is who needs it, "" where it is the spec."""

    requirement: PipRequirement
    by: str = ""

    @property
    def name(self) -> str:
        return self.requirement.name


@dataclass
class Closure:
    """The installed distributions that requirements lead to, and where the way ends."""

    reached: dict[str, Distribution] = field(default_factory=dict)
    needed_by: dict[str, str] = field(default_factory=dict)
    """The first to lead to each; "" for what the spec names itself."""
    extras: dict[str, set[str]] = field(default_factory=dict)
    """What each was asked for, ITSELF included."""
    lacking: list[Lack] = field(default_factory=list)
    named: frozenset[str] = frozenset()
    """What the spec itself names, as far as it applies here."""

    @property
    def unmet(self) -> set[str]:
        return {lack.name for lack in self.lacking}


@dataclass
class Walker:
    """Follows requirements through `installed`, for an interpreter with the marker values `environment`."""

    installed: Installed
    constraints: Mapping[str, list[PipRequirement]]
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        values = default_environment()
        self.environment = {key: str(value) for key, value in values.items()}
        self.environment |= self.installed.reader.context.python.markers or {}

    def walk(self, requirements: Iterable[PipRequirement], *, deps: bool = True) -> Closure:
        """All that requirements lead to; without `deps` no further than their own names."""
        applying = [each for each in requirements if self.applies(each)]
        closure = Closure(named=frozenset(each.name for each in applying))
        queue = deque((each, "") for each in applying)
        while queue:
            requirement, by = queue.popleft()
            name = requirement.name
            distribution = self.installed.get(name)
            if distribution is None or not self.meets(distribution, requirement):
                closure.lacking.append(Lack(requirement, by))
                continue
            closure.reached[name] = distribution
            closure.needed_by.setdefault(name, by)
            seen = closure.extras.setdefault(name, set())
            extras = {ITSELF, *requirement.extras} - seen
            seen |= extras
            if deps and extras:
                queue.extend((need, name) for need in self.needs(distribution, frozenset(extras)))
        return closure

    def needs(
        self, distribution: Distribution, extras: frozenset[str] = frozenset({ITSELF})
    ) -> list[PipRequirement]:
        """What a distribution needs here for `extras`, by default for itself alone."""
        found = self.installed.requires(distribution, extras)
        return [need for need in found if any(self.applies(need, extra) for extra in extras)]

    def applies(self, requirement: PipRequirement, extra: str = ITSELF) -> bool:
        return requirement.marker is None or self.holds(requirement.marker, extra)

    def holds(self, marker: Marker, extra: str) -> bool:
        try:
            return marker.evaluate({**self.environment, "extra": extra})
        except (UndefinedComparison, UndefinedEnvironmentName):
            return True

    def meets(self, distribution: Distribution, requirement: PipRequirement) -> bool:
        version = distribution.version
        limits = self.constraints.get(distribution.name, ())
        if not all(each.accepts(version) for each in limits if self.applies(each)):
            return False
        if requirement.editable is not None:
            return is_editable(self.installed.origin(distribution), requirement.editable)
        if requirement.url is not None:
            return comes_from(self.installed.origin(distribution), requirement.url)
        return requirement.accepts(version)
