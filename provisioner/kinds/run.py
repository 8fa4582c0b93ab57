"""Commands that are run once: until what they create exists, or until another command says so."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from provisioner.kinds.base import Kind
from provisioner.kinds.shared.argv import Argv, hint_for_missing, search_path
from provisioner.kinds.shared.checks import VariableName
from provisioner.kinds.shared.fields import Seconds, Section, SpecPath
from provisioner.machine.reader import Reader
from provisioner.model.effects import Run
from provisioner.model.errors import ObserveError
from provisioner.model.plan import Action, Change, Step

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
    env: dict[VariableName, str | None] = Field(
        {}, description="Variables for this command alone; null unsets. Those of `env` are not set yet."
    )
    timeout: Seconds = Field(3600.0, description="Seconds after which it is stopped.")

    @model_validator(mode="after")
    def can_be_done(self) -> RunCommand:
        if self.creates is None and self.unless is None:
            raise ValueError(
                "would run at every apply; give `creates`, a path that it makes, "
                "or `unless`, a command that ends with 0 when there is nothing to do"
            )
        return self


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
    path: str
    reasons: tuple[str, ...]
    """Empty for a command that has done its work."""


def observe(config: tuple[RunCommand, ...], reader: Reader) -> RunFacts:
    path = search_path(reader)
    reasons = tuple(why(command, path, reader) for command in config)
    return RunFacts(reader.context.folder, path, reasons)


def why(command: RunCommand, path: str, reader: Reader) -> str:
    if command.creates and reader.stat(command.creates) is None:
        return f"{command.creates} does not exist"
    if command.unless and reader.context.target_image:
        return f"`unless` can only be run on {reader.context.target_image} itself"
    if command.unless:
        completed = reader.ask(start(command, command.unless, ASKING, reader.context.folder, path))
        if completed.timed_out:
            raise ObserveError(
                f"`unless` of run.{command.name} did not end within {ASKING:.0f} s",
                "It must be a quick command that changes nothing.",
            )
        if completed.code:
            return f"`{shlex.join(command.unless)}` says that it has to run"
    return ""


def start(command: RunCommand, argv: tuple[str, ...], timeout: float, folder: str, path: str) -> Run:
    return Run(
        argv=argv,
        cwd=command.cwd or folder,
        env=(("PATH", path), *command.env.items()),
        timeout=timeout,
        hints=(hint_for_missing(argv[0]),),
    )


def plan(config: tuple[RunCommand, ...], facts: RunFacts) -> Iterator[Step]:
    """Like a script that stops at the first error: each command waits for those before it."""
    earlier: tuple[str, ...] = ()
    for command, reason in zip(config, facts.reasons, strict=True):
        address = f"run.{command.name}"
        change = Change(address, Action.KEEP, "done")
        if reason:
            change = Change(address, Action.CREATE, None, shlex.join(command.command), reason)
        run = start(command, command.command, command.timeout, facts.folder, facts.path)
        yield Step(
            id=address,
            changes=(change,),
            effects=(run,) if reason else (),
            after=earlier,
            lane="run",
            retries=0,
        )
        earlier = (*earlier, address)


def makes(config: tuple[RunCommand, ...]) -> Iterator[str]:
    yield from (command.creates for command in config if command.creates)


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
    makes=makes,
    after=("apt", "jdk", "pip", "drive", "secrets", "inputs", "datasets", "files", "env"),
)
