"""The machine that we run on, seen from a spec's folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from provisioner.engine.journal import Journal
from provisioner.facts.interpreter import resolve
from provisioner.machine.reader import Interpreter
from provisioner.machine.traced import TracedMachine
from provisioner.spec.spec import Spec


def target_of(spec: Spec) -> Interpreter:
    """The interpreter that the spec's packages go into."""
    pip = spec.sections.get("pip")
    return resolve(pip.venv if pip else None, spec.folder)


def connect(spec: Spec, *, deep: bool = False) -> TracedMachine:
    """The machine that we run on, seen from a spec's folder; in a notebook's kernel, the kernel too."""
    from provisioner.machine.kernel_state import running_shell

    make: Callable[..., TracedMachine] = TracedMachine
    if shell := running_shell():
        from provisioner.machine.notebook_kernel import KernelMachine

        make = partial(KernelMachine, shell=shell)
    secrets = tuple(spec.sections.get("secrets", ()))
    kept = spec.path if spec.kept else ""
    machine = make(spec.folder, target_of(spec), deep=deep, spec=kept, secrets=secrets)
    machine.suspects = Journal(machine.state).suspects()
    return machine
