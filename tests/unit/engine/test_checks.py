"""Checks: what a program's end means, and how long one counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.engine.checks import CheckCache, judge, run_checks
from provisioner.machine.reader import Completed
from provisioner.model.effects import Run
from provisioner.model.plan import Check
from tests.fakes import FakeMachine

RUN = Run(argv=("tool", "-version"), hints=(("libGL", "install libgl1"),), timeout=30)
TEXT = Check(address="verify.tool", run=RUN, matches=r'"17\.')
JSON = Check(address="accelerator.tensorflow", run=RUN, reply="json")


@pytest.mark.parametrize(
    ("check", "completed", "passed", "message", "hint"),
    [
        (TEXT, Completed(0, "", 'version "17.0.1"'), True, "", ""),
        (TEXT, Completed(0, 'version "11.0"', ""), False, "does not match", ""),
        (TEXT, Completed(1, "", "libGL.so.1 missing"), False, "libGL.so.1", "install libgl1"),
        (TEXT, Completed(3, "", ""), False, "exit code 3", ""),
        (TEXT, Completed(-11, "", ""), False, "killed by SIGSEGV (Segmentation fault)", ""),
        (TEXT, Completed(-9, "", "loading\nlibGL"), False, "its last output:\nloading", "install libgl1"),
        (TEXT, Completed(-40, "", ""), False, "killed by signal 40", ""),
        (TEXT, Completed(-9, "", "", timed_out=True), False, "no answer within 30 s", ""),
        (
            JSON,
            Completed(-15, "", "probe: computing in float32 on Tesla T4", timed_out=True),
            False,
            "within 30 s; its last output:\nprobe: computing in float32 on Tesla T4",
            "",
        ),
        (JSON, Completed(3, "", ""), False, "exit code 3 and no answer", ""),
        (
            JSON,
            Completed(0, 'noise\n{"ok": true, "message": "1 GPU", "data": {"a": 1}}', ""),
            True,
            "1 GPU",
            "",
        ),
        (
            JSON,
            Completed(1, '{"ok": false, "message": "no GPU", "hint": "menu"}', ""),
            False,
            "no GPU",
            "menu",
        ),
        (JSON, Completed(0, "{not json}\n[1]", ""), False, "not json", ""),
        (JSON, Completed(0, "x" * 1_000_000, ""), False, "xxx", ""),
    ],
)
def test_judgement(check: Check, completed: Completed, passed: bool, message: str, hint: str) -> None:
    verdict = judge(check, completed)
    assert (verdict[0], verdict[2]) == (passed, hint)
    assert message in verdict[1]
    assert len(verdict[1]) < 3000


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    made = FakeMachine(state=str(tmp_path))
    made.programs["tool"] = lambda machine, run: Completed(0, '"17.0"', "")
    made.put("/usr/bin/tool", "binary")
    return made


def test_what_a_failed_check_said_is_told_without_secrets(machine: FakeMachine) -> None:
    machine.environ = {"API_TOKEN": "sesame-open"}
    machine.programs["tool"] = lambda machine, run: Completed(1, "", "who knows sesame-open?")
    (verdict,) = run_checks((Check(address="verify.tool", run=RUN),), machine, machine.redact, jobs=1)
    assert verdict.message == "who knows ***?"


WATCHING = Check(address="verify.tool", run=RUN, matches="17", watches=("/usr/bin/tool", "/absent"))


def test_a_check_is_remembered_until_what_it_watches_changes(machine: FakeMachine) -> None:
    def remembered() -> bool:
        return run_checks((WATCHING,), machine, machine.redact, jobs=2, cache=CheckCache(machine.state))[
            0
        ].remembered

    assert [remembered(), remembered()] == [False, True]
    machine.put("/usr/bin/tool", "another")
    assert [remembered(), remembered()] == [False, True]
    machine.put("/absent", "now here")
    assert [remembered(), remembered()] == [False, True]
    machine.put("/proc/sys/kernel/random/boot_id", "another boot")
    assert not remembered()


def test_what_a_check_said_is_remembered_too(machine: FakeMachine) -> None:
    reply = '{"ok": true, "message": "", "data": {"saw": ["Tesla T4"], "seconds": 7.2}}'
    machine.programs["tool"] = lambda machine, run: Completed(0, reply, "")
    told = [
        run_checks((JSON,), machine, machine.redact, jobs=1, cache=CheckCache(machine.state))[0]
        for _ in range(2)
    ]
    assert [verdict.remembered for verdict in told] == [False, True]
    assert told[0].data == told[1].data == {"saw": ["Tesla T4"], "seconds": 7.2}


def test_a_failure_is_never_remembered(machine: FakeMachine) -> None:
    machine.programs["tool"] = lambda machine, run: Completed(1, "", "broken")
    for _ in range(2):
        assert not run_checks((WATCHING,), machine, machine.redact, jobs=1, cache=CheckCache(machine.state))[
            0
        ].passed
    assert len(machine.asked) == 2


def test_anew_means_anew(machine: FakeMachine) -> None:
    for _ in range(2):
        assert run_checks((WATCHING,), machine, machine.redact, jobs=1)[0].passed
    assert len(machine.asked) == 2


def test_a_cache_that_cannot_be_read_is_made_again(machine: FakeMachine, tmp_path: Path) -> None:
    for text in ("[]", "{broken", '{"verify.tool": "signature"}'):
        (tmp_path / "checks.json").write_text(text)
        assert not run_checks((WATCHING,), machine, machine.redact, jobs=1, cache=CheckCache(machine.state))[
            0
        ].remembered


def test_a_warning_is_no_failure(machine: FakeMachine) -> None:
    check = Check(address="a", run=Run(argv=("none",)), on_failure="warn")
    verdict = run_checks((check,), machine, machine.redact, jobs=1)[0]
    assert (verdict.passed, verdict.warning) == (False, True)
