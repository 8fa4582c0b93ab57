"""Environment variables for every later shell and kernel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from provisioner.kinds.base import Kind
from provisioner.kinds.shared import variables
from provisioner.kinds.shared.checks import check_variable
from provisioner.kinds.shared.fields import as_written
from provisioner.kinds.shared.variable_files import Setting
from provisioner.kinds.shared.variable_values import Value, Variable, check_search_path
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


Variables = Mapping[str, Variable]


def settings(config: Variables, architecture: str = "") -> Iterator[tuple[str, Setting]]:
    """What each variable is set to."""
    for name, variable in config.items():
        yield name, variable.setting


def observe(config: Variables, reader: Reader) -> PersistentVariables:
    return variables.observe("env", reader, config)


def plan(config: Variables, facts: PersistentVariables) -> Iterator[Step]:
    wanted = dict(settings(config))
    changes = variables.changes("env", wanted, facts)
    if changes:
        yield Step(
            id="env",
            changes=changes,
            effects=variables.effects(wanted, facts),
            warnings=(LOADER,) if "LD_LIBRARY_PATH" in wanted else (),
        )


def named(config: Variables, facts: PersistentVariables) -> Iterator[tuple[str, str]]:
    """What later shells and kernels get, with folders as the file writes them."""
    for name, variable in config.items():
        words = {
            str(each): as_written(each) for each in (*variable.prepend, variable.value) if each is not None
        }
        yield f"env.{name}", redact(variables.persisted(name, facts, words))


KIND = Kind(
    name="env",
    config=Annotated[
        dict[Annotated[str, AfterValidator(check_settable)], Value],
        AfterValidator(check_search_path),
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
    variables=settings,
)
