"""Checks of imports and of commands: what a line of a case file cannot say."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from provisioner.engine.checks import run as run_check
from provisioner.kinds import verify
from provisioner.machine.process import Children
from provisioner.machine.reader import Completed
from provisioner.model.effects import Run
from provisioner.model.report import Verdict
from tests import scene
from tests.fakes import FakeMachine


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


def test_checks_get_the_files_variables_and_no_backend_of_a_kernel() -> None:
    machine = FakeMachine(environ={"PATH": "/bin"}, variables={"A": "1", "PATH": ("/tool/bin",)})
    config = scene.validate("verify", {"imports": ["json"], "commands": [{"run": ["x"]}]}, machine)
    assert isinstance(config, verify.Verify)
    imported, called = (dict(each.run.env) for each in verify.checks(config, verify.observe(config, machine)))
    ours = {"A": "1", "PATH": f"/tool/bin:{os.path.dirname(machine.python.executable)}:/bin"}
    assert called == ours
    assert imported == {**ours, "MPLBACKEND": None}
    machine.variables = {"MPLBACKEND": "Agg"}
    imported, _ = (dict(each.run.env) for each in verify.checks(config, verify.observe(config, machine)))
    assert imported["MPLBACKEND"] == "Agg"
