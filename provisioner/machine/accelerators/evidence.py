"""All that can be seen of a machine's accelerators; each source is asked only where its answer may matter."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from provisioner.machine.accelerators import nvml
from provisioner.machine.accelerators.holders import Holder, holders, name_of
from provisioner.machine.accelerators.pci import PciDevice, read
from provisioner.model.effects import Run

SMI_PATIENCE = 5.0
"""Seconds that nvidia-smi may take, after NVML has failed."""

SMI_FOLDERS = ("opt/bin", "usr/lib/wsl/lib")
"""Where Colab and WSL have nvidia-smi when it is not on the path."""

SMI_ASKS = "index,name,memory.total,memory.free,compute_cap,driver_version"

DECIDED = (nvml.HUNG, nvml.NO_PERMISSION, nvml.NOT_LOADED, nvml.IS_LOST, nvml.MISMATCH)
"""Failures of NVML that nvidia-smi, which uses the same library, would only repeat."""

CONTAINER_MARKS = (".dockerenv", "run/.containerenv")
"""Files that Docker and Podman leave in a container."""


@dataclass(frozen=True)
class Smi:
    """What nvidia-smi did."""

    code: int
    output: str
    timed_out: bool = False


@dataclass(frozen=True)
class FailureEvidence:
    """What distinguishes failures; looked at only when there is one."""

    control: str = "absent"
    """The result of opening /dev/nvidiactl: "open", "denied", "absent" or "dead"."""
    loaded: frozenset[str] = frozenset()
    """Kernel modules for NVIDIA's GPUs that are loaded."""
    container: bool = False
    smi: Smi | None = None


@dataclass(frozen=True)
class TpuFiles:
    """The device files of TPUs."""

    nodes: tuple[str, ...] = ()
    denied: bool = False
    """Whether there is no permission to open them."""
    holders: tuple[Holder, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """What each source says; None for a source that was not asked."""

    bus: tuple[PciDevice, ...] = ()
    nodes: tuple[str, ...] = ()
    """Device files of NVIDIA's GPUs, "/dev/nvidia0"."""
    module: str = ""
    """Version of NVIDIA's kernel module, when it is loaded."""
    nvml: nvml.NvmlAnswer | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    """Of the processes that NVML reports."""
    hidden: str | None = None
    """CUDA_VISIBLE_DEVICES, when it is set."""
    failure: FailureEvidence | None = None
    tpu: TpuFiles | None = None


def gather(bus: tuple[PciDevice, ...], environ: Mapping[str, str], root: Path, patience: float) -> Evidence:
    """What is seen below `root`/dev, /proc and /sys, and what NVML says if there may be a device."""
    nodes = numbered(root, "dev", r"nvidia\d+")
    module = module_version(root)
    tpu = look_at_tpu(root) if any(device.tpu for device in bus) else None
    if not (nodes or module or (root / "dev/nvidiactl").exists() or on_wsl(root)):
        failure = look_behind(root) if any(not device.tpu for device in bus) else None
        return Evidence(bus, nodes, module, failure=failure, tpu=tpu)
    answer = nvml.ask(root, patience)
    failed = answer.failure
    undecided = failed.code not in DECIDED if failed else not answer.units
    return Evidence(
        bus,
        nodes,
        module,
        answer,
        names={
            process.pid: name_of(root, process.pid) for unit in answer.units for process in unit.processes
        },
        hidden=environ.get("CUDA_VISIBLE_DEVICES"),
        failure=look_behind(root, ask_smi(environ, root) if undecided else None)
        if failed or undecided
        else None,
        tpu=tpu,
    )


def numbered(root: Path, folder: str, pattern: str) -> tuple[str, ...]:
    """The files of a folder whose whole name matches, with their paths below `root`."""
    try:
        names = sorted(os.listdir(root / folder))
    except OSError:
        return ()
    return tuple(str(root / folder / name) for name in names if re.fullmatch(pattern, name))


def module_version(root: Path) -> str:
    """From "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.82.07  Thu Sep 11 ..."."""
    text = read(root / "proc/driver/nvidia/version")
    found = re.search(r"Module\b.*?\s(\d+\.[\d.]+)", text)
    return found[1] if found else "of unknown version" if text else ""


def on_wsl(root: Path) -> bool:
    """Whether this is Windows' Linux with NVIDIA's driver: its one device file serves every maker's GPU."""
    return (root / "dev/dxg").exists() and (root / "usr/lib/wsl/lib" / nvml.LIBRARY).exists()


def look_at_tpu(root: Path) -> TpuFiles:
    nodes = numbered(root, "dev/vfio", r"\d+") or numbered(root, "dev", r"accel\d+")
    denied = not all(os.access(node, os.R_OK | os.W_OK) for node in nodes)
    return TpuFiles(nodes, denied, tuple(holders(root, nodes)))


def look_behind(root: Path, smi: Smi | None = None) -> FailureEvidence:
    modules = {line.partition(" ")[0] for line in read(root / "proc/modules").splitlines()}
    return FailureEvidence(
        control=try_control(root / "dev/nvidiactl"),
        loaded=frozenset(modules & {"nvidia", "nouveau"}),
        container=in_container(root),
        smi=smi,
    )


def try_control(path: Path) -> str:
    """The result of opening the driver's control file, which starts nothing by itself."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM):
            return "denied"
        return "absent" if error.errno == errno.ENOENT else "dead"
    return "open"


def in_container(root: Path) -> bool:
    words = ("docker", "containerd", "kubepods", "libpod", "lxc")
    return any((root / mark).exists() for mark in CONTAINER_MARKS) or any(
        word in read(root / "proc/1/cgroup") for word in words
    )


def ask_smi(environ: Mapping[str, str], root: Path) -> Smi | None:
    """What nvidia-smi says about the GPUs, or None when there is no such program."""
    from provisioner.machine.process import Children

    folders = [*map(str, (root / name for name in SMI_FOLDERS)), environ.get("PATH", "")]
    program = shutil.which("nvidia-smi", path=os.pathsep.join(folders))
    if program is None:
        return None
    argv = (program, f"--query-gpu={SMI_ASKS}", "--format=csv,noheader,nounits")
    done = Children().run(Run(argv=argv, timeout=SMI_PATIENCE), environ)
    return Smi(done.code, (done.stdout + done.stderr).strip(), done.timed_out)
