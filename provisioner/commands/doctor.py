"""What `colabenv doctor` sees of any machine: its accelerator, what is odd about it, text for a bug report.

No spec is needed and nothing is changed. What could tell who runs it is left out.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from provisioner.engine.checks import run_checks
from provisioner.facts import platforms
from provisioner.facts.distributions import Installed
from provisioner.engine.connect import running_machine
from provisioner.facts.platforms import operating_system
from provisioner.kinds.accelerator import kind
from provisioner.kinds.accelerator.section import FRAMEWORKS, Accelerator
from provisioner.machine.local import LocalMachine
from provisioner.model.accelerators import Accelerators, Diagnosis
from provisioner.model.report import Verdict
from provisioner.model.units import format_size
from provisioner.render import documents
from provisioner.render.accelerator import render_table
from provisioner.snapshots.anonymize import Anonymous
from provisioner.snapshots.snapshot import VARIABLES
from provisioner.version import __version__

DOCTOR_FORMAT = "provisioner.doctor/1"

PACKAGES = re.compile(r"(tensorflow|torch|jax|keras|triton|nvidia-|libtpu|numpy|tf-nightly|cuda-).*")
"""The distributions whose versions matter to an accelerator."""


@dataclass(frozen=True)
class Examination:
    """What was seen."""

    machine: dict[str, str]
    accelerators: Accelerators
    verdicts: tuple[Verdict, ...]
    odd: tuple[Diagnosis, ...]


def examine(machine: LocalMachine, *, frameworks: bool = True) -> Examination:
    """Look at the hardware and, when asked, let each framework that is installed compute on it, in turn."""
    facts = kind.observe(Accelerator(), machine)
    attached = facts.attached
    installed = Installed(machine)
    present = [name for name, brings in FRAMEWORKS.items() if any(map(installed.get, brings))]
    checks = tuple(kind.check(name, device_for(name, attached), facts) for name in present)
    verdicts = run_checks(checks, machine, machine.redact, jobs=1) if frameworks else ()
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
        "size": f"{os.cpu_count()} CPUs, {format_size(machine.context.memory)} of memory",
        "python": f"{machine.context.python.version} at {machine.context.python.executable}",
        "packages": ", ".join(packages) or "none that matters here",
        "variables": ", ".join(variables) or "none that matters here",
    }


def oddities(attached: Accelerators, verdicts: tuple[Verdict, ...]) -> Iterator[Diagnosis]:
    """All that is not as it should be: the hardware first, then what the frameworks make of it."""
    yield from kind.problems(attached)
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
        "accelerator": documents.accelerator(seen.accelerators, seen.verdicts),
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


def report(*, frameworks: bool, as_json: bool) -> str:
    """The whole command: what it prints."""
    folder = str(Path.cwd())
    machine = running_machine(folder)
    try:
        seen = examine(machine, frameworks=frameworks)
    finally:
        machine.log.close()
    anonymous = Anonymous(machine)
    return documents.text(anonymous.within(document(seen))) if as_json else anonymous(text(seen))
