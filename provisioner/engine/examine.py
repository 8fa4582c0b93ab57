"""What can be seen of any machine's accelerators without a spec: whether they work, and what is wrong.

Nothing is changed, and what could identify its user is left out.
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
from provisioner.model.errors import PluginError
from provisioner.model.report import Verdict
from provisioner.model.units import format_size
from provisioner.snapshots.anonymize import Anonymous
from provisioner.snapshots.snapshot import VARIABLES
from provisioner.version import __version__


@dataclass(frozen=True)
class MachineExamination:
    """What was found on a machine."""

    machine: dict[str, str]
    """What a reader of a bug report needs first, by name."""
    accelerators: Accelerators
    verdicts: tuple[Verdict, ...]
    """The check of each installed framework."""
    problems: tuple[Diagnosis, ...]
    """Every problem found: the hardware first, then the frameworks."""


def examine_this_machine(*, frameworks: bool = True) -> MachineExamination:
    """Look at this machine; names of users, home folders and secrets are taken out."""
    machine = running_machine(system.working_folder())
    try:
        return anonymous(examine(machine, frameworks=frameworks), machine)
    finally:
        machine.log.close()


def anonymous(seen: MachineExamination, machine: LocalMachine) -> MachineExamination:
    """The same, without what could identify its user."""
    adapter = TypeAdapter(MachineExamination)
    return adapter.validate_python(Anonymous(machine).within(adapter.dump_python(seen)))


def examine(machine: LocalMachine, *, frameworks: bool = True) -> MachineExamination:
    """Examine the hardware and, if asked, check each installed framework on it, in turn."""
    kinds, unusable = registry.usable()
    looks = [look(machine) for kind in kinds if (look := kind.examine)]
    attached = next((each.accelerators for each in looks), Accelerators())
    checks = tuple(check for each in looks for check in each.checks) if frameworks else ()
    verdicts = run_checks(checks, machine, machine.redact, jobs=1)
    return MachineExamination(
        machine=describe(machine, looks),
        accelerators=attached,
        verdicts=verdicts,
        problems=(*problems(attached, verdicts), *map(plugin_problem, unusable)),
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


def plugin_problem(error: PluginError) -> Diagnosis:
    return Diagnosis("plugin", error.message, error.hint)
