"""From requirements that are not met to a plan that moves no more than it may."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from provisioner.facts.distributions import Distribution, accepts, version_of
from provisioner.kinds.pip import protected, uv_offline
from provisioner.kinds.pip.closure import Closure, Walker
from provisioner.kinds.pip.uv import Move, Need, Refusal, Request, Resolution, Sizes, ask_sizes
from provisioner.machine.reader import Reader

Needs = Mapping[str, tuple[tuple[str, str], ...]]
"""For each name, (who needs it, in which versions)."""


@dataclass(frozen=True)
class Solution:
    """What uv will do. `constraints` make it exactly that: the versions it chose, and what is held."""

    request: Request
    moves: tuple[Move, ...]
    needs: Needs
    constraints: tuple[str, ...]
    sizes: Sizes
    cautions: tuple[str, ...]

    @property
    def from_source(self) -> bool:
        """Whether something is going to be built, which may take compilers and headers."""
        built = any(move.url and not move.url.split("#")[0].endswith(".whl") for move in self.moves)
        return built or bool(self.sizes.from_source)


@dataclass(frozen=True)
class Held:
    """What uv would do if all might move, and what of it may not."""

    moves: tuple[Move, ...]
    needs: Needs
    kept: frozenset[str]
    """Names that would have to move and may not."""
    sizes: Sizes


@dataclass(frozen=True)
class Unbuilt:
    """Something has to be built before uv can tell what it needs, and cannot be built yet."""

    request: Request
    constraints: tuple[str, ...]
    refusal: Refusal


@dataclass(frozen=True)
class Preferences:
    """What was locked earlier."""

    lines: tuple[str, ...] = ()
    """Constraints that give way where they are in the way."""
    upgrade: tuple[str, ...] = ()
    """Names that are to be the newest all the same."""


NOTHING_PREFERRED = Preferences()

Outcome = Solution | Held | Unbuilt | Refusal


def solve(
    reader: Reader,
    request: Request,
    walker: Walker,
    closure: Closure,
    policy: protected.Policy,
    damaged: Mapping[str, str],
    preferences: Preferences = NOTHING_PREFERRED,
) -> Outcome:
    """Ask uv what it would do with what may not move held; if that is impossible, what is in the way.

    `damaged` distributions are put anew, in the version that they have if that can be.
    """
    installed = walker.installed.found
    named = closure.named
    doubtful = uv_offline.in_doubt(reader, closure)
    kept = protected.held(policy, walker, named)
    extra = dict.fromkeys((*protected.companions(walker, closure.unmet), *damaged))
    request = replace(
        request,
        options=(*request.options, *(word for name in damaged for word in ("--reinstall-package", name))),
        packages=(*request.packages, *(name for name in extra if name not in named)),
    )
    lines = protected.constraints(walker, kept, named)
    lines += [pin(installed[name]) for name in damaged if keeps_version(closure, installed[name])]
    answer = ask_preferring(reader, request, lines, preferences, doubtful)
    if isinstance(answer, Refusal) and answer.cause == "unsolvable" and lines:
        answer = uv_offline.ask(reader, request, (), doubtful)
        if isinstance(answer, Resolution):
            moves = with_before(answer, installed)
            if stuck := frozenset(
                move.name for move in moves if move.name in kept and move.before != move.after
            ):
                needs = who_needs(answer, moves, installed)
                return Held(moves, needs, stuck, size(reader, request, answer, pins(moves)))
            lines = [pin(distribution) for distribution in kept.values()]
    if isinstance(answer, Refusal):
        return Unbuilt(request, tuple(lines), answer) if answer.cause == "unbuilt" else answer
    moves = with_before(answer, installed)
    exact = pins(moves)
    return Solution(
        request,
        moves,
        who_needs(answer, moves, installed),
        constraints=tuple(dict.fromkeys(exact + lines)),
        sizes=size(reader, request, answer, exact),
        cautions=answer.warnings,
    )


def ask_preferring(
    reader: Reader,
    request: Request,
    lines: list[str],
    preferences: Preferences,
    doubtful: Mapping[str, str],
) -> Resolution | Refusal:
    """Ask uv; the preferences that it says are in the way give way, one after the other."""
    kept = preferences.lines
    if kept and preferences.upgrade:
        newest = uv_offline.ask(reader, request, lines, doubtful)
        moves = newest.moves if isinstance(newest, Resolution) else ()
        lines = [*lines, *pins(move for move in moves if move.name in preferences.upgrade)]
    while True:
        answer = uv_offline.ask(reader, request, (*lines, *kept), doubtful)
        if not kept or not isinstance(answer, Refusal) or answer.cause != "unsolvable":
            return answer
        left = tuple(line for line in kept if line.partition("==")[0] not in answer.spoken)
        kept = left if left != kept else ()


def pins(moves: Iterable[Move]) -> list[str]:
    """The versions that uv chose from an index."""
    return [f"{move.name}=={move.after}" for move in moves if move.after and not move.url]


def size(reader: Reader, request: Request, answer: Resolution, exact: list[str]) -> Sizes:
    """What there is to download; what lies in our cache lies in no other machine's."""
    unknown = answer.downloads or reader.context.target_image
    return ask_sizes(reader, request, exact) if exact and unknown else Sizes()


def pin(distribution: Distribution) -> str:
    return f"{distribution.name}=={distribution.version}"


def keeps_version(closure: Closure, distribution: Distribution) -> bool:
    """Whether nobody wants another version than the one that is there."""
    wanted = (lack.requirement for lack in closure.lacking if lack.name == distribution.name)
    return bool(distribution.version) and all(accepts(need, distribution.version) for need in wanted)


def who_needs(answer: Resolution, moves: Iterable[Move], installed: Mapping[str, Distribution]) -> Needs:
    """The needs of what will be there: not of versions that uv dropped, nor of what is there for a build."""
    versions = {name: found.version for name, found in installed.items()}
    versions |= {move.name: "" if move.url else move.after or "" for move in moves}
    found: dict[str, set[tuple[str, str]]] = {}
    for need in answer.needs:
        if need.by in versions and is_version(need, versions[need.by]):
            found.setdefault(need.name, set()).add((need.by, need.limit))
    return {name: tuple(sorted(wants)) for name, wants in found.items()}


def is_version(need: Need, version: str) -> bool:
    """Whether a need is that of a version; where one of the two is not told, it is."""
    return not (need.at and version) or version_of(need.at) == version_of(version)


def with_before(resolution: Resolution, found: Mapping[str, Distribution]) -> tuple[Move, ...]:
    """uv's moves; it overlooks some of the system's folders, and what is there is what was before."""
    return tuple(
        replace(move, before=found[move.name].version) if move.before is None and move.name in found else move
        for move in resolution.moves
    )
