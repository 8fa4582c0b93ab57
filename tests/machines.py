"""This machine as tests look at it: with a state folder, a home and an environment of their own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from provisioner.machine.local import LocalMachine, here
from provisioner.machine.reader import Interpreter


def local(
    folder: str | Path,
    python: Interpreter | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    **told: Any,
) -> LocalMachine:
    """A LocalMachine for a spec in `folder`; `told` are fields of its context."""
    state = (environ or os.environ).get("XDG_STATE_HOME", f"{folder}/state")
    context = replace(here(str(folder), python=python), **{"state": f"{state}/provisioner", **told})
    return LocalMachine(context, environ)
