"""What the kernel shows of the PCI bus: a device is seen here before any driver knows it.

Source: Documentation/ABI/testing/sysfs-bus-pci of Linux; the numbers of Google's TPUs as JAX uses them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

NVIDIA, GOOGLE = "0x10de", "0x1ae0"

DISPLAY = "0x03"
"""First byte of the PCI class of every GPU; their sound and USB parts have others."""

TPUS = {
    "0x0027": "v3",
    "0x005e": "v4",
    "0x0062": "v5p",
    "0x0063": "v5e",
    "0x006f": "v6e",
    "0x0076": "v7x",
}
"""Google's other devices, network cards among them, have the same vendor number."""

SILENT = b"\xff\xff\xff\xff"
"""What is read from a device that no longer answers."""


@dataclass(frozen=True)
class PciDevice:
    """An NVIDIA GPU or a TPU on the bus."""

    slot: str
    """Its address, "0000:00:04.0"."""
    tpu: str = ""
    """The generation when it is a TPU."""
    driver: str = ""
    """The kernel driver that has it: "nvidia", "nouveau", "vfio-pci", or none."""
    silent: bool = False
    """Whether it has stopped answering: fallen off the bus."""


def read_bus(root: Path) -> tuple[PciDevice, ...]:
    """Every NVIDIA GPU and TPU on the bus below `root`/sys; one file is read for any other device."""
    folder = root / "sys/bus/pci/devices"
    try:
        slots = sorted(os.listdir(folder))
    except OSError:
        return ()
    return tuple(device for slot in slots if (device := look(folder / slot)))


def look(place: Path) -> PciDevice | None:
    """The device at one address, if it is one that we look for."""
    vendor = read(place / "vendor")
    if vendor == GOOGLE and (tpu := TPUS.get(read(place / "device"))):
        return PciDevice(place.name, tpu, driver_of(place))
    if vendor == NVIDIA and read(place / "class").startswith(DISPLAY):
        return PciDevice(place.name, driver=driver_of(place), silent=is_silent(place))
    return None


def driver_of(place: Path) -> str:
    try:
        return os.path.basename(os.readlink(place / "driver"))
    except OSError:
        return ""


def is_silent(place: Path) -> bool:
    try:
        with (place / "config").open("rb", buffering=0) as file:
            return file.read(len(SILENT)) == SILENT
    except OSError:
        return False


def read(path: Path) -> str:
    """A short text file, without the line's end; "" when it cannot be read."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
