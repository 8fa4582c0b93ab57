"""Secrets, by name: from Colab's Secrets or from the environment, into variables of the kernel.

A value goes into the environment of the kernel that runs, and nowhere else: no plan, log or file holds it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from provisioner.facts import platforms
from provisioner.facts.platforms import CELL, Place
from provisioner.kinds.base import ABSENT, Kind
from provisioner.kinds.shared.fields import Flag, Section
from provisioner.machine.reader import Reader
from provisioner.model.effects import Secret as Effect
from provisioner.model.plan import Action, Change, Step

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

KAGGLE = """\
Add it with Add-ons > Secrets, and run this in a cell:
    import os
    from kaggle_secrets import UserSecretsClient
    os.environ["{variable}"] = UserSecretsClient().get_secret("{name}")"""

PLAIN = """\
Set it where the kernel is started, or run this in a cell, which asks for it:
    import getpass, os
    os.environ["{variable}"] = getpass.getpass("{variable}: ")"""

WAYS: dict[Place, str] = {
    "colab": f"Only the kernel can read Colab's Secrets. {CELL}",
    "colab-enterprise": "Colab Enterprise keeps secrets in Secret Manager: read it there in a cell, and put "
    'the value into os.environ["{variable}"].',
    "kaggle": KAGGLE,
    "studio-lab": PLAIN,
    "vscode": PLAIN,
    "jupyter": PLAIN,
    "other": "Set it in the environment, and then run this again.",
}


def check_name(name: str) -> str:
    if not VARIABLE.fullmatch(name):
        raise ValueError("is not a variable's name; use letters, digits and _, and no digit first")
    return name


Name = Annotated[str, AfterValidator(check_name)]


class Secret(Section):
    """A secret that the notebook needs."""

    name: Name | None = Field(
        None, description="What Colab's Secrets call it; the same as the variable unless said."
    )
    required: Flag = Field(True, description="Whether it is an error when it cannot be had.")


def expand(value: object) -> object:
    """A list of names is short for a mapping of them, and `NAME:` alone for `NAME: {}`."""
    if isinstance(value, list | tuple):
        if not all(isinstance(name, str) for name in value):
            raise ValueError("is a list of something else than names; write [HF_TOKEN]")
        return {name: {} for name in value}
    if isinstance(value, dict):
        return {name: {} if wanted is None else wanted for name, wanted in value.items()}
    return value


Secrets = dict[Name, Secret]


@dataclass(frozen=True)
class Facts:
    place: Place
    inside: bool
    """Whether we are the kernel."""
    there: frozenset[str]
    """Variables that hold something already."""
    refused: frozenset[str]
    """Those that were asked for in vain."""


def observe(config: Secrets, reader: Reader) -> Facts:
    kernel = reader.kernel()
    return Facts(
        place=platforms.place(reader),
        inside=kernel is not None and kernel.inside,
        there=frozenset(variable for variable in config if reader.environ.get(variable)),
        refused=frozenset(kernel.refused if kernel else ()),
    )


def plan(config: Secrets, facts: Facts) -> Iterator[Step]:
    for variable, wanted in config.items():
        change, effects = look(variable, wanted, facts)
        yield Step(id=change.address, changes=(change,), effects=effects)


def look(variable: str, wanted: Secret, facts: Facts) -> tuple[Change, tuple[Effect, ...]]:
    address, name = f"secrets.{variable}", wanted.name or variable
    if variable in facts.there:
        return Change(address, Action.KEEP, "set"), ()
    if facts.place == "colab" and facts.inside and variable not in facts.refused:
        effect = Effect(name=name, variable=variable, required=wanted.required)
        return Change(address, Action.CREATE, None, "from Colab's Secrets"), (effect,)
    if not wanted.required:
        return Change(address, Action.KEEP, "none", reason="not there, and not required"), ()
    way = WAYS[facts.place].format(variable=variable, name=name)
    return Change(address, Action.BLOCKED, None, "set", f"{variable} is not set. {way}"), ()


def named(config: Secrets, facts: Facts) -> Iterator[tuple[str, str]]:
    """That each is set, and no more."""
    for variable in config:
        yield f"secrets.{variable}", "set" if variable in facts.there else ABSENT


KIND = Kind(
    name="secrets",
    config=Annotated[
        Secrets,
        BeforeValidator(expand, json_schema_input_type=dict[Name, Secret | None] | list[Name]),
        Field(
            description="Variables whose values are secret, by name only: from Colab's Secrets, or from the "
            "environment. Nothing but the kernel's environment ever holds a value.",
            examples=[["HF_TOKEN"], {"WANDB_API_KEY": {"required": False}}],
        ),
    ],
    observe=observe,
    plan=plan,
    named=named,
)
