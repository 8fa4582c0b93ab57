"""What can be seen of this machine, with and without a spec. What could tell who runs it is left out."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from provisioner.engine.connect import connect, look, running_machine
from provisioner.engine.plan import survey
from provisioner.facts import dpkg as status
from provisioner.facts import platforms
from provisioner.facts.distributions import Installed
from provisioner.machine.reader import Reader
from provisioner.model.errors import ObserveError
from provisioner.model.plan import fingerprint
from provisioner.snapshots.anonymize import Anonymous
from provisioner.snapshots.snapshot import VARIABLES, Seen, Snapshot, load
from provisioner.spec.spec import load as read_spec


def sides(first: str, second: str | None, spec: str) -> tuple[Snapshot, Snapshot, tuple[str, str]]:
    """Mine, yours, and what to call them: of two files, or of this machine and the file `first`."""
    if second is None:
        return snapshot(spec), load(first), ("this machine", os.path.basename(first))
    names = os.path.basename(first), os.path.basename(second)
    return load(first), load(second), (first, second) if names[0] == names[1] else names


def snapshot(path: str) -> Snapshot:
    """The machine, and what every kind of the spec finds there if there is a spec at `path`.

    Raises SpecError when there is one and it is wrong.
    """
    if not Path(path).exists():
        return describe(running_machine(str(Path.cwd())))
    spec = read_spec(path)
    found = survey(spec, look(spec, connect(spec)))
    return describe(
        found.reader,
        name=spec.name,
        digest=spec.digest,
        fingerprint=fingerprint(found.plan) or None,
        named=dict(found.plan.named),
        kinds={name: told(facts) for name, facts in found.facts.items()},
    )


def describe(machine: Reader, **of_the_spec: Any) -> Snapshot:
    """A snapshot of a machine, and of what a spec adds to it."""
    hide = Anonymous(machine)
    dpkg = status.observe(machine)
    packages = dpkg.packages.values() if dpkg else ()
    environment = {name: machine.environ[name] for name in VARIABLES if name in machine.environ}
    return Snapshot(
        machine=seen(machine, hide),
        environment=hide.within(environment),
        distributions={name: found.version for name, found in sorted(Installed(machine).found.items())},
        packages={package.name: package.version for package in packages if package.installed},
        **hide.within(of_the_spec),
    )


def seen(machine: Reader, hide: Anonymous) -> Seen:
    return Seen(
        platform=platforms.detect(machine),
        runtime=machine.environ.get("COLAB_RELEASE_TAG", ""),
        os=platforms.operating_system(machine),
        kernel=platform.release(),
        libc=" ".join(platform.libc_ver()),
        architecture=platform.machine(),
        cpus=os.cpu_count() or 0,
        memory=machine.context.memory,
        disk_free=machine.free(machine.context.folder),
        root=machine.context.root,
        python=hide.within(asdict(machine.context.python)),
        accelerators=machine.accelerators(),
    )


def told(facts: Any) -> Any:
    """Facts as plain data; what could not be learnt says why."""
    if isinstance(facts, ObserveError):
        return {"error": facts.message, "hint": facts.hint}
    return TypeAdapter(type(facts)).dump_python(facts, mode="json")
