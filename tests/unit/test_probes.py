"""The probes, with frameworks small enough for a test."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioner.probes.torch import can_run

ROOT = Path(__file__).parent.parent.parent
STANDINS = ROOT / "tests" / "standins"
PROBES = ROOT / "provisioner" / "probes"

T4: dict[str, Any] = {"gpus": ["Tesla T4"], "cuda": "12.8"}
FRAMEWORKS = ("tensorflow", "torch", "jax")


class Lab:
    """Runs a probe in this process, on a machine that a test describes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys
        monkeypatch.delenv("JAX_PLATFORMS", raising=False)

    def run(self, framework: str, device: str, installed: bool = True, **machine: Any) -> dict[str, Any]:
        forget_frameworks()
        with self.monkeypatch.context() as context:
            if installed:
                context.syspath_prepend(STANDINS)
            context.setenv("STANDIN", json.dumps(machine))
            importlib.import_module(f"provisioner.probes.{framework}").main(device)
        output = self.capsys.readouterr().out
        assert output.count("\n") == 1
        reply = json.loads(output)
        assert isinstance(reply, dict)
        assert set(reply) == {"ok", "message", "hint", "data"}
        return reply


def forget_frameworks() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in FRAMEWORKS]:
        del sys.modules[name]


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Lab]:
    yield Lab(monkeypatch, capsys)
    forget_frameworks()


@pytest.mark.parametrize(
    ("framework", "message"),
    [
        ("tensorflow", "TensorFlow 2.20.0 computes on device: 0, name: Tesla T4"),
        ("torch", "PyTorch 2.8.0 computes on Tesla T4"),
        ("jax", "JAX 0.7.2 computes on Tesla T4"),
    ],
)
def test_a_gpu_computes(lab: Lab, framework: str, message: str) -> None:
    reply = lab.run(framework, "gpu", **T4)
    assert (reply["ok"], reply["message"], reply["hint"]) == (True, message, "")
    assert len(reply["data"]["devices"]) >= 1


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_cpu_computes(lab: Lab, framework: str) -> None:
    reply = lab.run(framework, "cpu")
    assert reply["ok"]
    assert reply["message"].lower().endswith("cpu")


def test_a_tpu_computes(lab: Lab) -> None:
    reply = lab.run("jax", "tpu", tpu=["TPU v5 lite"])
    assert (reply["ok"], reply["message"]) == (True, "JAX 0.7.2 computes on TPU v5 lite")


@pytest.mark.parametrize("framework", ["tensorflow", "torch"])
def test_a_tpu_is_for_jax(lab: Lab, framework: str) -> None:
    reply = lab.run(framework, "tpu", tpu=["TPU v5 lite"])
    assert (reply["ok"], reply["hint"]) == (False, "Use frameworks: [jax].")


@pytest.mark.parametrize(
    ("framework", "name"), [("tensorflow", "TensorFlow"), ("torch", "PyTorch"), ("jax", "JAX")]
)
def test_a_missing_framework_is_named(lab: Lab, framework: str, name: str) -> None:
    reply = lab.run(framework, "gpu", installed=False)
    assert not reply["ok"]
    assert reply["message"] == f"{name} is not installed in {sys.executable}."
    assert "`pip: packages`" in reply["hint"]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_a_framework_itself_misses_is_told(lab: Lab, framework: str) -> None:
    reply = lab.run(framework, "gpu", missing="h5py")
    assert (reply["ok"], reply["message"]) == (False, "ModuleNotFoundError: No module named 'h5py'")


@pytest.mark.parametrize(
    ("framework", "message"),
    [
        ("tensorflow", "TensorFlow 2.20.0 was built for the CPU alone."),
        ("torch", "PyTorch 2.8.0 was built for the CPU alone."),
    ],
)
def test_a_wheel_for_the_cpu_alone(lab: Lab, framework: str, message: str) -> None:
    reply = lab.run(framework, "gpu")
    assert (reply["ok"], reply["message"]) == (False, message)
    assert reply["hint"]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_wheel_that_sees_no_gpu(lab: Lab, framework: str) -> None:
    reply = lab.run(framework, "gpu", cuda="12.8")
    assert not reply["ok"]
    assert "sees no GPU" in reply["message"]
    assert reply["hint"]


def test_a_tpu_that_another_process_holds(lab: Lab) -> None:
    reply = lab.run("jax", "tpu", said="The TPU is already in use by process with pid 77.")
    assert "pid 77" in reply["message"]
    assert reply["hint"] == "Another process holds the TPU: stop it, or restart the runtime."


def test_a_gpu_that_a_wheel_has_no_code_for(lab: Lab) -> None:
    reply = lab.run("torch", "gpu", gpus=["Tesla P100"], cuda="12.8", capability=[6, 0])
    assert not reply["ok"]
    assert "has no code for a GPU of capability 6.0: it has sm_75, sm_80, compute_90." in reply["message"]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_failure_while_computing_is_told_with_what_to_do(lab: Lab, framework: str) -> None:
    reply = lab.run(framework, "gpu", **T4, fails="CUDA error: no kernel image is available for execution")
    assert not reply["ok"]
    assert reply["message"] == "RuntimeError: CUDA error: no kernel image is available for execution"
    assert "has no code for this GPU" in reply["hint"]


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("device", ["gpu", "cpu"])
def test_wrong_numbers_are_noticed(lab: Lab, framework: str, device: str) -> None:
    reply = lab.run(framework, device, **T4, wrong=True)
    assert not reply["ok"]
    assert "computed wrong numbers" in reply["message"]


def test_a_result_from_elsewhere_is_noticed(lab: Lab) -> None:
    reply = lab.run("tensorflow", "gpu", **T4, strays="/job:localhost/device:CPU:0")
    assert reply["message"] == "TensorFlow computed on /job:localhost/device:CPU:0 instead of /GPU:0."


@pytest.mark.parametrize(
    ("major", "minor", "architectures", "fine"),
    [
        (7, 5, ["sm_70", "sm_75"], True),
        (8, 9, ["sm_80"], True),
        (8, 0, ["sm_86"], False),
        (9, 0, ["sm_80"], False),
        (9, 0, ["sm_90a"], True),
        (12, 0, ["sm_90", "compute_90"], True),
        (12, 0, ["sm_100", "sm_120"], True),
        (6, 0, ["compute_70"], False),
        (7, 5, [], False),
    ],
)
def test_which_code_runs_on_which_gpu(major: int, minor: int, architectures: list[str], fine: bool) -> None:
    assert can_run(major, minor, architectures) is fine


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_probe_run_as_a_file_finds_the_framework_and_not_itself(framework: str) -> None:
    done = subprocess.run(
        [sys.executable, "-P", PROBES / f"{framework}.py", "cpu"],
        env={**os.environ, "PYTHONPATH": f"{STANDINS}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["ok"] is True
