"""Aliases for every later shell, in the file that Debian's and Ubuntu's ~/.bashrc reads: ~/.bash_aliases.

A kind says how to observe a section and how to plan it. Applying, verifying, reporting and the JSON Schema
come with that.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints

from provisioner.kinds.base import ABSENT, Kind
from provisioner.machine.reader import Reader
from provisioner.model.effects import Write
from provisioner.model.plan import Action, Change, Step

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$")]

Aliases = dict[Name, str]


@dataclass(frozen=True)
class AliasFacts:
    """What is there: each line of the file, and the file's path."""

    path: str
    lines: tuple[str, ...]


def observe(config: Aliases, reader: Reader) -> AliasFacts:
    """Read, never write; what a reader is asked is what `apply` rests on when it says "nothing to do"."""
    path = f"{reader.context.home}/.bash_aliases"
    text = (reader.read(path) or b"").decode(errors="replace")
    return AliasFacts(path, tuple(text.splitlines()))


def plan(config: Aliases, facts: AliasFacts) -> Iterator[Step]:
    """Pure: from what is wanted and what was found to changes, and to the effects that make them."""
    changes = tuple(compare(name, command, facts) for name, command in config.items())
    left = [line for line in facts.lines if not any(line.startswith(begin(name)) for name in config)]
    lines = [*left, *(alias(name, command) for name, command in config.items())]
    write = Write(path=facts.path, text="".join(f"{line}\n" for line in lines))
    pending = any(change.action is not Action.KEEP for change in changes)
    yield Step(id="aliases", changes=changes, effects=(write,) if pending else ())


def compare(name: str, command: str, facts: AliasFacts) -> Change:
    """One line of the diff. What is right already is said, too: a plan that only keeps is the proof."""
    before = found(name, facts)
    action = Action.KEEP if before == command else Action.UPDATE if before else Action.CREATE
    return Change(f"aliases.{name}", action, before, command)


def named(config: Aliases, facts: AliasFacts) -> Iterator[tuple[str, str]]:
    """What each thing that the file names is on this machine, for the fingerprint."""
    for name in config:
        yield f"aliases.{name}", found(name, facts) or ABSENT


def found(name: str, facts: AliasFacts) -> str | None:
    """What an alias stands for now."""
    line = next((line for line in facts.lines if line.startswith(begin(name))), None)
    return shlex.split(line)[1].partition("=")[2] if line else None


def begin(name: str) -> str:
    return f"alias {name}="


def alias(name: str, command: str) -> str:
    return begin(name) + shlex.quote(command)


KIND = Kind(
    name="aliases",
    config=Annotated[
        Aliases,
        Field(description="Aliases for every later shell.", examples=[{"ll": "ls -l"}]),
    ],
    observe=observe,
    plan=plan,
    named=named,
    after=("files",),
)
