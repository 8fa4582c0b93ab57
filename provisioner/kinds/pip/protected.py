"""What must not move unasked: the kernel's own packages and the heavy stack that an image comes with.

Moving them under a live kernel, or away from what the image's drivers and CUDA fit, breaks notebooks in
ways that nothing in them explains.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from packaging.utils import canonicalize_name

from provisioner.facts.distributions import Distribution, accepts, version_of
from provisioner.kinds.pip.closure import Walker
from provisioner.kinds.shared.frameworks import FAMILIES, KERNEL, STACK, TORCH, matches, named_in

Policy = Literal["guard", "keep", "free"]


def held(policy: Policy, walker: Walker, named: frozenset[str]) -> dict[str, Distribution]:
    """The installed distributions that may not move, less those that the spec names."""
    found = walker.installed.found
    if policy == "free":
        return {}
    freed = (*named, *(pattern for family in FAMILIES if named_in(family, named) for pattern in family))
    patterns = ("*",) if policy == "keep" else (*KERNEL, *STACK, *pinned_by_colab(walker))
    return {
        name: distribution
        for name, distribution in found.items()
        if matches(name, patterns) and not matches(name, freed) and version_of(distribution.version)
    }


def pinned_by_colab(walker: Walker) -> Iterator[str]:
    """What google-colab's own metadata pins exactly: pandas, requests and the like."""
    colab = walker.installed.get("google-colab")
    for need in walker.needs(colab, frozenset({""})) if colab else ():
        if any(clause.operator in ("==", "===") for clause in need.specifier):
            yield canonicalize_name(need.name)


def constraints(walker: Walker, kept: dict[str, Distribution], named: frozenset[str]) -> list[str]:
    """Constraint lines that hold `kept` where they are, and what they need within what they allow.

    A need that is not met today cannot be broken, and what the spec names is the user's decision.
    """
    lines = [f"{name}=={distribution.version}" for name, distribution in kept.items()]
    for distribution in kept.values():
        for need in walker.needs(distribution, frozenset({""})):
            name = canonicalize_name(need.name)
            there = walker.installed.get(name)
            if there and name not in named and name not in kept and accepts(need, there.version):
                lines.append(f"{name}{need.specifier}")
    return sorted(set(lines))


def companions(walker: Walker, unmet: Iterable[str]) -> list[str]:
    """The installed rest of torch's family, when one of it is going to move."""
    if not set(unmet) & set(TORCH):
        return []
    return [name for name in TORCH if walker.installed.get(name)]


def conflicts(walker: Walker, moves: dict[str, str | None]) -> Iterator[str]:
    """What an installed distribution needs, has, and would lose. `moves` maps names to new versions."""
    for name, distribution in walker.installed.found.items():
        if name in moves:
            continue
        for need in walker.needs(distribution, frozenset({""})):
            other = canonicalize_name(need.name)
            there = walker.installed.get(other)
            if other not in moves or there is None or not accepts(need, there.version):
                continue
            after = moves[other]
            if after is None:
                yield f"{name} {distribution.version} needs {other}, which will be gone"
            elif not accepts(need, after):
                yield f"{name} {distribution.version} needs {other}{need.specifier}, which will be {after}"
