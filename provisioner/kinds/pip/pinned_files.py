"""The files that distributions may be installed from, with their hashes, as uv finds them."""

from __future__ import annotations

import posixpath
import tomllib
from collections.abc import Collection, Iterator

from pydantic import BaseModel

from provisioner.facts.distributions import parse_requirement
from provisioner.kinds.pip.section import Pip
from provisioner.kinds.pip.uv import QUIET, command, explain, find_uv, target
from provisioner.kinds.shared.pylock import PYPI, Archive, Directory, Hashes, Pinned, Vcs
from provisioner.machine.reader import Reader
from provisioner.machine.urls import file_url, is_below, local_path, shown
from provisioner.model.errors import LockError


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
            f"the hashes of pip's packages cannot be found: {explain(completed.stderr)}",
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
    """A path below the spec's folder, as written in a lock."""
    found = posixpath.relpath(path, folder)
    if not is_below(found):
        raise LockError(
            f"{path} is outside the folder of the spec, so other machines do not have it",
            "Move it into that folder, or publish it.",
        )
    return found
