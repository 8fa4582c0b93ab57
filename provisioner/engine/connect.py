"""The machine that we run on, and looking at it for a spec."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

from provisioner.engine.journal import Journal
from provisioner.facts.interpreter import resolve
from provisioner.kinds import registry
from provisioner.machine.kernel_state import running_shell
from provisioner.machine.local import LocalMachine, here
from provisioner.machine.notebook_kernel import KernelMachine
from provisioner.machine.traced import TracedReader
from provisioner.spec.spec import Spec

OurMachine: TypeAlias = LocalMachine | KernelMachine


def environment_of(spec: Spec) -> str | None:
    """The virtual environment that the spec's packages go into; None where no section chooses one."""
    chosen = (registry.get(name).environment(config) for name, config in spec.sections.items())
    return next(filter(None, chosen), None)


def secrets_of(spec: Spec) -> tuple[str, ...]:
    """Names of variables whose values the spec declares secret."""
    return tuple(s for name, config in spec.sections.items() for s in registry.get(name).secrets(config))


def connect(spec: Spec, *, deep: bool = False) -> OurMachine:
    """The machine that we run on, seen from a spec's folder; in a notebook's kernel, the kernel too."""
    context = here(spec.folder, spec=spec.path if spec.kept else "", deep=deep)
    return with_kernel(LocalMachine(context, secrets=secrets_of(spec)))


def with_kernel(machine: LocalMachine) -> OurMachine:
    """The machine and, where this process is a notebook's kernel, what only a kernel can do."""
    shell = running_shell()
    return KernelMachine(machine, shell) if shell else machine


def look(spec: Spec, machine: OurMachine, suspects: frozenset[str] | None = None) -> TracedReader:
    """A fresh look at a machine. Interpreters may be added or removed, so each look determines its own.

    `suspects` are the steps to look at closely: those that an earlier run began and never ended.
    """
    if suspects is None:
        suspects = Journal(machine.context.state).suspects()
    context = replace(
        machine.context,
        suspects=suspects,
        made=spec.order.made,
        ensured=spec.order.ensured,
        edited=spec.order.edited,
        changes=spec.order.changes,
        variables=spec.variables,
    )
    reader = TracedReader(machine, context, secrets_of(spec))
    reader.note_modules(registry.packages())
    return reader.about(resolve(environment_of(spec), reader))


def running_machine(folder: str) -> LocalMachine:
    """This machine and the Python that runs, for commands that need no spec."""
    context = here(folder)
    python = resolve(None, LocalMachine(context))
    return LocalMachine(replace(context, python=python))
