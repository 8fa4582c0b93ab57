"""From the evidence to the accelerators that can be used, and what is unusual about them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provisioner.machine.accelerators import nvml
from provisioner.machine.accelerators.diagnosis import RESTART, diagnose
from provisioner.machine.accelerators.evidence import Evidence, TpuFiles
from provisioner.machine.accelerators.holders import Holder
from provisioner.machine.accelerators.nvml import Unit
from provisioner.model.accelerators import Accelerators, Diagnosis, Gpu

MIB = 1024**2

SCARCE = 0.5
"""Share of a device's memory: a warning is given when less is free."""

MIG_GUIDE = "https://docs.nvidia.com/datacenter/tesla/mig-user-guide/"


def read(evidence: Evidence) -> Accelerators:
    """What can be used. The first thing that cannot is the problem, and does not hide the rest."""
    answer = evidence.nvml or nvml.NvmlAnswer()
    smi = evidence.failure.smi if evidence.failure else None
    seen = tuple(read_smi(smi.output)) if smi and smi.code == 0 else ()
    if seen:
        gpus, driver = tuple(gpu for gpu, _ in seen), seen[0][1]
        problems, oddities = [], [without_nvml(answer)]
    else:
        gpus, driver = tuple(usable(answer.units, evidence.hidden)), answer.driver
        problems = [*troubles(answer.units)]
        oddities = [odd for unit in answer.units for odd in odd_about(unit, evidence.names)]
        if not answer.units and (diagnosis := diagnose(evidence)):
            problems = [diagnosis]
        elif found := hiding(answer.units, gpus, evidence.hidden):
            (oddities if gpus else problems).append(found)
    chips = [device.tpu for device in evidence.bus if device.tpu]
    if chips and evidence.tpu:
        problems += trouble_with_tpu(chips[0], evidence.tpu)
        oddities += [in_use(f"the TPU {chips[0]}", holder) for holder in evidence.tpu.holders]
    return Accelerators(
        gpus=gpus,
        driver=driver or evidence.module,
        cuda=answer.cuda,
        library=answer.library,
        tpu=chips[0] if chips else "",
        chips=len(chips),
        problem=problems[0] if problems else None,
        oddities=(*problems[1:], *oddities),
    )


def parts(units: tuple[Unit, ...]) -> Iterator[Unit]:
    """What frameworks can be given: whole devices, or the slices of a divided one."""
    for unit in units:
        if unit.failure is None and unit.mode != nvml.PROHIBITED:
            yield from unit.slices if unit.divided else (unit,)


def usable(units: tuple[Unit, ...], hidden: str | None) -> Iterator[Gpu]:
    """The devices that frameworks will see."""
    everything = tuple(parts(units))
    for unit in everything if hidden is None else visible(everything, hidden):
        yield Gpu(unit.index, unit.name, unit.memory_total, unit.memory_free, unit.capability)


def visible(everything: tuple[Unit, ...], wanted: str) -> Iterator[Unit]:
    """What CUDA_VISIBLE_DEVICES lets through: numbers or beginnings of UUIDs, to the first that is neither.

    Source: NVIDIA's CUDA C++ Programming Guide, "CUDA Environment Variables".
    """
    for word in map(str.strip, wanted.split(",")):
        if word.isdigit() and int(word) < len(everything):
            yield everything[int(word)]
        elif found := [
            unit for unit in everything if word[:4] in ("GPU-", "MIG-") and unit.uuid.startswith(word)
        ]:
            yield found[0]
        else:
            return


def hiding(units: tuple[Unit, ...], gpus: tuple[Gpu, ...], hidden: str | None) -> Diagnosis | None:
    count = len(list(parts(units)))
    if hidden is None or len(gpus) >= count:
        return None
    which = f"{count - len(gpus)} of {count} GPUs" if gpus else "every GPU"
    return Diagnosis("hidden", f"CUDA_VISIBLE_DEVICES={hidden} hides {which}", "Unset it to use them all.")


def troubles(units: tuple[Unit, ...]) -> Iterator[Diagnosis]:
    """Why devices that NVML finds cannot be used."""
    for unit in units:
        name = called(unit)
        if unit.failure and unit.failure.code == nvml.IS_LOST:
            yield Diagnosis(
                "fallen-off-bus",
                f"{name} has fallen off the bus: it no longer answers",
                f"{RESTART}; if it happens again, the hardware or its power supply is faulty.",
            )
        elif unit.failure and unit.failure.code == nvml.RESET_REQUIRED:
            yield Diagnosis(
                "reset-required", f"{name} must be reset before it can be used again", f"{RESTART}."
            )
        elif unit.failure and unit.failure.code == nvml.NO_PERMISSION:
            yield Diagnosis(
                "no-permission",
                f"no permission to open {name}",
                f"Add your user to the group of /dev/nvidia{unit.index}, and log in again.",
            )
        elif unit.failure:
            yield Diagnosis(
                "driver-error", f"the NVIDIA driver says about {name}: {unit.failure.words}", f"{RESTART}."
            )
        elif unit.mode == nvml.PROHIBITED:
            yield Diagnosis(
                "prohibited",
                f"{name} is in a compute mode that allows no process",
                f"Set it back as root: nvidia-smi -i {unit.index} -c DEFAULT.",
            )
        elif unit.divided and not unit.slices:
            yield Diagnosis(
                "mig-without-slices",
                f"{name} is in MIG mode, but has no slices",
                f"Create slices, or turn it off as root: nvidia-smi -i {unit.index} -mig 0. See {MIG_GUIDE}",
            )


def odd_about(unit: Unit, names: Mapping[int, str]) -> Iterator[Diagnosis]:
    """Warnings about a device that can be used."""
    name = called(unit)
    processes = sorted(unit.processes, key=lambda process: (-process.memory, process.pid))
    most = Holder(processes[0].pid, names.get(processes[0].pid, "")) if processes else None
    if unit.mode in nvml.EXCLUSIVE and most:
        yield in_use(name, most)
    elif unit.memory_total and unit.memory_free < SCARCE * unit.memory_total:
        yield Diagnosis(
            "memory-taken",
            f"{name} has only {unit.memory_free // MIB} of {unit.memory_total // MIB} MiB free"
            + (f"; {most} has most of it" if most else ""),
            "Stop what uses it, or restart the runtime if that is a notebook.",
        )
    if unit.slices:
        yield Diagnosis(
            "mig",
            f"{name} is divided into {len(unit.slices)} MIG slices, and a framework uses only one",
            "Choose one with CUDA_VISIBLE_DEVICES and the name that nvidia-smi -L shows.",
        )
    if unit.errors:
        yield Diagnosis(
            "memory-errors",
            f"{name} has had {unit.errors} uncorrectable memory errors",
            f"{RESTART}; if there are more, the hardware is faulty.",
        )
    if unit.slowed:
        yield Diagnosis(
            "slowed",
            f"{name} is running slowly: it is too hot or lacks power",
            "Let it cool, or use another.",
        )


def in_use(name: str, holder: Holder) -> Diagnosis:
    return Diagnosis(
        "held",
        f"{name} is in use by {holder}; only one process at a time can use it",
        "Stop that process, or restart the runtime if it is a notebook.",
    )


def called(unit: Unit) -> str:
    return f"GPU {unit.index} ({unit.name})" if unit.name else f"GPU {unit.index}"


def read_smi(output: str) -> Iterator[tuple[Gpu, str]]:
    """The GPUs, each with the driver's version, from nvidia-smi's output for our query."""
    for line in output.splitlines():
        match [word.strip() for word in line.split(",")]:
            case [index, name, total, free, capability, driver] if index.isdigit():
                sizes = [int(size) * MIB if size.isdigit() else 0 for size in (total, free)]
                yield Gpu(int(index), name, sizes[0], sizes[1], capability), driver


def without_nvml(answer: nvml.NvmlAnswer) -> Diagnosis:
    words = answer.failure.words if answer.failure else "it finds no GPU"
    return Diagnosis(
        "nvml-fails",
        f"nvidia-smi sees the GPU, but NVML cannot be used from here: {words}",
        "Set LD_LIBRARY_PATH to the folder of the driver's libraries, so that frameworks find them.",
    )


def trouble_with_tpu(generation: str, files: TpuFiles) -> Iterator[Diagnosis]:
    if not files.nodes:
        yield Diagnosis(
            "tpu-without-node",
            f"there is a TPU {generation}, but no device file for it",
            "Start the container with /dev/vfio or /dev/accel0 passed to it, or restart the machine.",
        )
    elif files.denied:
        yield Diagnosis(
            "no-permission",
            f"no permission to open the TPU's {files.nodes[0]}",
            "Run this as root, or add your user to the file's group.",
        )
