"""Builds that would lose the GPU are told of before they are downloaded."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.kinds.pip.gpu_builds import warnings
from provisioner.kinds.pip.uv import PipMove
from provisioner.model.accelerators import Accelerators, Gpu

T4 = (Gpu(0, "Tesla T4", 15360 << 20, 15360 << 20, "7.5"),)
OLD = Accelerators(gpus=T4, driver="550.54.15", cuda="12.4")
NEW = Accelerators(gpus=T4, driver="580.82.07", cuda="13.0")

INSTALLED = {"jaxlib": "0.7.2", "jax-cuda12-plugin": "0.7.2", "tensorflow": "2.20.0", "torch": "2.11.0+cu128"}

PYPI = (PipMove("torch", None, "2.11.0"), PipMove("nvidia-cuda-runtime", None, "13.0.48"))
NEEDS = {
    "nvidia-cuda-runtime": (("cuda-toolkit", ""),),
    "cuda-toolkit": (("torch", "==13.0.2"),),
    "nvidia-cuda-runtime-cu12": (("jax-cuda12-plugin", ">=12.1"), ("loop", "")),
    "loop": (("nvidia-cuda-runtime-cu12", ""),),
}


@pytest.mark.parametrize(
    ("moves", "attached", "told"),
    [
        (
            [PipMove("torch", "2.11.0+cu130", "2.12.0+cpu")],
            NEW,
            ["torch 2.12.0.cpu in the place of 2.11.0.cu130 is"],
        ),
        ([PipMove("torch", None, "2.12.0+cpu")], NEW, ["torch 2.12.0.cpu is built without CUDA"]),
        ([PipMove("torch", "2.11.0+cu130", "2.12.0+cu130")], NEW, []),
        ([PipMove("torch", "2.11.0+cu130", None)], NEW, []),
        ([PipMove("torch", "2.12.0+cpu", "2.12.0+cpu")], NEW, []),
        ([PipMove("tensorflow-cpu", None, "2.20.0")], NEW, ["name tensorflow instead"]),
        ([PipMove("tensorflow", "2.20.0", "2.15.0")], NEW, ["may not find this machine's CUDA"]),
        ([PipMove("tensorflow", "2.20.0", "2.21.0")], NEW, []),
        ([PipMove("tensorflow", None, "2.15.0")], NEW, []),
        (
            [PipMove("jaxlib", "0.7.2", "0.8.0")],
            NEW,
            ["does not take jax-cuda12-plugin 0.7.2.*name jax.cuda12."],
        ),
        ([PipMove("jaxlib", "0.7.2", "0.8.0"), PipMove("jax-cuda12-plugin", "0.7.2", "0.8.0")], NEW, []),
        ([PipMove("jaxlib", "0.7.1", "0.7.2")], NEW, []),
        ([PipMove("jax", "0.7.2", "0.7.3")], NEW, []),
        (
            [PipMove("torch", "2.9.0+cu126", "2.11.0+cu130")],
            OLD,
            ["torch 2.11.0.cu130 is built for CUDA 13.*whl/cu128"],
        ),
        ([PipMove("torch", "2.9.0+cu126", "2.11.0+cu130")], NEW, []),
        ([PipMove("torch", "2.9.0+cu126", "2.11.0+cu128")], OLD, []),
        (
            [PipMove("torchvision", None, "0.26.0+cu130"), PipMove("torch", None, "2.11.0+cu130")],
            OLD,
            ["torch 2.11.0"],
        ),
        (
            PYPI,
            OLD,
            ["torch 2.11.0 is built for CUDA 13, .* driver 550.54.15 runs CUDA 12.4: it will see no GPU"],
        ),
        (PYPI, NEW, []),
        ([PipMove("nvidia-cuda-runtime-cu12", None, "12.8.90")], OLD, []),
        (
            [PipMove("nvidia-cuda-runtime-cu12", None, "12.8.90")],
            Accelerators(gpus=T4, driver="470.1", cuda="11.4"),
            ["^jax is built for CUDA 12.*Name jax.cuda11."],
        ),
        ([PipMove("jax-cuda13-plugin", None, "0.8.0")], OLD, ["^jax is built for CUDA 13.*Name jax.cuda12."]),
        ([PipMove("nvidia-cuda-runtime", None, "13.0.48")], OLD, ["Name an older version|whl/cu128"]),
        ([PipMove("nvidia-nccl-cu13", None, "2.31.2")], OLD, []),
        ([PipMove("numpy", "1.26", "2.0"), PipMove("torch", None, "not a version")], OLD, []),
        (PYPI, Accelerators(gpus=T4), []),
    ],
)
def test_what_a_move_would_cost(moves: list[PipMove], attached: Accelerators, told: list[str]) -> None:
    found = list(warnings(moves, NEEDS, INSTALLED, attached))
    assert len(found) == len(told), found
    for text, pattern in zip(found, told, strict=True):
        assert re.search(pattern, text)


def test_who_brings_a_runtime_may_stay_unknown() -> None:
    (told,) = warnings([PipMove("nvidia-cuda-runtime", None, "13.0.48")], {}, {}, OLD)
    assert told.startswith("nvidia-cuda-runtime 13.0.48 is built for CUDA 13")
    assert "Name an older version" in told


names = st.sampled_from(
    ["torch", "torchvision", "tensorflow", "tensorflow-cpu", "jaxlib", "nvidia-cuda-runtime"]
)
versions = st.sampled_from([None, "2.11.0+cpu", "2.11.0+cu130", "13.0.1", "0.8", "junk"])


@given(st.lists(st.builds(PipMove, names, versions, versions)))
def test_without_a_gpu_there_is_nothing_to_lose(moves: list[PipMove]) -> None:
    assert list(warnings(moves, NEEDS, INSTALLED, Accelerators(cuda="12.4", tpu="v5e", chips=1))) == []
