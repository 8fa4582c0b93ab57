"""What `colabenv doctor` sees of any machine: its accelerator, what is odd about it, text for a bug report.

No spec is needed and nothing is changed. What could tell who runs it is left out.
"""

from __future__ import annotations

import getpass
import os
import platform
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from provisioner import __version__, codec, platforms
from provisioner.accelerator import Accelerator
from provisioner.fields import format_size
from provisioner.hardware import Accelerators, Diagnosis
from provisioner.inventory import operating_system
from provisioner.kinds import accelerator
from provisioner.machine.local import LocalMachine
from provisioner.model import Verdict
from provisioner.prover import prove
from provisioner.python.distributions import Installed
from provisioner.python.interpreter import resolve
from provisioner.redact import redactor
from provisioner.render.accelerator import render_table

DOCTOR_FORMAT = "provisioner.doctor/1"

FRAMEWORKS = {
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tf-nightly"),
    "torch": ("torch",),
    "jax": ("jax",),
}
"""The distributions that bring each framework."""

PACKAGES = re.compile(r"(tensorflow|torch|jax|keras|triton|nvidia-|libtpu|numpy|tf-nightly|cuda-).*")
"""The distributions whose versions matter to an accelerator."""

VARIABLES = (
    "CUDA_VISIBLE_DEVICES",
    "NVIDIA_VISIBLE_DEVICES",
    "LD_LIBRARY_PATH",
    "JAX_PLATFORMS",
    "XLA_FLAGS",
    "XLA_PYTHON_CLIENT_PREALLOCATE",
    "TF_FORCE_GPU_ALLOW_GROWTH",
    "PYTORCH_CUDA_ALLOC_CONF",
    "TPU_ACCELERATOR_TYPE",
    "COLAB_RELEASE_TAG",
)
"""The only variables that are shown: they bend what frameworks do, and hold no secrets."""


@dataclass(frozen=True)
class Examination:
    """What was seen."""

    machine: dict[str, str]
    accelerators: Accelerators
    verdicts: tuple[Verdict, ...]
    odd: tuple[Diagnosis, ...]


def examine(machine: LocalMachine, *, frameworks: bool = True) -> Examination:
    """Look at the hardware and, when asked, let each framework that is installed compute on it, in turn."""
    facts = accelerator.observe(Accelerator(), machine)
    attached = facts.attached
    installed = Installed(machine)
    present = [name for name, brings in FRAMEWORKS.items() if any(map(installed.get, brings))]
    checks = tuple(accelerator.check(name, device_for(name, attached), facts) for name in present)
    verdicts = prove(checks, machine, jobs=1) if frameworks else ()
    return Examination(
        machine=describe(machine, installed),
        accelerators=attached,
        verdicts=verdicts,
        odd=tuple(oddities(attached, verdicts)),
    )


def device_for(framework: str, attached: Accelerators) -> str:
    if attached.gpus:
        return "gpu"
    return "tpu" if attached.tpu and framework == "jax" else "cpu"


def describe(machine: LocalMachine, installed: Installed) -> dict[str, str]:
    """The machine in a few lines: what a reader of a bug report asks first."""
    packages = [
        f"{name} {found.version}"
        for name, found in sorted(installed.found.items())
        if PACKAGES.fullmatch(name)
    ]
    variables = [f"{name}={machine.environ[name]}" for name in VARIABLES if name in machine.environ]
    return {
        "colabenv": __version__,
        "system": f"{operating_system(machine)}, Linux {platform.release()}, {platform.machine()}",
        "platform": platforms.detect(machine),
        "size": f"{os.cpu_count()} CPUs, {format_size(machine.memory())} of memory",
        "python": f"{machine.python.version} at {machine.python.executable}",
        "packages": ", ".join(packages) or "none that matters here",
        "variables": ", ".join(variables) or "none that matters here",
    }


def oddities(attached: Accelerators, verdicts: tuple[Verdict, ...]) -> Iterator[Diagnosis]:
    """All that is not as it should be: the hardware first, then what the frameworks make of it."""
    yield from accelerator.problems(attached)
    if attached.library:
        yield Diagnosis(
            "library-off-path",
            f"the driver's libraries are in {attached.library}, where the loader does not look",
            f"Set LD_LIBRARY_PATH={attached.library} before Python starts.",
        )
    for verdict in verdicts:
        if not verdict.passed:
            yield Diagnosis(verdict.address, verdict.message.rstrip("."), verdict.hint)


def document(seen: Examination) -> dict[str, Any]:
    """What `doctor --json` prints, before names are taken out."""
    return {
        "format": DOCTOR_FORMAT,
        "machine": seen.machine,
        "accelerator": codec.accelerator(seen.accelerators, seen.verdicts),
        "odd": [asdict(each) for each in seen.odd],
    }


def text(seen: Examination) -> str:
    """What `doctor` prints, before names are taken out."""
    widest = max(map(len, seen.machine))
    lines = [f"{label:{widest}}  {value}" for label, value in seen.machine.items()]
    table = [*render_table(seen.accelerators, seen.verdicts)]
    if not (seen.accelerators.gpus or seen.accelerators.tpu):
        table = ["No accelerator can be used.", *table]
    odd = [f"- {each.message}.\n  {each.remedy}".rstrip() for each in seen.odd]
    told = ["What is odd:", *odd] if odd else ["Nothing is odd."]
    return "\n".join([*lines, "", *table, "", *told]) + "\n"


class Anonymous:
    """Takes out of text what could tell who runs it: secrets, the home folder, the names of users."""

    def __init__(self, machine: LocalMachine) -> None:
        self.blot = redactor(machine.environ)
        self.home = machine.home.rstrip("/")
        try:
            user = getpass.getuser()
        except (KeyError, OSError):  # a number without a name
            user = ""
        self.user = re.compile(rf"\b{re.escape(user)}\b") if len(user) > 2 and user != "root" else None

    def __call__(self, text: str) -> str:
        text = self.blot(text)
        if self.home:
            text = re.sub(rf"{re.escape(self.home)}(?![\w.-])", "~", text)
        text = re.sub(r"/(home|Users)/[^/\s:,'\"]+", r"/\1/USER", text)
        return self.user.sub("USER", text) if self.user else text

    def within(self, value: Any) -> Any:
        """The same for every text in a document."""
        match value:
            case str():
                return self(value)
            case dict():
                return {key: self.within(below) for key, below in value.items()}
            case list() | tuple():
                return [self.within(below) for below in value]
        return value


def report(*, frameworks: bool, as_json: bool) -> str:
    """The whole command: what it prints."""
    folder = str(Path.cwd())
    machine = LocalMachine(folder, resolve(None, folder))
    try:
        seen = examine(machine, frameworks=frameworks)
    finally:
        machine.log.close()
    anonymous = Anonymous(machine)
    return codec.text(anonymous.within(document(seen))) if as_json else anonymous(text(seen))
