"""What a machine must already be: its Python, its system, its disk and memory. Asserted, never changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from provisioner.facts import platforms
from provisioner.facts.platforms import Platform
from provisioner.kinds.base import ABSENT, Kind
from provisioner.kinds.shared.fields import Section, Size
from provisioner.kinds.shared.platform_advice import advice
from provisioner.kinds.shared.versions import check_versions, fits
from provisioner.machine.reader import Reader
from provisioner.model.notebook import NotebookRequest
from provisioner.model.plan import Action, Change, Step
from provisioner.model.units import format_size
from provisioner.runtimes.difference import Concern, Concerns

SYSTEM = re.compile(r"([a-z][a-z0-9._-]*?)\s*((?:[<>=!~]=?|===).*)?")
"""A system as /etc/os-release names it, `debian`, perhaps with accepted versions."""

USUAL_MEMORY = int(12.7 * 1024**3)
"""Bytes of Colab's usual machine; only machines of its shape "hm" have more."""


def split_system(text: str) -> tuple[str, str]:
    """The system's name, and its versions or ""."""
    match = SYSTEM.fullmatch(text)
    if not match:
        raise ValueError("is not a system; write debian, ubuntu or one with versions like ubuntu>=22.04")
    return match[1], match[2] or ""


def check_system(text: str) -> str:
    _, versions = split_system(text)
    if versions:
        check_versions(versions)
    return text


def as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Systems = Annotated[
    tuple[Annotated[str, AfterValidator(check_system)], ...],
    BeforeValidator(as_list, json_schema_input_type=str | list[str]),
    Field(min_length=1),
]


class Runtime(Section):
    """What the machine must be before anything is done to it."""

    python: Annotated[str, Field(min_length=1), AfterValidator(check_versions)] | None = Field(
        None, description="Accepted versions of Python.", examples=[">=3.11", "3.12"]
    )
    os: Systems | None = Field(
        None,
        description="Accepted systems, by the ID in /etc/os-release.",
        examples=["debian>=12", ["debian", "ubuntu>=22.04"]],
    )
    disk_free: Size | None = Field(
        None,
        description="Space that must be free in the spec's folder, also once everything is in place.",
        examples=["5GiB"],
    )
    memory: Size | None = Field(None, description="Memory that the machine must have.", examples=["12GB"])


@dataclass(frozen=True)
class RuntimeFacts:
    """The machine as it is; sizes in bytes."""

    platform: Platform
    python: str
    system: str
    """ID of /etc/os-release, empty when there is none."""
    release: str
    """VERSION_ID of /etc/os-release, empty when there is none."""
    folder: str
    disk_free: int
    memory: int


def observe(config: Runtime, reader: Reader) -> RuntimeFacts:
    release = platforms.release(reader)
    return RuntimeFacts(
        platform=platforms.detect(reader),
        python=reader.context.python.version,
        system=release.get("ID", ""),
        release=release.get("VERSION_ID", ""),
        folder=reader.context.folder,
        disk_free=reader.free(reader.context.folder),
        memory=reader.context.memory,
    )


def plan(config: Runtime, facts: RuntimeFacts) -> Iterator[Step]:
    changes = tuple(changes_for(config, facts))
    if changes:
        yield Step(id="runtime", changes=changes)


def changes_for(config: Runtime, facts: RuntimeFacts) -> Iterator[Change]:
    if config.python is not None:
        yield verdict(
            "python",
            fits(facts.python, config.python),
            facts.python,
            config.python,
            f"this is Python {facts.python}. {advice('python', facts.platform)}",
        )
    if config.os is not None:
        found = f"{facts.system or 'unknown'} {facts.release}".rstrip()
        yield verdict(
            "os",
            any(is_system(wanted, facts) for wanted in config.os),
            found,
            " or ".join(config.os),
            f"this system is {found}. Use a machine with an accepted system, or add this one to the file.",
        )
    if config.disk_free is not None:
        yield verdict(
            "disk_free",
            facts.disk_free >= config.disk_free,
            None,
            format_size(config.disk_free),
            f"only {format_size(facts.disk_free)} are free in {facts.folder}. "
            "Free some space, or ask for less.",
        )
    if config.memory is not None:
        yield verdict(
            "memory",
            facts.memory >= config.memory,
            format_size(facts.memory),
            format_size(config.memory),
            f"the machine has {format_size(facts.memory)}. {advice('memory', facts.platform)}",
        )


def verdict(name: str, fine: bool, found: str | None, wanted: str, reason: str) -> Change:
    if fine:
        return Change(f"runtime.{name}", Action.KEEP, found)
    return Change(f"runtime.{name}", Action.BLOCKED, found, wanted, reason)


def is_system(wanted: str, facts: RuntimeFacts) -> bool:
    name, versions = split_system(wanted)
    return name == facts.system and (not versions or fits(facts.release, versions))


def named(config: Runtime, facts: RuntimeFacts) -> Iterator[tuple[str, str]]:
    """The versions that are asked for; disk and memory are not part of its identity."""
    if config.python is not None:
        yield "runtime.python", facts.python
    if config.os is not None:
        yield "runtime.os", f"{facts.system} {facts.release}".strip() or ABSENT


def concerns(config: Runtime, reader: Reader) -> Concerns:
    """The Python and the system, where the file asks for any."""
    found = []
    if config.python:
        wish = f"python {config.python}"
        found.append(Concern("runtime.python", wish, partial(fits, wanted=config.python)))
    if config.os:
        found.append(Concern("runtime.os"))
    return Concerns(tuple(found))


def request(config: Runtime) -> NotebookRequest:
    """A machine with more memory than usual, where the file asks for more."""
    return NotebookRequest(large=config.memory is not None and config.memory > USUAL_MEMORY)


KIND = Kind(
    name="runtime",
    config=Annotated[Runtime, Field(description="What the machine must be: asserted, never changed.")],
    observe=observe,
    plan=plan,
    named=named,
    concerns=concerns,
    request=request,
    listing="machine",
    gate=True,
)
