"""What a machine has of the Python distributions that a section speaks of."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from provisioner.facts.distributions import source
from provisioner.kinds.base import Pinning
from provisioner.kinds.pip import gpu_builds, protected, uv_offline
from provisioner.kinds.pip.imported import ImportedDistribution, find_imported
from provisioner.kinds.pip.installed import PipComparison, compare
from provisioner.kinds.pip.reconcile import LockDrift, reconcile
from provisioner.kinds.pip.requirement_files import (
    as_here,
    copies,
    here,
    name_of,
    reading,
    refuse_unforeseen,
    unpinned,
    why_missing,
)
from provisioner.kinds.pip.requirements import gather
from provisioner.kinds.pip.resolve import ProtectedConflict, Resolution, Solution, Unbuilt, solve
from provisioner.kinds.pip.section import Pip
from provisioner.kinds.pip.upgrade import UpgradeStrategy, upgrade_strategy
from provisioner.kinds.pip.uv import Refusal, UvRequest, find_uv, into, target
from provisioner.kinds.shared.pylock import PipPins
from provisioner.machine.reader import Interpreter, Reader
from provisioner.machine.urls import shown

LISTED = "what it lists"
"""The requirement shown for a file that only uv can evaluate."""


@dataclass(frozen=True)
class NamedRequirement:
    """Something that the spec names and its state: a distribution, or a file that only uv can evaluate."""

    name: str
    wanted: str
    version: str | None = None
    """None when it is not installed."""
    met: bool = False
    source: str = ""
    """Where it came from, when from no index."""


@dataclass(frozen=True)
class AbsentDistribution:
    """Something that the spec wants absent."""

    name: str
    version: str | None = None
    """None when it is not installed."""
    kept_by: str = ""
    """Why it cannot be removed."""

    @property
    def removable(self) -> bool:
        return self.version is not None and not self.kept_by


@dataclass(frozen=True)
class PipFacts:
    folder: str
    python: Interpreter
    uv: str = ""
    """Path of uv; empty when it is not needed."""
    named: tuple[NamedRequirement, ...] = ()
    damaged: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with damaged distributions, by name."""
    absent: tuple[AbsentDistribution, ...] = ()
    missing_files: Mapping[str, str] = field(default_factory=dict)
    """Why requirements files are not there, by their paths or URLs."""
    unpinned: Mapping[str, str] = field(default_factory=dict)
    """What to write for requirements files that no sha256 stands for, by their URLs."""
    resolution: Resolution | None = None
    """uv's answer to what is not met; None when everything is, or when it could not be asked."""
    conflicts: tuple[str, ...] = ()
    """What would no longer have what it needs."""
    lost_gpus: tuple[str, ...] = ()
    """Builds that would be installed and do not see this machine's GPU."""
    imported: tuple[ImportedDistribution, ...] = ()
    """What the notebook's kernel has imported of all this."""
    inside: bool = False
    """Whether we are that kernel."""
    offline: tuple[str, ...] = ()
    """What cannot be known of a machine that is not here."""
    drifts: tuple[LockDrift, ...] = ()
    """What a lock depends on and has changed."""

    @property
    def due(self) -> list[NamedRequirement]:
        """What has to change, whatever else changes with it."""
        names = {each.name for each in self.named}
        broken = [NamedRequirement(name, "whole") for name in self.damaged if name not in names]
        return [each for each in self.named if not each.met] + broken


def observe(config: Pip, reader: Reader, pinning: Pinning[PipPins] | None = None) -> PipFacts:
    """What is installed and, when that is not all that is wanted, what uv makes of it.

    Raises ObserveError when uv is missing, or cannot decide. Exact pins tell what files ask for that others
    have yet to make.
    """
    config = as_here(config, reader)
    strategy = upgrade_strategy(pinning)
    pins = pinning.pins if pinning and pinning.exact else None
    if pins is not None:
        config = here(config, reader)
    comparison = compare_section(config, strategy, reader)
    request = uv_request(config, strategy, reader)
    copied: Mapping[str, str] = {}
    if needs_uv(config, comparison, strategy, pins, reader):
        copied = copies(comparison.requirements, reader)
        options = (*config.options(copied), *request.options)
        request = replace(request, uv=find_uv(reader), options=options)
    resolution, drifts = find_resolution(config, comparison, strategy, pins, reader, request)
    resolution = with_places(resolution, copied)
    absent = tuple(look_at_absent(config.absent, comparison, resolution))
    changed = changes(resolution, absent)
    kernel = reader.kernel()
    return PipFacts(
        folder=reader.context.folder,
        python=reader.context.python,
        uv=request.uv,
        named=tuple(look_at_named(comparison)),
        damaged=comparison.damaged,
        absent=absent,
        missing_files={
            place: why_missing(place, config, reader) for place in comparison.requirements.missing
        },
        unpinned={} if pins else dict(unpinned(config, comparison.requirements)),
        resolution=resolution,
        conflicts=tuple(protected.conflicts(comparison.walker, changed)) if changed else (),
        lost_gpus=tuple(find_lost_gpus(reader, comparison, resolution)),
        imported=tuple(imports_that_matter(reader, comparison, changed)),
        inside=kernel is not None and kernel.inside,
        offline=tuple(uv_offline.warn(reader, changed)),
        drifts=drifts,
    )


def compare_section(config: Pip, strategy: UpgradeStrategy, reader: Reader) -> PipComparison:
    """All that a section asks for beside what is there; what was locked earlier is asked for too."""
    packages = strategy.at_commits(config.packages)
    requirements = gather(config, reader.context.folder, reading(config, reader), packages)
    refuse_unforeseen(config, requirements, reader)
    requirements.constraints += strategy.preferences
    return compare(requirements, reader, deps=not config.no_deps, absent=config.absent)


def needs_solving(comparison: PipComparison, strategy: UpgradeStrategy, reader: Reader) -> bool:
    """Whether uv has to say what is to be installed; without a file that is named it cannot."""
    requirements, closure = comparison.requirements, comparison.closure
    unknown = uv_offline.unknown_extras(reader, closure)
    unmet = closure.lacking or requirements.undecided or comparison.damaged
    return bool(unmet or strategy.newest or unknown) and not requirements.missing


def needs_uv(
    config: Pip,
    comparison: PipComparison,
    strategy: UpgradeStrategy,
    pins: PipPins | None,
    reader: Reader,
) -> bool:
    """Whether there may be anything for uv to do."""
    to_remove = any(name in comparison.installed for name in config.absent)
    new = not reader.context.python.exists
    return to_remove or new or pins is not None or needs_solving(comparison, strategy, reader)


def uv_request(config: Pip, strategy: UpgradeStrategy, reader: Reader) -> UvRequest:
    """What a section's own lists ask of uv, wherever uv is."""
    python = reader.context.python
    return UvRequest(
        uv="",
        cwd=reader.context.folder,
        target=target(python),
        into=into(python, reader.context.state),
        indexes=config.indexes,
        options=strategy.options,
        packages=tuple(map(str, strategy.at_commits(config.packages))),
    )


def find_resolution(
    config: Pip,
    comparison: PipComparison,
    strategy: UpgradeStrategy,
    pins: PipPins | None,
    reader: Reader,
    request: UvRequest,
) -> tuple[Resolution | None, tuple[LockDrift, ...]]:
    """What pins ask for, or else uv's answer where it has to be asked; and what of the pins' base is gone."""
    if pins is not None:
        return reconcile(request, comparison, config.preinstalled, pins)
    if needs_solving(comparison, strategy, reader):
        return solve(reader, request, comparison, config.preinstalled, strategy), ()
    return None, ()


def with_places(resolution: Resolution | None, copied: Mapping[str, str]) -> Resolution | None:
    """uv's answer, which says where files are from, rather than where their copies are."""
    match resolution:
        case Refusal(text=text):
            return replace(resolution, text=name_places(text, copied))
        case Unbuilt(refusal=refusal):
            return replace(resolution, refusal=replace(refusal, text=name_places(refusal.text, copied)))
        case _:
            return resolution


def name_places(text: str, copied: Mapping[str, str]) -> str:
    """A text with the places of files in place of their copies' paths, whose beginnings uv may leave out."""
    for place, path in copied.items():
        digest, name = path.split("/")[-2:]
        before, found, after = text.partition(f"{digest}/{name}")
        if found:
            text = re.sub(r"[^\s`'\"]*$", "", before) + shown(place) + after
    return text


def look_at_named(comparison: PipComparison) -> Iterator[NamedRequirement]:
    """Everything that the spec names and that applies here, once."""
    unmet = {lack.name for lack in comparison.closure.lacking if not lack.by} | comparison.damaged.keys()
    applying = {each.name: each for each in reversed(comparison.applying)}
    for name, each in reversed(applying.items()):
        found = comparison.installed.get(name)
        version = found.version if found else None
        origin = comparison.walker.installed.origin(found) if found else {}
        yield NamedRequirement(name, each.shown, version, name not in unmet, source(origin))
    for path in dict.fromkeys(comparison.requirements.undecided):
        yield NamedRequirement(name_of(path), LISTED)


def look_at_absent(
    names: Iterable[str], comparison: PipComparison, resolution: Resolution | None
) -> Iterator[AbsentDistribution]:
    """What must not be installed, and what may prevent its removal."""
    needed_by = dict(comparison.closure.needed_by)
    if isinstance(resolution, Solution | ProtectedConflict):
        needed_by |= {move.name: "another requirement" for move in resolution.moves}
        needed_by |= {name: wants[0][0] for name, wants in resolution.needs.items()}
    for name in names:
        found = comparison.installed.get(name)
        version = found.version if found else None
        kept_by = ""
        if found and found.by_apt:
            kept_by = f"It belongs to apt: name python3-{name} in apt.absent."
        elif by := needed_by.get(name):
            kept_by = f"{by} needs it: take one of the two out of the file."
        yield AbsentDistribution(name, version, kept_by)


def changes(resolution: Resolution | None, absent: Iterable[AbsentDistribution]) -> dict[str, str | None]:
    """The versions afterwards of what is installed and changes; None for what is removed."""
    moves = resolution.moves if isinstance(resolution, Solution) else ()
    removed = {each.name: None for each in absent if each.removable}
    return {move.name: move.after for move in moves if move.before} | removed


def find_lost_gpus(reader: Reader, comparison: PipComparison, resolution: Resolution | None) -> Iterator[str]:
    """Warnings of builds that do not see the GPU that is attached."""
    if isinstance(resolution, Solution):
        versions = {name: found.version for name, found in comparison.installed.items()}
        yield from gpu_builds.warnings(resolution.moves, resolution.needs, versions, reader.accelerators())


def imports_that_matter(
    reader: Reader, comparison: PipComparison, changed: Collection[str]
) -> Iterator[ImportedDistribution]:
    """What the kernel has imported and was replaced since, or is about to be."""
    changing = {*changed, *comparison.damaged}
    names = comparison.closure.reached.keys() | changing
    for each in find_imported(reader, comparison.walker.installed, names):
        if each.stale or each.name in changing:
            yield each
