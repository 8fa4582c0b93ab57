"""Real child processes: supervised, stopped, scrubbed, never waited on for ever."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from provisioner.machine import process as module
from provisioner.machine.process import KEPT_OUTPUT, Children, environment, progress_of_apt
from provisioner.machine.reader import Completed
from provisioner.model.effects import Run
from provisioner.model.errors import Interrupted
from tests.clock import Clock, stop_clock


def python(code: str, *args: str, timeout: float = 60, stdin: str = "") -> Run:
    return Run(argv=(sys.executable, "-c", code, *args), timeout=timeout, stdin=stdin)


def run(effect: Run, *, merge: bool = False) -> Completed:
    return Children().run(effect, os.environ, merge=merge)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time is up for a child when it has said its first line."""
    return stop_clock(monkeypatch)


@pytest.fixture(autouse=True)
def little_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GRACE", 0.5)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("print('hello')", Completed(0, "hello\n", "")),
        ("import sys; print('no', file=sys.stderr); sys.exit(3)", Completed(3, "", "no\n")),
        ("import os; os.kill(os.getpid(), 9)", Completed(-9, "", "")),
        ("import sys; print(sys.stdin.read())", Completed(0, "\n", "")),
        ("print('\\udcff'.encode('utf-8', 'surrogateescape'))", Completed(0, "b'\\xff'\n", "")),
    ],
)
def test_an_end_is_told(code: str, expected: Completed) -> None:
    assert run(python(code)) == expected


def test_a_program_that_is_not_there_ends_as_in_a_shell() -> None:
    completed = run(Run(argv=("/no/such/program",)))
    assert completed.code == 127
    assert "No such file" in completed.stderr


def test_standard_input_is_what_was_given() -> None:
    text = "a question\n" * 100_000
    assert run(python("import sys; print(len(sys.stdin.read()))", stdin=text)).stdout == f"{len(text)}\n"


def test_input_that_nobody_reads_is_no_trouble() -> None:
    assert run(python("pass", stdin="x" * 1_000_000)).code == 0


def test_a_program_that_hangs_is_stopped(clock: Clock) -> None:
    effect = python("import time; print('begun', flush=True); time.sleep(600)")
    completed = Children().run(effect, os.environ, on_line=clock.hear)
    assert completed.timed_out
    assert completed.stdout == "begun\n"


def test_a_program_that_closes_its_output_and_hangs_is_stopped() -> None:
    assert run(python("import os, time; os.close(1); os.close(2); time.sleep(600)", timeout=0.5)).timed_out


def test_a_program_deaf_to_kindness_is_killed(clock: Clock) -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
    assert Children().run(python(code), os.environ, on_line=clock.hear).code == -signal.SIGKILL


PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
"""


def test_what_a_program_started_goes_with_it(clock: Clock) -> None:
    completed = Children().run(python(PARENT + "time.sleep(600)"), os.environ, on_line=clock.hear)
    assert completed.timed_out
    end(int(completed.stdout))


def test_a_grandchild_that_holds_the_output_does_not_hold_us() -> None:
    completed = run(python(PARENT))
    grandchild = int(completed.stdout)
    assert alive(grandchild), "we did not wait for it"
    os.kill(grandchild, signal.SIGKILL)
    assert (completed.code, completed.timed_out) == (0, False)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and is not reaped yet does not."""
    try:
        return "zombie" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def end(pid: int) -> None:
    """Wait for a process to end; the test runner's limit is the only one."""
    with contextlib.suppress(ProcessLookupError):
        watched = os.pidfd_open(pid)
        select.select([watched], [], [])
        os.close(watched)


def test_a_flood_is_cut_and_the_program_still_ends() -> None:
    completed = run(python(f"import sys; sys.stdout.write('x' * {KEPT_OUTPUT + 1000})"))
    assert (completed.code, len(completed.stdout)) == (0, KEPT_OUTPUT)


def test_cancelling_stops_what_runs_and_lets_nothing_begin() -> None:
    children = Children()
    threading.Timer(0.3, children.cancel).start()
    with pytest.raises(Interrupted):
        children.run(python("import time; time.sleep(600)"), os.environ)
    with pytest.raises(Interrupted):
        children.run(python("pass"), os.environ)


def test_lines_are_heard_as_they_come() -> None:
    heard: list[str] = []
    Children().run(python("print('a'); print('b', end='')"), os.environ, merge=True, on_line=heard.append)
    assert heard == ["a", "b"]


def test_apt_gets_a_descriptor_for_its_status(tmp_path: Path) -> None:
    script = tmp_path / "apt-get"
    script.write_text('#!/bin/sh\necho "pmstatus:tree:50:Unpacking tree" >/dev/fd/${2##*=}\necho "$1"\n')
    script.chmod(0o755)
    heard: list[str] = []
    completed = Children().run(Run(argv=(str(script), "install")), os.environ, on_status=heard.append)
    assert heard == ["pmstatus:tree:50:Unpacking tree"]
    assert completed.stdout == "-o\n"


def test_apt_that_is_not_there_leaves_no_descriptor() -> None:
    before = len(os.listdir("/proc/self/fd"))
    assert Children().run(Run(argv=("/no/apt",)), os.environ, on_status=print).code == 127
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("dlstatus:1:50.0:Retrieving file 1 of 2", (25, "Retrieving file 1 of 2")),
        ("pmstatus:tree:50.0:Unpacking tree (amd64)", (75, "Unpacking tree (amd64)")),
        ("pmerror:tree:50:it broke", None),
        ("pmstatus:tree:much:text", None),
        ("", None),
        ("nonsense", None),
    ],
)
def test_apt_s_status_lines(line: str, expected: tuple[int, str] | None) -> None:
    assert progress_of_apt(line) == expected


def test_surroundings_are_scrubbed_then_set() -> None:
    base = {"UV_INDEX": "evil", "UV_CACHE_DIR": "/c", "PATH": "/bin", "MPLBACKEND": "agg"}
    effect = Run(
        argv=("x",), scrub="UV_(?!CACHE_DIR).*", env=(("MPLBACKEND", None), ("LC_ALL", "C"), ("GONE", None))
    )
    assert environment(base, effect) == {"UV_CACHE_DIR": "/c", "PATH": "/bin", "LC_ALL": "C"}


def test_what_is_written_just_before_the_end_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program may write and end between our look for output and our look for its end."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    poll = subprocess.Popen.poll
    asked: list[object] = []

    def ended_meanwhile(process: subprocess.Popen[bytes]) -> int | None:
        if not asked:
            asked.append(process)
            gate.write_text("go")
            process.wait()
        return poll(process)

    monkeypatch.setattr(subprocess.Popen, "poll", ended_meanwhile)
    done = Children().run(Run(argv=("sh", "-c", f"cat {gate} > /dev/null; echo late")), os.environ)
    assert (done.code, done.stdout) == (0, "late\n")
