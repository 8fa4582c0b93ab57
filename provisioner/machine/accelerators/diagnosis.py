"""From the evidence to the problem: pure, and a table.

The first rule that applies names the problem. The order matters: a device that has fallen off the bus
explains every other failure, a container without devices explains a missing library, and so on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from provisioner.machine.accelerators import nvml
from provisioner.machine.accelerators.evidence import Evidence, FailureEvidence
from provisioner.model.accelerators import Diagnosis

RESTART = "Restart the machine"
NO_ANSWER = nvml.NvmlAnswer(failure=nvml.NvmlFailure(0, ""))


@dataclass(frozen=True)
class View:
    """The evidence, with what most rules need of it."""

    all: Evidence

    @property
    def code(self) -> int:
        """NVML's failure; 0 when it was not asked or finds no device."""
        return self.answer.failure.code if self.answer.failure else 0

    @property
    def answer(self) -> nvml.NvmlAnswer:
        return self.all.nvml or NO_ANSWER

    @property
    def behind(self) -> FailureEvidence:
        return self.all.failure or FailureEvidence()

    @property
    def smi(self) -> str:
        return self.behind.smi.output if self.behind.smi else ""

    @property
    def slots(self) -> list[str]:
        return [device.slot for device in self.all.bus if not device.tpu]

    @property
    def silent(self) -> list[str]:
        return [device.slot for device in self.all.bus if device.silent]

    @property
    def foreign(self) -> list[str]:
        """Kernel drivers that have a GPU and are not NVIDIA's."""
        return [d.driver for d in self.all.bus if not d.tpu and d.driver not in ("", "nvidia")]

    @property
    def words(self) -> str:
        """The last of what the driver's own tools say."""
        said = self.smi.splitlines() or [self.answer.failure.words if self.answer.failure else ""]
        return said[-1].strip().rstrip(".")


@dataclass(frozen=True)
class Rule:
    code: str
    applies: Callable[[View], bool]
    message: Callable[[View], str]
    remedy: Callable[[View], str]


def always(text: str) -> Callable[[View], str]:
    return lambda _view: text


def where(view: View) -> str:
    """ " at 0000:00:04.0" when there is one place to name."""
    return f" at {' and '.join(view.slots)}" if view.slots else ""


RULES = (
    Rule(
        "hung",
        lambda view: view.code == nvml.HUNG,
        lambda view: f"the NVIDIA driver hangs: {view.words}",
        always(f"{RESTART}: a hung driver does not recover by itself."),
    ),
    Rule(
        "fallen-off-bus",
        lambda view: bool(view.silent) or view.code == nvml.IS_LOST or "GPU is lost" in view.smi,
        lambda view: f"the GPU{where(view)} has fallen off the bus: it no longer answers",
        always(f"{RESTART}; if it happens again, the hardware or its power supply is faulty."),
    ),
    Rule(
        "version-mismatch",
        lambda view: view.code == nvml.MISMATCH or "version mismatch" in view.smi,
        lambda view: (
            "the NVIDIA driver and its libraries have different versions"
            + (f": the kernel has {view.all.module}" if view.all.module else "")
            + (f", the libraries are {view.answer.version}" if view.answer.version else "")
        ),
        always(f"{RESTART}, so that the kernel loads the driver that was installed."),
    ),
    Rule(
        "container-without-devices",
        lambda view: view.behind.container and not view.all.nodes and bool(view.slots or view.all.module),
        always("the host has an NVIDIA GPU, but this container was started without its device files"),
        always(
            "Start the container with the GPU (docker run --gpus all, or `--device nvidia.com/gpu=all`); the "
            "host needs the NVIDIA Container Toolkit."
        ),
    ),
    Rule(
        "permission-lost",
        lambda view: view.behind.container and view.behind.control == "denied",
        always("this container has lost the permission to open the NVIDIA device"),
        always(
            "Restart the container: a reload of systemd on the host takes its devices away "
            "when they were not passed with --device."
        ),
    ),
    Rule(
        "no-permission",
        lambda view: view.behind.control == "denied" or view.code == nvml.NO_PERMISSION,
        always("no permission to open the NVIDIA device"),
        always("Add your user to the group of /dev/nvidia0 (ls -l shows it; often video), and log in again."),
    ),
    Rule(
        "other-driver",
        lambda view: bool(view.foreign) and not view.all.module,
        lambda view: f"the GPU{where(view)} is driven by {view.foreign[0]}, which cannot compute",
        lambda view: (
            "It is reserved for a virtual machine: use it from there, or unbind it from vfio-pci."
            if view.foreign[0] == "vfio-pci"
            else "Install NVIDIA's driver in its place, and restart the machine."
        ),
    ),
    Rule(
        "no-driver",
        lambda view: bool(view.slots) and not view.all.module and "nvidia" not in view.behind.loaded,
        lambda view: f"there is an NVIDIA GPU{where(view)}, but its driver is not loaded",
        always("Install NVIDIA's driver on the machine, or load it: modprobe nvidia."),
    ),
    Rule(
        "no-library",
        lambda view: view.code == nvml.NOT_FOUND,
        always(f"the NVIDIA driver is loaded, but its library {nvml.LIBRARY} is not found"),
        always(
            "Install the driver's libraries in the version of the driver, or set LD_LIBRARY_PATH to the "
            "folder that has them."
        ),
    ),
    Rule(
        "no-driver",
        lambda view: view.code == nvml.NOT_LOADED or view.behind.control == "dead",
        always("there are device files for an NVIDIA GPU, but no driver behind them"),
        always("Install NVIDIA's driver on the machine, or load it: modprobe nvidia."),
    ),
    Rule(
        "no-device",
        lambda view: view.all.nvml is not None and view.answer.failure is None,
        lambda view: "the NVIDIA driver runs, but finds no GPU" + (f": {view.words}" if view.smi else ""),
        always(f"{RESTART}; the kernel's log (dmesg) shows why the driver gave up the GPU."),
    ),
    Rule(
        "driver-error",
        lambda view: view.code != 0,
        lambda view: f"the NVIDIA driver says: {view.words}",
        always(f"{RESTART}, and see the kernel's log (dmesg)."),
    ),
)


def diagnose(evidence: Evidence) -> Diagnosis | None:
    """Why no NVIDIA GPU can be used, or None when there is none to use."""
    view = View(evidence)
    rule = next((rule for rule in RULES if rule.applies(view)), None)
    return Diagnosis(rule.code, rule.message(view), rule.remedy(view)) if rule else None
