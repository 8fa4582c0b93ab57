"""Files that only the user has: where they are missing, chosen in the browser, and put where they belong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

from provisioner.facts import platforms
from provisioner.facts.platforms import CELL, Place
from provisioner.kinds.base import ABSENT, Kind
from provisioner.kinds.shared.fields import Mode, Section, SpecPath
from provisioner.machine.reader import Reader, Stat
from provisioner.model.effects import Chmod, Effect, Upload
from provisioner.model.plan import Action, Change, Step

PUT = "Put the file there yourself, and then run this again."

WAYS: dict[Place, str] = {
    "colab": f"Only the kernel can ask for it in the browser. {CELL}",
    "colab-enterprise": "Upload it with the Files panel, and move it there.",
    "kaggle": "Attach it with Add Input, which puts it below /kaggle/input, and copy it there.",
    "studio-lab": "Upload it with the file browser at the left, and move it there.",
    "vscode": PUT,
    "jupyter": "Upload it with the file browser at the left, and move it there.",
    "other": PUT,
}


def check_name(name: str) -> str:
    if not name.replace("-", "").replace("_", "").isalnum():
        raise ValueError("is no name for an input; use letters, digits, - and _")
    return name


class Input(Section):
    """A file that the user is asked for when it is not there."""

    to: SpecPath = Field(description="Where it belongs.", examples=["~/.kaggle/kaggle.json"])
    mode: Mode = Field(
        "0600", description="Its permissions in octal, quoted; what you keep to yourself is for you alone."
    )

    @property
    def bits(self) -> int:
        return int(self.mode, 8)


Inputs = dict[Annotated[str, AfterValidator(check_name)], Input]


@dataclass(frozen=True)
class Facts:
    place: Place
    inside: bool
    """Whether we are the kernel."""
    files: tuple[Stat | None, ...]
    """What is at each path, in the order of the section."""


def observe(config: Inputs, reader: Reader) -> Facts:
    kernel = reader.kernel()
    inside = kernel is not None and kernel.inside
    return Facts(platforms.place(reader), inside, tuple(reader.stat(one.to) for one in config.values()))


def plan(config: Inputs, facts: Facts) -> Iterator[Step]:
    for (name, wanted), found in zip(config.items(), facts.files, strict=True):
        change, effects = look(f"inputs.{name}", wanted, found, facts)
        yield Step(id=change.address, changes=(change,), effects=effects)


def look(address: str, wanted: Input, found: Stat | None, facts: Facts) -> tuple[Change, tuple[Effect, ...]]:
    if found is None:
        if facts.place == "colab" and facts.inside:
            change = Change(address, Action.CREATE, None, wanted.to, "you are asked for it in the browser")
            return change, (Upload(path=wanted.to, mode=wanted.bits),)
        reason = f"{wanted.to} is not there. {WAYS[facts.place]}"
        return Change(address, Action.BLOCKED, None, wanted.to, reason), ()
    if found.type not in ("file", "link"):
        reason = f"There is a {found.type} at {wanted.to}. Move it away, or choose another path."
        return Change(address, Action.BLOCKED, found.type, wanted.to, reason), ()
    if found.type == "file" and found.mode != wanted.bits:
        change = Change(address, Action.UPDATE, f"mode {found.mode:04o}", f"mode {wanted.bits:04o}")
        return change, (Chmod(path=wanted.to, mode=wanted.bits),)
    return Change(address, Action.KEEP, wanted.to), ()


def named(config: Inputs, facts: Facts) -> Iterator[tuple[str, str]]:
    """Whether each is there, and for whom to read; never what it holds."""
    for name, found in zip(config, facts.files, strict=True):
        there = found and (f"there, mode {found.mode:04o}" if found.type == "file" else f"a {found.type}")
        yield f"inputs.{name}", there or ABSENT


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
)
