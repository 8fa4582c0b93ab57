"""From requirements that are not met to a solution that changes no more than it may."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from provisioner.facts.distributions import Distribution, version_of
from provisioner.kinds.pip import protected, uv_offline
from provisioner.kinds.pip.closure import Closure
from provisioner.kinds.pip.installed import PipComparison
from provisioner.kinds.pip.upgrade import UpgradeStrategy
from provisioner.kinds.pip.uv import DryRun, Need, PipMove, Refusal, Sizes, UvRequest, ask_sizes
from provisioner.machine.reader import Reader

Needs = Mapping[str, tuple[tuple[str, str], ...]]
"""For each name, (who needs it, in which versions)."""


@dataclass(frozen=True)
class Solution:
    """What uv will do. `constraints` make it exactly that: the versions it chose, and what is protected."""

    request: UvRequest
    moves: tuple[PipMove, ...]
    needs: Needs
    constraints: tuple[str, ...]
    sizes: Sizes
    warnings: tuple[str, ...]

    @property
    def from_source(self) -> bool:
        """Whether something is going to be built, which may take compilers and headers."""
        built = any(move.url and not move.url.split("#")[0].endswith(".whl") for move in self.moves)
        return built or bool(self.sizes.from_source)


@dataclass(frozen=True)
class ProtectedConflict:
    """What uv would do if everything might change, and what of it is protected."""

    moves: tuple[PipMove, ...]
    needs: Needs
    protected: frozenset[str]
    """Names of what would have to change and may not."""
    sizes: Sizes


@dataclass(frozen=True)
class Unbuilt:
    """Something has to be built before uv knows what it needs, and cannot be built yet."""

    request: UvRequest
    constraints: tuple[str, ...]
    refusal: Refusal


Resolution = Solution | ProtectedConflict | Unbuilt | Refusal


def solve(
    reader: Reader,
    request: UvRequest,
    comparison: PipComparison,
    policy: protected.Policy,
    strategy: UpgradeStrategy,
) -> Resolution:
    """Ask uv what it would do while what is protected stays; if that is impossible, what prevents it."""
    installed, closure = comparison.installed, comparison.closure
    request = complete(request, comparison)
    unknown = uv_offline.unknown_extras(reader, closure)
    kept = protected.find_protected(policy, comparison.walker, closure.named)
    lines = protected.constraints(comparison.walker, kept, closure.named)
    lines += [pin(installed[name]) for name in comparison.damaged if keeps_version(closure, installed[name])]
    answer = ask_preferring(reader, request, lines, strategy, unknown)
    if isinstance(answer, Refusal) and answer.cause == "unsolvable" and lines:
        # Without constraints uv says what would have to change.
        answer = uv_offline.ask(reader, request, (), unknown)
        if isinstance(answer, DryRun):
            moves = with_before(answer, installed)
            if stuck := changed(moves) & kept.keys():
                needs = who_needs(answer, moves, installed)
                sizes = find_sizes(reader, request, answer, pins(moves))
                return ProtectedConflict(moves, needs, frozenset(stuck), sizes)
            lines = [pin(distribution) for distribution in kept.values()]
    if isinstance(answer, Refusal):
        return Unbuilt(request, tuple(lines), answer) if answer.cause == "unbuilt" else answer
    return solution(reader, request, answer, lines, installed)


def complete(request: UvRequest, comparison: PipComparison) -> UvRequest:
    """A request with what must be installed together with it, and with what is damaged installed again."""
    damaged, closure = comparison.damaged, comparison.closure
    extra = dict.fromkeys((*protected.companions(comparison.walker, closure.unmet), *damaged))
    return replace(
        request,
        options=(*request.options, *(word for name in damaged for word in ("--reinstall-package", name))),
        packages=(*request.packages, *(name for name in extra if name not in closure.named)),
    )


def solution(
    reader: Reader,
    request: UvRequest,
    answer: DryRun,
    lines: Iterable[str],
    installed: Mapping[str, Distribution],
) -> Solution:
    """Constraints that make uv do exactly what it announced."""
    moves = with_before(answer, installed)
    exact = pins(moves)
    return Solution(
        request,
        moves,
        who_needs(answer, moves, installed),
        constraints=tuple(dict.fromkeys((*exact, *lines))),
        sizes=find_sizes(reader, request, answer, exact),
        warnings=answer.warnings,
    )


def ask_preferring(
    reader: Reader,
    request: UvRequest,
    lines: list[str],
    strategy: UpgradeStrategy,
    unknown: Mapping[str, str],
) -> DryRun | Refusal:
    """Ask uv; preferences that conflict are dropped, one after the other."""
    kept = strategy.preferences
    if kept and strategy.newest:
        newest = uv_offline.ask(reader, request, lines, unknown)
        moves = newest.moves if isinstance(newest, DryRun) else ()
        lines = [*lines, *pins(move for move in moves if move.name in strategy.newest)]
    while True:
        answer = uv_offline.ask(reader, request, (*lines, *map(str, kept)), unknown)
        if not kept or not isinstance(answer, Refusal) or answer.cause != "unsolvable":
            return answer
        left = tuple(each for each in kept if each.name not in answer.mentioned)
        kept = left if left != kept else ()


def pins(moves: Iterable[PipMove]) -> list[str]:
    """The versions that uv chose from an index."""
    return [f"{move.name}=={move.after}" for move in moves if move.after and not move.url]


def changed(moves: Iterable[PipMove]) -> frozenset[str]:
    """Names of what is in another version afterwards."""
    return frozenset(move.name for move in moves if move.before != move.after)


def find_sizes(reader: Reader, request: UvRequest, answer: DryRun, exact: list[str]) -> Sizes:
    """What there is to download; what lies in our cache lies in no other machine's."""
    unknown = answer.downloads or reader.context.target_image
    return ask_sizes(reader, request, exact) if exact and unknown else Sizes()


def pin(distribution: Distribution) -> str:
    return f"{distribution.name}=={distribution.version}"


def keeps_version(closure: Closure, distribution: Distribution) -> bool:
    """Whether nothing needs another version than the one that is there."""
    wanted = (lack.requirement for lack in closure.lacking if lack.name == distribution.name)
    return bool(distribution.version) and all(each.accepts(distribution.version) for each in wanted)


def who_needs(answer: DryRun, moves: Iterable[PipMove], installed: Mapping[str, Distribution]) -> Needs:
    """The needs of what will be there: not of versions that uv dropped, nor of what is there for a build."""
    versions = {name: found.version for name, found in installed.items()}
    versions |= {move.name: "" if move.url else move.after or "" for move in moves}
    found: dict[str, set[tuple[str, str]]] = {}
    for need in answer.needs:
        if need.by in versions and is_of_version(need, versions[need.by]):
            found.setdefault(need.name, set()).add((need.by, need.limit))
    return {name: tuple(sorted(wants)) for name, wants in found.items()}


def is_of_version(need: Need, version: str) -> bool:
    """Whether a need is that of a version; where one of the two is not known, it is."""
    return not (need.by_version and version) or version_of(need.by_version) == version_of(version)


def with_before(answer: DryRun, installed: Mapping[str, Distribution]) -> tuple[PipMove, ...]:
    """uv's moves; it overlooks some of the system's folders, and what is there is what was before."""
    return tuple(
        replace(move, before=installed[move.name].version)
        if move.before is None and move.name in installed
        else move
        for move in answer.moves
    )
