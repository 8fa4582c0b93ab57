"""From the pins of a lock to what has to change, and to what of its ground is gone. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from packaging.specifiers import SpecifierSet

from provisioner.facts.distributions import Installed, accepts, version_of
from provisioner.facts.platforms import WAYS_OUT
from provisioner.kinds.pip import protected
from provisioner.kinds.pip.closure import Walker, comes_from, same_url
from provisioner.kinds.pip.pins import LockedPip, Pinned, Pins, Satisfied
from provisioner.kinds.pip.requirements import Asked
from provisioner.kinds.pip.resolve import Solution
from provisioner.kinds.pip.uv import Move, Request, Sizes


@dataclass(frozen=True)
class Drift:
    """What a lock rests on and is no longer so: None stands for absent."""

    name: str
    before: str | None
    after: str | None
    reason: str


def settle(
    config: LockedPip, asked: Asked, walker: Walker, damaged: Mapping[str, str], request: Request
) -> tuple[Solution | None, tuple[Drift, ...]]:
    """What has to change so that all is as the lock says, and what of its ground is gone. Pure."""
    pins, installed, folder = config.pins, walker.installed, request.cwd
    named = frozenset(each.name for each in asked.wanted if walker.applies(each.requirement))
    held = protected.held(config.preinstalled, walker, named)
    on_top = {each.name for each in pins.packages}
    due = [each for each in pins.packages if each.name in damaged or not is_there(each, installed, folder)]
    stuck = [each for each in due if each.name in held and each.name not in damaged]
    due = [each for each in due if each not in stuck]
    drifts = (
        *uncovered(asked, walker, pins),
        *moved_ground(pins.base, installed),
        *(preinstalled(each, installed) for each in stuck),
        *(torn(name, what, installed) for name, what in damaged.items() if name not in on_top),
    )
    if not due:
        return None, drifts
    moves = tuple(
        Move(each.name, version_at(each.name, installed), each.version or "as it is") for each in due
    )
    anew = dict.fromkeys((*damaged, *(move.name for move in moves if move.before == move.after)))
    request = replace(
        request,
        packages=(),
        options=tuple(word for name in anew for word in ("--reinstall-package", name)),
        pins=tuple(each.line(folder) for each in due),
    )
    built = tuple(each.name for each in due if each.sdist or each.vcs or each.directory)
    sizes = Sizes(sum(each.size for each in due), built)
    return Solution(request, moves, {}, (), sizes, tuple(passing(pins.base, installed))), drifts


def preinstalled(each: Pinned, installed: Installed) -> Drift:
    reason = f"{each.name} is preinstalled here in another version than the lock holds, and held; {WAYS_OUT}"
    return Drift(each.name, version_at(each.name, installed), each.version, reason)


def torn(name: str, what: str, installed: Installed) -> Drift:
    reason = f"{name}: {what}, and the lock does not say where it comes from; apply without --locked"
    return Drift(name, version_at(name, installed), None, reason)


def version_at(name: str, installed: Installed) -> str | None:
    found = installed.get(name)
    return found.version if found else None


def is_there(each: Pinned, installed: Installed, folder: str) -> bool:
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


def uncovered(asked: Asked, walker: Walker, pins: Pins) -> Iterator[Drift]:
    """What the spec wants and the lock does not give."""
    versions = pins.found
    for each in asked.wanted:
        if not walker.applies(each.requirement):
            continue
        if each.name not in versions:
            yield Drift(
                each.name, None, str(each), f"the lock was made before {each.name} was wanted: lock again"
            )
        elif (version := versions[each.name]) and not accepts(each.requirement, version):
            reason = f"the lock has {each.name} {version}, which is not what the file wants: lock again"
            yield Drift(each.name, None, str(each), reason)


def moved_ground(base: Iterable[Satisfied], installed: Installed) -> Iterator[Drift]:
    """What the base brought when the lock was made, as far as its absence or another version matters."""
    for each in base:
        found = version_at(each.name, installed)
        had = f"the base had {each.name} {each.version} when the lock was made"
        if found is None:
            reason = f"{had}; {WAYS_OUT}"
        elif each.named and version_of(found) != version_of(each.version):
            reason = f"{had}, and the file names it; {WAYS_OUT}"
        elif not each.named and not fits(each, found):
            reason = f"{had}, and {each.name}{each.limits} is needed; {WAYS_OUT}"
        else:
            continue
        yield Drift(each.name, found, each.version, reason)


def passing(base: Iterable[Satisfied], installed: Installed) -> Iterator[str]:
    """What of the base moved and still fits, in one line."""
    there = ((each, version_at(each.name, installed)) for each in base if not each.named)
    moved = [
        f"{each.name} {each.version} -> {found}"
        for each, found in there
        if found and found != each.version and fits(each, found)
    ]
    if moved:
        yield f"The base moved since it was locked, and still fits: {', '.join(moved)}."


def fits(each: Satisfied, version: str) -> bool:
    return SpecifierSet(each.limits).contains(version, prereleases=True)
