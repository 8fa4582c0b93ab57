"""Commands that are run once: until what they create exists, or until another command says so."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

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
from provisioner.kinds.shared.fields import Seconds, Section, SpecPath
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


def check_names(commands: tuple[RunCommand, ...]) -> tuple[RunCommand, ...]:
    names = [command.name for command in commands]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"names {name} twice; give each command its own name")
    return commands


@dataclass(frozen=True)
class RunFacts:
    """Where commands run, and why each has to."""

    folder: str
    environments: tuple[CommandVariables, ...]
    reasons: tuple[str, ...]
    """Empty for a command that has done its work."""
    startable: tuple[bool, ...]
    """Whether the program of each is here, or is named by a path."""


def observe(config: tuple[RunCommand, ...], reader: Reader) -> RunFacts:
    environments = tuple(environment(reader, command.settings) for command in config)
    found = tuple(zip(config, environments, strict=True))
    return RunFacts(
        folder=reader.context.folder,
        environments=environments,
        reasons=tuple(why(command, variables, reader) for command, variables in found),
        startable=tuple(is_here(command.command[0], variables, reader) for command, variables in found),
    )


def is_here(program: str, variables: CommandVariables, reader: Reader) -> bool:
    """Whether a program is named by a path, or is where PATH looks."""
    return "/" in program or any(reader.stat(place) for place in places(program, "", path_of(variables)))


def why(command: RunCommand, variables: CommandVariables, reader: Reader) -> str:
    """Why a command has to run; "" when it need not. One that was stopped may have done half of its work."""
    if f"run.{command.name}" in reader.context.suspects:
        return "it was interrupted"
    if command.creates and reader.stat(command.creates) is None:
        return f"{command.creates} does not exist"
    if command.unless and reader.context.target_image:
        return f"`unless` can only be run on {reader.context.target_image} itself"
    if command.unless:
        completed = reader.ask(start(command, command.unless, ASKING, reader.context.folder, variables))
        if completed.timed_out:
            raise ObserveError(
                f"`unless` of run.{command.name} did not end within {ASKING:.0f} s",
                "It must be a quick command that changes nothing.",
            )
        if completed.code:
            return f"`{shlex.join(command.unless)}` says that it has to run"
    return ""


def start(
    command: RunCommand, argv: tuple[str, ...], timeout: float, folder: str, variables: CommandVariables
) -> Run:
    return Run(
        argv=argv,
        cwd=command.cwd or folder,
        env=variables,
        timeout=timeout,
        hints=(hint_for_missing(argv[0]),),
    )


def plan(config: tuple[RunCommand, ...], facts: RunFacts) -> Iterator[Step]:
    found = zip(config, facts.reasons, facts.environments, facts.startable, strict=True)
    for command, reason, variables, startable in found:
        address = f"run.{command.name}"
        change = Change(address, Action.KEEP, "done")
        if reason:
            change = Change(address, Action.CREATE, None, shlex.join(command.command), reason)
        run = start(command, command.command, command.timeout, facts.folder, variables)
        yield Step(
            id=address,
            changes=(change,),
            effects=(run,) if reason else (),
            after=() if startable else BRINGERS,
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
            config=(command,),
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
    for command, reason in zip(config, facts.reasons, strict=True):
        yield f"run.{command.name}", "not done" if reason else "done"


KIND = Kind(
    name="run",
    config=Annotated[
        tuple[RunCommand, ...],
        AfterValidator(check_names),
        Field(description="Commands that are run once, in this order, after everything else."),
    ],
    observe=observe,
    plan=plan,
    named=named,
    entries=entries,
)
