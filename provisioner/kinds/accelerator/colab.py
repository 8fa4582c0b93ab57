"""Colab's accelerators: what its menu calls them, how a notebook asks for one, which one it gets. Pure."""

from __future__ import annotations

from provisioner.kinds.accelerator.matching import fulfils, without_driver
from provisioner.kinds.accelerator.section import Accelerator
from provisioner.model import gpus
from provisioner.model.accelerators import Accelerators
from provisioner.model.notebook import NotebookRequest

MENU = {
    "gpu": "T4 GPU",
    "tpu": "v5e-1 TPU",
    "none": "CPU",
    "G4": "G4 GPU",
    "v5e": "v5e-1 TPU",
    "v5e-1": "v5e-1 TPU",
    "v6e": "v6e-1 TPU",
    "v6e-1": "v6e-1 TPU",
}
"""What Colab's menu calls an accelerator where that is not its name with GPU behind it."""

REQUESTS = {
    "gpu": ("GPU", "T4"),
    **{name: ("GPU", name) for name in ("T4", "L4", "A100", "H100", "G4")},
    "A100-40GB": ("GPU", "A100"),
    "A100-80GB": ("GPU", "A100"),
    **dict.fromkeys(("tpu", "v5e", "v5e-1"), ("TPU", "V5E1")),
    **dict.fromkeys(("v6e", "v6e-1"), ("TPU", "V6E1")),
    "none": ("", ""),
}
"""What to ask Colab for, by the name in the spec: `accelerator` and `colab.gpuType` of the metadata."""


def menu_entry(name: str) -> str:
    """What Colab's menu calls an accelerator."""
    return MENU.get(name, f"{name.partition('-')[0]} GPU")


def is_offered(name: str) -> bool:
    """Whether Colab has the accelerator of that name; anything that is not a GPU model counts as such."""
    model = gpus.model_named(name)
    return model is None or model.colab


def request(config: Accelerator) -> NotebookRequest:
    """The first accelerator that the file names and Colab offers.

    `cpu` takes any machine, and so leaves to the notebook what it asks for already.
    """
    for name in config.any_of:
        if name in REQUESTS:
            return NotebookRequest(*REQUESTS[name])
        if name == "cpu":
            break
    return NotebookRequest()


def attach(config: Accelerator, offered: tuple[Accelerators, ...]) -> Accelerators:
    """The first accelerator of the file that Colab can give to a machine, else its usual one."""
    wanted = without_driver(config)
    return next((one for name in config.any_of for one in offered if fulfils(name, wanted, one)), offered[0])
