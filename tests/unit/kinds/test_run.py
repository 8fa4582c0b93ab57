"""Commands: what a line of a case file cannot say."""

from __future__ import annotations

import os
import re
from dataclasses import replace

import pytest

from provisioner.kinds import run
from provisioner.machine.process import Children
from provisioner.machine.reader import Completed
from provisioner.model.effects import Run
from provisioner.model.errors import ObserveError
from tests import scene
from tests.fakes import FakeMachine


def command(**settings: object) -> tuple[run.RunCommand, ...]:
    config = scene.validate("run", [{"name": "a", **settings}], FakeMachine())
    assert isinstance(config, tuple)
    return config


def test_a_command_runs_with_the_specs_interpreter_first_in_its_own_folder() -> None:
    machine = FakeMachine(environ={"PATH": "/usr/bin"})
    machine.python = replace(machine.python, executable="/opt/venv/bin/python")
    config = command(command=["make"], creates="out", env={"A": "1", "B": None}, timeout=7)
    (step,) = run.plan(config, run.observe(config, machine))
    (effect,) = step.effects
    assert isinstance(effect, Run)
    assert effect.cwd == "/work"
    assert effect.env == (("PATH", "/opt/venv/bin:/usr/bin"), ("A", "1"), ("B", None))
    assert effect.timeout == 7
    config = command(command=["make"], creates="out", cwd="src", env={"PATH": "/mine"})
    (step,) = run.plan(config, run.observe(config, machine))
    (effect,) = step.effects
    assert isinstance(effect, Run)
    assert effect.cwd == "/work/src"
    assert dict(effect.env)["PATH"] == "/mine"


def test_each_command_waits_for_those_before_it() -> None:
    config = scene.validate(
        "run", [{"name": name, "command": ["x"], "creates": name} for name in "abc"], FakeMachine()
    )
    steps = scene.plan("run", config, FakeMachine())
    assert [step.after for step in steps] == [(), ("run.a",), ("run.a", "run.b")]
    assert {step.lane for step in steps} == {"run"}


def test_a_question_without_an_answer_is_no_answer() -> None:
    machine = FakeMachine(programs={"ask": lambda machine, run: Completed(-9, "", "", timed_out=True)})
    config = command(command=["x"], unless=["ask"])
    with pytest.raises(ObserveError, match=r"`unless` of run.a did not end within 60 s"):
        run.observe(config, machine)


def test_a_missing_program_is_explained() -> None:
    config = command(command=["no+such"], creates="out")
    (step,) = run.plan(config, run.observe(config, FakeMachine()))
    (effect,) = step.effects
    assert isinstance(effect, Run)
    output = Children().run(replace(effect, cwd="/"), os.environ).stderr
    hints = [told for pattern, told in effect.hints if re.search(pattern, output)]
    assert hints == ["Let `apt` install the package that has no+such, or write the program's whole path."]


def test_what_a_command_creates_is_known_beforehand() -> None:
    assert [*run.makes((*command(command=["x"], creates="out"), *command(command=["x"], unless=["y"])))] == [
        "/work/out"
    ]
