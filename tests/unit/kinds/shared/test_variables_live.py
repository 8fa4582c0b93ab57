"""What `env` does to the kernel that runs, as lasting files and the kernel come to differ."""

from __future__ import annotations

from dataclasses import replace

from provisioner.kinds.shared import variables
from provisioner.kinds.shared.variable_files import Settings
from provisioner.model.effects import Export
from provisioner.model.kernel import Kernel
from provisioner.model.plan import Action
from tests.fakes import FakeMachine


def settle(machine: FakeMachine, wanted: Settings) -> None:
    for effect in variables.effects(wanted, variables.observe("env", machine, list(wanted))):
        machine.perform(effect, lambda done, total, text: None)


def test_what_a_child_wrote_reaches_the_kernel_later() -> None:
    machine = FakeMachine(notebook=Kernel(inside=False))
    wanted: Settings = {"A": "1", "PATH": ("/opt/bin",)}
    settle(machine, wanted)
    machine.notebook = Kernel()
    found = variables.observe("env", machine, list(wanted))
    assert [(change.action, change.reason) for change in variables.changes("env", wanted, found)] == [
        (Action.UPDATE, variables.NOT_YET)
    ] * 2
    assert variables.effects(wanted, found) == (
        Export(name="A", value="1"),
        Export(name="PATH", value=("/opt/bin",)),
    )
    settle(machine, wanted)
    assert (machine.environ["A"], machine.environ["PATH"]) == ("1", "/opt/bin:/usr/bin")
    assert variables.effects(wanted, variables.observe("env", machine, list(wanted))) == ()


def test_what_the_file_no_longer_says_leaves_the_kernel() -> None:
    machine = FakeMachine(notebook=Kernel())
    settle(machine, {"A": "1", "B": None, "PATH": ("/opt/bin",)})
    settle(machine, {"C": "3"})
    assert machine.environ == {"PATH": "/usr/bin", "C": "3"}
    settle(machine, {})
    assert machine.environ == {"PATH": "/usr/bin"}


def test_outside_the_kernel_only_files_count() -> None:
    found = variables.observe("env", FakeMachine(), ["A"])
    assert found.live is None
    assert not [each for each in variables.effects({"A": "1"}, found) if isinstance(each, Export)]
    inside = replace(found, live={"A": "1"})
    assert variables.effects({"A": "1"}, inside) == variables.effects({"A": "1"}, found)
