"""The accelerators that people ask for by name, and how to recognise them.

Sources: the names and sizes that NVML gives on Colab, Kaggle and Google Cloud; NVIDIA's list of compute
capabilities; Google Cloud's table of TPU versions. A new model is one more line.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from provisioner.model.accelerators import Gpu

MIB = 1024**2
GIB = 1024**3

TOLERANCE = 0.05
"""By how much the memory of one model varies: error correction and drivers use some of it."""


@dataclass(frozen=True)
class Model:
    """One model of GPU."""

    name: str
    part: str
    """The words in NVML's name that only this model has."""
    memory: tuple[int, ...]
    """MiB as NVML reports them, for each size it is sold in."""
    capability: str
    aliases: tuple[str, ...] = ()
    """Other names, besides its own with NVIDIA or Tesla before it."""
    colab: bool = False
    """Whether Colab offers it."""

    @property
    def room(self) -> float:
        """GiB that the largest has."""
        return max(self.memory) / 1024

    @property
    def most(self) -> int:
        """The most bytes that NVML may report for it."""
        return int(max(self.memory) * MIB * (1 + TOLERANCE))

    @property
    def chips(self) -> None:
        """A machine may have any number of them."""


@dataclass(frozen=True)
class Tpu:
    """One generation of TPU, or a slice with a number of chips."""

    name: str
    generation: str
    room: float
    """GiB that each chip has."""
    chips: int | None = None
    """How many chips there are; None when any number is accepted."""
    aliases: tuple[str, ...] = ()

    @property
    def most(self) -> int:
        """Bytes that each chip has."""
        return int(self.room * GIB)


MODELS = (
    Model("T4", "T4", (15360,), "7.5", colab=True),
    Model("L4", "L4", (23034,), "8.9", colab=True),
    Model("A100", "A100", (40960, 81920), "8.0", colab=True),
    Model("A100-40GB", "A100", (40960,), "8.0", ("A100 SXM4 40GB", "A100 PCIE 40GB"), colab=True),
    Model("A100-80GB", "A100", (81920,), "8.0", ("A100 SXM4 80GB", "A100 PCIE 80GB"), colab=True),
    Model("H100", "H100", (81559, 95830), "9.0", ("H100 80GB", "H100 80GB HBM3", "H100 PCIE"), colab=True),
    Model(
        "G4",
        "RTX PRO 6000",
        (97887,),
        "12.0",
        ("RTX PRO 6000", "RTX PRO 6000 Blackwell", "RTX PRO 6000 Blackwell Server Edition", "RTX 6000 PRO"),
        colab=True,
    ),
    Model("V100", "V100", (16384, 32768), "7.0", ("V100 SXM2 16GB", "V100 SXM2 32GB")),
    Model("P100", "P100", (16384,), "6.0", ("P100 PCIE 16GB",)),
    Model("P4", "P4", (7680,), "6.1"),
    Model("K80", "K80", (11440,), "3.7"),
    Model("A10", "A10", (23028,), "8.6"),
    Model("A10G", "A10G", (23028,), "8.6"),
    Model("A40", "A40", (46068,), "8.6"),
    Model("L40", "L40", (46068,), "8.9"),
    Model("L40S", "L40S", (46068,), "8.9"),
    Model("H200", "H200", (143771,), "9.0", ("H200 141GB",)),
    Model("B200", "B200", (183359,), "10.0"),
    Model("RTX-3090", "RTX 3090", (24576,), "8.6", ("RTX 3090", "GeForce RTX 3090")),
    Model("RTX-4090", "RTX 4090", (24564,), "8.9", ("RTX 4090", "GeForce RTX 4090")),
    Model("RTX-5090", "RTX 5090", (32607,), "12.0", ("RTX 5090", "GeForce RTX 5090")),
    Model("RTX-A6000", "RTX A6000", (49140,), "8.6", ("RTX A6000", "A6000")),
)

TPUS = (
    Tpu("v3", "v3", 32),
    Tpu("v4", "v4", 32),
    Tpu("v5p", "v5p", 95),
    Tpu("v5e", "v5e", 16, aliases=("v5litepod", "v5 lite")),
    Tpu("v5e-1", "v5e", 16, 1, ("v5litepod-1",)),
    Tpu("v5e-4", "v5e", 16, 4, ("v5litepod-4",)),
    Tpu("v5e-8", "v5e", 16, 8, ("v5litepod-8",)),
    Tpu("v6e", "v6e", 32, aliases=("trillium",)),
    Tpu("v6e-1", "v6e", 32, 1),
    Tpu("v6e-4", "v6e", 32, 4),
    Tpu("v6e-8", "v6e", 32, 8),
    Tpu("v7x", "v7x", 192, aliases=("tpu7x", "ironwood")),
)
"""Colab offers v5e-1 and v6e-1, Kaggle v5e-8."""

GENERAL = ("gpu", "tpu", "cpu", "none")
"""Any GPU; any TPU; whatever there is; nothing needed."""


def normalise(text: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def known_names() -> dict[str, str]:
    """Every way to ask for an accelerator, normalised, and its proper name."""
    names = {normalise(name): name for name in GENERAL}
    for tpu in TPUS:
        for name in (tpu.name, *tpu.aliases):
            names |= {normalise(prefix + name): tpu.name for prefix in ("", "TPU")}
    for model in MODELS:
        for name in (model.name, *model.aliases):
            names |= {
                normalise(prefix + name): model.name for prefix in ("", "NVIDIA", "Tesla", "NVIDIATesla")
            }
    return names


def proper_name(text: str) -> str:
    """The name of what is asked for; raises ValueError, with the nearest name, when there is none."""
    names = known_names()
    if name := names.get(normalise(text)):
        return name
    near = difflib.get_close_matches(normalise(text), names, n=1)
    meant = f"did you mean {names[near[0]]}?" if near else "write gpu, tpu, none, cpu or a model like T4"
    raise ValueError(f"is not a known accelerator; {meant}")


def model_named(name: str) -> Model | None:
    return next((model for model in MODELS if model.name == name), None)


def tpu_named(name: str) -> Tpu | None:
    return next((tpu for tpu in TPUS if tpu.name == name), None)


def is_model(gpu: Gpu, model: Model) -> bool:
    """Whether a GPU is of a model: by the words of its name, and by its memory.

    So an L40 is not an L4, and a slice of an A100 is not an A100.
    """
    size = gpu.memory_total / MIB
    return words_of(model.part) in words_of(gpu.name) and any(
        abs(size - memory) <= TOLERANCE * memory for memory in model.memory
    )


def words_of(text: str) -> str:
    """The words of a name, each between spaces, so that whole ones are found."""
    return f" {' '.join(re.findall(r'[A-Z0-9]+', text.upper()))} "


def short_name(gpu: Gpu) -> str:
    """The common name of a GPU; NVML's own where it is not in our table."""
    return next((model.name for model in MODELS if is_model(gpu, model)), gpu.name or "GPU")


def full_name(gpu: Gpu) -> str:
    """The same, with the memory where there are several: "A100-80GB"."""
    return next((model.name for model in reversed(MODELS) if is_model(gpu, model)), short_name(gpu))
