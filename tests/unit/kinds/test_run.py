"""Commands, and proofs by commands: what a line of a case file cannot say."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.engine.checks import run as run_check
from provisioner.kinds import run, verify
from provisioner.kinds.shared.argv import places, search_path
from provisioner.machine.process import Children
from provisioner.machine.reader import Completed
from provisioner.model.effects import Run
from provisioner.model.errors import ObserveError
from provisioner.model.report import Verdict
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


def test_without_a_path_the_usual_one_serves() -> None:
    assert search_path(FakeMachine(environ={})).endswith(":/usr/bin:/sbin:/bin")


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


def test_the_files_that_decide_which_program_runs() -> None:
    assert places("java", "/work", "/a:/b::rel:/a") == ("/a/java", "/b/java", "/etc/alternatives/java")
    assert places("/opt/x", "/work", "/a") == ("/opt/x",)
    assert places("./x", "/work", "/a") == ("/work/x",)


class Here(FakeMachine):
    """A machine whose questions are asked for real."""

    def ask(self, run: Run) -> Completed:
        return Children().run(run, os.environ)


def here(folder: Path) -> Here:
    machine = Here(folder=str(folder))
    machine.python = replace(machine.python, executable=sys.executable)
    return machine


def verdicts(wanted: object, folder: Path) -> list[Verdict]:
    machine = here(folder)
    config = scene.validate("verify", wanted, machine)
    assert isinstance(config, verify.Verify)
    checks = verify.checks(config, verify.observe(config, machine))
    return [run_check(check, machine, str) for check in checks]


def test_imports_are_proved_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(
        "import json\nraise ImportError('libGL.so.1: cannot open shared object')\n"
    )
    (tmp_path / "leaves.py").write_text("import sys\nsys.exit(0)\n")
    (tmp_path / "needy.py").write_text("import no_such_module_inside\n")
    found = verdicts(
        {"imports": ["json", "broken", "leaves", "cv2", "nosuch.part", "needy", "json"]}, tmp_path
    )
    assert [(verdict.address, verdict.passed) for verdict in found] == [
        ("verify.import json", True),
        ("verify.import broken", False),
        ("verify.import leaves", False),
        ("verify.import cv2", False),
        ("verify.import nosuch.part", False),
        ("verify.import needy", False),
    ]
    assert [verdict.message for verdict in found[1:4]] == [
        "ImportError: libGL.so.1: cannot open shared object",
        "SystemExit: 0",
        "ModuleNotFoundError: No module named 'cv2'",
    ]
    assert [verdict.hint for verdict in found] == [
        "",
        "Add libgl1 to `apt: packages`.",
        "",
        "Add opencv-python-headless to `pip: packages`.",
        "Add nosuch, or the distribution that has it, to `pip: packages`.",
        "Add the distribution that has the module to `pip: packages`.",
    ]


def test_commands_are_proved_by_what_they_say(tmp_path: Path) -> None:
    say = [sys.executable, "-c", "import sys; sys.stderr.write('version \"17.0.1\"')"]
    found = verdicts(
        {
            "commands": [
                {"run": say, "matches": r'"17\.'},
                {"run": say, "matches": r'"21\.'},
                {"run": [sys.executable, "-c", "raise SystemExit(3)"]},
                {"run": ["no-such-program"]},
            ]
        },
        tmp_path,
    )
    assert [verdict.passed for verdict in found] == [True, False, False, False]
    assert found[1].message == 'the output does not match \'"21\\\\.\': version "17.0.1"'
    assert found[2].message == "exit code 3"
    assert (
        found[3].hint
        == "Let `apt` install the package that has no-such-program, or write the program's whole path."
    )


def test_a_proof_rests_on_what_is_installed_and_on_what_could_hide_it() -> None:
    machine = FakeMachine()
    config = scene.validate("verify", {"imports": ["cv2.dnn"], "commands": [{"run": ["java"]}]}, machine)
    assert isinstance(config, verify.Verify)
    imported, ran = verify.checks(config, verify.observe(config, machine))
    common = {"/usr/lib/python3/dist-packages", "/var/lib/dpkg/status", "/etc/ld.so.cache"}
    assert set(imported.watches) == common | {"/work/cv2", "/work/cv2.py"}
    assert set(ran.watches) == common | {"/usr/bin/java", "/etc/alternatives/java"}


def test_a_kernels_plotting_backend_is_not_passed_on() -> None:
    machine = FakeMachine()
    config = scene.validate("verify", {"imports": ["matplotlib"]}, machine)
    assert isinstance(config, verify.Verify)
    (only,) = verify.checks(config, verify.observe(config, machine))
    assert ("MPLBACKEND", None) in only.run.env


def test_what_a_command_creates_is_known_beforehand() -> None:
    assert [*run.makes((*command(command=["x"], creates="out"), *command(command=["x"], unless=["y"])))] == [
        "/work/out"
    ]
