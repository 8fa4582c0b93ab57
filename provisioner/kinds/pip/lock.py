"""What a section came to on a machine, as the pins of a lock."""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from provisioner.facts.base_image import is_base
from provisioner.facts.distributions import Distribution, Installed, accepts, version_of
from provisioner.kinds.base import Ground
from provisioner.kinds.pip.closure import Walker
from provisioner.kinds.pip.pins import Pinned, Pins, PreferringPip, Satisfied, asked_for, inputs, revision_of
from provisioner.kinds.pip.requirements import Asked, Wanted, logical_lines
from provisioner.kinds.pip.resolve import Solution
from provisioner.kinds.pip.section import Pip
from provisioner.kinds.pip.specifiers import tighten
from provisioner.kinds.pip.uv import QUIET, command, explain, find_uv, target
from provisioner.machine.reader import Reader
from provisioner.machine.urls import file_url, is_below, local_path, shown
from provisioner.model.errors import LockError

INDEX_OPTION = re.compile(r"(-i|-f|--(extra-)?index-url|--find-links)\b")

PYPI = "https://pypi.org/simple"


def pin(config: Pip, solution: Solution | None, reader: Reader, ground: Ground) -> Pins:
    """What the section came to here, once `solution` is carried out.

    Raises LockError for what no lock can hold, or when its hashes cannot be had.
    """
    asked = asked_for(config, reader)
    if asked.undecided:
        raise LockError(
            f"{asked.undecided[0]} has a line that only uv understands, so a lock cannot tell what it wants",
            "Write it as a requirement: name, name==1.2, or name @ https://...",
        )
    refuse_indexes(config, reader)
    installed = Installed(reader)
    walker = Walker(installed, {})
    moves = {move.name: move for move in solution.moves if move.after} if solution else {}
    needs = solution.needs if solution else {}
    led_to = [Wanted(Requirement(name)) for name in needs if installed.get(name) and name not in moves]
    closure = walker.walk([*asked.wanted, *led_to], deps=not config.no_deps)
    there = {name: one for name, one in closure.reached.items() if name not in moves}
    base = {name: one for name, one in there.items() if is_base(one, installed, ground.image)}
    on_top = [line_of(one, installed) for name, one in there.items() if name not in base]
    on_top += [
        f"{move.name} @ {move.url}" if move.url else f"{move.name}=={move.after}" for move in moves.values()
    ]
    editables = {each.name: each.editable for each in asked.wanted if each.editable}
    limits = limits_on(base, walker, there, asked, needs)
    named = {each.name for each in asked.wanted}
    revisions = {each.name: revision_of(str(each.requirement)) for each in asked.wanted}
    revisions |= config.revisions if isinstance(config, PreferringPip) else {}
    packages = sorted(find_files(config, reader, on_top, editables), key=lambda each: each.name)
    return Pins(
        packages=tuple(as_asked(each, revisions.get(each.name)) for each in packages),
        base=tuple(
            Satisfied(name=name, version=one.version, limits=limits[name], named=name in named)
            for name, one in sorted(base.items())
            if version_of(one.version)
        ),
    )


def as_asked(package: Pinned, revision: str | None) -> Pinned:
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
    there: Mapping[str, Distribution],
    asked: Asked,
    needs: Mapping[str, tuple[tuple[str, str], ...]],
) -> dict[str, str]:
    """For each distribution of the base, the versions of it that everything else can do with."""
    found = {
        name: {limit for _, limit in needs.get(name, ()) if is_specifier(limit)} - {f"=={one.version}"}
        for name, one in base.items()
    }  # what holds the base where it is comes back from uv as if it were needed
    wishes = [each.requirement for each in asked.wanted if not each.editable]
    wishes += [need for one in there.values() for need in walker.needs(one, frozenset({""}))]
    for need in wishes:
        name = canonicalize_name(need.name)
        if name in found and walker.applies(need) and accepts(need, there[name].version):
            found[name] |= {str(clause) for clause in need.specifier}
    return {
        name: tighten(part for limit in every for part in limit.split(",")) for name, every in found.items()
    }


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


def is_specifier(limit: str) -> bool:
    """Whether a limit is one that PEP 440 knows, and not a choice of several."""
    try:
        return bool(SpecifierSet(limit))
    except InvalidSpecifier:
        return False


def find_files(
    config: Pip, reader: Reader, lines: list[str], editables: Mapping[str, str | None]
) -> Iterator[Pinned]:
    """Each requirement with the files it may be installed from; those of one line each."""
    folders = [line for line in lines if local_project(line, reader)]
    for line in folders:
        name, _, url = line.partition(" @ ")
        directory = {"path": relative(local_path(url) or "", reader.context.folder), "editable": name in editables}
        yield Pinned.model_validate({"name": name, "directory": directory})
    rest = [line for line in lines if line not in folders]
    if not rest:
        return
    uv = find_uv(reader)
    sources = compiled(uv, config, reader, rest, "--format", "pylock.toml")
    indexes = dict(index_notes(compiled(uv, config, reader, rest, "--emit-index-annotation", "--no-header")))
    for found in tomllib.loads(sources)["packages"]:
        yield read_package(found, indexes.get(found["name"], config.index_url), reader.context.folder)


def local_project(line: str, reader: Reader) -> bool:
    """Whether a requirement is a folder of this machine."""
    path = local_path(line.partition(" @ ")[2]) if " @ file:" in line else None
    stat = reader.stat(path) if path else None
    return stat is not None and stat.type == "folder"


def compiled(uv: str, config: Pip, reader: Reader, lines: list[str], *how: str) -> str:
    """What uv knows of requirements that name nothing else."""
    argv = (uv, "pip", "compile", *QUIET, "--quiet", "--no-deps", "--no-annotate", *how)
    argv += (*target(reader.context.python), *config.indexes)
    completed = reader.ask(command((*argv, "-"), reader.context.folder, "".join(f"{line}\n" for line in lines)))
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
    for line in text.splitlines():
        bare = line.strip()
        if bare.startswith("# from "):
            yield name, bare.removeprefix("# from ").strip()
        elif bare and not bare.startswith("#"):
            name = canonicalize_name(Requirement(bare.partition("--hash")[0].rstrip(" \\")).name)


def read_package(found: dict[str, Any], index: str | None, folder: str) -> Pinned:
    """One package of uv's pylock.toml, with the one file that fits: a wheel, or else the source archive."""
    entry: dict[str, Any] = {key: found[key] for key in ("name", "version", "vcs") if key in found}
    if wheels := found.get("wheels"):
        entry["wheels"] = [read_file(file, folder) for file in wheels]
    elif "sdist" in found:
        entry["sdist"] = read_file(found["sdist"], folder)
    elif "archive" in found:
        entry["archive"] = read_file(found["archive"], folder)
    if "wheels" in entry or "sdist" in entry:
        entry["index"] = None if local_path(index or PYPI) else shown(index or PYPI)
    return Pinned.model_validate(entry)


def read_file(found: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """A file's entry without what says nothing of its contents, and without paths of this machine."""
    url = found.get("url") or file_url(posixpath.join(folder, found["path"]))
    place = local_path(url)
    kept = {key: found[key] for key in ("size", "hashes", "subdirectory") if key in found}
    if place is None:
        return kept | {"url": shown(url)}
    return kept | {"path": relative(place, folder)}


def relative(path: str, folder: str) -> str:
    """A path below the spec's folder as a lock may hold it."""
    found = posixpath.relpath(path, folder)
    if not is_below(found):
        raise LockError(
            f"{path} lies outside the folder of the spec, where nobody else would find it",
            "Move it into that folder, or publish it.",
        )
    return found
