"""How a section is locked: what it came to on a machine as pins, and what pins hold."""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import BaseModel

from provisioner.facts.base_image import is_base
from provisioner.facts.distributions import (
    Distribution,
    Installed,
    PipRequirement,
    parse_requirement,
    version_of,
)
from provisioner.kinds.base import Contents, Entry, LockContext, Material, PackageUrl, Pinning
from provisioner.kinds.pip.closure import Walker
from provisioner.kinds.pip.facts import PipFacts
from provisioner.kinds.pip.origins import split_url
from provisioner.kinds.pip.requirements import Requirements, gather, inputs, logical_lines
from provisioner.kinds.pip.resolve import Needs, ProtectedConflict, Solution, Unbuilt
from provisioner.kinds.pip.section import Pip
from provisioner.kinds.pip.specifiers import tighten
from provisioner.kinds.pip.upgrade import upgrade_strategy
from provisioner.kinds.pip.uv import QUIET, Refusal, command, explain, find_uv, target
from provisioner.kinds.shared.pylock import PYPI, Archive, Directory, Hashes, Pinned, PipPins, Satisfied, Vcs
from provisioner.machine.reader import Reader
from provisioner.machine.urls import file_url, is_below, local_path, shown
from provisioner.model.errors import LockError

INDEX_OPTION = re.compile(r"(-i|-f|--(extra-)?index-url|--find-links)\b")

SHOWN_DIGITS = 12
"""Digits of a commit that tell people one from another."""


def check(config: Pip, pins: PipPins) -> None:
    """Nothing to refuse: what pins lack is blocked in the plan, each by its name."""


# What a section came to


def pin(
    config: Pip,
    facts: PipFacts,
    reader: Reader,
    context: LockContext,
    pinning: Pinning[PipPins] | None,
) -> PipPins:
    """What the section comes to here, once everything is installed that is to be installed.

    Raises LockError for what no lock can hold, when its hashes cannot be had, or when something must be
    built to know what it needs.
    """
    solution = solution_of(facts)
    requirements = gather(
        config, reader.context.folder, reader.read, upgrade_strategy(pinning).at_commits(config.packages)
    )
    refuse_undecided(requirements)
    refuse_indexes(config, reader)
    moves = {move.name: move for move in solution.moves if move.after} if solution else {}
    needs = solution.needs if solution else {}
    walker = Walker(Installed(reader), {})
    kept = what_stays(walker, requirements, needs, moves.keys(), deps=not config.no_deps)
    base = {name: one for name, one in kept.items() if is_base(one, walker.installed, context.image)}
    on_top = [line_of(one, walker.installed) for name, one in kept.items() if name not in base]
    on_top += [
        f"{move.name} @ {move.url}" if move.url else f"{move.name}=={move.after}" for move in moves.values()
    ]
    editables = {each.name for each in requirements.wanted if each.editable}
    packages = sorted(find_files(config, reader, on_top, editables), key=lambda each: each.name)
    revisions = revisions_of((*requirements.wanted, *config.packages))
    limits = limits_on(base, walker, kept, requirements, needs)
    named = {each.name for each in requirements.wanted}
    return PipPins(
        packages=tuple(with_revision(each, revisions.get(each.name)) for each in packages),
        base=tuple(
            Satisfied(name=name, version=one.version, limits=limits[name], named=name in named)
            for name, one in sorted(base.items())
            if version_of(one.version)
        ),
    )


def solution_of(facts: PipFacts) -> Solution | None:
    """What is to be installed, if anything. Raises LockError when that cannot be foreseen."""
    match facts.resolution:
        case Unbuilt(refusal=refusal):
            raise LockError(f"pip: {refusal.text}", "Apply first, then lock.")
        case ProtectedConflict() | Refusal():
            raise LockError("pip: what is wanted cannot be had", "colabenv plan says why.")
        case solution:
            return solution


def refuse_undecided(requirements: Requirements) -> None:
    if requirements.undecided:
        raise LockError(
            f"{requirements.undecided[0]} has a line that only uv understands, so a lock cannot tell what it "
            "wants",
            "Write it as a requirement: name, name==1.2, or name @ https://...",
        )


def refuse_indexes(config: Pip, reader: Reader) -> None:
    """Raise LockError where a requirements file names an index: the hashes would be asked of another one."""
    for path in inputs(config, reader):
        for line in logical_lines((reader.read(path) or b"").decode(errors="replace")):
            if INDEX_OPTION.match(line):
                name = posixpath.relpath(path, reader.context.folder)
                raise LockError(
                    f"{name} says where packages come from ({line.split()[0]}), which a lock does not see",
                    "Write it into the spec: pip.index_url, extra_index_urls or find_links.",
                )


def what_stays(
    walker: Walker, requirements: Requirements, needs: Needs, moved: Collection[str], *, deps: bool
) -> dict[str, Distribution]:
    """What is installed already, is needed, and does not change."""
    needed = (PipRequirement(name, name) for name in needs if name not in moved)
    found = (each for each in needed if walker.installed.get(each.name))
    closure = walker.walk([*requirements.wanted, *found], deps=deps)
    return {name: one for name, one in closure.reached.items() if name not in moved}


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


# The files of a package


class UvFile(BaseModel):
    """A file in a pylock.toml of uv's."""

    url: str | None = None
    path: str = ""
    size: int | None = None
    hashes: Hashes
    subdirectory: str | None = None


class UvPackage(BaseModel):
    """A package in a pylock.toml of uv's."""

    name: str
    version: str | None = None
    vcs: Vcs | None = None
    archive: UvFile | None = None
    sdist: UvFile | None = None
    wheels: tuple[UvFile, ...] = ()


class UvLock(BaseModel):
    packages: tuple[UvPackage, ...] = ()


def find_files(config: Pip, reader: Reader, lines: list[str], editables: Collection[str]) -> Iterator[Pinned]:
    """Each requirement with the files it may be installed from; those of one line each."""
    folder = reader.context.folder
    projects = [line for line in lines if local_project(line, reader)]
    for line in projects:
        name, _, url = line.partition(" @ ")
        path = relative(local_path(url) or "", folder)
        yield Pinned(name=name, directory=Directory(path=path, editable=name in editables))
    rest = [line for line in lines if line not in projects]
    if not rest:
        return
    uv = find_uv(reader)
    sources = compiled(uv, config, reader, rest, "--format", "pylock.toml")
    indexes = dict(index_notes(compiled(uv, config, reader, rest, "--emit-index-annotation", "--no-header")))
    for package in UvLock.model_validate(tomllib.loads(sources)).packages:
        yield read_package(package, indexes.get(package.name) or config.index_url or PYPI, folder)


def local_project(line: str, reader: Reader) -> bool:
    """Whether a requirement is a folder of this machine."""
    path = local_path(line.partition(" @ ")[2]) if " @ file:" in line else None
    stat = reader.stat(path) if path else None
    return stat is not None and stat.type == "folder"


def compiled(uv: str, config: Pip, reader: Reader, lines: list[str], *how: str) -> str:
    """What uv knows of requirements that name nothing else."""
    argv = (uv, "pip", "compile", *QUIET, "--quiet", "--no-deps", "--no-annotate", *how)
    argv += (*target(reader.context.python), *config.indexes)
    completed = reader.ask(
        command((*argv, "-"), reader.context.folder, "".join(f"{line}\n" for line in lines))
    )
    if completed.code:
        raise LockError(
            f"the hashes of pip's packages cannot be had: {explain(completed.stderr)}",
            "What is installed must still be published; take it from an index that has it, or upgrade: "
            "colabenv lock --upgrade.",
        )
    return completed.stdout


def index_notes(text: str) -> Iterator[tuple[str, str]]:
    """(name, index) from `name==version` lines that are followed by `# from https://...`."""
    name = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("# from "):
            yield name, line.removeprefix("# from ").strip()
        elif line and not line.startswith("#"):
            requirement = parse_requirement(line.partition("--hash")[0].rstrip(" \\"))
            name = requirement.name if requirement else ""


def read_package(package: UvPackage, index: str, folder: str) -> Pinned:
    """One package of uv's, with the one file that fits: a wheel, or else the source archive."""
    wheels = package.wheels
    sdist = package.sdist if not wheels else None
    archive = package.archive if not (wheels or sdist) else None
    from_index = (wheels or sdist) and not local_path(index)
    return Pinned(
        name=package.name,
        version=package.version,
        index=shown(index) if from_index else None,
        vcs=package.vcs,
        archive=read_file(archive, folder) if archive else None,
        sdist=read_file(sdist, folder) if sdist else None,
        wheels=tuple(read_file(wheel, folder) for wheel in wheels),
    )


def read_file(file: UvFile, folder: str) -> Archive:
    """A file without what says nothing of its contents, and without paths of this machine."""
    url = file.url or file_url(posixpath.join(folder, file.path))
    path = local_path(url)
    return Archive(
        url=shown(url) if path is None else None,
        path=None if path is None else relative(path, folder),
        size=file.size,
        hashes=file.hashes,
        subdirectory=file.subdirectory,
    )


def relative(path: str, folder: str) -> str:
    """A path below the spec's folder as a lock may hold it."""
    found = posixpath.relpath(path, folder)
    if not is_below(found):
        raise LockError(
            f"{path} lies outside the folder of the spec, where nobody else would find it",
            "Move it into that folder, or publish it.",
        )
    return found


# What pins hold


def contents(pins: PipPins) -> Contents:
    """What comes on top of the base; what has no wheel must be built."""
    return Contents(
        entries=tuple(
            Entry(
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
    """What is installed, and what of the base it rests on."""
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
