"""The files that a section names: of servers, of what other entries make, or not there at all."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Collection, Iterator, Mapping

from provisioner.facts.paths import as_stored
from provisioner.kinds.pip.requirements import (
    OPTION,
    Include,
    Read,
    Requirements,
    gather,
    logical_lines,
    project_folder,
    text_of,
    understand,
)
from provisioner.kinds.pip.section import Pip, RequirementsFile, place_of
from provisioner.kinds.shared.fields import at_or_below_any, is_at_or_below
from provisioner.kinds.shared.near_names import find_gap, hint
from provisioner.machine.reader import Reader
from provisioner.machine.urls import file_name, is_web, local_path, shown
from provisioner.model.errors import ObserveError, Unforeseen

LONGEST = 200
"""Characters of a file's name, which may have 255 bytes."""


def without(config: Pip, absent: tuple[str, ...]) -> Pip:
    """The section without the files that lie in places that are not here."""

    def here(places: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(place for place in places if not at_or_below_any(project_folder(place), absent))

    def files_here(files: tuple[RequirementsFile, ...]) -> tuple[RequirementsFile, ...]:
        return tuple(file for file in files if not at_or_below_any(place_of(file), absent))

    return config.model_copy(
        update={
            "requirements": files_here(config.requirements),
            "constraints": files_here(config.constraints),
            "editable": here(config.editable),
            "find_links": here(config.find_links),
        }
    )


def inputs(config: Pip, reader: Reader) -> tuple[str, ...]:
    """The files that say what is wanted: requirements, constraints, and projects' own.

    What other entries make is left to what these say, and a file with a sha256 to that.
    """
    found: list[str] = []
    read_file = reading(config, reader)

    def read(place: str) -> bytes | None:
        if at_or_below_any(place, reader.context.made):
            return None
        if place not in config.hashes:
            found.append(place)
        return read_file(place)

    gather(config, reader.context.folder, read)
    return tuple(found)


def as_here(config: Pip, reader: Reader) -> Pip:
    """The section with paths as the file system writes them."""

    def stored(place: str) -> str:
        folder = project_folder(place)
        return as_stored(folder, reader) + place.removeprefix(folder) if folder.startswith("/") else place

    def stored_all(files: tuple[RequirementsFile, ...]) -> tuple[RequirementsFile, ...]:
        return tuple(stored(file) if isinstance(file, str) else file for file in files)

    return config.model_copy(
        update={
            "requirements": stored_all(config.requirements),
            "constraints": stored_all(config.constraints),
            "editable": tuple(map(stored, config.editable)),
            "find_links": tuple(map(stored, config.find_links)),
        }
    )


# Files of servers


def reading(config: Pip, reader: Reader) -> Read:
    """How files are read: what a server has is compared with its sha256, and not asked for again.

    Raises ObserveError for a file that is not the one that the section means.
    """
    hashes = config.hashes

    def read(place: str) -> bytes | None:
        wanted = hashes.get(place)
        if wanted is None:
            return reader.read(place)
        kept = reader.read(reader.context.kept(wanted, name_of(place)))
        if kept is not None and sha256(kept) == wanted:
            return kept
        data = reader.read(place)
        if data is not None and sha256(data) != wanted:
            raise ObserveError(
                f"{shown(place)}: the sha256 is {sha256(data)}, and the file says {wanted}",
                "See what changed there; if that is right, write the new sha256.",
            )
        if data is not None:
            reader.keep(name_of(place), data)
        return data

    return read


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def name_of(place: str) -> str:
    """The name of a file, given its path or URL; one without any is called requirements.txt."""
    name = file_name(place) if is_web(place) else posixpath.basename(place)
    return name[:LONGEST] or "requirements.txt"


def unpinned(config: Pip, found: Requirements) -> Iterator[tuple[str, str]]:
    """The URL of each file that no sha256 stands for, and what to write for it."""
    for place, data in found.files.items():
        if is_web(place) and place not in config.hashes:
            yield place, f"{{url: {shown(place)}, sha256: {sha256(data)}}}"


# What is not there, or not there yet


def local(config: Pip) -> tuple[str, ...]:
    """All paths that a section names, but for the virtual environment."""
    return (
        *(place for place, _ in config.files if not is_web(place)),
        *map(project_folder, config.editable),
        *(place for place in config.find_links if "://" not in place),
    )


def here(config: Pip, reader: Reader) -> Pip:
    """The section without what others make and is not there yet."""
    made = (path for path in local(config) if at_or_below_any(path, reader.context.made))
    return without(config, tuple(path for path in made if reader.stat(path) is None))


def why_missing(place: str, config: Pip, reader: Reader) -> str:
    """What is said of a file that is not there: where it was expected, and what to do."""
    if is_web(place):
        return f"The server has nothing at {shown(place)}: check the URL."
    makers = [made for made in reader.context.made if is_at_or_below(place, made)]
    maker = max(makers, key=len, default="")
    if maker and reader.stat(maker) is None:
        waits = place in dict(config.files)
        way = "apply that first" if waits else "name it in pip.requirements, so that pip waits for it"
        where = "made by another part of the file, and" if maker == place else f"in {maker}, which"
        return f"{place} is to be {where} is not there yet: {way}."
    advice = hint(find_gap(place, reader)) or "check the path."
    if maker and maker != place:
        return f"There is no {posixpath.relpath(place, maker)} in {maker}, which this file brings: {advice}"
    return f"There is no file {place}: {advice}"


def refuse_unforeseen(config: Pip, found: Requirements, reader: Reader) -> None:
    """Raise Unforeseen where uv would have to see more of what is still to be made than files' contents."""
    editable = (each.editable for each in found.wanted if each.editable)
    archives = (local_path(each.url) for each in found.wanted if each.url)
    undecided = (place for place in found.undecided if reader.context.is_foreseen(place))
    links = (place for place in config.find_links if "://" not in place)
    for path in (*editable, *archives, *undecided, *links):
        if path and reader.context.is_foreseen(path):
            raise Unforeseen(f"{path} is not there yet")


# Copies


def copies(found: Requirements, reader: Reader) -> dict[str, str]:
    """Paths of copies, by places: of what programs cannot read themselves, and of what includes that."""
    foreign = {place for place in found.files if is_web(place) or reader.context.is_foreseen(place)}
    included = {
        place: [include[0] for _, include in includes(data, place)] for place, data in found.files.items()
    }
    while more := {each for each in included if each not in foreign and foreign & {*included[each]}}:
        foreign |= more
    return {place: copy(place, found.files, foreign, reader) for place in foreign}


def copy(
    place: str,
    files: Mapping[str, bytes],
    foreign: Collection[str],
    reader: Reader,
    above: tuple[str, ...] = (),
) -> str:
    """The path of a file for programs: a copy, which includes copies, where it is foreign.

    What includes itself is included once.
    """
    if place not in foreign:
        return place
    data, above = files[place], (*above, place)
    changed = dict(includes(data, place))
    if not changed:
        return reader.keep(name_of(place), data)
    lines = []
    for line in logical_lines(text_of(data)):
        if line not in changed:
            lines.append(line)
        elif changed[line][0] not in above:
            other, constrains = changed[line]
            lines.append(f"{'-c' if constrains else '-r'} {copy(other, files, foreign, reader, above)}")
    return reader.keep(name_of(place), "".join(f"{line}\n" for line in lines).encode())


def includes(data: bytes, place: str) -> Iterator[tuple[str, Include]]:
    """The lines of a file that include others."""
    for line in logical_lines(text_of(data)):
        match = OPTION.fullmatch(line)
        if match and (match["short"] or match["long"][0]) != "e":
            understood = understand(line, place, "", lambda path: None)
            if isinstance(understood, tuple):
                yield line, understood
