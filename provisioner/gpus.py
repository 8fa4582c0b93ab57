"""The accelerators that people ask for by name, and how to know them again.

Sources: the names and sizes that NVML gives on Colab, Kaggle and Google Cloud; NVIDIA's list of compute
capabilities. A new model is one more line.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from provisioner.machine import Gpu

MIB = 1024**2

TOLERANCE = 0.05
"""By how much the memory of one model differs: error correction and drivers take their share."""


@dataclass(frozen=True)
class Model:
    """One model of GPU."""

    name: str
    part: str
    """What NVML's name for it holds, in capitals and without spaces."""
    memory: tuple[int, ...]
    """MiB that NVML tells, for each size it is sold in."""
    capability: str
    aliases: tuple[str, ...] = ()
    colab: bool = True
    """Whether Colab offers it."""


MODELS = (
    Model("T4", "T4", (15360,), "7.5", ("TESLAT4",)),
    Model("L4", "L4", (23034,), "8.9", ("NVIDIAL4",)),
    Model("A100", "A100", (40960, 81920), "8.0"),
    Model("A100-40GB", "A100", (40960,), "8.0"),
    Model("A100-80GB", "A100", (81920,), "8.0"),
    Model("H100", "H100", (81559,), "9.0", ("H10080GB",)),
    Model("G4", "RTXPRO6000", (97887,), "12.0", ("RTXPRO6000",)),
    Model("V100", "V100", (16160, 16384), "7.0", colab=False),
    Model("P100", "P100", (16280, 16384), "6.0", colab=False),
    Model("K80", "K80", (11440,), "3.7", colab=False),
)

TPUS = ("v5e", "v6e")
"""The TPUs that Colab offers."""

GENERAL = ("gpu", "tpu", "cpu", "none")
"""Any GPU; any TPU; whatever there is; nothing attached."""


def normalise(text: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def known_names() -> dict[str, str]:
    """Every way to ask for an accelerator, normalised, and its proper name."""
    names = {normalise(name): name for name in (*GENERAL, *TPUS, *(model.name for model in MODELS))}
    names |= {normalise(f"{name}-1"): name for name in TPUS}
    return names | {alias: model.name for model in MODELS for alias in model.aliases}


def proper_name(text: str) -> str:
    """The name of what is asked for; raises ValueError, with the nearest name, when there is none."""
    names = known_names()
    if name := names.get(normalise(text)):
        return name
    near = difflib.get_close_matches(normalise(text), names, n=1)
    meant = f"did you mean {names[near[0]]}?" if near else "write gpu, tpu, none, cpu or a model like T4"
    raise ValueError(f"is no accelerator that is known here; {meant}")


def model_named(name: str) -> Model | None:
    return next((model for model in MODELS if model.name == name), None)


def is_model(gpu: Gpu, model: Model) -> bool:
    """Whether a GPU is of a model: by a part of its name, and by its memory, for an L40 is no L4."""
    size = gpu.memory_total / MIB
    return model.part in normalise(gpu.name) and any(
        abs(size - memory) <= TOLERANCE * memory for memory in model.memory
    )


def short_name(gpu: Gpu) -> str:
    """The name that people use for a GPU; NVML's own where it is none of ours."""
    return next((model.name for model in MODELS if is_model(gpu, model)), gpu.name)
