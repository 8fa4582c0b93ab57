"""What a look at any machine finds out about its accelerator, and what would prove that it works."""

from __future__ import annotations

import json

from provisioner.kinds.accelerator.checks import examine
from provisioner.kinds.accelerator.kind import KIND
from provisioner.kinds.accelerator.section import Accelerator
from provisioner.model.accelerators import Accelerators, Gpu
from tests.fakes import FakeMachine

T4 = Accelerators(gpus=(Gpu(0, "Tesla T4", 15 << 30, 15 << 30, "7.5"),), driver="580.82.07", cuda="13.0")
SITE = "/usr/lib/python3/dist-packages"


def machine(attached: Accelerators, *installed: str) -> FakeMachine:
    found = FakeMachine(devices=attached)
    for name in installed:
        found.put(f"{SITE}/{name}.dist-info/METADATA", "")
    return found


def test_every_framework_that_is_installed_is_to_compute() -> None:
    found = examine(machine(T4, "torch-2.8.0", "tensorflow_cpu-2.20.0", "numpy-2.0.2", "requests-2.32.0"))
    assert found.accelerators == T4
    assert [check.framework for check in found.checks] == ["tensorflow", "torch"]
    assert [json.loads(check.run.argv[-1])["device"] for check in found.checks] == ["gpu", "gpu"]
    assert found.versions == ("numpy 2.0.2", "tensorflow-cpu 2.20.0", "torch 2.8.0")


def test_only_jax_uses_a_tpu() -> None:
    found = examine(machine(Accelerators(tpu="v5e", chips=1), "torch-2.8.0", "jax-0.7.0"))
    devices = {check.framework: json.loads(check.run.argv[-1])["device"] for check in found.checks}
    assert devices == {"torch": "cpu", "jax": "tpu"}


def test_without_an_accelerator_they_compute_on_the_processor() -> None:
    (check,) = examine(machine(Accelerators(), "jax-0.7.0")).checks
    assert json.loads(check.run.argv[-1])["device"] == "cpu"


def test_frameworks_are_what_it_is_concerned_with() -> None:
    config = Accelerator(frameworks=("torch",))
    found = KIND.concerns(config, FakeMachine()).concerns
    assert [concern.address for concern in found] == [
        "pip.torch",
        "pip.torchvision",
        "pip.torchaudio",
        "pip.triton",
        "pip.nvidia-*",
    ]
    assert KIND.concerns(Accelerator(), FakeMachine()).concerns == ()
