"""TensorFlow, PyTorch and JAX themselves: they compute on the CPU, and are found to have no GPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from provisioner.engine.checks import judge
from provisioner.machine.process import Children
from provisioner.model.effects import Run
from provisioner.model.plan import Check
from tests.frameworks import REPOSITORY, REQUIREMENTS, NotToBeHadError, interpreter

PROBES = REPOSITORY / "provisioner" / "kinds" / "accelerator" / "probes"


@pytest.fixture(params=sorted(REQUIREMENTS))
def installed(request: pytest.FixtureRequest) -> tuple[str, Path]:
    """A framework and the interpreter that has it."""
    framework: str = request.param
    try:
        return framework, interpreter(framework)
    except NotToBeHadError as error:
        if framework != "torch":  # only PyTorch is not on PyPI as a build for the CPU
            raise
        pytest.skip(str(error))


def examine(framework: str, python: Path, **wish: Any) -> tuple[bool, str, str, dict[str, Any]]:
    """What the stage makes of a probe."""
    argv = (str(python), str(PROBES / f"{framework}.py"), json.dumps(wish))
    run = Run(argv=argv, env=(("CUDA_VISIBLE_DEVICES", None),), timeout=300)
    completed = Children().run(run, os.environ)
    return judge(Check(address=framework, run=run, reply="json"), completed)


def test_it_computes_on_the_cpu(installed: tuple[str, Path]) -> None:
    framework, python = installed
    passed, message, hint, data = examine(
        framework, python, device="cpu", min_tflops=0.000001, min_bandwidth=0.001
    )
    assert (passed, hint) == (True, "")
    version = REQUIREMENTS[framework].partition("==")[2]
    assert data["version"] == version
    assert f" {version} computes on the CPU (float32)" in message
    assert (data["computed"], data["saw"]) == (True, ["cpu"])
    assert data["dtypes"]["float32"]["max_error"] <= data["dtypes"]["float32"]["tolerance"]
    assert data["tflops"] > 0
    assert data["bandwidth"] > 0


def test_it_is_found_to_have_no_gpu(installed: tuple[str, Path]) -> None:
    framework, python = installed
    passed, message, hint, data = examine(framework, python, device="gpu", driver_cuda="12.8")
    assert not passed
    assert "for the CPU only" in message
    assert {"tensorflow": "[and-cuda]", "torch": "whl/cu126", "jax": "jax[cuda12]"}[framework] in hint
    assert (data["computed"], data["saw"]) == (False, [])


SHORT_TYPES = """
import json, os, sys
sys.path.insert(0, {package!r})
from probes import probe as shared
from probes.{framework} import {name} as Probe
from probes.subprocess_runner import step_aside
step_aside()
probe, wish, data = Probe(), shared.Wish("cpu"), {{}}
os.environ.update({{**shared.ENVIRONMENT, **probe.environment(wish)}})
(device,) = probe.devices(wish, data)
made = {{dtype: shared.compute(probe, device, dtype) for dtype in shared.TOLERANCE}}
print(json.dumps([made, probe.convolve(device)]))
"""


def test_what_gpus_are_asked_works_on_the_cpu_too(installed: tuple[str, Path]) -> None:
    """The short types and the convolution, which a machine without a GPU is not asked for, are understood."""
    framework, python = installed
    name = {"tensorflow": "TensorFlow", "torch": "Torch", "jax": "Jax"}[framework]
    code = SHORT_TYPES.format(package=str(PROBES.parent), framework=framework, name=name)
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    made, middle = json.loads(done.stdout.splitlines()[-1])
    assert middle == 9.0
    assert made["float32"]["max_error"] == 0.0
    for dtype in ("float16", "bfloat16"):
        assert 0 < made[dtype]["max_error"] < made[dtype]["tolerance"]


def test_an_environment_without_frameworks() -> None:
    passed, message, hint, _ = examine("jax", Path(sys.executable), device="tpu")
    assert (passed, message) == (False, f"JAX is not installed in {sys.executable}.")
    assert hint == "Add jax[tpu] to `pip: packages`."
