"""Google Drive: mounted where the file says, what is needed is there, and links lead into it.

Only a notebook's kernel can mount Drive, because Google asks the user there. In the kernel a mount that is
missing is a step; anywhere else it is a precondition, and the plan says which lines to run. What lies on
Drive is known once it is mounted, and each part of it is an entry of its own.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from provisioner.facts import platforms
from provisioner.facts.mounts import mounted
from provisioner.facts.paths import as_stored, look_through
from provisioner.facts.platforms import Platform
from provisioner.kinds.base import ABSENT, Entry, Kind
from provisioner.kinds.shared import references
from provisioner.kinds.shared.fields import Flag, Section, SpecPath, as_written, is_at_or_below
from provisioner.kinds.shared.near_names import Gap, find_gap, suggest
from provisioner.kinds.shared.platform_advice import advice
from provisioner.kinds.shared.references import Definition
from provisioner.machine.reader import Reader, Stat
from provisioner.model.effects import Link, Mkdir, Mount
from provisioner.model.errors import ObserveError
from provisioner.model.plan import Action, Change, Named, Step

COLAB_TYPE = "fuse.drive"
"""How Colab's Drive appears in the mount table."""

ROOTS = ("MyDrive", "My Drive")
"""The user's own drive, by the name without a space and by the one that google.colab looks for."""

ASKED = "Google asks you to allow it"

MOUNT = "drive.mount"
"""The address of the mount."""

NO_LINKS: Mapping[str, str] = {}


def check_mount(path: str) -> str:
    if not re.fullmatch(r"[\w./+-]+", path):
        raise ValueError(
            "is not a valid mount point for Drive: Colab refuses spaces and special characters there; "
            "write /content/drive"
        )
    return path


def check_inside(path: str) -> str:
    references.refuse_variables(path, "write a path like MyDrive/models, and $$ for a dollar")
    normal = posixpath.normpath(path.replace("$$", "$"))
    if "\0" in path or normal.startswith(("/", "..")) or f"drive.{normal}" == MOUNT:
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
    folders: tuple[Inside, ...] = Field(
        (), description="Folders to make, relative to the mount.", examples=[["MyDrive/results"]]
    )
    links: dict[SpecPath, Inside] = Field(
        {},
        description="Links to make, and the target of each, relative to the mount.",
        examples=[{"models": "MyDrive/models"}],
    )
    required: Flag = Field(
        True,
        description="Whether it is an error when Drive is not mounted; if false, all that lies on it is left "
        "out then.",
    )

    @model_validator(mode="after")
    def folders_are_made(self) -> Drive:
        for inside in self.folders:
            if inside in self.paths:
                raise ValueError(f"has {inside} in `paths` and in `folders`, which makes it; remove one")
        return self

    def at(self, inside: str) -> str:
        """The absolute path of something on Drive."""
        return posixpath.normpath(posixpath.join(self.mount, inside))


class OnDrive(Drive):
    """Parts of a section without the mount, which is an entry of its own."""


@dataclass(frozen=True)
class DrivePlace:
    """What a section names in Drive, whether it is there, and what else is in its place."""

    inside: str
    path: str
    """Absolute, as Drive writes it."""
    type: str
    """"file", "folder" or "other", links followed; empty when it does not exist."""
    gap: Gap | None
    """None when it exists."""


@dataclass(frozen=True)
class DriveFacts:
    platform: Platform
    type: str
    """The file system's type at the mount point, empty when nothing is mounted there."""
    problem: str
    """Why a mounted Drive cannot be used; empty when it can."""
    places: tuple[DrivePlace, ...]
    """What `paths`, `folders` and `links` name; empty unless Drive can be used."""
    links: tuple[Stat | None, ...]
    mountable: bool = False
    """Whether we are Colab's kernel, which can mount Drive."""
    obstacle: str = ""
    """What prevents Colab from mounting at that place; empty when nothing does."""

    def place(self, inside: str) -> DrivePlace | None:
        """None unless Drive can be used."""
        return next((place for place in self.places if place.inside == inside), None)


# Observing


def observe(config: Drive, reader: Reader) -> DriveFacts:
    platform = platforms.detect(reader)
    type_ = mounted(reader).get(config.mount, "")
    problem = ""
    places: tuple[DrivePlace, ...] = ()
    try:
        problem = why_unusable(platform, type_, config.mount, reader) if type_ else ""
        if type_ and not problem:
            wanted = dict.fromkeys((*config.paths, *config.folders, *config.links.values()))
            places = tuple(find(inside, config, reader) for inside in wanted)
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


def why_unusable(platform: Platform, type_: str, mount: str, reader: Reader) -> str:
    if platform == "colab" and type_ != COLAB_TYPE:
        return f"{mount} has another file system ({type_})"
    if not any(reader.stat(posixpath.join(mount, root)) for root in ROOTS):
        return f"{mount} is mounted, but MyDrive is not in it"
    return ""


def find(inside: str, config: Drive, reader: Reader) -> DrivePlace:
    path = as_stored(config.at(inside), reader)
    found = look_through(path, reader) or reader.stat(path)
    return DrivePlace(inside, path, found.type if found else "", None if found else find_gap(path, reader))


# Planning


def plan(config: Drive, facts: DriveFacts) -> Iterator[Step]:
    if not isinstance(config, OnDrive):
        yield mount_step(config, facts)
    for inside in config.folders:
        yield folder_step(inside, config, facts)
    for inside in config.paths:
        yield Step(id=f"drive.{inside}", changes=(path_change(inside, config, facts),))
    for (path, inside), found in zip(config.links.items(), facts.links, strict=True):
        yield link_step(path, inside, found, config, facts)


def mount_step(config: Drive, facts: DriveFacts) -> Step:
    if not facts.type and not config.required and (facts.obstacle or not facts.mountable):
        return done_without(config, facts)
    change = mount_change(config, facts)
    asks = change.action is Action.CREATE
    return Step(id=MOUNT, changes=(change,), effects=(Mount(path=config.mount),) if asks else ())


def done_without(config: Drive, facts: DriveFacts) -> Step:
    """Nothing is done about a Drive that is neither mounted nor required."""
    if facts.platform == "colab":
        reason = "not mounted, and not required"
        way = advice("mount drive", facts.platform, mount=config.mount)
        warning = f"Drive is not mounted, so what lies on it is left out. {way}"
    else:
        reason, warning = "not on Colab, and not required", ""
    return Step(
        id=MOUNT,
        changes=(Change(MOUNT, Action.KEEP, "none", reason=reason, left_out=True),),
        warnings=(warning,) if warning else (),
        absent=(config.mount,),
    )


def mount_change(config: Drive, facts: DriveFacts) -> Change:
    if facts.mountable and not facts.obstacle:
        return Change(MOUNT, Action.CREATE, None, config.mount, ASKED)
    if reason := why_no_mount(config, facts):
        return blocked(MOUNT, config.mount, reason)
    return Change(MOUNT, Action.KEEP, config.mount)


def why_no_mount(config: Drive, facts: DriveFacts) -> str:
    """Why Drive cannot be used, and the way out; empty when it can."""
    if facts.obstacle:
        way = "Move it away, or choose another place for `mount`."
        return f"Colab cannot mount Drive: {facts.obstacle}. {way}"
    if not facts.type:
        return f"Drive is not mounted. {advice('mount drive', facts.platform, mount=config.mount)}"
    if facts.problem:
        return f"{facts.problem}. {advice('mount drive again', facts.platform, mount=config.mount)}"
    return ""


def folder_step(inside: str, config: Drive, facts: DriveFacts) -> Step:
    address, place = f"drive.{inside}", facts.place(inside)
    change = folder_change(address, place) if place else unseen(address, "folder", config, facts)
    makes = (Mkdir(path=place.path),) if place and change.action is Action.CREATE else ()
    return Step(id=address, changes=(change,), effects=makes)


def folder_change(address: str, place: DrivePlace) -> Change:
    if place.type == "folder":
        return Change(address, Action.KEEP, "folder")
    path, type_ = (place.gap.folder, place.gap.type) if place.gap else (place.path, place.type)
    if type_ != "folder":
        return blocked(address, "folder", in_the_way(path, type_))
    return Change(address, Action.CREATE, None, "folder")


def path_change(inside: str, config: Drive, facts: DriveFacts) -> Change:
    address, place = f"drive.{inside}", facts.place(inside)
    if place is None:
        return unseen(address, "present", config, facts)
    if place.gap:
        return blocked(address, "present", why_missing(place.gap, config))
    return Change(address, Action.KEEP, "present")


def link_step(path: str, inside: str, found: Stat | None, config: Drive, facts: DriveFacts) -> Step:
    address, place = f"drive.link {as_written(path)}", facts.place(inside)
    if place is None:
        change = unseen(address, config.at(inside), config, facts)
    elif place.gap:
        change = blocked(address, place.path, why_missing(place.gap, config))
    else:
        change = link_change(address, path, place.path, found)
    idle = change.action in (Action.KEEP, Action.BLOCKED)
    effects = () if idle or place is None else (Link(path=path, target=place.path),)
    return Step(id=address, changes=(change,), effects=effects)


def link_change(address: str, path: str, target: str, found: Stat | None) -> Change:
    if found is None:
        return Change(address, Action.CREATE, None, target)
    if found.link is None:
        return Change(address, Action.BLOCKED, found.type, target, in_the_way(path, found.type))
    if found.link == target:
        return Change(address, Action.KEEP, target)
    return Change(address, Action.UPDATE, found.link, target)


def in_the_way(path: str, type_: str) -> str:
    what = "something else" if type_ == "other" else f"a {type_}"
    return f"there is {what} at {path}. Move it away, or choose another name."


def unseen(address: str, after: str, config: Drive, facts: DriveFacts) -> Change:
    """The change of what lies on Drive while nothing is known of that."""
    return blocked(address, after, facts.problem or f"Drive is not mounted at {config.mount}")


def why_missing(gap: Gap, config: Drive) -> str:
    """The message that something is not in Drive, with what is there instead."""
    inside = posixpath.relpath(gap.folder, config.mount)
    folder, shown = ("Drive", "") if inside == "." else (inside, inside)
    if gap.type != "folder":
        return f"{folder} is a {gap.type}, and has no {gap.name}. Correct the path."
    return f"{folder} has no {gap.name}. {suggest(gap, shown) or 'Put it there, or correct the path.'}"


def blocked(address: str, after: str, reason: str) -> Change:
    return Change(address, Action.BLOCKED, None, after, reason)


def named(config: Drive, facts: DriveFacts) -> Iterator[Named]:
    """Whether it is mounted, whether what is needed is in it, and where the links lead.

    A part of fingerprints, whose words stay as they are.
    """
    if not isinstance(config, OnDrive):
        yield MOUNT, ("unusable" if facts.problem else "mounted") if facts.type else ABSENT
    for inside in (*config.paths, *config.folders):
        place = facts.place(inside)
        yield f"drive.{inside}", "there" if place and not place.gap else ABSENT
    for (path, inside), found in zip(config.links.items(), facts.links, strict=True):
        place = facts.place(inside)
        right = found is not None and found.link == (place.path if place else config.at(inside))
        other = (found.link or f"a {found.type}") if found else ABSENT
        yield f"drive.link {as_written(path)}", inside if right else other


# Entries


def defined_paths(section: object) -> dict[str, Definition]:
    """The mount, without the rest of the section: that may refer to it."""
    mount = {key: value for key, value in references.raw_entries(section).items() if key == "mount"}
    return {"drive.mount": lambda context: Drive.model_validate(mount, context=context).mount}


def entries(config: Drive, folder: str) -> Iterator[Entry]:
    """The mount, and each part of what lies on it: one that is missing does not keep the others back."""
    alone = config.model_copy(update={"paths": (), "folders": (), "links": {}})
    yield Entry(address=MOUNT, config=alone, place=("mount",), reveals=(config.mount,))
    for number, inside in enumerate(config.folders):
        yield Entry(
            address=f"drive.{inside}",
            config=part(config, folders=(inside,)),
            place=("folders", number),
            ensures=(config.at(inside),),
            about=about(inside),
        )
    for number, inside in enumerate(config.paths):
        yield Entry(
            address=f"drive.{inside}",
            config=part(config, paths=(inside,)),
            place=("paths", number),
            reads=places_below(inside, config),
            about=about(inside),
        )
    for path, inside in config.links.items():
        yield Entry(
            address=f"drive.link {as_written(path)}",
            config=part(config, links={path: inside}),
            place=("links", as_written(path)),
            makes=(path,),
            reads=places_below(inside, config),
            about=about(inside),
        )


def part(
    config: Drive,
    *,
    paths: tuple[str, ...] = (),
    folders: tuple[str, ...] = (),
    links: Mapping[str, str] = NO_LINKS,
) -> OnDrive:
    return OnDrive.model_construct(
        mount=config.mount, required=config.required, paths=paths, folders=folders, links=dict(links)
    )


def places_below(inside: str, config: Drive) -> tuple[str, ...]:
    """The absolute path of something on Drive, and those of the folders to make below it."""
    return tuple(
        config.at(place)
        for place in (inside, *config.folders)
        if is_at_or_below(config.at(place), config.at(inside))
    )


def about(inside: str) -> str:
    return f"whether {inside} is there"


KIND = Kind(
    name="drive",
    config=Annotated[
        Drive, Field(description="Google Drive: its mount, what must be in it, and links into it.")
    ],
    observe=observe,
    plan=plan,
    named=named,
    entries=entries,
    paths=defined_paths,
)
