"""What can be seen of any machine's accelerators without a spec: whether they work, and what is wrong.

Nothing is changed, and what could tell who runs it is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from provisioner.engine.checks import run_checks
from provisioner.engine.connect import running_machine
from provisioner.facts import platforms, system
from provisioner.kinds import registry
from provisioner.kinds.base import Examination
from provisioner.machine.local import LocalMachine
from provisioner.model.accelerators import Accelerators, Diagnosis
from provisioner.model.report import Verdict
from provisioner.model.units import format_size
from provisioner.snapshots.anonymize import Anonymous
from provisioner.snapshots.snapshot import VARIABLES
from provisioner.version import __version__


@dataclass(frozen=True)
class MachineExamination:
    """What was seen of a machine."""

    machine: dict[str, str]
    """What whoever reads a bug report asks first, by what it is called."""
    accelerators: Accelerators
    verdicts: tuple[Verdict, ...]
    """What came of letting each installed framework compute."""
    problems: tuple[Diagnosis, ...]
    """All that is not as it should be: the hardware first, then what the frameworks make of it."""


def examine_this_machine(*, frameworks: bool = True) -> MachineExamination:
    """Look at this machine; names of users, home folders and secrets are taken out."""
    machine = running_machine(system.working_folder())
    try:
        return anonymous(examine(machine, frameworks=frameworks), machine)
    finally:
        machine.log.close()


def anonymous(seen: MachineExamination, machine: LocalMachine) -> MachineExamination:
    """The same, without what could tell who runs it."""
    adapter = TypeAdapter(MachineExamination)
    return adapter.validate_python(Anonymous(machine).within(adapter.dump_python(seen)))


def examine(machine: LocalMachine, *, frameworks: bool = True) -> MachineExamination:
    """Look at the hardware and, when asked, let each framework that is installed compute on it, in turn."""
    looks = [look(machine) for kind in map(registry.get, registry.every()) if (look := kind.examine)]
    attached = next((each.accelerators for each in looks), Accelerators())
    checks = tuple(check for each in looks for check in each.checks) if frameworks else ()
    verdicts = run_checks(checks, machine, machine.redact, jobs=1)
    return MachineExamination(
        machine=describe(machine, looks),
        accelerators=attached,
        verdicts=verdicts,
        problems=tuple(problems(attached, verdicts)),
    )


def describe(machine: LocalMachine, looks: Sequence[Examination]) -> dict[str, str]:
    """The machine in a few lines."""
    python = machine.context.python
    packages = [version for each in looks for version in each.versions]
    variables = [f"{name}={machine.environ[name]}" for name in VARIABLES if name in machine.environ]
    return {
        "colabenv": __version__,
        "system": f"{platforms.operating_system(machine)}, Linux {system.kernel_release()}, "
        f"{system.architecture()}",
        "platform": platforms.detect(machine),
        "size": f"{system.processors()} CPUs, {format_size(machine.context.memory)} of memory",
        "python": f"{python.version} at {python.executable}",
        "packages": ", ".join(packages) or "none",
        "variables": ", ".join(variables) or "none",
    }


def problems(attached: Accelerators, verdicts: Sequence[Verdict]) -> Iterator[Diagnosis]:
    if attached.problem:
        yield attached.problem
    yield from attached.oddities
    if attached.library:
        yield Diagnosis(
            "library-off-path",
            f"the driver's libraries are in {attached.library}, which is not on the loader's path",
            f"Set LD_LIBRARY_PATH={attached.library} before Python starts.",
        )
    for verdict in verdicts:
        if not verdict.passed:
            yield Diagnosis(verdict.address, verdict.message.rstrip("."), verdict.hint)
