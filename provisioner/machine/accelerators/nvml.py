"""What NVIDIA's management library says. Each failed call is recorded, and the others go on.

Source: NVIDIA's NVML API reference. pynvml takes 9 ms to import, so it is imported only where there may be a
device.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

Nvml: TypeAlias = Any
"""The module pynvml, which has no types."""

Handle: TypeAlias = Any
"""What NVML itself calls a device."""

Attempt: TypeAlias = Callable[..., Any]
"""Calls a function of NVML's, and returns a default where the driver does not support it."""

LIBRARY = "libnvidia-ml.so.1"

FOLDERS = ("usr/lib64-nvidia", "usr/lib/wsl/lib")
"""Where Colab and WSL put the driver's libraries; without their LD_LIBRARY_PATH no loader looks there."""

NO_PERMISSION, NOT_LOADED, NOT_FOUND, IS_LOST = 4, 9, 12, 15
RESET_REQUIRED, MISMATCH, UNKNOWN = 16, 18, 999
"""NVML's codes for common failures."""

FATAL = (IS_LOST, RESET_REQUIRED)
"""Codes after which a device answers nothing else."""

HUNG = -1
"""Our own code for a call that never came back."""

PROHIBITED, EXCLUSIVE = 2, (1, 3)
"""Compute modes other than the usual."""

SLOWED = 0x08 | 0x20 | 0x40 | 0x80
"""Reasons for slow clocks other than idleness or a chosen limit: heat, and lack of power."""

UNCORRECTED, VOLATILE = 1, 0
"""Uncorrected memory errors since the driver was loaded."""


@dataclass(frozen=True)
class NvmlFailure:
    """An error of NVML's: its code and its message."""

    code: int
    words: str


@dataclass(frozen=True)
class Process:
    """A process that computes on a device; 0 bytes where the driver does not say."""

    pid: int
    memory: int = 0


@dataclass(frozen=True)
class Unit:
    """A device, or a slice of a divided one, as NVML reports it; 0 and "" mean not reported."""

    index: int
    name: str = ""
    uuid: str = ""
    memory_total: int = 0
    memory_free: int = 0
    capability: str = ""
    mode: int = 0
    processes: tuple[Process, ...] = ()
    errors: int = 0
    """Memory errors that could not be corrected."""
    slowed: bool = False
    divided: bool = False
    """Whether it is in MIG mode, so that only its slices can be used."""
    slices: tuple[Unit, ...] = ()
    failure: NvmlFailure | None = None
    """Why it cannot be queried."""


@dataclass(frozen=True)
class NvmlAnswer:
    """All that NVML said."""

    units: tuple[Unit, ...] = ()
    driver: str = ""
    cuda: str = ""
    library: str = ""
    """Folder that its library was loaded from when the loader did not find it."""
    version: str = ""
    """Version of that library, from its file's name, when it does not fit the driver."""
    failure: NvmlFailure | None = None
    """Why nothing can be queried."""


def ask(root: Path, patience: float) -> NvmlAnswer:
    """NVML's answer within `patience` seconds. What hangs in the driver cannot be stopped, only left."""
    answers: list[NvmlAnswer] = []

    def work() -> None:
        try:
            answers.append(converse(root))
        except Exception as trouble:  # noqa: BLE001 - such as another module that is called pynvml
            answers.append(NvmlAnswer(failure=NvmlFailure(UNKNOWN, f"{type(trouble).__name__}: {trouble}")))

    thread = threading.Thread(target=work, name="nvml", daemon=True)
    thread.start()
    thread.join(patience)
    return (
        answers[0] if answers else NvmlAnswer(failure=NvmlFailure(HUNG, f"no answer within {patience:g} s"))
    )


def converse(root: Path) -> NvmlAnswer:
    """Open NVML, ask it about everything, close it."""
    import pynvml  # type: ignore[import-untyped]

    try:
        library = start(pynvml, root)
    except pynvml.NVMLError as error:
        failed = failure(error)
        return NvmlAnswer(failure=failed, version=loaded_version() if failed.code == MISMATCH else "")
    try:
        return question(pynvml, library)
    except pynvml.NVMLError as error:
        return NvmlAnswer(library=library, failure=failure(error))
    finally:
        pynvml.nvmlShutdown()


def start(nvml: Nvml, root: Path) -> str:
    """Open NVML; the folder that its library had to be looked for in.

    pynvml opens the library only by name, which finds one that is already loaded.
    """
    try:
        nvml.nvmlInit()
    except nvml.NVMLError_LibraryNotFound:
        folder = next((root / name for name in FOLDERS if loads(root / name / LIBRARY)), None)
        if folder is None:
            raise
        nvml.nvmlInit()
        return str(folder)
    return ""


def loads(path: Path) -> bool:
    import ctypes

    try:
        ctypes.CDLL(str(path))
    except OSError:
        return False
    return True


def loaded_version() -> str:
    """The version in the name of the library file that this process has mapped."""
    maps = Path("/proc/self/maps").read_text(errors="replace")
    found = re.search(r"/libnvidia-ml\.so\.(\d+\.[\d.]+)$", maps, re.MULTILINE)
    return found[1] if found else ""


def question(nvml: Nvml, library: str) -> NvmlAnswer:
    """Everything about the driver and every device."""
    attempt = attempting(nvml.NVMLError)
    driver = attempt(nvml.nvmlSystemGetDriverVersion, otherwise="")
    newest = attempt(nvml.nvmlSystemGetCudaDriverVersion_v2, otherwise=0)
    return NvmlAnswer(
        units=tuple(look(nvml, attempt, index) for index in range(nvml.nvmlDeviceGetCount())),
        driver=driver,
        cuda=f"{newest // 1000}.{newest % 1000 // 10}" if newest else "",
        library=library,
    )


def look(nvml: Nvml, attempt: Attempt, index: int) -> Unit:
    """One device. Only a failure that makes every other call pointless ends the calls."""
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        divided, _ = attempt(nvml.nvmlDeviceGetMigMode, handle, otherwise=(0, 0))
        return replace(
            describe(nvml, attempt, handle, index),
            mode=attempt(nvml.nvmlDeviceGetComputeMode, handle, otherwise=0),
            errors=attempt(nvml.nvmlDeviceGetTotalEccErrors, handle, UNCORRECTED, VOLATILE, otherwise=0),
            slowed=bool(SLOWED & attempt(nvml.nvmlDeviceGetCurrentClocksEventReasons, handle, otherwise=0)),
            divided=bool(divided),
            slices=tuple(slices(nvml, attempt, handle, index)) if divided else (),
        )
    except nvml.NVMLError as error:
        return Unit(index, failure=failure(error))


def describe(nvml: Nvml, attempt: Attempt, handle: Handle, index: int) -> Unit:
    """What is queried of a device and of a slice."""
    memory = attempt(nvml.nvmlDeviceGetMemoryInfo, handle, otherwise=None)
    capability = attempt(nvml.nvmlDeviceGetCudaComputeCapability, handle, otherwise=())
    running = attempt(nvml.nvmlDeviceGetComputeRunningProcesses_v3, handle, otherwise=())
    return Unit(
        index=index,
        name=attempt(nvml.nvmlDeviceGetName, handle, otherwise=""),
        uuid=attempt(nvml.nvmlDeviceGetUUID, handle, otherwise=""),
        memory_total=memory.total if memory else 0,
        memory_free=memory.free if memory else 0,
        capability=".".join(map(str, capability)),
        processes=tuple(Process(each.pid, each.usedGpuMemory or 0) for each in running),
    )


def slices(nvml: Nvml, attempt: Attempt, device: Handle, index: int) -> Iterator[Unit]:
    """The slices of a divided device; their numbers may have gaps."""
    for number in range(attempt(nvml.nvmlDeviceGetMaxMigDeviceCount, device, otherwise=0)):
        handle = attempt(nvml.nvmlDeviceGetMigDeviceHandleByIndex, device, number, otherwise=None)
        if handle is not None:
            yield describe(nvml, attempt, handle, index)


def attempting(expected: type[Exception]) -> Attempt:
    """A caller that returns `otherwise` for a failure, unless the device is gone for every other call too."""

    def attempt(function: Callable[..., Any], *arguments: Any, otherwise: Any) -> Any:
        try:
            return function(*arguments)
        except expected as error:
            if failure(error).code in FATAL:
                raise
            return otherwise

    return attempt


def failure(error: Exception) -> NvmlFailure:
    return NvmlFailure(int(getattr(error, "value", UNKNOWN)), str(error))
