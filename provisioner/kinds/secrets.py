"""Secrets, by name: from Colab's Secrets or from the environment, into variables of the kernel.

A value goes into the environment of the kernel that runs, and nowhere else: it is in no plan, log or file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, Field

from provisioner.facts import platforms
from provisioner.facts.platforms import Place
from provisioner.kinds.base import ABSENT, Kind
from provisioner.kinds.shared.checks import VariableName
from provisioner.kinds.shared.fields import Flag, Section
from provisioner.kinds.shared.platform_advice import advice
from provisioner.machine.reader import Reader
from provisioner.model.effects import Effect, Secret
from provisioner.model.plan import Action, Change, Step


class WantedSecret(Section):
    """A secret that the notebook needs."""

    name: VariableName | None = Field(
        None, description="Its name in Colab's Secrets; by default that of the variable."
    )
    required: Flag = Field(True, description="Whether it is an error when it is not available.")


def expand(value: object) -> object:
    """A list of names is short for a mapping of them, and `NAME:` alone for `NAME: {}`."""
    if isinstance(value, list | tuple):
        if not all(isinstance(name, str) for name in value):
            raise ValueError("is not a list of names; write [HF_TOKEN]")
        return {name: {} for name in value}
    if isinstance(value, dict):
        return {name: {} if wanted is None else wanted for name, wanted in value.items()}
    return value


Secrets = dict[VariableName, WantedSecret]


@dataclass(frozen=True)
class SecretsFacts:
    place: Place
    inside: bool
    """Whether we are the kernel."""
    present: frozenset[str]
    """Variables that are already set."""
    refused: frozenset[str]
    """Those that Colab refused when it was asked just now."""


def observe(config: Secrets, reader: Reader) -> SecretsFacts:
    kernel = reader.kernel()
    return SecretsFacts(
        place=platforms.place(reader),
        inside=platforms.is_kernel(reader),
        present=frozenset(variable for variable in config if reader.environ.get(variable)),
        refused=frozenset(kernel.refused if kernel else ()),
    )


def plan(config: Secrets, facts: SecretsFacts) -> Iterator[Step]:
    for variable, wanted in config.items():
        change, effects = look(variable, wanted, facts)
        yield Step(id=change.address, changes=(change,), effects=effects)


def look(variable: str, wanted: WantedSecret, facts: SecretsFacts) -> tuple[Change, tuple[Effect, ...]]:
    address, name = f"secrets.{variable}", wanted.name or variable
    if variable in facts.present:
        return Change(address, Action.KEEP, "set"), ()
    if facts.place == "colab" and facts.inside and variable not in facts.refused:
        effect = Secret(name=name, variable=variable, required=wanted.required)
        return Change(address, Action.CREATE, None, "from Colab's Secrets"), (effect,)
    if not wanted.required:
        return Change(address, Action.KEEP, "none", reason="not set, and not required"), ()
    way = advice("missing secret", facts.place, variable=variable, name=name)
    return Change(address, Action.BLOCKED, None, "set", f"{variable} is not set. {way}"), ()


def secrets(config: Secrets) -> Iterator[str]:
    """Every variable that the file names here, whatever its name looks like."""
    yield from config


def named(config: Secrets, facts: SecretsFacts) -> Iterator[tuple[str, str]]:
    """Whether each is set, and no more."""
    for variable in config:
        yield f"secrets.{variable}", "set" if variable in facts.present else ABSENT


KIND = Kind(
    name="secrets",
    config=Annotated[
        Secrets,
        BeforeValidator(
            expand, json_schema_input_type=dict[VariableName, WantedSecret | None] | list[VariableName]
        ),
        Field(
            description="Variables whose values are secret, by name only: from Colab's Secrets, or from the "
            "environment. The values are only ever in the kernel's environment.",
            examples=[["HF_TOKEN"], {"WANDB_API_KEY": {"required": False}}],
        ),
    ],
    observe=observe,
    plan=plan,
    named=named,
    secrets=secrets,
)
