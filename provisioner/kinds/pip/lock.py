"""How a section is locked: what it resolved to on a machine as pins, and what pins have."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from provisioner.facts.base_image import is_base
from provisioner.facts.distributions import (
    Distribution,
    Installed,
    PipRequirement,
    version_of,
)
from provisioner.kinds.base import (
    SHOWN_DIGITS,
    Contents,
    LockContext,
    LockedEntry,
    Material,
    PackageUrl,
    Pinning,
)
from provisioner.kinds.pip.closure import Walker
from provisioner.kinds.pip.facts import PipFacts
from provisioner.kinds.pip.origins import split_url
from provisioner.kinds.pip.requirement_files import reading
from provisioner.kinds.pip.requirements import Requirements, gather, logical_lines, text_of
from provisioner.kinds.pip.resolve import Needs, ProtectedConflict, Solution, Unbuilt
from provisioner.kinds.pip.section import Pip
from provisioner.kinds.pip.specifiers import tighten
from provisioner.kinds.pip.upgrade import upgrade_strategy
from provisioner.kinds.pip.uv import PipMove, Refusal
from provisioner.kinds.shared.pylock import PYPI, Pinned, PipPins, Satisfied
from provisioner.machine.reader import Reader
from provisioner.machine.urls import is_web, shown
from provisioner.model.errors import LockError

INDEX_OPTION = re.compile(r"(-i|-f|--(extra-)?index-url|--find-links)\b")


def check(config: Pip, pins: PipPins) -> None:
    """Nothing to refuse: what pins lack is blocked in the plan, each by its name."""


# What a section resolved to


def pin(
    config: Pip,
    facts: PipFacts,
    reader: Reader,
    context: LockContext,
    pinning: Pinning[PipPins] | None,
) -> PipPins:
    """What the section resolves to here, once everything is installed.

    Raises LockError for what cannot be locked, when its hashes cannot be found, or when something must be
    built to know what it needs.
    """
    from provisioner.kinds.pip.pinned_files import find_files  # only locking needs to import it

    solution = solution_of(facts)
    requirements = requirements_of(config, reader, pinning)
    walker = Walker(Installed(reader), {})
    moves = tuple(move for move in solution.moves if move.after) if solution else ()
    needs = solution.needs if solution else {}
    kept = what_stays(walker, requirements, needs, moves, deps=not config.no_deps)
    base = {name: one for name, one in kept.items() if is_base(one, walker.installed, context.image)}
    on_top = [line_of(one, walker.installed) for name, one in kept.items() if name not in base]
    editables = {each.name for each in requirements.wanted if each.editable}
    packages = find_files(config, reader, [*on_top, *map(line_of_move, moves)], editables)
    revisions = revisions_of((*requirements.wanted, *config.packages))
    return PipPins(
        packages=tuple(
            with_revision(each, revisions.get(each.name))
            for each in sorted(packages, key=lambda each: each.name)
        ),
        base=tuple(satisfied(base, limits_on(base, walker, kept, requirements, needs), requirements)),
    )


def requirements_of(config: Pip, reader: Reader, pinning: Pinning[PipPins] | None) -> Requirements:
    """All requirements. Raises LockError for those that cannot be locked."""
    packages = upgrade_strategy(pinning).at_commits(config.packages)
    requirements = gather(config, reader.context.folder, reading(config, reader), packages)
    if requirements.undecided:
        raise LockError(
            f"{shown(requirements.undecided[0])} has a line that only uv understands, so it is not known "
            "what it wants",
            "Write it as a requirement: name, name==1.2, or name @ https://...",
        )
    refuse_indexes(requirements, reader)
    return requirements


def solution_of(facts: PipFacts) -> Solution | None:
    """What is to be installed, if anything. Raises LockError when that cannot be predicted."""
    match facts.resolution:
        case Unbuilt(refusal=refusal):
            raise LockError(f"pip: {refusal.text}", "Apply first, then lock.")
        case ProtectedConflict() | Refusal():
            raise LockError("pip: the packages cannot be installed", "Run colabenv plan to see why.")
        case solution:
            return solution


def refuse_indexes(requirements: Requirements, reader: Reader) -> None:
    """Raise LockError where a requirements file names an index: the hashes would be asked of another one."""
    for place, data in requirements.files.items():
        for line in logical_lines(text_of(data)):
            if INDEX_OPTION.match(line):
                name = shown(place) if is_web(place) else posixpath.relpath(place, reader.context.folder)
                raise LockError(
                    f"{name} says where packages come from ({line.split()[0]}), which a lock does not see",
                    "Write it into the spec: pip.index_url, extra_index_urls or find_links.",
                )


def what_stays(
    walker: Walker, requirements: Requirements, needs: Needs, moves: Iterable[PipMove], *, deps: bool
) -> dict[str, Distribution]:
    """What is installed already, is needed, and does not change."""
    moved = {move.name for move in moves}
    needed = (PipRequirement(name, name) for name in needs if name not in moved)
    found = (each for each in needed if walker.installed.get(each.name))
    closure = walker.walk([*requirements.wanted, *found], deps=deps)
    return {name: one for name, one in closure.reached.items() if name not in moved}


def satisfied(
    base: Mapping[str, Distribution], limits: Mapping[str, str], requirements: Requirements
) -> Iterator[Satisfied]:
    """What the base has, except what has no version to compare."""
    named = {each.name for each in requirements.wanted}
    for name, one in sorted(base.items()):
        if version_of(one.version):
            yield Satisfied(name=name, version=one.version, limits=limits[name], named=name in named)


def revisions_of(requirements: Iterable[PipRequirement]) -> dict[str, str | None]:
    """The branch, tag or commit that each requirement names; the last one of a name counts."""
    return {each.name: split_url(each.url or "").revision for each in requirements}


def with_revision(package: Pinned, revision: str | None) -> Pinned:
    """A commit with the revision that the spec names, not the one that uv was asked for."""
    if not package.vcs:
        return package
    return package.model_copy(update={"vcs": package.vcs.model_copy(update={"requested_revision": revision})})


def line_of(one: Distribution, installed: Installed) -> str:
    """An installed distribution as a requirement that names nothing else."""
    origin = installed.origin(one)
    url = str(origin.get("url", ""))
    if not url:
        return f"{one.name}=={one.version}"
    inside = f"#subdirectory={origin['subdirectory']}" if origin.get("subdirectory") else ""
    details = origin.get("vcs_info")
    if isinstance(details, dict):
        return f"{one.name} @ {details.get('vcs', 'git')}+{url}@{details.get('commit_id', '')}{inside}"
    return f"{one.name} @ {url}{inside}"


def line_of_move(move: PipMove) -> str:
    """What is to be installed as a requirement that names nothing else."""
    return f"{move.name} @ {move.url}" if move.url else f"{move.name}=={move.after}"


def limits_on(
    base: Mapping[str, Distribution],
    walker: Walker,
    kept: Mapping[str, Distribution],
    requirements: Requirements,
    needs: Needs,
) -> dict[str, str]:
    """For each distribution of the base, the versions of it that everything else can do with."""
    found = {
        name: {limit for _, limit in needs.get(name, ()) if is_specifier(limit)} - {f"=={one.version}"}
        for name, one in base.items()
    }  # what keeps the base as it is comes back from uv as if it were needed
    wishes = [each for each in requirements.wanted if not each.editable]
    wishes += [need for one in kept.values() for need in walker.needs(one)]
    for wish in wishes:
        if wish.name in found and walker.applies(wish) and wish.accepts(kept[wish.name].version):
            found[wish.name] |= {str(clause) for clause in wish.specifier}
    return {
        name: tighten(part for limit in every for part in limit.split(",")) for name, every in found.items()
    }


def is_specifier(limit: str) -> bool:
    """Whether a limit is one that PEP 440 knows, and not a choice of several."""
    try:
        return bool(SpecifierSet(limit))
    except InvalidSpecifier:
        return False


# What pins have


def contents(pins: PipPins) -> Contents:
    """What comes on top of the base; what has no wheel must be built."""
    return Contents(
        entries=tuple(
            LockedEntry(
                each.name,
                identity(each),
                tuple(file.hashes.sha256 for file in each.files),
                built=each.sdist is not None,
            )
            for each in pins.packages
        ),
        on_top=frozenset(each.name for each in pins.packages),
    )


def identity(package: Pinned) -> str:
    """The version of what is locked, and the commit where there is one."""
    version = package.version or "as it is"
    return f"{version} ({package.vcs.commit_id[:SHOWN_DIGITS]})" if package.vcs else version


def materials(pins: PipPins, _system: str) -> Iterator[Material]:
    """What is installed, and what it depends on in the base."""
    for each in pins.packages:
        path = each.directory.path if each.directory else next((file.path for file in each.files), None)
        yield Material(
            address=f"pip.{each.name}",
            name=each.name,
            version=each.version,
            purl=package_url(each),
            files=tuple((file.url, file.hashes.sha256) for file in each.files),
            repository=each.vcs.url if each.vcs else None,
            notes={"size": each.size or None, "path": path},
        )
    for brought in pins.base:
        yield Material(
            address=f"pip.{brought.name}",
            name=brought.name,
            version=brought.version,
            purl=PackageUrl("pypi", brought.name, brought.version),
            notes={"brought-by": "base"},
        )


def package_url(pinned: Pinned) -> PackageUrl | None:
    """None for a project of one's own, which is not what an index may have by that name."""
    qualifiers = {}
    if pinned.vcs:
        qualifiers["vcs_url"] = f"{pinned.vcs.type}+{pinned.vcs.url}@{pinned.vcs.commit_id}"
    elif pinned.archive and pinned.archive.url:
        qualifiers["download_url"] = pinned.archive.url
    elif pinned.index is None:
        return None
    elif pinned.index != PYPI:
        qualifiers["repository_url"] = pinned.index
    subpath = pinned.vcs.subdirectory if pinned.vcs else None
    return PackageUrl("pypi", pinned.name, pinned.version, qualifiers=qualifiers, subpath=subpath)
