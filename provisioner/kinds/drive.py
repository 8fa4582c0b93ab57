"""Google Drive: mounted where the file says, what is needed is there, and links lead into it.

Only a notebook's kernel can mount Drive, because Google asks the user there. In the kernel a mount that is
missing is a step; anywhere else it is a precondition, and the plan says which lines to run.
"""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

from provisioner.facts import platforms
from provisioner.facts.platforms import Platform
from provisioner.kinds.base import ABSENT, Kind
from provisioner.kinds.shared.fields import Flag, Section, SpecPath, as_written
from provisioner.kinds.shared.platform_advice import advice
from provisioner.machine.reader import Reader, Stat
from provisioner.model.effects import Link, Mount
from provisioner.model.errors import ObserveError
from provisioner.model.plan import Action, Change, Step

MOUNTS = "/proc/self/mounts"

COLAB_TYPE = "fuse.drive"
"""How Colab's Drive appears in the mount table."""

ROOTS = ("MyDrive", "My Drive")
"""The user's own drive, by the name without a space and by the one that google.colab looks for."""

ASKED = "Google asks you to allow it"


def check_mount(path: str) -> str:
    if not re.fullmatch(r"[\w./+-]+", path):
        raise ValueError(
            "is not a valid mount point for Drive: Colab refuses spaces and special characters there; "
            "write /content/drive"
        )
    return path


def check_inside(path: str) -> str:
    normal = posixpath.normpath(path)
    if "\0" in path or normal.startswith(("/", "..")):
        raise ValueError("is not inside Drive; write a path like MyDrive/models")
    return normal


Inside = Annotated[str, Field(min_length=1), AfterValidator(check_inside)]


class Drive(Section):
    """Where Drive is mounted, and what is needed of it."""

    mount: Annotated[SpecPath, AfterValidator(check_mount)] = Field(
        "/content/drive", description="Where Drive is mounted."
    )
    paths: tuple[Inside, ...] = Field(
        (), description="What must exist, relative to the mount.", examples=[["MyDrive/models"]]
    )
    links: dict[SpecPath, Inside] = Field(
        {},
        description="Links to make, and the target of each, relative to the mount.",
        examples=[{"models": "MyDrive/models"}],
    )
    required: Flag = Field(
        True,
        description="Whether it is an error when Drive is not mounted; if false, nothing is linked then.",
    )


@dataclass(frozen=True)
class DrivePlace:
    """Something required in Drive: whether it exists, and what else is in its place."""

    inside: str
    exists: bool
    folder: str
    """The deepest folder above it that exists, relative to the mount."""
    names: tuple[str, ...]
    """The names in that folder; empty when the place exists."""


@dataclass(frozen=True)
class DriveFacts:
    platform: Platform
    type: str
    """The file system's type at the mount point, empty when nothing is mounted there."""
    problem: str
    """Why a mounted Drive cannot be used; empty when it can."""
    places: tuple[DrivePlace, ...]
    """What `paths` and `links` name, in that order; empty unless Drive can be used."""
    links: tuple[Stat | None, ...]
    mountable: bool = False
    """Whether we are Colab's kernel, which can mount Drive."""
    obstacle: str = ""
    """What prevents Colab from mounting at that place; empty when nothing does."""


def observe(config: Drive, reader: Reader) -> DriveFacts:
    platform = platforms.detect(reader)
    type_ = mounted_type((reader.read(MOUNTS) or b"").decode(errors="replace"), config.mount)
    problem = ""
    places: tuple[DrivePlace, ...] = ()
    try:
        problem = why_unusable(platform, type_, config.mount, reader) if type_ else ""
        if type_ and not problem:
            wanted = (*config.paths, *config.links.values())
            places = tuple(find(inside, config.mount, reader) for inside in wanted)
    except ObserveError as error:
        problem = error.message
    mountable = platform == "colab" and not type_ and platforms.is_kernel(reader)
    obstacle = find_obstacle(config.mount, reader) if mountable else ""
    links = tuple(reader.stat(path) for path in config.links)
    return DriveFacts(platform, type_, problem, places, links, mountable, obstacle)


def find_obstacle(mount: str, reader: Reader) -> str:
    """What google.colab would refuse: a link, a place that is not empty, one without a folder above it."""
    found = reader.stat(mount)
    if found and found.type != "folder":
        return f"there is a {found.type} at {mount}"
    if found and reader.list(mount):
        return f"{mount} is not empty"
    above = posixpath.dirname(mount)
    return "" if found or reader.stat(above) else f"there is no folder {above}"


def mounted_type(mounts: str, mount: str) -> str:
    """The type of what is mounted at a place, or "". In the table, odd characters are octal: see fstab(5)."""
    type_ = ""
    for line in mounts.splitlines():
        _, place, kind, *_ = [*line.split(), "", "", ""]
        if re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), place) == mount:
            type_ = kind  # what was mounted last is on top
    return type_


def why_unusable(platform: Platform, type_: str, mount: str, reader: Reader) -> str:
    if platform == "colab" and type_ != COLAB_TYPE:
        return f"{mount} has another file system ({type_})"
    if not any(reader.stat(posixpath.join(mount, root)) for root in ROOTS):
        return f"{mount} is mounted, but MyDrive is not in it"
    return ""


def find(inside: str, mount: str, reader: Reader) -> DrivePlace:
    if reader.stat(posixpath.join(mount, inside)):
        return DrivePlace(inside, True, posixpath.dirname(inside), ())
    folder = posixpath.dirname(inside)
    while (names := reader.list(posixpath.join(mount, folder))) is None and folder:
        folder = posixpath.dirname(folder)
    return DrivePlace(inside, False, folder, names or ())


def plan(config: Drive, facts: DriveFacts) -> Iterator[Step]:
    if not facts.type and not config.required and (facts.obstacle or not facts.mountable):
        yield done_without(config, facts)
        return
    mount = mount_change(config, facts)
    places = {place.inside: place for place in facts.places}
    paths = [path_change(places[inside]) for inside in config.paths if inside in places]
    asks = mount.action is Action.CREATE
    yield Step(
        id="drive",
        changes=(mount, *paths),
        effects=(Mount(path=config.mount),) if asks else (),
    )
    for (path, inside), found in zip(config.links.items(), facts.links, strict=True):
        change = link_change(path, posixpath.join(config.mount, inside), found, places.get(inside))
        idle = change.action in (Action.KEEP, Action.BLOCKED)
        link = Link(path=path, target=posixpath.join(config.mount, inside))
        yield Step(id=change.address, changes=(change,), effects=() if idle else (link,), after=("drive",))


def done_without(config: Drive, facts: DriveFacts) -> Step:
    """Nothing is done about a Drive that is neither mounted nor required."""
    if facts.platform == "colab":
        reason = "not mounted, and not required"
        way = advice("mount drive", facts.platform, mount=config.mount)
        warning = f"Drive is not mounted, so nothing is linked into it. {way}"
    else:
        reason, warning = "not on Colab, and not required", ""
    change = Change("drive.mount", Action.KEEP, "none", reason=reason)
    return Step(id="drive", changes=(change,), warnings=(warning,) if warning else ())


def mount_change(config: Drive, facts: DriveFacts) -> Change:
    if facts.mountable and not facts.obstacle:
        return Change("drive.mount", Action.CREATE, None, config.mount, ASKED)
    if facts.obstacle:
        way = "Move it away, or choose another place for `mount`."
        return blocked("mount", config.mount, f"Colab cannot mount Drive: {facts.obstacle}. {way}")
    if not facts.type:
        way = advice("mount drive", facts.platform, mount=config.mount)
        return blocked("mount", config.mount, f"Drive is not mounted. {way}")
    if facts.problem:
        way = advice("mount drive again", facts.platform, mount=config.mount)
        return blocked("mount", config.mount, f"{facts.problem}. {way}")
    return Change("drive.mount", Action.KEEP, config.mount)


def path_change(place: DrivePlace) -> Change:
    if place.exists:
        return Change(f"drive.{place.inside}", Action.KEEP, "present")
    return blocked(place.inside, "present", why_missing(place))


def why_missing(place: DrivePlace) -> str:
    """The message that something is not in Drive, with what is there instead."""
    folder = place.folder or "Drive"
    below = place.inside.removeprefix(place.folder).lstrip("/").partition("/")[0]
    near = difflib.get_close_matches(below, place.names, n=1)
    if near:
        return f"{folder} has no {below}. Did you mean {posixpath.join(place.folder, near[0])}?"
    return f"{folder} has no {below}. Put it there, or correct the path."


def link_change(path: str, target: str, found: Stat | None, place: DrivePlace | None) -> Change:
    name = f"link {path}"
    if place and not place.exists:
        return blocked(name, target, why_missing(place))
    if found is None:
        return Change(f"drive.{name}", Action.CREATE, None, target)
    if found.link is None:
        reason = f"there is a {found.type} at {path}. Move it away, or choose another name."
        return Change(f"drive.{name}", Action.BLOCKED, found.type, target, reason)
    if found.link == target:
        return Change(f"drive.{name}", Action.KEEP, target)
    return Change(f"drive.{name}", Action.UPDATE, found.link, target)


def blocked(name: str, after: str, reason: str) -> Change:
    return Change(f"drive.{name}", Action.BLOCKED, None, after, reason)


def named(config: Drive, facts: DriveFacts) -> Iterator[tuple[str, str]]:
    """Whether it is mounted, whether what is needed is in it, and where the links lead.

    A part of fingerprints, whose words stay as they are.
    """
    mounted = ("unusable" if facts.problem else "mounted") if facts.type else ABSENT
    yield "drive.mount", mounted
    present = {place.inside for place in facts.places if place.exists}
    for inside in config.paths:
        yield f"drive.{inside}", "there" if inside in present else ABSENT
    for (path, inside), found in zip(config.links.items(), facts.links, strict=True):
        right = found is not None and found.link == posixpath.join(config.mount, inside)
        other = (found.link or f"a {found.type}") if found else ABSENT
        yield f"drive.link {as_written(path)}", inside if right else other


KIND = Kind(
    name="drive",
    config=Annotated[
        Drive, Field(description="Google Drive: its mount, what must be in it, and links into it.")
    ],
    observe=observe,
    plan=plan,
    named=named,
)
