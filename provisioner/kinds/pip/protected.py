"""What must not change unasked: the kernel's own packages and the heavy stack that an image comes with.

Changing them in a running kernel, or to versions that do not fit the image's drivers and CUDA, breaks
notebooks in ways that nothing in them explains.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from provisioner.facts.distributions import Distribution, version_of
from provisioner.kinds.pip.closure import Walker
from provisioner.kinds.shared.frameworks import KERNEL, STACK, TORCH, families_of, matches

Policy = Literal["guard", "keep", "free"]


def find_protected(policy: Policy, walker: Walker, named: frozenset[str]) -> dict[str, Distribution]:
    """The installed distributions that may not change, without those that the spec names."""
    if policy == "free":
        return {}
    freed = (*named, *(pattern for family in families_of(named) for pattern in family))
    patterns = ("*",) if policy == "keep" else (*KERNEL, *STACK, *pinned_by_colab(walker))
    return {
        name: distribution
        for name, distribution in walker.installed.found.items()
        if matches(name, patterns) and not matches(name, freed) and version_of(distribution.version)
    }


def pinned_by_colab(walker: Walker) -> Iterator[str]:
    """What google-colab's own metadata pins exactly: pandas, requests and the like."""
    colab = walker.installed.get("google-colab")
    for need in walker.needs(colab) if colab else ():
        if any(clause.operator in ("==", "===") for clause in need.specifier):
            yield need.name


def constraints(walker: Walker, protected: Mapping[str, Distribution], named: frozenset[str]) -> list[str]:
    """Constraint lines: protected distributions stay as they are, and what they need where they allow it.

    A need that is not met today cannot be broken, and what the spec names is the user's decision.
    """
    lines = [f"{name}=={distribution.version}" for name, distribution in protected.items()]
    for distribution in protected.values():
        for need in walker.needs(distribution):
            installed = walker.installed.get(need.name)
            if (
                installed
                and need.name not in named
                and need.name not in protected
                and need.accepts(installed.version)
            ):
                lines.append(f"{need.name}{need.specifier}")
    return sorted(set(lines))


def companions(walker: Walker, unmet: Iterable[str]) -> list[str]:
    """The installed rest of torch's family, when one of it is going to change."""
    if not set(unmet) & set(TORCH):
        return []
    return [name for name in TORCH if walker.installed.get(name)]


def conflicts(walker: Walker, moves: Mapping[str, str | None]) -> Iterator[str]:
    """What an installed distribution needs, has, and would lose. `moves` maps names to new versions."""
    for name, distribution in walker.installed.found.items():
        if name in moves:
            continue
        for need in walker.needs(distribution):
            installed = walker.installed.get(need.name)
            if need.name not in moves or installed is None or not need.accepts(installed.version):
                continue
            needing, after = f"{name} {distribution.version}", moves[need.name]
            if after is None:
                yield f"{needing} needs {need.name}, which will be removed"
            elif not need.accepts(after):
                yield f"{needing} needs {need.name}{need.specifier}, which will be {after}"
