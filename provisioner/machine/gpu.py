"""The accelerators of this machine, as its device files, its PCI bus and NVML tell them.

Sources: NVIDIA's NVML reference; PCI numbers of Google's TPUs as the kernel shows them in sysfs.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

from provisioner.machine import Accelerators, Gpu

PATIENCE = 10.0
"""Seconds that NVML may take; a wedged driver never answers."""

LIBRARY = "libnvidia-ml.so.1"

LIBRARY_FOLDERS = ("usr/lib64-nvidia",)
"""Where Colab mounts the driver's libraries; a shell without its LD_LIBRARY_PATH does not look there."""

NVIDIA, GOOGLE = "0x10de", "0x1ae0"

DISPLAY_CLASS = "0x03"
"""First byte of the PCI class of every GPU."""

TPUS = {"0x0063": "v5e", "0x006f": "v6e"}
"""Google's other devices, network cards among them, have the same vendor number."""

WORDS = {
    "NVML_ERROR_LIBRARY_NOT_FOUND": f"there is an NVIDIA device, but its driver's {LIBRARY} is not found",
    "NVML_ERROR_DRIVER_NOT_LOADED": "there is an NVIDIA device, but its driver is not loaded",
    "NVML_ERROR_LIB_RM_VERSION_MISMATCH": "the NVIDIA driver and its libraries have different versions; "
    "restart the machine",
    "NVML_ERROR_NO_PERMISSION": "we may not open the NVIDIA device",
    "NVML_ERROR_GPU_IS_LOST": "the GPU has fallen off the bus; restart the machine",
}
"""What has gone wrong, for the errors of NVML that people meet."""


def accelerators(
    environ: Mapping[str, str], root: Path = Path("/"), patience: float = PATIENCE
) -> Accelerators:
    """What is attached. Fast where nothing is: then NVML is not even loaded.

    `root` is where /dev, /proc and /sys are looked for; `patience` is in seconds.
    """
    bus = read_bus(root)
    tpu = next((TPUS[device] for vendor, device, _ in bus if vendor == GOOGLE and device in TPUS), "")
    if tpu:
        usable = any(root.glob("dev/vfio/[0-9]*")) or any(root.glob("dev/accel*"))
        return Accelerators(
            tpu=tpu, problem="" if usable else f"there is a TPU {tpu}, but no device file for it"
        )
    if not any(root.glob("dev/nvidia*")) and not (root / "proc/driver/nvidia/version").exists():
        seen = any(vendor == NVIDIA and kind.startswith(DISPLAY_CLASS) for vendor, _, kind in bus)
        return Accelerators(problem=WORDS["NVML_ERROR_DRIVER_NOT_LOADED"] if seen else "")
    if environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return Accelerators(problem="CUDA_VISIBLE_DEVICES hides every GPU; unset it")
    return within(patience, lambda: ask_nvml(root))


def read_bus(root: Path) -> list[tuple[str, str, str]]:
    """Vendor, device and class of everything on the PCI bus."""
    return [
        (read(device / "vendor"), read(device / "device"), read(device / "class"))
        for device in sorted(root.glob("sys/bus/pci/devices/*"))
    ]


def read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def within(patience: float, ask: Callable[[], Accelerators]) -> Accelerators:
    """The answer, or that there was none in time. What hangs in the driver cannot be stopped, only left."""
    answers: list[Accelerators] = []
    thread = threading.Thread(target=lambda: answers.append(ask()), name="nvml", daemon=True)
    thread.start()
    thread.join(patience)
    if answers:
        return answers[0]
    return Accelerators(
        problem=f"the NVIDIA driver has not answered within {patience:g} s; restart the machine"
    )


def ask_nvml(root: Path) -> Accelerators:
    """All GPUs that NVML knows. A GPU that it cannot ask is the problem, and does not hide the others."""
    import pynvml  # type: ignore[import-untyped]

    try:
        start(pynvml, root)
    except pynvml.NVMLError as error:
        return Accelerators(problem=describe(pynvml, error))
    gpus: list[Gpu] = []
    driver = cuda = problem = ""
    try:
        driver = pynvml.nvmlSystemGetDriverVersion()
        newest = pynvml.nvmlSystemGetCudaDriverVersion_v2()
        cuda = f"{newest // 1000}.{newest % 1000 // 10}"
        for index in range(pynvml.nvmlDeviceGetCount()):
            try:
                gpus.append(look(pynvml, index))
            except pynvml.NVMLError as error:
                problem = f"GPU {index}: {describe(pynvml, error)}"
    except pynvml.NVMLError as error:
        problem = describe(pynvml, error)
    finally:
        pynvml.nvmlShutdown()
    return Accelerators(gpus=tuple(gpus), driver=driver, cuda=cuda, problem=problem)


def start(pynvml: ModuleType, root: Path) -> None:
    """Open NVML. pynvml opens its library only by name, which finds one that is already loaded."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError_LibraryNotFound:
        found = [path for folder in LIBRARY_FOLDERS if (path := root / folder / LIBRARY).exists()]
        if not found:
            raise
        ctypes.CDLL(str(found[0]))
        pynvml.nvmlInit()


def look(pynvml: ModuleType, index: int) -> Gpu:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
    return Gpu(
        index=index,
        name=pynvml.nvmlDeviceGetName(handle),
        memory_total=memory.total,
        memory_free=memory.free,
        capability=f"{major}.{minor}",
    )


def describe(pynvml: ModuleType, error: Exception) -> str:
    names = {getattr(pynvml, name): told for name, told in WORDS.items()}
    return names.get(getattr(error, "value", None), f"the NVIDIA driver says: {error}")
