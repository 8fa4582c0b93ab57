"""What can be seen of this machine, with and without a spec."""

from __future__ import annotations

import dataclasses
import os
import platform
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from provisioner import engine
from provisioner.errors import ObserveError
from provisioner.machine import Reader
from provisioner.machine.traced import TracedMachine
from provisioner.python.interpreter import resolve

FACTS_FORMAT = "provisioner.facts/1"


def facts_document(path: str) -> dict[str, Any]:
    """The machine, and what every kind of the spec finds there if there is a spec at `path`.

    Raises SpecError when there is one and it is wrong.
    """
    if Path(path).exists():
        spec = engine.load(path)
        machine = engine.connect(spec)
        found = engine.observe(spec, machine)
    else:
        folder = str(Path.cwd())
        machine, found = TracedMachine(folder, resolve(None, folder)), {}
    return {
        "format": FACTS_FORMAT,
        "machine": {
            "os": operating_system(machine),
            "architecture": platform.machine(),
            "python": TypeAdapter(dict[str, Any]).dump_python(as_data(machine.python), mode="json"),
            "cpus": os.cpu_count(),
            "memory": machine.memory(),
            "disk_free": machine.free(machine.folder),
            "root": machine.root,
            "accelerators": as_data(machine.accelerators()),
        },
        "kinds": {name: told(facts) for name, facts in found.items()},
    }


def operating_system(machine: Reader) -> str:
    """The name the system gives itself, "Debian GNU/Linux 12 (bookworm)"."""
    text = (machine.read("/etc/os-release") or b"").decode(errors="replace")
    values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return values.get("PRETTY_NAME", platform.system()).strip('"')


def as_data(value: Any) -> Any:
    return dataclasses.asdict(value)


def told(facts: Any) -> Any:
    """Facts as plain data; what could not be learnt says why."""
    if isinstance(facts, ObserveError):
        return {"error": facts.message, "hint": facts.hint}
    return TypeAdapter(type(facts)).dump_python(facts, mode="json")
