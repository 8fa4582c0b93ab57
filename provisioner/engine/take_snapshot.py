"""What can be seen of this machine, with or without a spec. What could identify its user is left out."""

from __future__ import annotations

from dataclasses import asdict, replace

from pydantic import TypeAdapter

from provisioner.engine.connect import connect, look, running_machine
from provisioner.engine.decide import Facts
from provisioner.engine.plan import survey
from provisioner.facts import dpkg as status
from provisioner.facts import platforms, system
from provisioner.facts.distributions import Installed
from provisioner.machine.reader import Reader
from provisioner.model.errors import ObserveError
from provisioner.model.plan import Plan, fingerprint
from provisioner.snapshots.anonymize import Anonymous
from provisioner.snapshots.snapshot import VARIABLES, Seen, Snapshot
from provisioner.spec.spec import Spec


def snapshot(spec: Spec | None) -> Snapshot:
    """The machine, and what every kind of the spec, if there is one, finds there."""
    if spec is None:
        return describe(running_machine(system.working_folder()))
    found = survey(spec, look(spec, connect(spec)))
    return of_spec(found.reader, found.plan, fingerprint(found.plan) or None, found.facts)


def of_spec(reader: Reader, plan: Plan, mark: str | None, facts: Facts) -> Snapshot:
    """A snapshot of a machine, and of what a spec names there; `mark` is its fingerprint."""
    hide = Anonymous(reader)
    return replace(
        describe(reader),
        name=hide(plan.name),
        digest=plan.digest,
        fingerprint=mark,
        named=hide.within(dict(plan.named)),
        kinds=hide.within({name: as_data(found) for name, found in facts.items()}),
    )


def describe(machine: Reader) -> Snapshot:
    """A snapshot of a machine without a spec."""
    hide = Anonymous(machine)
    dpkg = status.observe(machine)
    packages = dpkg.packages.values() if dpkg else ()
    environment = {name: machine.environ[name] for name in VARIABLES if name in machine.environ}
    return Snapshot(
        machine=seen(machine, hide),
        environment=hide.within(environment),
        distributions={name: found.version for name, found in sorted(Installed(machine).found.items())},
        packages={package.name: package.version for package in packages if package.installed},
    )


def seen(machine: Reader, hide: Anonymous) -> Seen:
    return Seen(
        platform=platforms.detect(machine),
        runtime=machine.environ.get("COLAB_RELEASE_TAG", ""),
        os=platforms.operating_system(machine),
        kernel=system.kernel_release(),
        libc=" ".join(system.libc()),
        architecture=system.architecture(),
        cpus=system.processors(),
        memory=machine.context.memory,
        disk_free=machine.free(machine.context.folder),
        root=machine.context.root,
        python=hide.within(asdict(machine.context.python)),
        accelerators=machine.accelerators(),
    )


def as_data(facts: object) -> object:
    """Facts as plain data; what could not be determined says why."""
    if isinstance(facts, ObserveError):
        return {"error": facts.message, "hint": facts.hint}
    data: object = TypeAdapter(type(facts)).dump_python(facts, mode="json")
    return data
