"""Commands: what a line of a case file cannot say."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.kinds import run
from provisioner.kinds.base import Entry
from provisioner.machine.process import Children
from provisioner.machine.reader import Completed
from provisioner.model.effects import Run
from provisioner.model.errors import ObserveError
from tests import scene
from tests.fakes import FakeMachine


def command(**settings: object) -> tuple[run.RunCommand, ...]:
    config = scene.validate(
        "run", [{"name": "a", "command": ["x"], "creates": "out", **settings}], FakeMachine()
    )
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
    machine.make_folders("/work/src")
    config = command(command=["make"], creates="out", cwd="src", env={"PATH": "/mine:/bin"})
    (step,) = run.plan(config, run.observe(config, machine))
    (effect,) = step.effects
    assert isinstance(effect, Run)
    assert effect.cwd == "/work/src"
    assert dict(effect.env)["PATH"] == "/mine:/bin"


def test_a_command_gets_what_the_file_sets_unless_it_says_otherwise() -> None:
    machine = FakeMachine(environ={"PATH": "/usr/bin", "LIBS": "/a"})
    machine.python = replace(machine.python, executable="/opt/venv/bin/python")
    machine.variables = {"A": "theirs", "B": "theirs", "C": "theirs", "LIBS": ("/b",), "PATH": ("/tool/bin",)}
    config = command(
        env={"B": "its own", "C": None, "LIBS": {"prepend": ["/c"]}, "PATH": {"prepend": ["/mine"]}}
    )
    (step,) = run.plan(config, run.observe(config, machine))
    (effect,) = step.effects
    assert isinstance(effect, Run)
    assert dict(effect.env) == {
        "PATH": "/mine:/tool/bin:/opt/venv/bin:/usr/bin",
        "A": "theirs",
        "B": "its own",
        "C": None,
        "LIBS": "/c:/b:/a",
    }


def test_a_question_is_asked_with_the_same_variables() -> None:
    heard: list[Run] = []

    def ask(machine: FakeMachine, run: Run) -> Completed:
        heard.append(run)
        return Completed(0, "", "")

    machine = FakeMachine(programs={"ask": ask}, variables={"A": "theirs"})
    run.observe(command(creates=None, unless=["ask"], env={"B": "its own"}), machine)
    assert [dict(each.env) | {"PATH": ""} for each in heard] == [{"PATH": "", "A": "theirs", "B": "its own"}]


def test_a_program_may_be_in_a_folder_that_a_variable_brings() -> None:
    machine = FakeMachine(variables={"PATH": ("/tool/bin",)})
    machine.put("/tool/bin/make")
    machine.put("/mine/cmake")
    own = {"PATH": {"prepend": ["/mine"]}}
    config = (
        *command(command=["make"]),
        *command(command=["cmake"], env=own),
        *command(command=["cmake"]),
    )
    steps = run.plan(config, run.observe(config, machine))
    assert [step.after for step in steps] == [(), (), run.BRINGERS]


def entry(**wanted: object) -> Entry:
    (found,) = run.entries(command(**wanted), "/work")
    return found


def test_each_command_waits_for_the_one_before_it() -> None:
    config = (*command(name="a"), *command(name="b"), *command(name="c", after=["git.tool"]))
    assert [each.after for each in run.entries(config, "/work")] == [(), ("run.a",), ("git.tool", "run.b")]


def test_a_command_uses_its_folder_its_program_and_what_its_arguments_name() -> None:
    found = entry(command=["./build", "--out=made/x", "src"], cwd="tool", creates="made/x")
    assert found.makes == ("/work/made/x",)
    assert found.uses == ("/work/tool", "/work/tool/build")
    assert found.mentions == ("/work/tool/made/x", "/work/tool/src")


def test_a_command_waits_for_the_folders_of_its_variables() -> None:
    found = entry(env={"PATH": {"prepend": ["tool/bin"]}})
    assert found.uses == ()
    assert found.mentions == ("/work/tool/bin",)


def test_only_a_question_has_to_see_what_others_make() -> None:
    assert entry(cwd="tool").reads == ()
    assert entry(cwd="tool", unless=["python3", "-c", "1"]).reads == ("/work/tool", "program:python3")


def test_a_program_that_is_not_here_must_come_from_somewhere() -> None:
    machine = FakeMachine()
    machine.put("/usr/bin/make")
    config = (*command(name="a", command=["make"]), *command(name="b", command=["cmake"]))
    steps = run.plan(config, run.observe(config, machine))
    assert [step.after for step in steps] == [(), run.BRINGERS]


def test_a_question_without_an_answer_is_no_answer() -> None:
    machine = FakeMachine(programs={"ask": lambda machine, run: Completed(-9, "", "", timed_out=True)})
    config = command(unless=["ask"], creates=None)
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


def test_a_command_runs_in_its_folder_as_that_is_stored() -> None:
    machine = FakeMachine()
    machine.put("/work/cafe\u0301/y")
    config = command(cwd="caf\u00e9", creates="caf\u00e9/x")
    (step,) = run.plan(config, run.observe(config, machine))
    (effect,) = step.effects
    assert isinstance(effect, Run)
    assert (effect.cwd, effect.creates) == ("/work/cafe\u0301", "/work/cafe\u0301/x")


@pytest.mark.parametrize(
    ("argv", "folder", "hint"),
    [
        (("touch", "x"), "gone", "There is no such folder: correct `cwd`, or let another entry make it."),
        (("./gone", "x"), ".", "Correct its path, or let another entry make it"),
        (("gone-away", "x"), ".", "Let `apt` install the package that has gone-away"),
    ],
)
def test_what_is_lacking_is_told_when_it_runs(
    argv: tuple[str, ...], folder: str, hint: str, tmp_path: Path
) -> None:
    started = run.start(argv, 5, str(tmp_path / folder), (("PATH", "/usr/bin:/bin"),))
    completed = Children().run(started, dict(os.environ))
    first = next(words for pattern, words in started.hints if re.search(pattern, completed.stderr))
    assert first.startswith(hint)
