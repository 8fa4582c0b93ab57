"""Declarative environments for Google Colab and its like: one file, one cell."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from provisioner.notebook import apply, load, load_ipython_extension, plan, verify

__version__ = "0.1.0"

__all__ = ["apply", "load", "load_ipython_extension", "plan", "verify"]


def __getattr__(name: str) -> Any:
    """The public names, imported when they are asked for: the command line imports this package too."""
    if name in __all__:
        return getattr(import_module("provisioner.notebook"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
