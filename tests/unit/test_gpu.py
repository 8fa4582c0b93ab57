"""Which accelerators are attached: real pynvml, talking to a library that says what a test wants."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from provisioner.machine import Accelerators
from provisioner.machine.gpu import accelerators

SOURCE = Path(__file__).parent.parent / "nvml" / "nvml.c"

PROGRAM = """\
import dataclasses, json, os, pathlib, sys
from provisioner.machine.gpu import accelerators
found = accelerators(os.environ, pathlib.Path(sys.argv[1]), float(sys.argv[2]))
print(json.dumps(dataclasses.asdict(found)))
"""

MIB = 1024**2
T4 = "gpu 15360 7 5 Tesla T4\n"
DRIVER = "driver 580.82.07\ncuda 13000\n"


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in, compiled."""
    compiler = shutil.which("cc")
    if not compiler:
        pytest.skip("no C compiler")
    path = tmp_path_factory.mktemp("nvml") / "libnvidia-ml.so.1"
    subprocess.run(
        [
            compiler,
            "-Wall",
            "-Wextra",
            "-Werror",
            "-shared",
            "-fPIC",
            f"-Wl,-soname,{path.name}",
            "-o",
            path,
            SOURCE,
        ],
        check=True,
    )
    return path


def put_device(root: Path, slot: str, vendor: str, device: str, class_: str) -> None:
    folder = root / "sys/bus/pci/devices" / slot
    folder.mkdir(parents=True)
    for name, value in (("vendor", vendor), ("device", device), ("class", class_)):
        (folder / name).write_text(value + "\n")


def put_node(root: Path, path: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).touch()


def ask(root: Path, scenario: str, library: Path | None, patience: float = 60.0) -> dict[str, Any]:
    """What a fresh process finds, with the stand-in on its loader's path."""
    (root / "scenario").write_text(scenario)
    environ = {**os.environ, "NVML_SCENARIO": str(root / "scenario")}
    environ.pop("CUDA_VISIBLE_DEVICES", None)
    environ["LD_LIBRARY_PATH"] = str(library.parent) if library else ""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, root, str(patience)],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def with_gpu(root: Path) -> Path:
    put_node(root, "dev/nvidia0")
    return root


def gpu(index: int, name: str, mib: int, capability: str) -> dict[str, Any]:
    return {
        "index": index,
        "name": name,
        "memory_total": mib * MIB,
        "memory_free": (mib - 100) * MIB,
        "capability": capability,
    }


def test_one_gpu(tmp_path: Path, library: Path) -> None:
    assert ask(with_gpu(tmp_path), DRIVER + T4, library) == {
        "gpus": [gpu(0, "Tesla T4", 15360, "7.5")],
        "driver": "580.82.07",
        "cuda": "13.0",
        "tpu": "",
        "problem": "",
    }


def test_two_gpus(tmp_path: Path, library: Path) -> None:
    assert ask(with_gpu(tmp_path), DRIVER + T4 + T4, library)["gpus"] == [
        gpu(0, "Tesla T4", 15360, "7.5"),
        gpu(1, "Tesla T4", 15360, "7.5"),
    ]


def test_another_gpu_and_an_older_driver(tmp_path: Path, library: Path) -> None:
    scenario = "driver 550.54.15\ncuda 12040\ngpu 40960 8 0 NVIDIA A100-SXM4-40GB\n"
    found = ask(with_gpu(tmp_path), scenario, library)
    assert found["gpus"] == [gpu(0, "NVIDIA A100-SXM4-40GB", 40960, "8.0")]
    assert found["cuda"] == "12.4"


def test_a_driver_that_made_no_device_file_yet(tmp_path: Path, library: Path) -> None:
    put_node(tmp_path, "proc/driver/nvidia/version")
    assert ask(tmp_path, DRIVER + T4, library)["gpus"] == [gpu(0, "Tesla T4", 15360, "7.5")]


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (9, "there is an NVIDIA device, but its driver is not loaded"),
        (18, "the NVIDIA driver and its libraries have different versions; restart the machine"),
        (4, "we may not open the NVIDIA device"),
        (999, "the NVIDIA driver says: Unknown Error"),
        (77, "the NVIDIA driver says: Stand-in error 77"),
    ],
)
def test_a_driver_that_refuses(tmp_path: Path, library: Path, code: int, problem: str) -> None:
    found = ask(with_gpu(tmp_path), f"init {code}\n", library)
    assert (found["gpus"], found["problem"]) == ([], problem)


def test_a_driver_that_hangs(tmp_path: Path, library: Path) -> None:
    found = ask(with_gpu(tmp_path), "init hang\n", library, patience=0.3)
    assert found["problem"] == "the NVIDIA driver has not answered within 0.3 s; restart the machine"


def test_a_driver_that_fails_midway(tmp_path: Path, library: Path) -> None:
    found = ask(with_gpu(tmp_path), "driver !17\n" + T4, library)
    assert found["gpus"] == []
    assert found["problem"].startswith("the NVIDIA driver says: ")


def test_one_lost_gpu_does_not_hide_the_other(tmp_path: Path, library: Path) -> None:
    found = ask(with_gpu(tmp_path), DRIVER + "lost\n" + T4, library)
    assert found["gpus"] == [gpu(1, "Tesla T4", 15360, "7.5")]
    assert found["problem"] == "GPU 0: the GPU has fallen off the bus; restart the machine"


def test_a_library_where_the_loader_does_not_look(tmp_path: Path, library: Path) -> None:
    (tmp_path / "usr/lib64-nvidia").mkdir(parents=True)
    shutil.copy(library, tmp_path / "usr/lib64-nvidia")
    assert ask(with_gpu(tmp_path), DRIVER + T4, None)["gpus"] == [gpu(0, "Tesla T4", 15360, "7.5")]


def test_no_library_at_all(tmp_path: Path) -> None:
    found = ask(with_gpu(tmp_path), "", None)
    assert found["problem"] == "there is an NVIDIA device, but its driver's libnvidia-ml.so.1 is not found"


def test_nothing_attached_is_found_without_loading_anything(tmp_path: Path) -> None:
    loaded = set(sys.modules)
    put_device(tmp_path, "0000:00:01.0", "0x8086", "0x1237", "0x030000")
    put_device(tmp_path, "0000:00:02.0", "0x1ae0", "0x0042", "0x020000")
    assert accelerators({}, tmp_path) == Accelerators()
    assert accelerators({}, tmp_path / "empty") == Accelerators()
    assert "pynvml" not in set(sys.modules) - loaded


def test_a_gpu_on_the_bus_without_a_driver(tmp_path: Path) -> None:
    put_device(tmp_path, "0000:00:04.0", "0x10de", "0x1eb8", "0x030200")
    found = accelerators({}, tmp_path)
    assert found == Accelerators(problem="there is an NVIDIA device, but its driver is not loaded")


@pytest.mark.parametrize("hidden", ["", "-1"])
def test_a_hidden_gpu(tmp_path: Path, hidden: str) -> None:
    found = accelerators({"CUDA_VISIBLE_DEVICES": hidden}, with_gpu(tmp_path))
    assert found == Accelerators(problem="CUDA_VISIBLE_DEVICES hides every GPU; unset it")


@pytest.mark.parametrize(("device", "name"), [("0x0063", "v5e"), ("0x006f", "v6e")])
@pytest.mark.parametrize("node", ["dev/vfio/0", "dev/accel0"])
def test_a_tpu(tmp_path: Path, device: str, name: str, node: str) -> None:
    put_device(tmp_path, "0000:00:05.0", "0x1ae0", device, "0xff0000")
    put_node(tmp_path, node)
    assert accelerators({}, tmp_path) == Accelerators(tpu=name)


def test_a_tpu_without_its_device_file(tmp_path: Path) -> None:
    put_device(tmp_path, "0000:00:05.0", "0x1ae0", "0x0063", "0xff0000")
    put_node(tmp_path, "dev/vfio/vfio")
    found = accelerators({}, tmp_path)
    assert found == Accelerators(tpu="v5e", problem="there is a TPU v5e, but no device file for it")


def test_a_device_that_vanishes_is_no_device(tmp_path: Path) -> None:
    (tmp_path / "sys/bus/pci/devices/0000:00:09.0").mkdir(parents=True)
    assert accelerators({}, tmp_path) == Accelerators()
