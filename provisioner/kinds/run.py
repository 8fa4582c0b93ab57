"""Commands that are run once: until what they create exists, or until another command says so."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from provisioner.facts.paths import as_stored, look_through
from provisioner.kinds.base import Entry, Kind
from provisioner.kinds.shared.argv import (
    PROGRAMS,
    Argv,
    CommandVariables,
    environment,
    hint_for_missing,
    path_of,
    places,
)
from provisioner.kinds.shared.checks import After, VariableName
from provisioner.kinds.shared.fields import Seconds, Section, SpecPath, is_at_or_below
from provisioner.kinds.shared.variable_files import Settings
from provisioner.kinds.shared.variable_values import Value, check_search_path
from provisioner.machine.reader import Reader
from provisioner.model.effects import Run
from provisioner.model.errors import ObserveError
from provisioner.model.plan import Action, Change, Step

BRINGERS = ("apt", "jdk", "pip", "git")
"""Kinds that may bring a program that is not here."""

ASKING = 60.0
"""Seconds that `unless` may take."""

NOT_FOUND = 127
"""The code of a program that cannot be started."""


class RunCommand(Section):
    """A command, and how to see that it has been run."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="What plans and reports call it.",
        examples=["build"],
    )
    command: Argv = Field(
        description="The program and its arguments; no shell reads them.", examples=[["make", "-C", "src"]]
    )
    creates: SpecPath | None = Field(
        None,
        description="A path that exists once the command has done its work.",
        examples=["src/build/out"],
    )
    unless: Argv | None = Field(
        None,
        description="A command that ends with 0 when there is nothing to do; it must change nothing.",
        examples=[["git", "-C", "src", "diff", "--quiet"]],
    )
    cwd: SpecPath | None = Field(None, description="Where to run it; by default in the spec's own folder.")
    env: Annotated[dict[VariableName, Value], AfterValidator(check_search_path)] = Field(
        {},
        description="Variables for this command alone, beside those of the file's `env`: a value, null to "
        "unset, or folders to put in front of a list like PATH.",
        examples=[{"CC": "clang", "PATH": {"prepend": ["tools/bin"]}}],
    )
    after: After = ()
    timeout: Seconds = Field(3600.0, description="Seconds after which it is stopped.")

    @model_validator(mode="after")
    def can_be_done(self) -> RunCommand:
        if self.creates is None and self.unless is None:
            raise ValueError(
                "would run at every apply; give `creates`, a path that it makes, "
                "or `unless`, a command that ends with 0 when there is nothing to do"
            )
        return self

    @property
    def settings(self) -> Settings:
        return {name: variable.setting for name, variable in self.env.items()}


class LaterCommand(RunCommand):
    """A command that comes after others, which may make what nobody says that they make."""


@dataclass(frozen=True)
class CommandFacts:
    """Where a command runs, and why it has to."""

    folder: str
    variables: CommandVariables
    creates: str
    """What it creates, as the file system writes it; "" where the file does not say."""
    reason: str
    """Empty for a command that has done its work."""
    startable: bool
    """Whether its program is here, or is named by a path."""
    obstacle: str
    """Why it cannot run whatever others make; "" where it can."""


RunFacts = tuple[CommandFacts, ...]


def observe(config: tuple[RunCommand, ...], reader: Reader) -> RunFacts:
    return tuple(look(command, reader) for command in config)


def look(command: RunCommand, reader: Reader) -> CommandFacts:
    variables = environment(reader, command.settings)
    folder = as_stored(command.cwd, reader) if command.cwd else reader.context.folder
    creates = as_stored(command.creates, reader) if command.creates else ""
    reason = why(command, folder, creates, variables, reader)
    program = command.command[0]
    return CommandFacts(
        folder=folder,
        variables=variables,
        creates=creates,
        reason=reason,
        startable="/" in program or is_here(program, folder, variables, reader),
        obstacle=find_obstacle(command, folder, reader) if reason else "",
    )


def is_here(program: str, folder: str, variables: CommandVariables, reader: Reader) -> bool:
    """Whether a program is where its path says, or where PATH looks."""
    return any(look_through(place, reader) for place in places(program, folder, path_of(variables)))


def find_obstacle(command: RunCommand, folder: str, reader: Reader) -> str:
    """What is lacking in the spec's folder that nothing in the file can make.

    Elsewhere packages may make it, and so may commands before this one.
    """
    if isinstance(command, LaterCommand) or reader.context.target_image:
        return ""
    others = {*claimed(reader)} - {command.creates}
    if command.cwd and is_lacking(folder, others, reader):
        return f"there is no folder {folder}; {LACKING.format('`cwd`')}"
    program = command.command[0]
    path = posixpath.normpath(posixpath.join(folder, program))
    if "/" in program and is_lacking(as_stored(path, reader), others, reader):
        return f"there is no program {path}; {LACKING.format('the path')}"
    return ""


LACKING = "correct {}, or let another entry make it"


def claimed(reader: Reader) -> tuple[str, ...]:
    """The paths that the file's entries make or change."""
    return (*reader.context.made, *reader.context.ensured, *reader.context.edited)


def is_lacking(path: str, claims: Collection[str], reader: Reader) -> bool:
    """Whether a path in the spec's folder is not there, and nobody makes it or anything around it."""
    folder = reader.context.folder
    return (
        folder != "/"
        and is_at_or_below(path, folder)
        and look_through(path, reader) is None
        and not any(is_at_or_below(path, claim) or is_at_or_below(claim, path) for claim in claims)
    )


def why(command: RunCommand, folder: str, creates: str, variables: CommandVariables, reader: Reader) -> str:
    """Why a command has to run; "" when it need not. One that was stopped may have done half of its work."""
    if f"run.{command.name}" in reader.context.suspects:
        return "it was interrupted"
    if creates and reader.stat(creates) is None:
        return f"{creates} does not exist"
    if command.unless and reader.context.target_image:
        return f"`unless` can only be run on {reader.context.target_image} itself"
    if command.unless:
        return answer(command.name, command.unless, folder, variables, reader)
    return ""


def answer(
    name: str, unless: tuple[str, ...], folder: str, variables: CommandVariables, reader: Reader
) -> str:
    """What a question says: why the command has to run, or ""."""
    completed = reader.ask(start(unless, ASKING, folder, variables))
    if completed.timed_out:
        raise ObserveError(
            f"`unless` of run.{name} did not end within {ASKING:.0f} s",
            "It must be a quick command that changes nothing.",
        )
    if completed.code == NOT_FOUND and not is_here(unless[0], folder, variables, reader):
        return f"`{unless[0]}` is not here, so it has to run"
    return f"`{shlex.join(unless)}` says that it has to run" if completed.code else ""


def start(
    argv: tuple[str, ...], timeout: float, folder: str, variables: CommandVariables, creates: str = ""
) -> Run:
    return Run(
        argv=argv,
        cwd=folder,
        env=variables,
        timeout=timeout,
        hints=(hint_for_missing(argv[0]), hint_for_missing_folder(folder)),
        creates=creates,
    )


def hint_for_missing_folder(folder: str) -> tuple[str, str]:
    """What a run says whose folder is not there, as a regular expression, and what to do then."""
    return rf"(?m)^{re.escape(folder)}: No such file", f"There is no such folder: {LACKING.format('`cwd`')}."


def plan(config: tuple[RunCommand, ...], facts: RunFacts) -> Iterator[Step]:
    for command, found in zip(config, facts, strict=True):
        address, line = f"run.{command.name}", shlex.join(command.command)
        change = Change(address, Action.KEEP, "done")
        if found.reason:
            action = Action.BLOCKED if found.obstacle else Action.CREATE
            change = Change(address, action, None, line, found.obstacle or found.reason)
        run = start(command.command, command.timeout, found.folder, found.variables, found.creates)
        yield Step(
            id=address,
            changes=(change,),
            effects=(run,) if change.action is Action.CREATE else (),
            after=() if found.startable else BRINGERS,
            lane="run",
            retries=0,
        )


def entries(config: tuple[RunCommand, ...], folder: str) -> Iterator[Entry]:
    """Like a script that stops at the first error: each command waits for those before it."""
    earlier: tuple[str, ...] = ()
    for number, command in enumerate(config):
        address = f"run.{command.name}"
        needed = tuple(needs(command, command.cwd or folder))
        asked = shlex.join(command.unless) if command.unless else ""
        yield Entry(
            address=address,
            config=(later(command) if earlier or command.after else command,),
            place=(number,),
            makes=(command.creates,) if command.creates else (),
            reads=needed if asked else (),
            uses=needed,
            mentions=tuple(mentions(command, command.cwd or folder)),
            after=(*command.after, *earlier),
            behind=("*",),
            about=f"whether `{asked}` says that it has to run" if asked else "",
        )
        earlier = (address,)


def later(command: RunCommand) -> LaterCommand:
    return LaterCommand.model_construct(**{name: getattr(command, name) for name in RunCommand.model_fields})


def needs(command: RunCommand, folder: str) -> Iterator[str]:
    """Where it runs, what its variables refer to, and its programs: by path, or as other kinds name them."""
    if command.cwd:
        yield command.cwd
    for variable in command.env.values():
        yield from variable.uses
    for program, *_ in filter(None, (command.command, command.unless)):
        if "/" in program:
            yield posixpath.normpath(posixpath.join(folder, program))
        elif program in PROGRAMS:
            yield f"program:{program}"


def mentions(command: RunCommand, folder: str) -> Iterator[str]:
    """Folders of its variables, and arguments that may be paths, also in options: `--out=build/x`."""
    for variable in command.env.values():
        yield from variable.prepend
    for _, *words in filter(None, (command.command, command.unless)):
        for word in words:
            yield posixpath.normpath(posixpath.join(folder, word.rpartition("=")[2]))


def named(config: tuple[RunCommand, ...], facts: RunFacts) -> Iterator[tuple[str, str]]:
    """Whether each has been run."""
    for command, found in zip(config, facts, strict=True):
        yield f"run.{command.name}", "not done" if found.reason else "done"


KIND = Kind(
    name="run",
    config=Annotated[
        tuple[RunCommand, ...],
        Field(description="Commands that are run once, in this order, after everything else."),
    ],
    observe=observe,
    plan=plan,
    named=named,
    entries=entries,
)
