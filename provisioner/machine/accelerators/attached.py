"""The accelerators of this machine: what is there, and when it cannot be used, why.

Evidence are gathered first (`evidence`, with `pci`, `nvml`, `holders`); what they mean is decided by pure
functions (`reading`, `diagnosis`), so every failure can be told apart in a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from provisioner.machine.accelerators.pci import read_bus
from provisioner.model.accelerators import Accelerators

TRACES = ("dev/nvidiactl", "dev/nvidia0", "dev/dxg", "proc/driver/nvidia/version")
"""What a driver leaves that may know of a GPU, also where the bus is hidden from us."""


def accelerators(environ: Mapping[str, str], root: Path = Path("/"), patience: float = 10.0) -> Accelerators:
    """What is attached. Where there is no trace of anything, nothing is loaded.

    `root` is where /dev, /proc and /sys are looked for; `patience` is how many seconds NVML may take, for a
    wedged driver never answers.
    """
    bus = read_bus(root)
    if not bus and not any((root / trace).exists() for trace in TRACES):
        return Accelerators()
    from provisioner.machine.accelerators import evidence, reading

    return reading.read(evidence.gather(bus, environ, root, patience))
