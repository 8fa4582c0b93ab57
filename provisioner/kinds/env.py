"""Environment variables for every later shell and kernel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from provisioner.kinds.base import Kind
from provisioner.kinds.shared import variables
from provisioner.kinds.shared.checks import check_variable
from provisioner.kinds.shared.fields import Section, SpecPath, as_written
from provisioner.kinds.shared.variable_files import Setting
from provisioner.kinds.shared.variables import PersistentVariables
from provisioner.machine.reader import Reader
from provisioner.model.plan import Step
from provisioner.model.redaction import is_for_sharing, redact

READONLY = frozenset({"BASHOPTS", "BASH_VERSINFO", "EUID", "PPID", "SHELLOPTS", "UID"})
"""bash refuses to set these, and stops reading the file that tries."""

LOADER = (
    "LD_LIBRARY_PATH reaches programs that are started later, and not a kernel that runs: "
    "for that, put the folder into a file in /etc/ld.so.conf.d and run ldconfig."
)


def check_settable(name: str) -> str:
    check_variable(name)
    if name in READONLY:
        raise ValueError("belongs to the shell itself and cannot be set")
    if not is_for_sharing(name):
        raise ValueError(
            "looks like a secret, and a colabenv.yaml is meant to be shared; "
            "keep it in Colab's Secrets or in your own environment"
        )
    return name


def check_value(value: str | None) -> str | None:
    if value is not None and "\0" in value:
        raise ValueError("cannot contain a null character")
    return value


def check_folder(folder: str) -> str:
    if ":" in folder:
        raise ValueError("contains a colon, which separates folders; write each folder as its own item")
    return folder


Folder = Annotated[SpecPath, AfterValidator(check_folder)]


class Variable(Section):
    """A variable: what to set it to, or which folders to put in front of its list."""

    value: Annotated[str | None, AfterValidator(check_value)] = Field(
        None, description="The value to set; null unsets the variable."
    )
    prepend: tuple[Folder, ...] = Field(
        (),
        min_length=1,
        description="Folders to put in front of the variable's list, in this order.",
        examples=[["/opt/tool/bin"]],
    )

    @model_validator(mode="after")
    def is_one_thing(self) -> Variable:
        if len(self.model_fields_set) != 1:
            raise ValueError("needs either a value or folders to prepend")
        return self

    @property
    def setting(self) -> Setting:
        return tuple(dict.fromkeys(self.prepend)) or self.value


def expand(value: object) -> object:
    """`NAME: text` is short for `NAME: {value: text}`."""
    if isinstance(value, bool | float):
        raise ValueError("is not text; quote it, because a variable gets exactly what is written")  # noqa: TRY004
    if isinstance(value, int):
        value = str(value)
    return {"value": value} if value is None or isinstance(value, str) else value


Env = dict[
    Annotated[str, AfterValidator(check_settable)],
    Annotated[Variable, BeforeValidator(expand, json_schema_input_type=str | int | None | Variable)],
]


def observe(config: Env, reader: Reader) -> PersistentVariables:
    return variables.observe("env", reader, config)


def plan(config: Env, facts: PersistentVariables) -> Iterator[Step]:
    wanted = {name: variable.setting for name, variable in config.items()}
    changes = variables.changes("env", wanted, facts)
    if changes:
        yield Step(
            id="env",
            changes=changes,
            effects=variables.effects(wanted, facts),
            warnings=(LOADER,) if "LD_LIBRARY_PATH" in wanted else (),
        )


def named(config: Env, facts: PersistentVariables) -> Iterator[tuple[str, str]]:
    """What later shells and kernels get, with folders as the file writes them."""
    for name, variable in config.items():
        words = {str(folder): as_written(folder) for folder in variable.prepend}
        yield f"env.{name}", redact(variables.persisted(name, facts, words))


KIND = Kind(
    name="env",
    config=Annotated[
        Env,
        Field(
            description="Variables for every later shell and kernel: a value, null to unset, "
            "or folders to put in front of a list like PATH. What the file no longer names is removed. "
            "A machine has one set of them: that of the file that was applied last.",
            examples=[{"JAVA_OPTS": "-Xmx4g", "PATH": {"prepend": ["/opt/tool/bin"]}}],
        ),
    ],
    observe=observe,
    plan=plan,
    named=named,
)
