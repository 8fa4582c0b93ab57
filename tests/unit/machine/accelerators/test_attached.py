"""Which accelerators are attached: real pynvml, talking to a library that plays what a test wants.

/dev, /proc and /sys are folders that each test fills.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from provisioner.machine.accelerators.attached import accelerators
from provisioner.model import gpus
from provisioner.model.accelerators import Accelerators, Gpu
from tests import nvml
from tests.nvml import Scenario, scenario

PROGRAM = """\
import json, os, pathlib, sys
from pydantic import TypeAdapter
from provisioner.model.accelerators import Accelerators
from provisioner.machine.accelerators.attached import accelerators
found = accelerators(os.environ, pathlib.Path(sys.argv[1]), float(sys.argv[2]))
sys.stdout.buffer.write(TypeAdapter(Accelerators).dump_json(found))
"""

MIB = 1024**2
MODULE = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.82.07  Thu Sep 11 20:41:10 UTC 2025\n"


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the stand-in, compiled."""
    path = nvml.compile_library(tmp_path_factory.mktemp("nvml"))
    if path is None:
        pytest.skip("no C compiler")
    return path.parent


def put(root: Path, path: str, text: str | bytes = "") -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(text if isinstance(text, bytes) else text.encode())


def put_device(root: Path, slot: str, vendor: str, device: str, class_: str, driver: str = "") -> None:
    folder = f"sys/bus/pci/devices/{slot}"
    for name, value in (("vendor", vendor), ("device", device), ("class", class_)):
        put(root, f"{folder}/{name}", value + "\n")
    if driver:
        put(root, f"sys/bus/pci/drivers/{driver}/module")
        (root / folder / "driver").symlink_to(root / "sys/bus/pci/drivers" / driver)


def put_gpu(root: Path, driver: str = "nvidia") -> None:
    put_device(root, "0000:00:04.0", "0x10de", "0x1eb8", "0x030200", driver)


def put_smi(root: Path, script: str) -> None:
    put(root, "opt/bin/nvidia-smi", "#!/bin/sh\n" + script)
    (root / "opt/bin/nvidia-smi").chmod(0o755)


def with_gpu(root: Path) -> Path:
    """What there is where a GPU and its driver are."""
    put_gpu(root)
    put(root, "dev/nvidia0")
    put(root, "dev/nvidiactl")
    put(root, "proc/driver/nvidia/version", MODULE)
    put(root, "proc/modules", "nvidia 1234 2 nvidia_uvm, Live 0x0000000000000000\next4 1 0 - Live 0x0\n")
    return root


def ask(
    root: Path, plays: Scenario, library: Path | None, patience: float = 60.0, **environ: str
) -> Accelerators:
    """What a fresh process finds, with the stand-in on its loader's path."""
    put(root, "scenario", "".join(f"{line}\n" for line in nvml.flatten(plays)))
    surroundings = {**os.environ, "NVML_SCENARIO": str(root / "scenario"), **environ}
    if "CUDA_VISIBLE_DEVICES" not in environ:
        surroundings.pop("CUDA_VISIBLE_DEVICES", None)
    surroundings["LD_LIBRARY_PATH"] = str(library) if library else ""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, root, str(patience)],
        env=surroundings,
        capture_output=True,
        check=True,
    )
    return TypeAdapter(Accelerators).validate_json(done.stdout)


def problem(found: Accelerators) -> tuple[str, str]:
    assert found.problem is not None
    return found.problem.code, found.problem.message


def changed(name: str, **gpu: Any) -> Scenario:
    """A scenario whose first GPU is different."""
    plays = scenario(name)
    plays["gpus"][0] |= gpu
    return plays


# What is attached


@pytest.mark.parametrize(
    ("name", "model", "count", "cuda"),
    [
        ("t4", "T4", 1, "13.0"),
        ("t4-twice", "T4", 2, "13.0"),
        ("l4", "L4", 1, "13.0"),
        ("a100-40gb", "A100-40GB", 1, "12.4"),
        ("a100-80gb", "A100-80GB", 1, "13.0"),
        ("h100", "H100", 1, "13.0"),
        ("g4", "G4", 1, "13.0"),
        ("v100", "V100", 1, "12.2"),
        ("p100", "P100", 1, "12.6"),
    ],
)
def test_every_machine_is_told_whole(
    tmp_path: Path, library: Path, name: str, model: str, count: int, cuda: str
) -> None:
    plays = scenario(name)
    found = ask(with_gpu(tmp_path), plays, library)
    assert found == Accelerators(
        gpus=tuple(
            Gpu(index, each["name"], each["mib"] * MIB, (each["mib"] - 100) * MIB, each["capability"])
            for index, each in enumerate(plays["gpus"])
        ),
        driver=plays["driver"],
        cuda=cuda,
    )
    wanted = gpus.model_named(model)
    assert wanted
    assert [gpus.is_model(gpu, wanted) for gpu in found.gpus] == [True] * count


def test_a_divided_gpu_is_its_slices(tmp_path: Path, library: Path) -> None:
    found = ask(with_gpu(tmp_path), scenario("mig"), library)
    assert [(gpu.name, gpu.memory_total // MIB) for gpu in found.gpus] == [
        ("NVIDIA A100-SXM4-40GB MIG 3g.20gb", 19968),
        ("NVIDIA A100-SXM4-40GB MIG 2g.10gb", 9856),
    ]
    assert found.problem is None
    assert [oddity.code for oddity in found.oddities] == ["mig"]


def test_a_divided_gpu_without_slices_computes_nothing(tmp_path: Path, library: Path) -> None:
    found = ask(with_gpu(tmp_path), scenario("mig-without-slices"), library)
    assert found.gpus == ()
    assert problem(found)[0] == "mig-without-slices"
    assert found.problem
    assert "nvidia-smi -i 0 -mig 0" in found.problem.remedy


def test_what_is_not_told_is_unknown(tmp_path: Path, library: Path) -> None:
    (gpu,) = ask(with_gpu(tmp_path), scenario("memory-not-told"), library).gpus
    assert gpu == Gpu(0, "NVIDIA GB10", 0, 0, "12.1")


@pytest.mark.parametrize(
    ("function", "lost"),
    [
        ("nvmlDeviceGetName", {"name": ""}),
        ("nvmlDeviceGetMemoryInfo", {"memory_total": 0, "memory_free": 0}),
        ("nvmlDeviceGetCudaComputeCapability", {"capability": ""}),
        ("nvmlDeviceGetUUID", {}),
        ("nvmlDeviceGetComputeMode", {}),
        ("nvmlDeviceGetTotalEccErrors", {}),
        ("nvmlDeviceGetCurrentClocksEventReasons", {}),
        ("nvmlDeviceGetMigMode", {}),
        ("nvmlDeviceGetComputeRunningProcesses_v3", {}),
    ],
)
@pytest.mark.parametrize("code", [3, 13, 999])
def test_a_call_that_fails_costs_only_its_own_answer(
    tmp_path: Path, library: Path, function: str, lost: dict[str, Any], code: int
) -> None:
    whole = {"index": 0, "name": "Tesla T4", "memory_total": 15360 * MIB, "memory_free": 15260 * MIB}
    found = ask(with_gpu(tmp_path), changed("t4", fail={function: code}), library)
    assert found.gpus == (Gpu(**{**whole, "capability": "7.5", **lost}),)
    assert found.problem is None


@pytest.mark.parametrize("function", ["nvmlSystemGetDriverVersion", "nvmlSystemGetCudaDriverVersion_v2"])
def test_a_driver_that_does_not_tell_its_version(tmp_path: Path, library: Path, function: str) -> None:
    found = ask(with_gpu(tmp_path), {**scenario("t4"), "fail": {function: 999}}, library)
    assert len(found.gpus) == 1
    assert found.driver == "580.82.07"
    assert found.cuda == ("" if "Cuda" in function else "13.0")


def test_a_driver_that_made_no_device_file_yet(tmp_path: Path, library: Path) -> None:
    put(tmp_path, "proc/driver/nvidia/version", MODULE)
    assert len(ask(tmp_path, scenario("t4"), library).gpus) == 1


def test_a_gpu_of_windows(tmp_path: Path, library: Path) -> None:
    put(tmp_path, "dev/dxg")
    assert accelerators({}, tmp_path) == Accelerators()
    shutil.copytree(library, tmp_path / "usr/lib/wsl/lib")
    found = ask(tmp_path, scenario("t4"), None)
    assert len(found.gpus) == 1
    assert found.library == str(tmp_path / "usr/lib/wsl/lib")


def test_a_library_where_the_loader_does_not_look(tmp_path: Path, library: Path) -> None:
    shutil.copytree(library, tmp_path / "usr/lib64-nvidia")
    found = ask(with_gpu(tmp_path), scenario("t4"), None)
    assert len(found.gpus) == 1
    assert found.library == str(tmp_path / "usr/lib64-nvidia")


# What is odd


@pytest.mark.parametrize(
    ("different", "code", "words"),
    [
        (
            {"mode": 3, "processes": [{"pid": 7, "mib": 50}]},
            "held",
            r"GPU 0 \(Tesla T4\) is in use by process 7",
        ),
        ({"used": 15000, "processes": [{"pid": 7}, {"pid": 8, "mib": 900}]}, "memory-taken", "process 8 "),
        ({"used": 15000}, "memory-taken", "has only 360 of 15360 MiB free"),
        ({"errors": 3}, "memory-errors", "3 uncorrectable memory errors"),
        ({"reasons": 0x40}, "slowed", "is running slowly"),
    ],
)
def test_what_is_odd_is_told_and_hides_nothing(
    tmp_path: Path, library: Path, different: dict[str, Any], code: str, words: str
) -> None:
    put(tmp_path, "proc/8/comm", "python3\n")
    found = ask(with_gpu(tmp_path), changed("t4", **different), library)
    assert len(found.gpus) == 1
    assert found.problem is None
    (oddity,) = found.oddities
    assert oddity.code == code
    assert re.search(words, oddity.message)


@pytest.mark.parametrize(
    "usual",
    [
        {"used": 4000, "processes": [{"pid": 7, "mib": 3000}]},
        {"mode": 3},
        {"errors": 0, "reasons": 0x1},
        {"reasons": 0x4},
    ],
)
def test_what_is_usual_is_not_odd(tmp_path: Path, library: Path, usual: dict[str, Any]) -> None:
    assert ask(with_gpu(tmp_path), changed("t4", **usual), library).oddities == ()


def test_the_name_of_who_holds_the_memory(tmp_path: Path, library: Path) -> None:
    put(tmp_path, "proc/8/comm", "python3\n")
    found = ask(with_gpu(tmp_path), changed("t4", used=15000, processes=[{"pid": 8, "mib": 9000}]), library)
    assert found.oddities[0].message.endswith("; process 8 (python3) has most of it")


@pytest.mark.parametrize(
    ("value", "seen", "told"),
    [
        ("0", [0], "hides 1 of 2 GPUs"),
        ("1", [1], "hides 1 of 2 GPUs"),
        ("1,0", [1, 0], ""),
        ("GPU-bbbb", [1], "hides 1 of 2 GPUs"),
        ("0,7,1", [0], "hides 1 of 2 GPUs"),
        ("", [], "hides every GPU"),
        ("-1", [], "hides every GPU"),
        ("NoDevFiles", [], "hides every GPU"),
        ("GPU-cccc", [], "hides every GPU"),
    ],
)
def test_a_variable_that_hides_gpus(
    tmp_path: Path, library: Path, value: str, seen: list[int], told: str
) -> None:
    found = ask(with_gpu(tmp_path), scenario("t4-twice"), library, CUDA_VISIBLE_DEVICES=value)
    assert [gpu.index for gpu in found.gpus] == seen
    if seen:
        assert found.problem is None
        assert [oddity.code for oddity in found.oddities] == ["hidden"] * bool(told)
    else:
        assert problem(found) == ("hidden", f"CUDA_VISIBLE_DEVICES={value} hides every GPU")
    assert told in "".join(str(each) for each in (found.problem, *found.oddities))


def test_a_slice_that_a_variable_chooses(tmp_path: Path, library: Path) -> None:
    found = ask(with_gpu(tmp_path), scenario("mig"), library, CUDA_VISIBLE_DEVICES="MIG-2222")
    assert [gpu.name for gpu in found.gpus] == ["NVIDIA A100-SXM4-40GB MIG 2g.10gb"]


# What fails: NVML's own errors, all the way through pynvml


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (9, "no-driver"),
        (18, "version-mismatch"),
        (4, "no-permission"),
        (15, "fallen-off-bus"),
        (999, "driver-error"),
        (77, "driver-error"),
    ],
)
def test_a_driver_that_refuses(tmp_path: Path, library: Path, code: int, expected: str) -> None:
    plays = {**scenario("t4"), "fail": {"nvmlInitWithFlags": code}}
    found = ask(with_gpu(tmp_path), plays, library)
    assert found.gpus == ()
    assert problem(found)[0] == expected


def test_the_words_of_an_error_that_nobody_knows(tmp_path: Path, library: Path) -> None:
    plays = {**scenario("t4"), "fail": {"nvmlDeviceGetCount_v2": 77}}
    assert problem(ask(with_gpu(tmp_path), plays, library)) == (
        "driver-error",
        "the NVIDIA driver says: Stand-in error 77",
    )


def test_different_versions_are_both_named(tmp_path: Path) -> None:
    folder = tmp_path / "libraries"
    folder.mkdir()
    if nvml.compile_library(folder, "570.124.06") is None:
        pytest.skip("no C compiler")
    plays = {**scenario("t4"), "fail": {"nvmlInitWithFlags": 18}}
    assert problem(ask(with_gpu(tmp_path), plays, folder))[1] == (
        "the NVIDIA driver and its libraries have different versions: the kernel has 580.82.07, "
        "the libraries are 570.124.06"
    )


@pytest.mark.parametrize("function", ["nvmlInitWithFlags", "nvmlDeviceGetCount_v2"])
def test_a_driver_that_hangs(tmp_path: Path, library: Path, function: str) -> None:
    plays = {**scenario("t4"), "fail": {function: "hang"}}
    found = ask(with_gpu(tmp_path), plays, library, patience=0.3)
    assert problem(found) == ("hung", "the NVIDIA driver hangs: no answer within 0.3 s")


def test_a_device_that_hangs(tmp_path: Path, library: Path) -> None:
    plays = changed("t4", fail={"nvmlDeviceGetMemoryInfo": "hang"})
    assert problem(ask(with_gpu(tmp_path), plays, library, patience=0.3))[0] == "hung"


@pytest.mark.parametrize(
    ("different", "expected"),
    [
        ({"fail": {"nvmlDeviceGetHandleByIndex_v2": 15}}, "fallen-off-bus"),
        ({"fail": {"nvmlDeviceGetMemoryInfo": 15}}, "fallen-off-bus"),
        ({"fail": {"nvmlDeviceGetMemoryInfo": 16}}, "reset-required"),
        ({"fail": {"nvmlDeviceGetHandleByIndex_v2": 4}}, "no-permission"),
        ({"fail": {"nvmlDeviceGetHandleByIndex_v2": 77}}, "driver-error"),
        ({"mode": 2}, "prohibited"),
    ],
)
def test_one_bad_gpu_does_not_hide_the_other(
    tmp_path: Path, library: Path, different: dict[str, Any], expected: str
) -> None:
    found = ask(with_gpu(tmp_path), changed("t4-twice", **different), library)
    assert [gpu.index for gpu in found.gpus] == [1]
    code, message = problem(found)
    assert code == expected
    assert "GPU 0" in message


def test_a_second_problem_is_an_oddity(tmp_path: Path, library: Path) -> None:
    plays = scenario("t4-twice")
    for each in plays["gpus"]:
        each["fail"] = {"nvmlDeviceGetHandleByIndex_v2": 15}
    found = ask(with_gpu(tmp_path), plays, library)
    assert "GPU 0" in problem(found)[1]
    assert ["GPU 1" in oddity.message for oddity in found.oddities] == [True]


def test_no_library_at_all(tmp_path: Path) -> None:
    assert problem(ask(with_gpu(tmp_path), {}, None))[0] == "no-library"


def test_a_library_that_is_none(tmp_path: Path) -> None:
    put(tmp_path, "usr/lib64-nvidia/libnvidia-ml.so.1", "not ELF")
    assert problem(ask(with_gpu(tmp_path), {}, None))[0] == "no-library"


def test_no_device(tmp_path: Path, library: Path) -> None:
    put_smi(tmp_path, "echo 'No devices were found'; exit 6")
    found = ask(with_gpu(tmp_path), {**scenario("t4"), "gpus": []}, library)
    assert problem(found) == (
        "no-device",
        "the NVIDIA driver runs, but finds no GPU: No devices were found",
    )


# nvidia-smi, the second source


def test_what_only_nvidia_smi_can_see_is_there(tmp_path: Path) -> None:
    put_smi(
        tmp_path,
        """[ "$1" = --query-gpu=index,name,memory.total,memory.free,compute_cap,driver_version ] || exit 2
echo '0, Tesla T4, 15360, 15101, 7.5, 580.82.07'
echo '1, NVIDIA GB10, [N/A], [N/A], 12.1, 580.82.07'
""",
    )
    found = ask(with_gpu(tmp_path), {}, None)
    assert found.gpus == (
        Gpu(0, "Tesla T4", 15360 * MIB, 15101 * MIB, "7.5"),
        Gpu(1, "NVIDIA GB10", 0, 0, "12.1"),
    )
    assert (found.driver, found.cuda, found.problem) == ("580.82.07", "", None)
    assert [oddity.code for oddity in found.oddities] == ["nvml-fails"]


def test_nvidia_smi_helps_where_another_module_is_called_pynvml(tmp_path: Path, library: Path) -> None:
    put(tmp_path, "other/pynvml.py", "import not_there")
    put_smi(tmp_path, "echo '0, Tesla T4, 15360, 15101, 7.5, 580.82.07'")
    found = ask(with_gpu(tmp_path), scenario("t4"), library, PYTHONPATH=str(tmp_path / "other"))
    assert [gpu.name for gpu in found.gpus] == ["Tesla T4"]
    assert "No module named 'not_there'" in found.oddities[0].message


def test_nvidia_smi_is_not_waited_for(tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from provisioner.machine.accelerators import evidence

    monkeypatch.setattr(evidence, "SMI_PATIENCE", 0.2)
    put_smi(tmp_path, "sleep 600")
    smi = evidence.ask_smi({"PATH": os.environ["PATH"]}, tmp_path)
    assert smi
    assert smi.timed_out


def test_nvidia_smi_knows_of_a_lost_gpu(tmp_path: Path, library: Path) -> None:
    put_smi(tmp_path, "echo 'Unable to determine the device handle for GPU0: GPU is lost.'; exit 15")
    plays = {**scenario("t4"), "fail": {"nvmlInitWithFlags": 999}}
    assert problem(ask(with_gpu(tmp_path), plays, library))[0] == "fallen-off-bus"


# The bus and the kernel, the third


def test_nothing_attached_is_found_without_loading_anything(tmp_path: Path) -> None:
    loaded = set(sys.modules)
    put_device(tmp_path, "0000:00:01.0", "0x8086", "0x1237", "0x030000")
    put_device(tmp_path, "0000:00:02.0", "0x1ae0", "0x0042", "0x020000")
    put_device(tmp_path, "0000:00:03.0", "0x10de", "0x10f8", "0x040300")
    assert accelerators({}, tmp_path) == Accelerators()
    assert accelerators({}, tmp_path / "empty") == Accelerators()
    assert "pynvml" not in set(sys.modules) - loaded


def test_a_device_that_vanishes_is_no_device(tmp_path: Path) -> None:
    (tmp_path / "sys/bus/pci/devices/0000:00:09.0").mkdir(parents=True)
    assert accelerators({}, tmp_path) == Accelerators()


def test_a_gpu_on_the_bus_without_a_driver(tmp_path: Path) -> None:
    put_gpu(tmp_path, driver="")
    assert problem(accelerators({}, tmp_path)) == (
        "no-driver",
        "there is an NVIDIA GPU at 0000:00:04.0, but its driver is not loaded",
    )


@pytest.mark.parametrize("driver", ["nouveau", "vfio-pci"])
def test_a_gpu_that_another_driver_has(tmp_path: Path, driver: str) -> None:
    put_gpu(tmp_path, driver)
    code, message = problem(accelerators({}, tmp_path))
    assert code == "other-driver"
    assert driver in message


def test_a_gpu_that_no_longer_answers(tmp_path: Path, library: Path) -> None:
    put(with_gpu(tmp_path), "sys/bus/pci/devices/0000:00:04.0/config", b"\xff" * 64)
    found = ask(tmp_path, {**scenario("t4"), "gpus": []}, library)
    assert problem(found)[0] == "fallen-off-bus"


@pytest.mark.parametrize("mark", [".dockerenv", "run/.containerenv"])
def test_a_container_without_the_devices(tmp_path: Path, mark: str) -> None:
    put_gpu(tmp_path)
    put(tmp_path, "proc/driver/nvidia/version", MODULE)
    put(tmp_path, mark)
    assert problem(ask(tmp_path, {}, None))[0] == "container-without-devices"


def test_a_container_in_a_cluster_without_the_devices(tmp_path: Path) -> None:
    put_gpu(tmp_path)
    put(tmp_path, "proc/1/cgroup", "0::/kubepods/besteffort/pod1\n")
    assert problem(accelerators({}, tmp_path))[0] == "container-without-devices"


# TPUs


def put_tpu(root: Path, chips: int, device: str = "0x0063") -> None:
    for chip in range(chips):
        put_device(root, f"0000:00:0{chip + 4}.0", "0x1ae0", device, "0x120000", "vfio-pci")


@pytest.mark.parametrize(("device", "name"), [("0x0063", "v5e"), ("0x006f", "v6e"), ("0x005e", "v4")])
@pytest.mark.parametrize("node", ["dev/vfio/0", "dev/accel0"])
def test_a_tpu(tmp_path: Path, device: str, name: str, node: str) -> None:
    put_tpu(tmp_path, 1, device)
    put(tmp_path, node)
    assert accelerators({}, tmp_path) == Accelerators(tpu=name, chips=1)


def test_chips_are_counted_on_the_bus(tmp_path: Path) -> None:
    put_tpu(tmp_path, 4)
    put(tmp_path, "dev/vfio/0")
    environ = {"TPU_CHIPS_PER_HOST_BOUNDS": "2,2,1"}
    assert accelerators(environ, tmp_path) == Accelerators(tpu="v5e", chips=4)


def test_a_tpu_without_its_device_file(tmp_path: Path) -> None:
    put_tpu(tmp_path, 1)
    put(tmp_path, "dev/vfio/vfio")
    found = accelerators({}, tmp_path)
    assert (found.tpu, problem(found)[0]) == ("v5e", "tpu-without-node")


def test_a_tpu_that_we_may_not_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_tpu(tmp_path, 1)
    put(tmp_path, "dev/vfio/0")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert problem(accelerators({}, tmp_path))[0] == "no-permission"


def test_a_tpu_that_another_process_holds(tmp_path: Path) -> None:
    put_tpu(tmp_path, 1)
    put(tmp_path, "dev/vfio/0")
    put(tmp_path, "proc/42/comm", "python3\n")
    for pid, target in ((41, "/dev/null"), (42, str(tmp_path / "dev/vfio/0")), (os.getpid(), "dev/vfio/0")):
        (tmp_path / f"proc/{pid}/fd").mkdir(parents=True)
        (tmp_path / f"proc/{pid}/fd/5").symlink_to(target)
    found = accelerators({}, tmp_path)
    assert found.problem is None
    (oddity,) = found.oddities
    assert (oddity.code, oddity.message) == (
        "held",
        "the TPU v5e is in use by process 42 (python3); only one process at a time can use it",
    )


def test_a_real_holder_is_found_in_the_real_proc(tmp_path: Path) -> None:
    from provisioner.machine.accelerators.holders import holders

    node = tmp_path / "accel0"
    node.touch()
    program = f"import sys; file = open({str(node)!r}); print('open', flush=True); sys.stdin.read()"
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdout
        assert child.stdout.readline() == "open\n"
        found = list(holders(Path("/"), {str(node)}))
        assert child.stdin
        child.stdin.close()
    assert [holder.pid for holder in found] == [child.pid]
    assert found[0].name


def test_scenarios_are_all_played() -> None:
    told = Path(__file__).read_text()
    assert [name for name in nvml.SCENARIOS if f'"{name}"' not in told] == []
