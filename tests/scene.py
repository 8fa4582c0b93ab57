"""Case files: a wanted section and a found machine, written as data.

See CONTRIBUTING.md for the format.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter

from provisioner.engine.observe import observe
from provisioner.engine.plan import make_plan
from provisioner.engine.selection import Selection
from provisioner.kinds import registry
from provisioner.kinds.base import Kind
from provisioner.machine.reader import Completed
from provisioner.model.accelerators import Accelerators
from provisioner.model.effects import Effect, Export, Extension, Refresh, Run, Unpack
from provisioner.model.effects import Secret as SecretEffect
from provisioner.model.kernel import Kernel
from provisioner.model.plan import Action, Change, Step
from provisioner.spec.spec import Spec
from tests.fakes import FakeMachine, Program

CASES = Path(__file__).parent / "cases"
FIELDS = (
    *("name", "wanted", "found", "plan", "converges", "invalid"),
    *("reasons", "warnings", "effects", "checks", "named"),
)

ROUNDS = 4
"""Plans that it takes, at most, until nothing waits for another part."""

Case = dict[str, Any]


def read_cases() -> Iterator[tuple[str, Case]]:
    """Every case with the kind that it is about."""
    for path in sorted(CASES.glob("*/*.yaml")):
        for case in yaml.safe_load(path.read_text()):
            unknown = set(case) - set(FIELDS)
            assert not unknown, f"{path.name}: {case.get('name')}: what is {unknown}?"
            yield path.parent.name, case


def build(found: dict[str, Any]) -> FakeMachine:
    """The machine that a case's `found` describes."""
    found = dict(found)
    machine = FakeMachine()
    for url, answer in found.pop("urls", {}).items():
        machine.urls[url] = answer.encode() if isinstance(answer, str) else answer
    for name, rules in found.pop("programs", {}).items():
        machine.programs[name] = scripted(rules)
    for folder in found.pop("folders", ()):
        machine.make_folders(folder)
    for path, file in found.pop("files", {}).items():
        file = {"text": file} if isinstance(file, str) else file
        machine.put(path, file.get("text", ""), int(file.get("mode", "0644"), 8))
        machine.entries[path].mtime_ns += file.get("hours", 0) * 3600 * 10**9
    for path, target in found.pop("links", {}).items():
        machine.put_link(path, target)
    if "python" in found:
        machine.python = dataclasses.replace(machine.python, **tupled(found.pop("python")))
    if "devices" in found:
        machine.devices = TypeAdapter(Accelerators).validate_python(found.pop("devices"))
    if "notebook" in found:
        machine.notebook = TypeAdapter(Kernel).validate_python(found.pop("notebook"))
    if "suspects" in found:
        machine.suspects = frozenset(found.pop("suspects"))
    for name, value in found.items():
        assert hasattr(machine, name), f"a machine has no {name}"
        setattr(machine, name, value)
    return machine


def tupled(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


def scripted(rules: list[dict[str, Any]]) -> Program:
    """A program that answers by the first rule whose `args` is found in its command line."""

    def program(machine: FakeMachine, run: Run) -> Completed:
        line = " ".join(run.argv)
        for rule in rules:
            if re.search(rule.get("args", ""), line):
                return Completed(rule.get("code", 0), rule.get("stdout", ""), rule.get("stderr", ""))
        return Completed(127, "", f"no rule answers: {line}")

    return program


def validate(kind_name: str, wanted: object, machine: FakeMachine) -> object:
    adapter: TypeAdapter[object] = TypeAdapter(registry.get(kind_name).config)
    return adapter.validate_python(wanted, context={"folder": machine.folder, "home": machine.home})


def kind_of(kind_name: str, config: object) -> Kind[Any, Any]:
    """The kind, or what stands in for a section that the file does not have."""
    return registry.ABSENT[kind_name] if config is None else registry.get(kind_name)


def plan(kind_name: str, config: object, machine: FakeMachine) -> list[Step]:
    """The steps of a file with this section alone."""
    alone = Selection(only=(kind_name,))
    spec = Spec(
        name="case",
        path=machine.spec,
        folder=machine.folder,
        digest="",
        text="",
        values={},
        sections={} if config is None else {kind_name: config},
    )
    return list(make_plan(spec, observe(spec, machine, alone), alone).steps)


def settle(kind_name: str, config: object, machine: FakeMachine) -> list[Step]:
    """Carry out a plan, then what waited for it, and return the steps of the last plan."""
    for _ in range(ROUNDS):
        steps = plan(kind_name, config, machine)
        for step in steps:
            for effect in step.effects if step.pending and not step.blocked else ():
                machine.perform(effect, lambda done, total, text: None)
        if not any(change.action is Action.DEFERRED for step in steps for change in step.changes):
            break
    return plan(kind_name, config, machine)


def format_change(change: Change) -> str:
    sides = [change.before] if change.action is Action.KEEP else [change.before, change.after]
    if change.before is None and (change.after is None or change.action is Action.KEEP):
        sides = []
    text = " -> ".join("(absent)" if side is None else side for side in sides)
    return f"{change.action.sign} {change.address}  {text}".rstrip()


def format_effect(effect: Effect) -> str:
    match effect:
        case Run(argv=argv):
            return "run " + " ".join(argv)
        case Export(name=name) | Extension(name=name) | SecretEffect(name=name):
            return f"{effect.op} {name}"
        case Refresh(replaced=replaced):
            return " ".join(("refresh", *replaced))
        case Unpack(to=to):
            return f"unpack {to}"
        case _:
            return f"{effect.op} {effect.path}"
