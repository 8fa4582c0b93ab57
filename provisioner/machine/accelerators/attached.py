"""The accelerators of this machine: what is attached, and why if it cannot be used.

Evidence is gathered first (`evidence`, with `pci`, `nvml`, `holders`); what it means is decided by pure
functions (`reading`, `diagnosis`), so every failure can be tested.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from provisioner.machine.accelerators.pci import read_bus
from provisioner.model.accelerators import Accelerators

TRACES = ("dev/nvidiactl", "dev/nvidia0", "dev/dxg", "proc/driver/nvidia/version")
"""Traces of a driver that may know of a GPU, also where the bus is hidden from us."""


def accelerators(environ: Mapping[str, str], root: Path = Path("/"), patience: float = 10.0) -> Accelerators:
    """What is attached. Without any trace of a device, nothing is loaded.

    `root` is where /dev, /proc and /sys are looked for; `patience` is how many seconds NVML may take, for a
    wedged driver never answers.
    """
    bus = read_bus(root)
    if not bus and not any((root / trace).exists() for trace in TRACES):
        return Accelerators()
    from provisioner.machine.accelerators import evidence, reading

    return reading.read(evidence.gather(bus, environ, root, patience))
