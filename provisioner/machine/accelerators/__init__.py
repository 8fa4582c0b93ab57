"""The accelerators of this machine: what is there, and when it cannot be used, why.

Witnesses are gathered first (`witnesses`, with `pci`, `nvml`, `holders`); what they mean is decided by pure
functions (`reading`, `diagnosis`), so every failure can be told apart in a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from provisioner.hardware import Accelerators


def accelerators(environ: Mapping[str, str], root: Path = Path("/"), patience: float = 10.0) -> Accelerators:
    """What is attached.

    `root` is where /dev, /proc and /sys are looked for; `patience` is how many seconds NVML may take, for a
    wedged driver never answers.
    """
    from provisioner.machine.accelerators import reading, witnesses

    return reading.read(witnesses.gather(environ, root, patience))
