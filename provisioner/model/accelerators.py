"""What accelerators a machine has, as values. Standard library only.

Sizes are bytes; 0 and "" mean that the driver does not say.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong or unusual about an accelerator, and how to fix it."""

    code: str
    """A short name that stays the same between releases: "driver-mismatch"."""
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.message}. {self.remedy}"


@dataclass(frozen=True)
class Gpu:
    """One NVIDIA device that can be used, or one slice of a device that is divided (MIG)."""

    index: int
    name: str
    """NVML's: "Tesla T4", or "NVIDIA A100-SXM4-40GB MIG 3g.20gb" for a slice."""
    memory_total: int
    memory_free: int
    capability: str
    """Compute capability, "7.5"."""


@dataclass(frozen=True)
class Accelerators:
    """The accelerators attached to a machine, and what prevents their use."""

    gpus: tuple[Gpu, ...] = ()
    driver: str = ""
    """Version of NVIDIA's driver."""
    cuda: str = ""
    """The newest CUDA that the driver runs, "12.8"."""
    library: str = ""
    """Folder of the driver's libraries when the loader does not look there by itself."""
    tpu: str = ""
    """The TPU's generation, "v5e"."""
    chips: int = 0
    """How many TPU chips there are."""
    problem: Diagnosis | None = None
    """Why a device that seems to be there cannot be used."""
    oddities: tuple[Diagnosis, ...] = ()
    """Warnings: the devices can be used all the same."""
