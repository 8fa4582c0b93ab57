"""What a notebook asks Colab for, which accelerator it gets, and what the menu calls it."""

from __future__ import annotations

import pytest

from provisioner.kinds.accelerator.colab import attach, is_offered, menu_entry, request
from provisioner.kinds.accelerator.section import Accelerator
from provisioner.model import gpus
from provisioner.model.accelerators import Accelerators, Gpu
from provisioner.model.notebook import NotebookRequest
from tests import scene
from tests.fakes import FakeMachine


def section(wanted: object) -> Accelerator:
    config = scene.validate("accelerator", wanted, FakeMachine())
    assert isinstance(config, Accelerator)
    return config


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        ("gpu", NotebookRequest("GPU", "T4")),
        ("H100", NotebookRequest("GPU", "H100")),
        ("G4", NotebookRequest("GPU", "G4")),
        ({"any_of": ["A100-80GB", "T4"]}, NotebookRequest("GPU", "A100")),
        ({"any_of": ["K80", "P100", "L4"]}, NotebookRequest("GPU", "L4")),
        ("K80", NotebookRequest()),
        ("tpu", NotebookRequest("TPU", "V5E1")),
        ("v6e-1", NotebookRequest("TPU", "V6E1")),
        ("v5e-8", NotebookRequest()),
        ("none", NotebookRequest("")),
        ("cpu", NotebookRequest()),
        ({"any_of": ["cpu", "T4"]}, NotebookRequest()),
    ],
)
def test_what_a_notebook_asks_for(wanted: object, asked: NotebookRequest) -> None:
    assert request(section(wanted)) == asked


def gpu(part: str, gib: int, capability: str) -> Accelerators:
    return Accelerators(gpus=(Gpu(0, part, gib * gpus.GIB, gib * gpus.GIB, capability),))


OFFERED = (gpu("T4", 15, "7.5"), gpu("L4", 22, "8.9"), gpu("A100", 40, "8.0"))


@pytest.mark.parametrize(
    ("wanted", "number"),
    [
        ("gpu", 0),
        ("L4", 1),
        ({"any_of": ["H100", "A100", "L4"]}, 2),
        ({"any_of": ["gpu"], "memory": "20GiB"}, 1),
        ({"any_of": ["L4"], "driver": ">=999", "cuda": ">=99"}, 1),
        ("K80", 0),
    ],
)
def test_a_machine_is_given_the_first_that_fits(wanted: object, number: int) -> None:
    assert attach(section(wanted), OFFERED) == OFFERED[number]


def test_the_menu() -> None:
    assert [menu_entry(name) for name in ("gpu", "L4", "A100-80GB", "none", "v6e")] == [
        "T4 GPU",
        "L4 GPU",
        "A100 GPU",
        "CPU",
        "v6e-1 TPU",
    ]
    assert is_offered("L4")
    assert is_offered("gpu")
    assert not is_offered("K80")
