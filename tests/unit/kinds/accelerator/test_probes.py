"""The probes, with frameworks small enough for a test."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioner.engine.checks import judge
from provisioner.kinds.accelerator.probes import subprocess_runner
from provisioner.kinds.accelerator.probes.probe import (
    ENVIRONMENT,
    PHASE,
    TOLERANCE,
    Framework,
    Wish,
    distance,
    exact_results,
    examine,
)
from provisioner.machine.process import Children
from provisioner.model.effects import Run
from provisioner.model.plan import Check
from tests.clock import stop_clock

ROOT = Path(__file__).parents[4]
STANDINS = ROOT / "tests" / "standins"
PROBES = ROOT / "provisioner" / "kinds" / "accelerator" / "probes"

T4: dict[str, Any] = {"gpus": ["Tesla T4"], "cuda": "12.8"}
FRAMEWORKS = ("tensorflow", "torch", "jax")
NAMES = {"tensorflow": "TensorFlow", "torch": "PyTorch", "jax": "JAX"}
CLASSES = {"tensorflow": "TensorFlow", "torch": "Torch", "jax": "Jax"}
KEYS = {"framework", "version", "build", "saw", "computed", "dtypes", "seconds"}


class Lab:
    """Examines a framework in this process, on a machine that a test describes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capfd = monkeypatch, capfd
        for name in ("JAX_PLATFORMS", "CUDA_VISIBLE_DEVICES", *ENVIRONMENT):
            monkeypatch.setenv(name, "as it was")  # so that it is put back

    def run(
        self,
        framework: str,
        device: str,
        wish: dict[str, Any] | None = None,
        installed: bool = True,
        **machine: Any,
    ) -> dict[str, Any]:
        forget_frameworks()
        wished = {"device": device, **(wish or {})}
        with self.monkeypatch.context() as context:
            if installed:
                context.syspath_prepend(STANDINS)
            context.setenv("STANDIN", json.dumps(machine))
            probe = make(framework)
            reply = json.dumps(examine(probe, Wish(**wished)))
        log = self.capfd.readouterr().err
        return check(subprocess_runner.explain_answer(probe, wished, 0, reply, log))


def make(framework: str) -> Framework:
    made = getattr(
        importlib.import_module(f"provisioner.kinds.accelerator.probes.{framework}"), CLASSES[framework]
    )()
    assert isinstance(made, Framework)
    return made


def check(reply: dict[str, Any]) -> dict[str, Any]:
    assert set(reply) == {"ok", "message", "hint", "data"}
    assert set(reply["data"]) >= KEYS
    assert not (reply["ok"] and reply["hint"])
    json.loads(json.dumps(reply, allow_nan=False))
    return reply


def forget_frameworks() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in FRAMEWORKS]:
        del sys.modules[name]


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Lab]:
    yield Lab(monkeypatch, capfd)
    forget_frameworks()


# What computes.


@pytest.mark.parametrize(
    ("framework", "message"),
    [
        ("tensorflow", "TensorFlow 2.20.0 computes on Tesla T4 (float32, float16)"),
        ("torch", "PyTorch 2.8.0 computes on Tesla T4 (float32, float16)"),
        ("jax", "JAX 0.7.2 computes on Tesla T4 (float32, float16)"),
    ],
)
def test_a_gpu_computes(lab: Lab, framework: str, message: str) -> None:
    reply = lab.run(framework, "gpu", **T4)
    assert (reply["ok"], reply["message"], reply["hint"]) == (True, message, "")
    data = reply["data"]
    assert (data["framework"], data["computed"], data["saw"]) == (NAMES[framework], True, ["Tesla T4"])
    assert data["capability"] == "7.5"
    assert set(data["dtypes"]) == {"float32", "float16"}
    assert data["dtypes"]["float32"]["max_error"] == 0.0
    assert 0 < data["dtypes"]["float16"]["max_error"] < data["dtypes"]["float16"]["tolerance"]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_gpu_that_is_bought_for_bfloat16_computes_in_it(lab: Lab, framework: str) -> None:
    reply = lab.run(framework, "gpu", gpus=["NVIDIA L4"], cuda="12.8", capability=[8, 9])
    assert reply["message"].endswith("computes on NVIDIA L4 (float32, bfloat16)")
    assert 0 < reply["data"]["dtypes"]["bfloat16"]["max_error"] < TOLERANCE["bfloat16"]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_gpu_without_units_for_short_types_computes_in_float32(lab: Lab, framework: str) -> None:
    reply = lab.run(framework, "gpu", gpus=["P100"], cuda="12", capability=[6, 0], architectures=["sm_60"])
    assert (reply["ok"], list(reply["data"]["dtypes"])) == (True, ["float32"])


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_gpu_computes(lab: Lab, framework: str) -> None:
    reply = lab.run(framework, "gpu", gpus=["Tesla T4", "Tesla T4"], cuda="12.8", opens=2)
    assert reply["message"].endswith("computes on Tesla T4, Tesla T4 (float32, float16)")
    assert len(reply["data"]["saw"]) == 2


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_cpu_computes(lab: Lab, framework: str) -> None:
    reply = lab.run(framework, "cpu")
    assert reply["ok"]
    assert reply["message"].endswith("computes on the CPU (float32)")
    assert reply["data"]["saw"] == ["cpu"]


def test_tensorflow_computes_on_the_cpu_beside_a_gpu(lab: Lab) -> None:
    reply = lab.run("tensorflow", "cpu", **T4)
    assert reply["message"].endswith("computes on the CPU (float32)")
    assert reply["data"]["saw"] == ["Tesla T4"]


def test_a_tpu_computes(lab: Lab) -> None:
    reply = lab.run("jax", "tpu", tpu=["TPU v5 lite"])
    assert reply["message"] == "JAX 0.7.2 computes on TPU v5 lite (float32, bfloat16)"


@pytest.mark.parametrize("framework", ["tensorflow", "torch"])
def test_a_tpu_is_for_jax(lab: Lab, framework: str) -> None:
    reply = lab.run(framework, "tpu", tpu=["TPU v5 lite"])
    assert (reply["ok"], reply["hint"]) == (False, "Use `frameworks: [jax]`.")


def test_tensorflow_is_asked_as_its_users_ask_it(lab: Lab) -> None:
    data = lab.run("tensorflow", "gpu", **T4)["data"]
    assert data["gpu_device_name"] == "/device:GPU:0"
    assert data["local_devices"] == ["device: 0, name: Tesla T4"]
    assert data["build"] == {
        "cuda": "12.8",
        "cudnn": "9",
        "architectures": ["sm_60", "sm_70", "sm_80", "compute_90"],
    }


@pytest.mark.parametrize(
    ("machine", "how"),
    [
        ({"capability": [8, 0]}, "native"),
        ({"emulates": True}, "emulated"),
        ({"emulates": False}, "absent"),
        ({"capability": [8, 0], "old": True}, "native"),
        ({"old": True}, "absent"),
    ],
)
def test_emulated_bfloat16_is_told_apart(lab: Lab, machine: dict[str, Any], how: str) -> None:
    assert lab.run("torch", "gpu", **T4, **machine)["data"]["bfloat16"] == how


# What does not.


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_missing_framework_is_named(lab: Lab, framework: str) -> None:
    reply = lab.run(framework, "gpu", installed=False)
    assert not reply["ok"]
    assert reply["message"] == f"{NAMES[framework]} is not installed in {sys.executable}."
    assert reply["hint"] == f"Add {framework} to `pip: packages`."


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_a_framework_itself_misses_is_told(lab: Lab, framework: str) -> None:
    reply = lab.run(framework, "gpu", missing="h5py")
    assert reply["message"] == f"{NAMES[framework]}: it needs the module h5py, which is not installed."
    assert f"Reinstall {framework}" in reply["hint"]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_library_that_is_missing_is_told(lab: Lab, framework: str) -> None:
    words = "libcudart.so.12: cannot open shared object file: No such file or directory"
    reply = lab.run(framework, "gpu", needs=words)
    assert "the CUDA library libcudart.so.12 is not found" in reply["message"]
    assert "/etc/ld.so.conf.d" in reply["hint"]


@pytest.mark.parametrize(
    ("framework", "message"),
    [
        ("tensorflow", "TensorFlow 2.20.0 was built for the CPU only."),
        ("torch", "PyTorch 2.8.0 was built for the CPU only."),
        (
            "jax",
            "JAX 0.7.2 is installed for the CPU only: jax-cuda13-plugin or jax-cuda12-plugin is missing.",
        ),
    ],
)
def test_a_wheel_for_the_cpu_alone(lab: Lab, framework: str, message: str) -> None:
    reply = lab.run(framework, "gpu")
    assert (reply["ok"], reply["message"]) == (False, message)
    assert reply["hint"]


def test_a_jax_without_its_tpu_driver(lab: Lab) -> None:
    reply = lab.run("jax", "tpu")
    assert reply["message"] == "JAX 0.7.2 is installed for the CPU only: libtpu is missing."
    assert reply["hint"] == "Add jax[tpu] to `pip: packages`."


def test_a_torch_for_other_gpus(lab: Lab) -> None:
    assert "built for AMD's ROCm" in lab.run("torch", "gpu", hip="6.4")["message"]


@pytest.fixture
def with_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The distributions of a JAX with CUDA and TPU."""
    for name, version in {
        "jax_cuda13_plugin": "0.7.2",
        "nvidia_cudnn_cu13": "9.12.0",
        "libtpu": "0.0.21",
    }.items():
        folder = tmp_path / f"{name}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("with_plugin")
def test_what_jax_is_made_of_is_told(lab: Lab) -> None:
    build = lab.run("jax", "gpu", **T4)["data"]["build"]
    assert (build["cuda"], build["cudnn"], build["jax-cuda13-plugin"]) == ("13", "9.12.0", "0.7.2")


@pytest.mark.usefixtures("with_plugin")
@pytest.mark.parametrize(
    ("device", "said", "message"),
    [
        ("gpu", "cudaErrorInsufficientDriver", "built with CUDA 13, and the driver runs CUDA up to 12.4"),
        ("gpu", "no such thing", "JAX 0.7.2 sees no GPU: Unable to initialize backend 'cuda': no such thing"),
        ("gpu", None, "JAX 0.7.2 sees no GPU: it does not say why"),
        ("tpu", "The TPU is already in use by process with pid 77.", "process 77 is using the TPU"),
    ],
)
def test_a_jax_that_sees_no_device(lab: Lab, device: str, said: str | None, message: str) -> None:
    machine: dict[str, Any] = {"said": said} if said else {}
    reply = lab.run("jax", device, {"driver_cuda": "12.4"}, **machine)
    assert message in reply["message"]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("The NVIDIA driver on your system is too old (found version 12020).", "driver runs CUDA 12.2"),
        ("something new", "sees no GPU, though it was built for CUDA 13.0: something new"),
        ("", "sees no GPU, though it was built for CUDA 13.0: CUDA starts, and lists no device"),
    ],
)
def test_a_torch_that_sees_no_gpu(lab: Lab, said: str, message: str) -> None:
    reply = lab.run("torch", "gpu", {"driver_cuda": "12.2"}, cuda="13.0", said=said)
    assert message in reply["message"]
    assert "whl/cu126" in reply["hint"]


@pytest.mark.parametrize(
    ("logged", "message"),
    [
        ("", "TensorFlow 2.20.0 sees no GPU, though it was built for CUDA 12.5."),
        (
            "Could not load 'libcudnn.so.9'; dlerror: libcudnn.so.9: cannot open shared object file",
            "libcudnn.so.9",
        ),
        ("kernel version 455.32.0 does not match DSO version 460.73.1 -- cannot find", "kernel is 455.32.0"),
    ],
)
def test_a_tensorflow_that_sees_no_gpu_says_why_in_its_log(lab: Lab, logged: str, message: str) -> None:
    reply = lab.run("tensorflow", "gpu", cuda="12.5", logged=logged)
    assert message in reply["message"]
    assert reply["hint"]


@pytest.mark.parametrize("hidden", ["", "-1"])
def test_gpus_that_the_environment_hides(lab: Lab, monkeypatch: pytest.MonkeyPatch, hidden: str) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    reply = lab.run("torch", "gpu", **T4)
    assert reply["message"] == f"CUDA_VISIBLE_DEVICES is {hidden!r}, which hides every GPU."
    assert lab.run("torch", "cpu")["ok"]


@pytest.mark.parametrize("framework", ["tensorflow", "torch"])
@pytest.mark.parametrize(
    ("name", "capability"), [("Tesla P100", [6, 0]), ("NVIDIA RTX PRO 6000 Blackwell", [12, 0])]
)
def test_a_gpu_that_a_wheel_has_no_code_for(
    lab: Lab, framework: str, name: str, capability: list[int]
) -> None:
    machine: dict[str, Any] = {
        "gpus": [name],
        "cuda": "12.8",
        "capability": capability,
        "architectures": ["sm_75", "sm_80"],
    }
    reply = lab.run(framework, "gpu", **machine)
    text = ".".join(map(str, capability))
    assert f"no code for one of capability {text}: it was built for sm_75, sm_80." in reply["message"]
    assert (reply["data"]["saw"], reply["data"]["computed"]) == ([name], False)


def test_code_that_must_be_compiled_first_is_announced(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr("provisioner.kinds.accelerator.probes.tensorflow.announce", said.append)
    assert lab.run("tensorflow", "gpu", **T4, capability=[12, 0])["ok"]
    assert said == ["compiling TensorFlow's code for capability 12.0: may take half an hour"]


def test_a_gpu_that_tensorflow_lists_and_cannot_open(lab: Lab) -> None:
    reply = lab.run("tensorflow", "gpu", **T4, opens=0)
    assert reply["message"] == "TensorFlow lists 1 GPUs and can open 0: test.gpu_device_name() is ''."


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(
    ("said", "message", "hint"),
    [
        ("CUDA error: no kernel image is available for execution", "has no code", "newer"),
        ("CUDA_ERROR_OUT_OF_MEMORY: out of memory", "memory is in use", "Another process"),
        ("never seen before", "RuntimeError: never seen before", ""),
    ],
)
def test_a_failure_while_computing_is_told_with_what_to_do(
    lab: Lab, framework: str, said: str, message: str, hint: str
) -> None:
    reply = lab.run(framework, "gpu", **T4, fails=said)
    assert not reply["ok"]
    assert message in reply["message"]
    assert hint in reply["hint"]
    assert not reply["data"]["computed"]


CUDNN = "Loaded runtime CuDNN library: 9.1.0 but source was compiled with: 9.3.0.  CuDNN library needs to"


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_second_cudnn_shows_in_the_log(lab: Lab, framework: str) -> None:
    reply = lab.run(framework, "gpu", **T4, convolution_log=CUDNN, convolution_fails="FAILED_PRECONDITION")
    assert "cuDNN is installed twice: it was built for 9.3.0, and 9.1.0 was loaded" in reply["message"]


def test_a_cudnn_that_torch_refuses(lab: Lab) -> None:
    said = (
        "cuDNN version incompatibility: PyTorch was compiled  against (9, 10, 2) but found runtime version "
    )
    reply = lab.run("torch", "gpu", **T4, cudnn=f"{said}(9, 1, 0).")
    assert "it was built for 9.10.2, and 9.1.0 was loaded" in reply["message"]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_wrong_convolution_is_noticed(lab: Lab, framework: str) -> None:
    reply = lab.run(framework, "gpu", **T4, convolved=8.0)
    assert reply["message"] == f"{NAMES[framework]} computes wrong convolutions on Tesla T4."


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("device", ["gpu", "cpu"])
@pytest.mark.parametrize(
    ("off", "shown"), [(0.001, "off by 7.3e-05"), (1e9, "off by"), (float("nan"), "off by inf")]
)
def test_wrong_numbers_are_noticed(lab: Lab, framework: str, device: str, off: float, shown: str) -> None:
    reply = lab.run(framework, device, **T4, wrong=off)
    assert not reply["ok"]
    assert f"{NAMES[framework]} computes wrong numbers on" in reply["message"]
    assert f"in float32 it is {shown}" in reply["message"]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_result_from_elsewhere_is_noticed(lab: Lab, framework: str) -> None:
    reply = lab.run(framework, "gpu", **T4, strays="device:CPU:0")
    assert "computed on" in reply["message"]
    assert "CPU:0 instead of Tesla T4." in reply["message"]


# How fast.


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_rates_are_measured_when_asked_for(lab: Lab, framework: str) -> None:
    data = lab.run(framework, "gpu", {"min_tflops": 0.0, "min_bandwidth": 0.0}, **T4)["data"]
    assert data["tflops"] > 0
    assert data["bandwidth"] > 0
    assert not {"tflops", "bandwidth"} & set(lab.run(framework, "gpu", **T4)["data"])


@pytest.mark.parametrize(
    ("wish", "shown"),
    [
        ({"min_tflops": 1e12}, "TFLOPS in float16, and the file asks for 1e+12."),
        ({"min_bandwidth": 1e12}, "GB/s, and the file asks for 1e+12."),
    ],
)
def test_a_device_that_is_too_slow(lab: Lab, wish: dict[str, float], shown: str) -> None:
    reply = lab.run("torch", "gpu", wish, **T4)
    assert not reply["ok"]
    assert reply["message"].startswith("Tesla T4 reaches ")
    assert reply["message"].endswith(shown)
    assert reply["data"]["computed"]


def test_results_are_exact_in_every_type() -> None:
    left, right, product, sums = exact_results()
    for row in (*left, *right):
        assert all(value * 128 == int(value * 128) and abs(value) < 1 for value in row)
    assert all(abs(value) * 2**14 < 2**24 for row in (*product, sums) for value in row)


def test_what_is_not_a_number_is_infinitely_wrong() -> None:
    assert (
        distance([1.0, float("nan")], [1.0, 1.0]) == distance([float("nan"), 1.0], [1.0, 1.0]) == float("inf")
    )


# Run as a program.


def start(
    framework: str,
    python: str = sys.executable,
    timeout: float = 300,
    on_line: Callable[[str], None] | None = None,
    **machine: Any,
) -> tuple[Any, ...]:
    """Run a probe as the stage does, and let the checks judge it."""
    environment = {"PYTHONPATH": f"{STANDINS}{os.pathsep}{ROOT}", "STANDIN": json.dumps(machine)}
    run = Run(
        argv=(python, str(PROBES / f"{framework}.py"), json.dumps({"device": "gpu"})),
        env=tuple(environment.items()),
        timeout=timeout,
    )
    completed = Children().run(run, os.environ, on_line=on_line)
    return completed, *judge(Check(address="accelerator", run=run, reply="json"), completed)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_probe_run_as_a_file_finds_the_framework_and_not_itself(framework: str) -> None:
    completed, passed, message, _, data = start(framework, **T4)
    assert passed
    assert message.endswith("computes on Tesla T4 (float32, float16)")
    assert data["computed"]
    assert completed.stdout.count("\n") == 1
    assert f"{PHASE}computing in float16 on Tesla T4\n" in completed.stderr


def test_a_megabyte_of_output_hides_nothing() -> None:
    completed, passed, message, _, _ = start("torch", **T4, prints=1_000_000)
    assert (passed, message) == (True, "PyTorch 2.8.0 computes on Tesla T4 (float32, float16)")
    assert completed.stderr.count("{") == 1_000_000


@pytest.mark.parametrize(
    ("number", "hint"),
    [(signal.SIGSEGV, "do not fit each other"), (signal.SIGKILL, "memory"), (signal.SIGILL, "instructions")],
)
def test_a_framework_that_crashes(number: signal.Signals, hint: str) -> None:
    _, passed, message, told, data = start("torch", **T4, dies=int(number))
    assert not passed
    assert message == f"PyTorch crashed ({number.name}) while computing in float32 on Tesla T4."
    assert hint in told
    assert (data["framework"], data["computed"]) == ("PyTorch", False)


def test_a_framework_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = stop_clock(monkeypatch, f"{PHASE}computing in float32")
    completed, passed, message, _, _ = start("torch", timeout=3, on_line=clock.hear, **T4, hangs=True)
    assert completed.timed_out
    assert not passed
    assert "no answer within 3 s; its last output:" in message
    assert message.endswith(f"{PHASE}computing in float32 on Tesla T4")


def test_a_process_that_a_framework_leaves_behind_is_not_waited_for() -> None:
    completed, passed, message, _, _ = start("torch", **T4, leaves=True)
    left = int(re.findall(r"^left behind: (\d+)$", completed.stderr, re.MULTILINE)[0])
    os.kill(left, signal.SIGKILL)  # fails where it has ended already
    assert not completed.timed_out
    assert (passed, message) == (True, "PyTorch 2.8.0 computes on Tesla T4 (float32, float16)")


@pytest.mark.parametrize("code", [0, 3])
def test_a_framework_that_ends_the_process(code: int) -> None:
    _, passed, message, _, _ = start("torch", **T4, ends=code)
    assert (passed, message) == (False, "PyTorch: terminated")


def test_an_order_that_is_not_understood() -> None:
    done = subprocess.run(
        [sys.executable, PROBES / "torch.py", '{"device": "gpu", "colour": "red"}'],
        capture_output=True,
        text=True,
    )
    reply = check(json.loads(done.stdout))
    assert "colour" in reply["message"]


@pytest.mark.parametrize("path", sorted(PROBES.glob("*.py")), ids=lambda path: path.name)
def test_probes_are_written_for_old_pythons_too(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 9))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "strict"]


def find_python(version: str) -> str | None:
    """An interpreter on PATH, or one of pyenv's, that starts."""
    own = Path.home().glob(f".pyenv/versions/{version}.*/bin/python")
    for python in (shutil.which(f"python{version}"), *map(str, own)):
        if python and subprocess.run([python, "-c", ""], capture_output=True).returncode == 0:
            return python
    return None


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.12", "3.13"])
def test_probes_run_in_other_pythons(version: str) -> None:
    python = find_python(version)
    if python is None:
        pytest.skip(f"there is no Python {version} here")
    done = subprocess.run(
        [python, "-W", "error", PROBES / "torch.py", '{"device": "cpu"}'], capture_output=True, text=True
    )
    assert check(json.loads(done.stdout))["message"].startswith("PyTorch is not installed in")
