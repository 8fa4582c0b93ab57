"""Files that only the user has: where they are missing, chosen in the browser, and put where they belong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from pydantic import Field

from provisioner.facts import platforms
from provisioner.facts.platforms import Place
from provisioner.kinds.base import ABSENT, Entry, Kind
from provisioner.kinds.shared import references
from provisioner.kinds.shared.checks import EntryName
from provisioner.kinds.shared.fields import Mode, Section, SpecPath
from provisioner.kinds.shared.platform_advice import advice
from provisioner.kinds.shared.references import Definition
from provisioner.machine.reader import Reader, Stat
from provisioner.model.effects import Chmod, Effect, Upload
from provisioner.model.plan import Action, Change, Step


class InputFile(Section):
    """A file that the user is asked for when it is missing."""

    to: SpecPath = Field(description="Where it belongs.", examples=["~/.kaggle/kaggle.json"])
    mode: Mode = Field(
        "0600", description="Its permissions in octal, quoted; by default only you can read it."
    )

    @property
    def bits(self) -> int:
        return int(self.mode, 8)


Inputs = dict[EntryName, InputFile]


@dataclass(frozen=True)
class InputsFacts:
    place: Place
    inside: bool
    """Whether we are the kernel."""
    files: tuple[Stat | None, ...]
    """What is at each path, in the order of the section."""


def observe(config: Inputs, reader: Reader) -> InputsFacts:
    files = tuple(reader.stat(one.to) for one in config.values())
    return InputsFacts(platforms.place(reader), platforms.is_kernel(reader), files)


def plan(config: Inputs, facts: InputsFacts) -> Iterator[Step]:
    for (name, wanted), found in zip(config.items(), facts.files, strict=True):
        change, effects = look(f"inputs.{name}", wanted, found, facts)
        yield Step(id=change.address, changes=(change,), effects=effects)


def look(
    address: str, wanted: InputFile, found: Stat | None, facts: InputsFacts
) -> tuple[Change, tuple[Effect, ...]]:
    if found is None:
        if facts.place == "colab" and facts.inside:
            change = Change(address, Action.CREATE, None, wanted.to, "you are asked for it in the browser")
            return change, (Upload(path=wanted.to, mode=wanted.bits),)
        reason = f"{wanted.to} does not exist. {advice('missing file', facts.place)}"
        return Change(address, Action.BLOCKED, None, wanted.to, reason), ()
    if found.type not in ("file", "link"):
        reason = f"There is a {found.type} at {wanted.to}. Move it away, or choose another path."
        return Change(address, Action.BLOCKED, found.type, wanted.to, reason), ()
    if found.type == "file" and found.mode != wanted.bits:
        change = Change(address, Action.UPDATE, f"mode {found.mode:04o}", f"mode {wanted.bits:04o}")
        return change, (Chmod(path=wanted.to, mode=wanted.bits),)
    return Change(address, Action.KEEP, wanted.to), ()


def paths(section: object) -> dict[str, Definition]:
    """Where each belongs."""
    return {f"inputs.{name}": partial(place, one) for name, one in references.raw_entries(section).items()}


def place(one: object, context: Mapping[str, object]) -> str:
    return InputFile.model_validate(one, context=context).to


def entries(config: Inputs, folder: str) -> Iterator[Entry]:
    for name, one in config.items():
        yield Entry(address=f"inputs.{name}", config={name: one}, place=(name,), makes=(one.to,))


def named(config: Inputs, facts: InputsFacts) -> Iterator[tuple[str, str]]:
    """Whether each is present, and who can read it; never its contents."""
    for name, found in zip(config, facts.files, strict=True):
        yield f"inputs.{name}", describe(found) if found else ABSENT


def describe(found: Stat) -> str:
    """A part of fingerprints, whose words stay as they are."""
    return f"there, mode {found.mode:04o}" if found.type == "file" else f"a {found.type}"


KIND = Kind(
    name="inputs",
    config=Annotated[
        Inputs,
        Field(
            description="Files that only you have, such as kaggle.json: on Colab you are asked for a missing "
            "one in the browser.",
            examples=[{"kaggle": {"to": "~/.kaggle/kaggle.json"}}],
        ),
    ],
    observe=observe,
    plan=plan,
    named=named,
    entries=entries,
    paths=paths,
)
