"""From the pins of a lock to what has to change, and to what the lock depends on and has changed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from packaging.specifiers import SpecifierSet

from provisioner.facts.distributions import Distribution, Installed, PipRequirement, version_of
from provisioner.kinds.pip.installed import PipComparison
from provisioner.kinds.pip.origins import comes_from, same_url
from provisioner.kinds.pip.protected import Policy, find_protected
from provisioner.kinds.pip.resolve import Solution
from provisioner.kinds.pip.uv import PipMove, Sizes, UvRequest
from provisioner.kinds.shared.platform_advice import advice
from provisioner.kinds.shared.pylock import Pinned, PipPins, Satisfied


@dataclass(frozen=True)
class LockDrift:
    """What a lock depends on and has changed: None means absent."""

    name: str
    before: str | None
    after: str | None
    reason: str


def reconcile(
    request: UvRequest, comparison: PipComparison, policy: Policy, pins: PipPins
) -> tuple[Solution | None, tuple[LockDrift, ...]]:
    """What has to change so that everything is as pinned, and what prevents that from being enough."""
    installed, damaged = comparison.walker.installed, comparison.damaged
    named = frozenset(each.name for each in comparison.applying)
    protected = find_protected(policy, comparison.walker, named)
    due = [
        each
        for each in pins.packages
        if each.name in damaged or not is_installed(each, installed, request.cwd)
    ]
    stuck = [each for each in due if each.name in protected and each.name not in damaged]
    on_top = {each.name for each in pins.packages}
    drifts = (
        *not_locked(comparison.applying, pins),
        *base_drifts(pins.base, comparison.installed),
        *(protected_drift(each, protected[each.name]) for each in stuck),
        *(damage_drift(comparison.installed[name], damaged[name]) for name in damaged if name not in on_top),
    )
    due = [each for each in due if each not in stuck]
    return (install(request, comparison, pins, due) if due else None), drifts


def install(request: UvRequest, comparison: PipComparison, pins: PipPins, due: Iterable[Pinned]) -> Solution:
    """Install what is due from the files that are pinned and from no others."""
    due = tuple(due)
    moves = tuple(
        PipMove(each.name, version_in(comparison.installed, each.name), each.version or "as it is")
        for each in due
    )
    again = dict.fromkeys((*comparison.damaged, *(move.name for move in moves if move.before == move.after)))
    return Solution(
        request=replace(
            request,
            packages=(),
            options=tuple(word for name in again for word in ("--reinstall-package", name)),
            pins=tuple(each.line(request.cwd) for each in due),
        ),
        moves=moves,
        needs={},
        constraints=(),
        sizes=Sizes(
            sum(each.size for each in due),
            tuple(each.name for each in due if each.sdist or each.vcs or each.directory),
        ),
        warnings=tuple(base_changes(pins.base, comparison.installed)),
    )


def is_installed(each: Pinned, installed: Installed, folder: str) -> bool:
    """Whether exactly this is installed."""
    found = installed.get(each.name)
    if found is None or (each.version and version_of(found.version) != version_of(each.version)):
        return False
    origin = installed.origin(found)
    if each.vcs:
        details = origin.get("vcs_info")
        return isinstance(details, dict) and details.get("commit_id") == each.vcs.commit_id
    if each.directory:
        return same_url(str(origin.get("url", "")), each.origin(folder) or "")
    if each.archive:
        return comes_from(origin, each.origin(folder) or "")
    return not origin


def protected_drift(each: Pinned, found: Distribution) -> LockDrift:
    reason = (
        f"{each.name} came with the image in another version than the lock has, and is protected; "
        + advice("locked base")
    )
    return LockDrift(each.name, found.version, each.version, reason)


def damage_drift(found: Distribution, damage: str) -> LockDrift:
    reason = f"{found.name}: {damage}, and the lock does not say where it comes from; apply without --locked"
    return LockDrift(found.name, found.version, None, reason)


def not_locked(requirements: Iterable[PipRequirement], pins: PipPins) -> Iterator[LockDrift]:
    """What the spec asks for and the lock does not have."""
    versions = pins.found
    for each in requirements:
        if each.name not in versions:
            reason = f"the lock was made before {each.name} was added to the file: lock again"
            yield LockDrift(each.name, None, each.shown, reason)
        elif (version := versions[each.name]) and not each.accepts(version):
            reason = f"the lock has {each.name} {version}, which is not what the file asks for: lock again"
            yield LockDrift(each.name, None, each.shown, reason)


def base_drifts(base: Iterable[Satisfied], installed: Mapping[str, Distribution]) -> Iterator[LockDrift]:
    """What the base had when the lock was made, if its absence or another version matters."""
    for each in base:
        found = version_in(installed, each.name)
        had = f"the base had {each.name} {each.version} when the lock was made"
        if found is None:
            reason = f"{had}; {advice('locked base')}"
        elif each.named and version_of(found) != version_of(each.version):
            reason = f"{had}, and the file names it; {advice('locked base')}"
        elif not each.named and not fits(each, found):
            reason = f"{had}, and {each.name}{each.limits} is needed; {advice('locked base')}"
        else:
            continue
        yield LockDrift(each.name, found, each.version, reason)


def base_changes(base: Iterable[Satisfied], installed: Mapping[str, Distribution]) -> Iterator[str]:
    """What of the base changed and still fits, in one line."""
    known = ((each, version_in(installed, each.name)) for each in base if not each.named)
    changes = [
        f"{each.name} {each.version} -> {found}"
        for each, found in known
        if found and found != each.version and fits(each, found)
    ]
    if changes:
        yield f"The base changed since it was locked, and still fits: {', '.join(changes)}."


def version_in(installed: Mapping[str, Distribution], name: str) -> str | None:
    return installed[name].version if name in installed else None


def fits(each: Satisfied, version: str) -> bool:
    return SpecifierSet(each.limits).contains(version, prereleases=True)
