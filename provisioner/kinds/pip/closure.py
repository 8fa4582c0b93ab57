"""Whether requirements are met by what is installed, with their extras and all that they need in turn."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from provisioner.facts.distributions import Distribution, Installed, accepts
from provisioner.kinds.pip.requirements import Wanted
from provisioner.model.redaction import redact

REPOSITORY = re.compile(r"(?:git|hg|bzr|svn)\+(?P<place>\w+://[^/]*/[^@]*)(?:@(?P<revision>.+))?")
COMMIT = re.compile(r"[0-9a-f]{7,40}")


@dataclass(frozen=True)
class Lack:
    """A requirement that is not met; `by` needs it, or nobody but the spec."""

    requirement: Requirement
    by: str = ""

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)


@dataclass
class Closure:
    """The installed distributions that requirements lead to, and where the way ends."""

    reached: dict[str, Distribution] = field(default_factory=dict)
    needed_by: dict[str, str] = field(default_factory=dict)
    """The first to lead to each; "" for what the spec names itself."""
    extras: dict[str, set[str]] = field(default_factory=dict)
    """What each was asked for: "" stands for itself."""
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
    constraints: Mapping[str, list[Requirement]]
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        values = default_environment()
        self.environment = {key: str(value) for key, value in values.items()}
        self.environment |= self.installed.reader.context.python.markers or {}

    def walk(self, wanted: Iterable[Wanted], *, deps: bool = True) -> Closure:
        """All that `wanted` leads to; without `deps` no further than its own names."""
        applying = [each for each in wanted if self.applies(each.requirement)]
        closure = Closure(named=frozenset(each.name for each in applying))
        queue = deque((each.requirement, each.editable, "") for each in applying)
        while queue:
            requirement, editable, by = queue.popleft()
            name = canonicalize_name(requirement.name)
            distribution = self.installed.get(name)
            if distribution is None or not self.meets(distribution, requirement, editable):
                closure.lacking.append(Lack(requirement, by))
                continue
            closure.reached[name] = distribution
            closure.needed_by.setdefault(name, by)
            seen = closure.extras.setdefault(name, set())
            extras = {"", *map(canonicalize_name, requirement.extras)} - seen
            seen |= extras
            if deps and extras:
                queue.extend((need, None, name) for need in self.needs(distribution, frozenset(extras)))
        return closure

    def needs(self, distribution: Distribution, extras: frozenset[str]) -> list[Requirement]:
        """What a distribution needs here for `extras`, of which "" stands for itself."""
        found = self.installed.requires(distribution, extras)
        return [need for need in found if any(self.applies(need, extra) for extra in extras)]

    def applies(self, requirement: Requirement, extra: str = "") -> bool:
        return requirement.marker is None or self.holds(requirement.marker, extra)

    def holds(self, marker: Marker, extra: str) -> bool:
        try:
            return marker.evaluate({**self.environment, "extra": extra})
        except (UndefinedComparison, UndefinedEnvironmentName):
            return True

    def meets(self, distribution: Distribution, requirement: Requirement, editable: str | None) -> bool:
        version = distribution.version
        limits = self.constraints.get(distribution.name, ())
        if not all(accepts(each, version) for each in limits if self.applies(each)):
            return False
        if editable is not None:
            return self.is_editable(distribution, editable)
        if requirement.url is not None:
            return comes_from(self.installed.origin(distribution), requirement.url)
        return accepts(requirement, version)

    def is_editable(self, distribution: Distribution, folder: str) -> bool:
        origin = self.installed.origin(distribution)
        details = origin.get("dir_info")
        editable = isinstance(details, dict) and details.get("editable") is True
        return editable and same_url(str(origin.get("url")), f"file://{folder}")


def comes_from(origin: Mapping[str, object], url: str) -> bool:
    """Whether a direct_url.json tells of the place that a requirement names.

    A revision must be the one that was asked for then, or the commit that it came to be; no revision is
    met by any. Format: https://packaging.python.org/en/latest/specifications/direct-url/.
    """
    place, _, fragment = url.partition("#")
    subfolder = dict(part.partition("=")[::2] for part in fragment.split("&")).get("subdirectory", "")
    if subfolder != (origin.get("subdirectory") or ""):
        return False
    revision = ""
    if match := REPOSITORY.fullmatch(place):
        place, revision = match["place"], match["revision"] or ""
    if not same_url(str(origin.get("url")), place):
        return False
    details = origin.get("vcs_info")
    details = details if isinstance(details, dict) else {}
    commit = str(details.get("commit_id", ""))
    return (
        not revision
        or revision == details.get("requested_revision")
        or bool(COMMIT.fullmatch(revision) and commit.startswith(revision))
    )


def same_url(one: str, other: str) -> bool:
    """Equal but for credentials, a final slash, and how a local path is written."""

    def normal(url: str) -> str:
        from urllib.parse import unquote

        return unquote(redact(url).replace("***@", "").replace("file://localhost/", "file:///")).rstrip("/")

    return normal(one) == normal(other)
