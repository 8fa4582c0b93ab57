"""What requirements lead to among what is installed."""

from __future__ import annotations

from provisioner.facts.distributions import Installed, PipRequirement, parse_requirement
from provisioner.facts.interpreter import running
from provisioner.kinds.pip.closure import Walker
from provisioner.machine.reader import Interpreter
from tests.fakes import FakeMachine
from tests.machines import local


def asked(*texts: str) -> list[PipRequirement]:
    return [found for text in texts if (found := parse_requirement(text))]


def machine(files: dict[str, str]) -> FakeMachine:
    made = FakeMachine(python=Interpreter("/v/bin/python", "3.11.2", ("/v",)))
    for path, text in files.items():
        made.put(path, text)
    return made


def test_this_project_is_whole_and_met() -> None:
    installed = Installed(local("/", running(), state="/nowhere"))
    closure = Walker(installed, {}).walk(asked("hypothesis", "httpx>=0.28"))
    assert closure.lacking == []
    assert {"httpx", "httpcore", "anyio", "sortedcontainers"} <= closure.reached.keys()
    assert closure.needed_by["httpcore"] == "httpx"


def test_markers_that_cannot_be_judged_apply() -> None:
    installed = Installed(
        machine({"/v/x-1.dist-info/METADATA": "Requires-Dist: gone ; python_version ~= 'x'\n"})
    )
    closure = Walker(installed, {}).walk(asked("x"))
    assert closure.unmet == {"gone"}


def test_the_markers_are_those_of_the_interpreter() -> None:
    there = machine({"/v/x-1.dist-info/METADATA": "Requires-Dist: backport ; python_version < '3.9'\n"})
    assert Walker(Installed(there), {}).walk(asked("x")).lacking == []
    there.python = Interpreter("/v/bin/python", "3.8.1", ("/v",), markers={"python_version": "3.8"})
    assert Walker(Installed(there), {}).walk(asked("x")).unmet == {"backport"}


def test_a_distribution_by_itself_needs_nothing_for_its_extras() -> None:
    text = "six\n\n[fast]\nengine\n\n[:python_version < '3']\nold\n"
    installed = Installed(machine({"/v/x.egg-info/PKG-INFO": "", "/v/x.egg-info/requires.txt": text}))
    walker = Walker(installed, {})
    assert [need.name for need in walker.needs(installed.found["x"])] == ["six"]
    assert [need.name for need in walker.needs(installed.found["x"], frozenset({"fast"}))] == [
        "six",
        "engine",
    ]
