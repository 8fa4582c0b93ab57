"""What is at the path of each entry, and whatever else an entry of its form depends on."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from provisioner.facts.mounts import mounted
from provisioner.facts.paths import as_stored, follow, look_through
from provisioner.kinds.files.section import File
from provisioner.kinds.shared.changed import content_at
from provisioner.kinds.shared.fields import as_written, at_or_below_any, is_at_or_below
from provisioner.kinds.shared.near_names import Gap, aside, find_gap
from provisioner.kinds.shared.patches import taken_away
from provisioner.machine.edits import diffs
from provisioner.machine.reader import Reader, Stat
from provisioner.machine.trees import mode_in_tree, same_time
from provisioner.model.errors import EffectError

PATHS = ("path", "source", "link", "original", "move")
"""The fields of an entry that have one path."""

LITTLE = 1 << 20
"""Bytes of a file that is read even if its size already shows that it is not right."""


@dataclass(frozen=True)
class CopyFacts:
    """How a copy differs from its original, by names below both; "" is the file itself."""

    files: int = 0
    bytes: int = 0
    """Of the original, both."""
    missing: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    """What differs, and was changed after the original was."""
    obstacles: tuple[str, ...] = ()
    """What is of another type than in the original, and what cannot be copied."""
    needed: int = 0
    """Bytes to copy."""
    free: int = 0
    keep: tuple[str, ...] = ()
    """Paths that other entries make, and files here that others edit or have removed."""
    digest: str | None = None
    """sha256 of all that is here of it; None where that is much to read."""


@dataclass(frozen=True)
class PatchFacts:
    """The paths of files that diffs still have to change, or why they cannot be applied."""

    pending: tuple[str, ...] = ()
    refusal: str = ""
    is_folder: bool = False


@dataclass(frozen=True)
class ModeFacts:
    """How many files and folders a folder has in it, and how many have another mode."""

    count: int = 0
    wrong: int = 0
    keep: tuple[str, ...] = ()
    """Paths that other entries make."""


@dataclass(frozen=True)
class RemovalFacts:
    """What stands against removing a path."""

    holds: bool = False
    """Whether it is a folder that is not empty."""
    is_inside: bool = True
    """Whether it lies in the spec's folder or in the home folder."""
    mounts: tuple[str, ...] = ()
    """What is mounted at it or below it."""
    made: tuple[str, ...] = ()
    """What other entries make below it."""
    link: str = ""
    """A link on the way to it."""


@dataclass(frozen=True)
class FileFacts:
    """What is at the path of one entry, and at what it is made from."""

    stat: Stat | None
    obstacle: str | None = None
    """A file where a folder above the path should be."""
    digest: str | None = None
    """sha256 of what may be right, or is no larger than LITTLE."""
    source: Stat | None = None
    source_digest: str | None = None
    data: bytes | None = None
    """Of a file that is edited."""
    copy: CopyFacts | None = None
    patch: PatchFacts | None = None
    modes: ModeFacts | None = None
    removal: RemovalFacts | None = None
    gap: Gap | None = None
    """Where the way to what it is made from ends, if that is not there."""
    names: Mapping[str, object] = field(default_factory=dict)
    """The entry's paths that the file system writes in another way, by their fields."""

    @property
    def like_source(self) -> str:
        """What is there instead of what it is made from, in brackets; "" for nothing like it."""
        return aside(self.gap) if self.gap else ""


FilesFacts = tuple[FileFacts, ...]


def observe(config: tuple[File, ...], reader: Reader) -> FilesFacts:
    return tuple(look_as_here(file, reader) for file in config)


def look_as_here(file: File, reader: Reader) -> FileFacts:
    names = dict(names_here(file, reader))
    file = file.model_copy(update=names)
    found, origin = look(file, reader), file.source or file.original or file.move
    gap = find_gap(origin, reader) if origin and found.source is None else None
    return replace(found, names=names, gap=gap)


def names_here(file: File, reader: Reader) -> Iterator[tuple[str, object]]:
    for name in PATHS:
        path: str | None = getattr(file, name)
        if path and (stored := as_stored(path, reader)) != path:
            yield name, stored
    patches = tuple(as_stored(path, reader) for path in file.patches)
    if patches != file.patches:
        yield "patch", patches


def look(file: File, reader: Reader) -> FileFacts:
    stat = reader.stat(file.path)
    obstacle = None if stat else find_obstacle(file.path, reader)
    match file.form:
        case "edit" | "set":
            data = reader.read(file.path) if stat and stat.type == "file" else None
            return FileFacts(stat, obstacle, data=data)
        case "patch":
            modes = look_at_modes(file, reader)
            return FileFacts(stat, obstacle, patch=look_at_patch(file, reader), modes=modes)
        case "copy":
            source = look_through(file.original or "", reader)
            copy = look_at_copy(file, source, reader) if source else None
            digest, modes = copy.digest if copy else None, look_at_modes(file, reader)
            return FileFacts(stat, obstacle, digest, source, copy=copy, modes=modes)
        case "move":
            digest, source = digest_of(file.path, stat, reader), reader.stat(file.move or "")
            return FileFacts(stat, obstacle, digest, source, modes=look_at_modes(file, reader))
        case "absent":
            return FileFacts(stat, removal=look_at_removal(file, stat, reader) if stat else None)
        case "mode":
            return FileFacts(stat, obstacle, modes=look_at_modes(file, reader))
    return look_at_file(file, stat, obstacle, reader)


def look_at_file(file: File, stat: Stat | None, obstacle: str | None, reader: Reader) -> FileFacts:
    source = reader.stat(file.source) if file.source else None
    size = source.size if source else len((file.content or "").encode())
    comparable = stat is not None and stat.type == "file" and stat.size == size and not file.link
    return FileFacts(
        stat,
        obstacle,
        reader.hash(file.path) if comparable or is_little(stat) else None,
        source,
        reader.hash(file.source) if file.source and comparable else None,
        modes=look_at_modes(file, reader),
    )


def is_little(stat: Stat | None) -> bool:
    return stat is not None and stat.type == "file" and stat.size <= LITTLE


def digest_of(path: str, stat: Stat | None, reader: Reader) -> str | None:
    """The sha256 of a file, or of all names and contents in a folder; None where that is much to read."""
    if stat is None or stat.type not in ("file", "folder"):
        return None
    return digest_of_all(path, [(path, stat), *walk(path, reader)], reader)


def digest_of_all(path: str, found: Sequence[tuple[str, Stat]], reader: Reader) -> str | None:
    """The sha256 of a file or a folder at a path, given all that counts of it."""
    size = sum(stat.size for _, stat in found if stat.type == "file")
    if size > LITTLE and not reader.context.deep:
        return None
    if [stat.type for _, stat in found] == ["file"]:
        return reader.hash(path)
    whole = hashlib.sha256()
    for place, stat in sorted(found):
        what = stat.link or (reader.hash(place) if stat.type == "file" else "")
        said = f"{place.removeprefix(path)}\0{stat.type}\0{what}\0"
        whole.update(said.encode(errors="surrogateescape"))
    return whole.hexdigest()


def find_obstacle(path: str, reader: Reader) -> str | None:
    """The nearest existing parent of an absent path, if it is not a folder."""
    while (path := posixpath.dirname(path)) != "/":
        if found := reader.stat(path):
            return path if found.type in ("file", "other") else None
    return None


# Folders


def below(file: File, claims: Iterable[str], reader: Reader) -> tuple[str, ...]:
    """What other entries claim below a path."""
    found = (as_stored(claim, reader) for claim in claims)
    return tuple(path for path in found if path != file.path and is_at_or_below(path, file.path))


def others_below(file: File, reader: Reader) -> tuple[str, ...]:
    """What other entries make below a path."""
    return below(file, reader.context.made, reader)


def walk(path: str, reader: Reader, keep: tuple[str, ...] = ()) -> Iterator[tuple[str, Stat]]:
    """Everything below a folder, without what is at or below `keep`. No link is followed."""
    for name in reader.list(path) or ():
        inner = posixpath.join(path, name)
        stat = None if inner in keep else reader.stat(inner)
        if stat:
            yield inner, stat
            if stat.type == "folder":
                yield from walk(inner, reader, keep)


def look_at_copy(file: File, source: Stat, reader: Reader) -> CopyFacts:
    origin = follow(file.original or "", reader) or ""
    keep = others_below(file, reader)
    edited, gone = reader.context.edited, taken_away(file.path, reader)
    skipped = tuple(origin + path.removeprefix(file.path) for path in keep)
    found = [(origin, source), *(walk(origin, reader, skipped) if source.type == "folder" else ())]
    files = [(path, stat) for path, stat in found if stat.type != "folder"]
    missing: list[str] = []
    stale: list[str] = []
    changed: list[str] = []
    obstacles: list[str] = []
    here: list[tuple[str, Stat]] = []
    theirs_now: list[str] = []
    needed = 0
    for path, theirs in found:
        name = path.removeprefix(origin)
        place = file.path + name
        ours = reader.stat(place)
        here += [(place, ours)] if ours else []
        if theirs.type == "other" or (ours and ours.type != theirs.type):
            obstacles.append(name)
        elif ours is None and place in gone:
            theirs_now += [place] if here else []  # a patch may need what it takes away
        elif ours is None:
            missing.append(name)
            needed += theirs.size if theirs.type == "file" else 0
        elif theirs.type != "folder" and at_or_below_any(place, edited):
            theirs_now.append(place)
        elif differs(file, path, theirs, place, ours, reader):
            newer = ours.mtime_ns > theirs.mtime_ns and not same_time(theirs.mtime_ns, ours.mtime_ns)
            (changed if newer else stale).append(name)
            needed += max(0, theirs.size - ours.size)
    return CopyFacts(
        len(files),
        sum(stat.size for _, stat in files),
        tuple(missing),
        tuple(stale),
        tuple(changed),
        tuple(obstacles),
        needed,
        reader.free(file.path),
        (*keep, *theirs_now),
        digest_of_all(file.path, here, reader) if here else None,
    )


def differs(file: File, path: str, theirs: Stat, here: str, ours: Stat, reader: Reader) -> bool:
    """Whether a file or a link differs; a file is read when its time leaves that open, and in a deep look."""
    if theirs.type != "file":
        return theirs.link != ours.link
    if theirs.size != ours.size:
        return True
    deep = reader.context.deep or f"files.{as_written(file.path)}" in reader.context.suspects
    if same_time(theirs.mtime_ns, ours.mtime_ns) and not deep:
        return False
    return reader.hash(path) != reader.hash(here)


def look_at_modes(file: File, reader: Reader) -> ModeFacts | None:
    """The modes in a folder, where they are asked for."""
    if not file.recurse or file.bits is None:
        return None
    keep = (*others_below(file, reader), *below(file, reader.context.ensured, reader))
    stat = reader.stat(file.path)
    found = [stat, *(each for _, each in walk(file.path, reader, keep))] if stat else []
    modes = [
        (each.mode, mode_in_tree(file.bits, folder=each.type == "folder")) for each in found if not each.link
    ]
    return ModeFacts(len(modes), sum(mode != wanted for mode, wanted in modes), keep)


# Patches


def look_at_patch(file: File, reader: Reader) -> PatchFacts:
    base = look_through(file.path, reader)
    if base is None:
        return PatchFacts()
    is_folder = base.type == "folder"

    def content(path: str) -> diffs.Content:
        if link := link_on_the_way(path, file.path if is_folder else posixpath.dirname(path), reader):
            raise EffectError(
                f"{link} is a link, and links are not followed", "Name what it leads to as `path`."
            )
        return content_at(path, reader)

    try:
        told = [
            each
            for path in file.patches
            for each in diffs.parse(read_patch(path, reader), file.patching.strip, path)
        ]
        return PatchFacts(tuple(diffs.patched(told, file.path, is_folder, content)), is_folder=is_folder)
    except EffectError as error:
        return PatchFacts(refusal=in_one(error), is_folder=is_folder)


def in_one(error: EffectError) -> str:
    """What is wrong and the way out, as one text."""
    return f"{error.message}{'' if error.message.endswith('?') else '.'} {error.hint}"


def read_patch(path: str, reader: Reader) -> bytes:
    stat = look_through(path, reader)
    if stat is None or stat.type != "file":
        raise EffectError(f"{path} {'is not a file' if stat else 'does not exist'}", "Correct `patch`.")
    return reader.read(path) or b""


def link_on_the_way(path: str, floor: str, reader: Reader) -> str:
    """The first link from a path upwards, below the folder `floor`; "" for none."""
    while path not in (floor, "/"):
        stat = reader.stat(path)
        if stat and stat.link is not None:
            return path
        path = posixpath.dirname(path)
    return ""


# Removal


def look_at_removal(file: File, stat: Stat, reader: Reader) -> RemovalFacts:
    context = reader.context
    if stat.type != "folder":
        return RemovalFacts()
    return RemovalFacts(
        holds=bool(reader.list(file.path)),
        is_inside=at_or_below_any(file.path, (context.folder, context.home)),
        mounts=tuple(place for place in mounted(reader) if is_at_or_below(place, file.path)),
        made=others_below(file, reader),
        link=link_on_the_way(posixpath.dirname(file.path), "/", reader),
    )
