"""What people read, as golden files; the laws that every text obeys."""

from __future__ import annotations

import io
import os
import pty
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.model.accelerators import Accelerators, Gpu
from provisioner.model.plan import Action, Change, Plan, Step
from provisioner.model.report import Event, Outcome, Report, Status, Verdict
from provisioner.render import html, progress, terminal, text
from provisioner.render.reporter import TerminalReporter
from tests import golden, looks

A = Action

STEPS = (
    Step(
        id="accelerator",
        changes=(Change("accelerator.gpu", A.KEEP, before="Tesla T4"),),
        warnings=("the file would rather have an A100",),
    ),
    Step(
        id="apt",
        changes=(
            Change("apt.curl", A.KEEP, before="7.88.1"),
            Change("apt.tree", A.CREATE, after="2.1.0-1"),
            Change("apt.ffmpeg", A.UPDATE, before="7:5.1.5", after="7:5.1.6"),
            Change("apt.old", A.REMOVE, before="1.0"),
            Change("apt.libx", A.CREATE, after="3", transitive=True),
            Change("apt.liby", A.UPDATE, before="3", after="4", transitive=True),
            Change("apt.libavformat59", A.CREATE, after="7:5.1.6-0+deb12u1", transitive=True),
            Change("apt.libavutil57", A.CREATE, after="7:5.1.6-0+deb12u1", transitive=True),
            Change("apt.libcodec2-1.0", A.CREATE, after="1.0.5-1", transitive=True),
        ),
        download=214_000_000,
    ),
    Step(
        id="pip",
        changes=(
            Change("pip.namex", A.CREATE, after="0.2", reason="needed by keras"),
            Change(
                "pip.numpy",
                A.BLOCKED,
                before="2.0.2",
                after="1.26.4",
                reason="wanted by old-thing (numpy<2), but the image's numpy is held. Name numpy in "
                "pip.packages to let it move, or set preinstalled: free",
            ),
        ),
    ),
    Step(
        id="drive",
        changes=(
            Change(
                "drive.mount",
                A.BLOCKED,
                reason="not mounted; run this in a cell:\nfrom google.colab import drive\n"
                "drive.mount('/content/drive')",
            ),
        ),
    ),
    Step(id="run.build", changes=(Change("run.build", A.CREATE, after="make -C src"),), after=("pip",)),
)
PLAN = Plan(name="flowers", spec="/work/colabenv.yaml", digest="d", steps=STEPS)
PINNED = (("accelerator", "1 x T4"), ("apt.tree", "absent"))
ALL_RIGHT = Plan(name="flowers", spec="/work/colabenv.yaml", digest="d", steps=STEPS[:1])


def outcome(step: str, status: Status, **more: object) -> Outcome:
    return Outcome(step=step, status=status, **more)  # type: ignore[arg-type]


FAILED = Report(
    plan=PLAN,
    outcomes=(
        outcome("accelerator", Status.KEPT),
        outcome(
            "apt",
            Status.FAILED,
            attempts=3,
            seconds=72.4,
            error="apt-get failed: exit code 100",
            hint="Free some space and run it again.",
            tail="Unpacking tree\ndpkg: error processing archive",
        ),
        outcome("pip", Status.BLOCKED, error="the image's numpy is held"),
        outcome(
            "drive", Status.DONE, seconds=1.25, notes=("sha256: 3f786850e387550fdab836ed7e6dc881de23001b",)
        ),
        outcome("run.build", Status.SKIPPED, error="not tried, because of pip"),
        outcome("run.test", Status.SKIPPED, error="not tried, because of pip"),
    ),
    seconds=75.2,
    log="/var/lib/provisioner/logs/1.log",
)
DONE = Report(
    plan=Plan(name="f", spec="/s", digest="d", steps=STEPS[:2]),
    outcomes=(outcome("accelerator", Status.KEPT), outcome("apt", Status.DONE, seconds=12.0)),
    verdicts=(
        Verdict(address="verify.cv2", passed=True, seconds=0.4),
        Verdict(address="jdk.java", passed=True, remembered=True),
        Verdict(address="verify.slow", passed=False, warning=True, message="slow", seconds=0.2),
    ),
    seconds=14.9,
    fingerprint="3f786850e387",
)
UNPROVED = Report(
    plan=DONE.plan,
    outcomes=DONE.outcomes,
    residual=(Change("apt.tree", A.CREATE, after="2.1", reason="still not installed"),),
    verdicts=(
        Verdict(
            address="verify.cv2",
            passed=False,
            message="ImportError: libGL.so.1",
            hint="Add libgl1 to apt.packages.",
        ),
    ),
    seconds=2.0,
)
NOTHING = Report(
    plan=ALL_RIGHT,
    outcomes=(outcome("accelerator", Status.KEPT),),
    verdicts=(Verdict(address="verify.cv2", passed=True, remembered=True),),
    seconds=0.12,
    fingerprint="3f786850e387",
)
ATTACHED = replace(
    DONE,
    accelerators=Accelerators(
        gpus=(
            Gpu(0, "Tesla T4", 15360 << 20, 15260 << 20, "7.5"),
            Gpu(1, "NVIDIA GB10", 0, 0, "12.1"),
        ),
        driver="580.82.07",
        cuda="13.0",
        tpu="v5e",
        chips=1,
    ),
    verdicts=(
        Verdict(
            address="accelerator.torch",
            framework="torch",
            passed=True,
            message="PyTorch 2.11.0 computes on Tesla T4",
            seconds=8.0,
            data={
                "version": "2.11.0+cu128",
                "saw": ["Tesla T4", "NVIDIA GB10"],
                "computed": True,
                "dtypes": {"float32": {"max_error": 0.0}, "float16": {"max_error": 0.000488}},
                "seconds": 7.25,
                "tflops": 41.234,
                "bandwidth": 262.1,
            },
        ),
        Verdict(
            address="accelerator.jax",
            framework="jax",
            passed=True,
            remembered=True,
            data={"version": "0.7.2", "saw": ["Tesla T4"], "computed": True, "seconds": 5.0},
        ),
        Verdict(
            address="accelerator.tensorflow",
            framework="tensorflow",
            passed=False,
            warning=True,
            message="no answer within 120 s",
            seconds=120.0,
        ),
    ),
)
INTERRUPTED = Report(plan=ALL_RIGHT, outcomes=(outcome("accelerator", Status.INTERRUPTED),), seconds=1.0)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plan.txt", text.render_plan(PLAN)),
        ("plan-verbose.txt", text.render_plan(PLAN, verbose=True)),
        ("plan-narrow.txt", text.render_plan(PLAN, width=50)),
        ("plan-colour.txt", text.render_plan(PLAN, paint=terminal.coloured)),
        ("plan-empty.txt", text.render_plan(Plan(name="e", spec="/s", digest="d", steps=()))),
        ("plan-deferred.txt", text.render_plan(looks.CHAIN)),
        ("status-deferred.txt", text.render_status(looks.CHAIN)),
        ("status.txt", text.render_status(replace(PLAN, named=PINNED), width=80)),
        ("status-right.txt", text.render_status(replace(ALL_RIGHT, named=PINNED))),
        ("status-unknown.txt", text.render_status(replace(ALL_RIGHT, named=(("datasets.rows", None),)))),
        ("report-failed.txt", text.render_report(FAILED)),
        ("report-done.txt", text.render_report(DONE)),
        ("report-unproved.txt", text.render_report(UNPROVED)),
        ("report-accelerator.txt", text.render_report(ATTACHED)),
        ("report-nothing.txt", text.render_report(NOTHING)),
        ("report-interrupted.txt", text.render_report(INTERRUPTED)),
    ],
)
def test_golden(name: str, shown: str) -> None:
    golden.check(name, shown)


@pytest.mark.parametrize("rendered", [text.render_report, html.render_report])
def test_with_a_lock_the_report_names_the_lock(rendered: Callable[[Report], str]) -> None:
    loose = rendered(UNPROVED)
    assert loose.lower().count("still different from the file") >= 2
    locked = replace(UNPROVED, plan=replace(UNPROVED.plan, lock="3f786850e387"))
    assert rendered(locked) == loose.replace("different from the file", "different from the lock")


def test_colour_says_nothing_that_words_do_not() -> None:
    for plain, coloured in (
        (text.render_plan(PLAN), text.render_plan(PLAN, paint=terminal.coloured)),
        (text.render_status(PLAN), text.render_status(PLAN, paint=terminal.coloured)),
        (text.render_report(FAILED), text.render_report(FAILED, paint=terminal.coloured)),
    ):
        assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc"))), st.integers(40, 120))
def test_no_word_of_a_reason_is_lost(reason: str, width: int) -> None:
    change = Change("pip.x", A.BLOCKED, reason=reason)
    plan = Plan(name="p", spec="/s", digest="d", steps=(Step(id="pip", changes=(change,)),))
    shown = text.render_plan(plan, width=width).split()
    assert shown[: len(reason.split()) + 3] == ["pip", "!", "x", *reason.split()]


JAVAC = "/usr/lib/jvm/java-21-openjdk-amd64/bin/javac"


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (120, [f"  ~ javac  {JAVAC} -> {JAVAC}", "      of another release"]),
        (80, [f"  ~ javac  {JAVAC} ->", f"           {JAVAC}", "      of another release"]),
        (51, [f"  ~ javac  {JAVAC} ->", f"       {JAVAC}", "      of another release"]),
        (40, [f"  ~ javac  {JAVAC} ->", f"      {JAVAC}", "      of another release"]),
    ],
)
def test_a_transition_too_long_for_a_line_takes_two(width: int, lines: list[str]) -> None:
    change = Change("jdk.javac", A.UPDATE, JAVAC, JAVAC, reason="of another release")
    assert [*text.change_lines(change, "javac", 0, terminal.plain, width)] == lines


def test_one_long_side_is_left_whole() -> None:
    change = Change("jdk.javac", A.CREATE, after=f"{JAVAC} -> {JAVAC}")
    assert [*text.change_lines(change, "javac", 0, terminal.plain, 80)] == [f"  + javac  {JAVAC} -> {JAVAC}"]


EVENTS = (
    Event(step="", what="note", text="Another apply is running; waiting for it to end."),
    Event(step="datasets.flowers", what="begin"),
    Event(step="datasets.flowers", what="progress", done=114_000_000, total=228_000_000, text="host"),
    Event(step="datasets.flowers", what="retry", text="the server hung up; retrying in 2 s"),
    Event(step="apt", what="progress", done=75, total=100, text="Unpacking tree"),
    Event(step="pip", what="progress", done=5_000),
    looks.ON_THE_WAY,
    Event(step="datasets.flowers", what="end", status=Status.DONE, seconds=61.0),
    Event(step="apt", what="end", status=Status.FAILED, seconds=3.0),
)


def test_events_as_lines() -> None:
    golden.check("events.txt", "".join(progress.event_line(event) + "\n" for event in EVENTS))


def test_plain_progress_neither_floods_nor_looks_dead() -> None:
    stream, now = io.StringIO(), [0.0]
    listener = progress.PlainProgress(stream, clock=lambda: now[0])
    listener(EVENTS[1])
    for second in range(25):
        now[0] = float(second)
        listener(EVENTS[2])
    assert stream.getvalue().count("114 MB of 228 MB") == 2
    assert "\r" not in stream.getvalue()


def test_a_screen_gets_bars_and_keeps_what_ended() -> None:
    stream = io.StringIO()
    with progress.live(stream) as bars:
        listener = progress.LiveProgress(bars)
        for event in EVENTS:
            listener(event)
        assert bars.tasks == []
    assert "datasets.flowers: done (1 min 1 s)" in stream.getvalue()


def test_bars_show_bytes_and_rate() -> None:
    with progress.live(io.StringIO()) as bars:
        listener = progress.LiveProgress(bars)
        listener(EVENTS[1])
        listener(EVENTS[2])
        bars.console.width = 200
        with bars.console.capture() as captured:
            bars.console.print(bars.get_renderable())
    assert "114 MB of 228 MB" in captured.get()
    assert "host" in captured.get()


@pytest.mark.parametrize(("rows", "columns", "screen"), [(24, 80, True), (0, 0, False)])
def test_a_terminal_without_a_size_is_no_screen(rows: int, columns: int, screen: bool) -> None:
    import fcntl
    import struct
    import termios

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    with os.fdopen(leader, "rb", 0), os.fdopen(follower, "w") as stream:
        assert terminal.is_screen(stream) is screen


@pytest.mark.parametrize(
    ("environ", "colour"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_who_wants_colour(environ: dict[str, str], colour: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert (terminal.paint_for(io.StringIO()) is terminal.coloured) is colour


def test_a_reporter_shows_the_plan_and_what_happens() -> None:
    stream = io.StringIO()
    with TerminalReporter(stream) as reporter:
        reporter.show(ALL_RIGHT)
        assert stream.getvalue() == ""
        reporter.show(PLAN)
        reporter.tell(EVENTS[1])
    assert (
        stream.getvalue() == text.render_plan(PLAN, width=terminal.width()) + "\ndatasets.flowers: started\n"
    )


@pytest.mark.parametrize(("seconds", "shown"), [(0.04, "0.0 s"), (59.94, "59.9 s"), (135, "2 min 15 s")])
def test_seconds(seconds: float, shown: str) -> None:
    assert text.format_seconds(seconds) == shown
