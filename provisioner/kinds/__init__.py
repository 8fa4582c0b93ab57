"""The resource kinds, one file each. A kind is imported only when a spec has its key."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from provisioner.kind import Kind
from provisioner.leftover import absent

NAMES = (
    "runtime",
    "accelerator",
    "apt",
    "jdk",
    "pip",
    "drive",
    "secrets",
    "inputs",
    "datasets",
    "files",
    "env",
    "run",
    "notebook",
    "verify",
)
"""Every key of the file that is a kind, in the order of a plan."""

ABSENT: dict[str, Kind[None, Any]] = {name: absent(name) for name in ("jdk", "env")}
"""What stands in for a section that the file does not have, where one that it had may have left something."""


def get(name: str) -> Kind[Any, Any]:
    """The kind called `name`, which must be one of NAMES."""
    kind: Kind[Any, Any] = import_module(f"provisioner.kinds.{name}").KIND
    return kind
