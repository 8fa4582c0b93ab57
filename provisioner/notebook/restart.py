"""A kernel that has imported what was replaced: Colab's own button, or a restart at once."""

from __future__ import annotations

import secrets
from importlib import import_module
from importlib.util import find_spec

from provisioner.machine.kernel_state import Shell

COLAB_DISPLAY = "application/vnd.colab-display-data+json"
"""Colab's page shows its restart button for this. Source: pip's wrapper in google.colab."""


def follow_up(shell: Shell, packages: tuple[str, ...], *, at_once: bool) -> None:
    """Offer a restart in Colab's way where there is Colab, or restart `at_once`.

    The report says what is to be restarted and why, whatever shows the notebook.
    """
    if at_once:
        from provisioner.machine.notebook_kernel import restart

        print("Restarting the kernel. Run this cell again afterwards: it has nothing left to do.")  # noqa: T201
        restart(shell)
    elif is_colab():
        message = {"pip_warning": {"packages": list(packages)}, "id": secrets.token_hex(16)}
        import_module("IPython.display").display({COLAB_DISPLAY: message}, raw=True)


def is_colab() -> bool:
    """Whether google.colab is here; its button is a message that other pages do not know."""
    try:
        return find_spec("google.colab") is not None
    except ModuleNotFoundError:
        return False
