"""Names of accelerators, and the checks that make frameworks compute."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner import gpus
from provisioner.kinds import accelerator
from provisioner.machine import Accelerators, Gpu
from provisioner.model import Check
from tests import scene
from tests.fakes import FakeMachine

MIB = 1024**2

SEEN = [
    ("Tesla T4", 15360, "T4"),
    ("NVIDIA L4", 23034, "L4"),
    ("NVIDIA A100-SXM4-40GB", 40960, "A100"),
    ("NVIDIA A100-SXM4-80GB", 81920, "A100"),
    ("NVIDIA H100 80GB HBM3", 81559, "H100"),
    ("NVIDIA RTX PRO 6000 Blackwell Server Edition", 97887, "G4"),
    ("Tesla V100-SXM2-16GB", 16160, "V100"),
    ("Tesla V100-SXM2-16GB", 16384, "V100"),
    ("Tesla P100-PCIE-16GB", 16280, "P100"),
    ("Tesla K80", 11439, "K80"),
    ("Tesla K80", 11441, "K80"),
]


def gpu(name: str, mib: int) -> Gpu:
    return Gpu(0, name, mib * MIB, mib * MIB, "7.5")


@pytest.mark.parametrize(("name", "mib", "model"), SEEN)
def test_every_gpu_that_colab_had_is_known_by_its_name(name: str, mib: int, model: str) -> None:
    assert gpus.short_name(gpu(name, mib)) == model
    assert {found.name for found in gpus.MODELS if gpus.is_model(gpu(name, mib), found)} - {model} <= {
        "A100-40GB",
        "A100-80GB",
    }


@pytest.mark.parametrize(
    ("name", "mib"), [("NVIDIA T400", 4096), ("NVIDIA L40S", 46068), ("NVIDIA A10", 23028)]
)
def test_a_gpu_with_a_longer_name_is_another(name: str, mib: int) -> None:
    assert gpus.short_name(gpu(name, mib)) == name


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("t4", "T4"),
        ("Tesla T4", "T4"),
        ("a100 80GB", "A100-80GB"),
        ("RTX PRO 6000", "G4"),
        ("V5E1", "v5e"),
        ("v6e-1", "v6e"),
        ("GPU", "gpu"),
        ("none", "none"),
    ],
)
def test_there_are_several_ways_to_ask(asked: str, name: str) -> None:
    assert gpus.proper_name(asked) == name


def test_every_proper_name_stands_for_itself() -> None:
    for name in gpus.known_names().values():
        assert gpus.proper_name(name) == name


def checks(wanted: object, attached: Accelerators) -> list[Check]:
    machine = FakeMachine(devices=attached)
    config = scene.validate("accelerator", wanted, machine)
    assert isinstance(config, accelerator.Accelerator)
    return list(accelerator.checks(config, accelerator.observe(config, machine)))


@pytest.mark.parametrize(
    ("any_of", "attached", "device"),
    [
        (["gpu"], Accelerators(gpus=(gpu("Tesla T4", 15360),)), "gpu"),
        (["gpu"], Accelerators(), "gpu"),
        (["gpu", "cpu"], Accelerators(), "cpu"),
        (["T4", "cpu"], Accelerators(gpus=(gpu("Tesla T4", 15360),)), "gpu"),
        (["none"], Accelerators(), "cpu"),
        (["gpu", "v5e"], Accelerators(tpu="v5e"), "tpu"),
    ],
)
def test_a_framework_is_proved_on_what_was_matched(
    any_of: list[str], attached: Accelerators, device: str
) -> None:
    for framework in ("tensorflow", "torch", "jax"):
        (check,) = checks({"any_of": any_of, "frameworks": [framework, framework]}, attached)
        python, isolated, program, wanted = check.run.argv
        assert check.address == f"accelerator.{framework}"
        assert (python, isolated, wanted) == ("/usr/bin/python3", "-P", device)
        assert Path(program).is_file()
        assert check.reply == "json"
        assert check.on_failure == "fail"
        assert "/usr/lib/python3/dist-packages" in check.watches


def test_a_mismatch_that_only_warns_lets_the_proof_only_warn() -> None:
    (check,) = checks({"frameworks": ["jax"], "on_mismatch": "warn"}, Accelerators())
    assert check.on_failure == "warn"


def test_without_frameworks_there_is_nothing_to_prove() -> None:
    assert checks("gpu", Accelerators()) == []
