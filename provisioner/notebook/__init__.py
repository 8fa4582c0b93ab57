"""From Python and from a notebook's cells: the same commands, whose failure is an exception.

`%load_ext provisioner` adds `%colabenv` and `%%colabenv`. `provisioner.apply("colabenv.yaml")` is the same
from Python. In a notebook's kernel both can do what only the kernel can.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

from provisioner.cli import DEFAULT_SPEC
from provisioner.model.plan import Plan
from provisioner.model.report import Report
from provisioner.notebook.run import NotDone, run
from provisioner.spec.spec import Spec, load

Where = str | Path
"""The path of a spec."""


def plan(
    spec: Where = DEFAULT_SPEC,
    *,
    only: Iterable[str] = (),
    skip: Iterable[str] = (),
    locked: bool = False,
    against: str | None = None,
) -> Plan:
    """Show what apply would do, here or on an image of Colab's, and change nothing.

    Raises ProvisionerError.
    """
    return cast("Plan", run(["plan", *words(spec, only=only, skip=skip, locked=locked, against=against)]))


def apply(
    spec: Where = DEFAULT_SPEC,
    *,
    only: Iterable[str] = (),
    skip: Iterable[str] = (),
    locked: bool = False,
    jobs: int | None = None,
    restart: bool = False,
) -> Report:
    """Make this machine what the spec says, and prove it; `locked`, exactly what its lock holds.

    With `restart` the notebook's kernel is restarted afterwards, if it holds what was replaced. Raises
    NotDone, a ProvisionerError with the report's text, when anything is not as the spec says.
    """
    options = words(spec, only=only, skip=skip, locked=locked, jobs=jobs, restart=restart)
    return cast("Report", run(["apply", *options]))


def verify(
    spec: Where = DEFAULT_SPEC,
    *,
    only: Iterable[str] = (),
    skip: Iterable[str] = (),
    locked: bool = False,
    deep: bool = False,
    jobs: int | None = None,
) -> Report:
    """Prove that this machine is what the spec says, and change nothing. Raises NotDone."""
    options = words(spec, only=only, skip=skip, locked=locked, jobs=jobs, deep=deep)
    return cast("Report", run(["verify", *options]))


def words(spec: Where, **options: Any) -> Iterator[str]:
    """Arguments as the command line has them."""
    yield str(spec)
    for name, value in options.items():
        if isinstance(value, bool):
            yield from [f"--{name}"] if value else []
        elif isinstance(value, int):
            yield from (f"--{name}", str(value))
        elif value is not None and (given := [value] if isinstance(value, str) else list(value)):
            yield from (f"--{name}", *given)


def load_ipython_extension(shell: Any) -> None:
    """What `%load_ext provisioner` calls."""
    from provisioner.notebook.magics import register

    register(shell)


__all__ = ["NotDone", "Spec", "apply", "load", "load_ipython_extension", "plan", "verify"]
