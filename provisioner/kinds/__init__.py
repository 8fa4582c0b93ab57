"""The resource kinds, one file each. A kind is imported only when a spec has its key."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from provisioner.kind import Kind

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


def get(name: str) -> Kind[Any, Any]:
    """The kind called `name`, which must be one of NAMES."""
    kind: Kind[Any, Any] = import_module(f"provisioner.kinds.{name}").KIND
    return kind
