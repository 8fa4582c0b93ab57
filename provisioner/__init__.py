"""Declarative environments for Google Colab and its like: one file, one cell."""

from __future__ import annotations

from provisioner.version import __version__ as __version__

TYPE_CHECKING = False  # without `typing`, which a no-op has no use for
if TYPE_CHECKING:
    from typing import Any

    from provisioner.notebook import apply, load, load_ipython_extension, plan, verify

__all__ = ["apply", "load", "load_ipython_extension", "plan", "verify"]


def __getattr__(name: str) -> Any:
    """The public names, imported when they are asked for: the command line imports this package too."""
    if name in __all__:
        from importlib import import_module

        return getattr(import_module("provisioner.notebook"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
