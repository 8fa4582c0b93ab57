"""The resource kinds, a room for each. A kind is imported only when a spec has its key."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from provisioner.kinds.base import Kind
from provisioner.kinds.shared.removed_section import absent

ROOMS = {
    "runtime": "runtime",
    "accelerator": "accelerator.kind",
    "apt": "apt.kind",
    "jdk": "jdk",
    "pip": "pip.kind",
    "drive": "drive",
    "secrets": "secrets",
    "inputs": "inputs",
    "datasets": "datasets.kind",
    "files": "files",
    "env": "env",
    "run": "run",
    "notebook": "notebook",
    "verify": "verify",
}
"""Every key of the file that is a kind, in the order of a plan, and the module that defines it."""

NAMES = tuple(ROOMS)

ABSENT: dict[str, Kind[None, Any]] = {name: absent(name) for name in ("jdk", "env")}
"""What stands in for a section that the file does not have, where one that it had may have left something."""


def get(name: str) -> Kind[Any, Any]:
    """The kind called `name`, which must be one of NAMES."""
    kind: Kind[Any, Any] = import_module(f"provisioner.kinds.{ROOMS[name]}").KIND
    return kind
