"""The HTML: nothing that is named in it can become markup, and it says what the text says."""

from __future__ import annotations

import re
import sys
import types
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import nbclient
import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.model.plan import Action, Change, Plan, Step
from provisioner.model.report import Event, Outcome, Report, Status, Verdict
from provisioner.render import html, live_html, text
from provisioner.render import notebook as display
from provisioner.render.markup import UNSHOWN, element, escape, join
from provisioner.render.stylesheet import SHEET
from tests import golden, looks
from tests.clock import PATIENCE

ROOT = Path(__file__).parents[3]

TAGS = {"style", "section", "p", "strong", "span", "details", "summary", "code", "pre", "div", "ul", "li"}
TAGS |= {"table", "caption", "thead", "tbody", "tr", "th", "td", "progress"}
ATTRIBUTES = {"class", "style", "role", "scope", "open", "value", "max", "aria-label", "aria-hidden"}
BAR = re.compile(r"margin-left:[\d.]+%;width:[\d.]+%")


class Reader(HTMLParser):
    """What a browser would find: elements, attributes, and text."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: set[str] = set()
        self.styles: list[str] = []
        self.text = ""
        self.sheets: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.styles += [value or "" for name, value in attrs if name == "style"]
        self.text += "\n"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.sheets.append(data)
        else:
            self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        self.handle_comment(decl)

    def handle_pi(self, data: str) -> None:
        self.handle_comment(data)

    def unknown_decl(self, data: str) -> None:
        self.handle_comment(data)


def harmless(source: str) -> Reader:
    """The HTML as a browser finds it, with nothing in it but what we put there."""
    found = Reader(source)
    assert found.open == []
    assert set(found.tags) <= TAGS
    assert found.attributes <= ATTRIBUTES
    assert all(BAR.fullmatch(style) for style in found.styles)
    assert found.sheets == [SHEET] * source.count("<section")
    assert found.tags.count("style") == found.tags.count("section")
    return found


HOSTILE = st.sampled_from(
    [
        "<script>alert(1)</script>",
        "</style><script>x</script>",
        '" onmouseover="x',
        "' style='position:fixed",
        "<img src=x onerror=x>",
        "<!-- ",
        "&lt;b&gt;&amp;#60;",
        "]]><![CDATA[",
        "\x1b[31mred\x00",
        "\u202egpj.exe",
        "javascript:x",
        "${x} {{x}} $$x$$",
    ]
)
TEXTS = HOSTILE | st.text(max_size=30)
SOME = TEXTS.filter(bool)
CHANGES = st.builds(
    Change,
    address=SOME,
    action=st.sampled_from(Action),
    before=st.none() | TEXTS,
    after=st.none() | TEXTS,
    reason=TEXTS,
    transitive=st.booleans(),
)
STEPS = st.builds(
    Step,
    id=SOME,
    changes=st.lists(CHANGES, max_size=3).map(tuple),
    lane=TEXTS,
    warnings=st.lists(SOME, max_size=2).map(tuple),
)
PLANS = st.builds(
    Plan, name=TEXTS, spec=st.just("/s"), digest=st.just("d"), steps=st.lists(STEPS, max_size=4).map(tuple)
)
SECONDS = st.floats(0, 1e5)
OUTCOMES = st.builds(
    Outcome,
    step=SOME,
    status=st.sampled_from(Status),
    attempts=st.integers(0, 5),
    started=SECONDS,
    seconds=SECONDS,
    error=TEXTS,
    hint=TEXTS,
    tail=TEXTS,
    notes=st.lists(SOME, max_size=2).map(tuple),
)
DATA = st.dictionaries(
    st.sampled_from(["framework", "version", "saw", "capability", "dtypes", "tflops", "bandwidth"]),
    TEXTS
    | st.none()
    | st.integers()
    | st.lists(TEXTS, max_size=2)
    | st.dictionaries(TEXTS, TEXTS, max_size=2),
)
VERDICTS = st.builds(
    Verdict,
    address=SOME,
    passed=st.booleans(),
    message=TEXTS,
    hint=TEXTS,
    seconds=SECONDS,
    remembered=st.booleans(),
    warning=st.booleans(),
    data=DATA,
)
REPORTS = st.builds(
    Report,
    plan=PLANS,
    outcomes=st.lists(OUTCOMES, max_size=4).map(tuple),
    residual=st.lists(CHANGES, max_size=2).map(tuple),
    verdicts=st.lists(VERDICTS, max_size=4).map(tuple),
    seconds=SECONDS,
    log=TEXTS,
    restart=st.lists(SOME, max_size=2).map(tuple),
)


def visible(told: str) -> str:
    return UNSHOWN.sub("\ufffd", told)


@given(PLANS)
def test_a_plan_holds_every_name_and_no_markup_of_others(plan: Plan) -> None:
    found = harmless(html.render_plan(plan))
    for step in plan.steps:
        for change in step.changes:
            assert visible(text.short(change.address, step.kind)) in found.text
            assert visible(change.reason) in found.text
        for warning in step.warnings:
            assert visible(warning) in found.text


@given(REPORTS)
def test_a_report_holds_what_needs_attention_and_no_markup_of_others(report: Report) -> None:
    found = harmless(html.render_report(report))
    assert text.result_line(report) in found.text
    for outcome in report.outcomes:
        if outcome.status in (Status.FAILED, Status.BLOCKED, Status.INTERRUPTED):
            for told in (outcome.step, outcome.error, outcome.hint, outcome.tail):
                assert visible(told) in found.text
    assert ("Restart needed" in found.text) >= bool(report.restart)
    assert all(visible(name) in found.text for name in report.restart)
    for verdict in report.verdicts:
        if not verdict.passed:
            assert visible(verdict.address) in found.text
            assert visible(verdict.hint) in found.text


EVENTS = st.builds(
    Event,
    step=st.sampled_from(["apt", "pip", "<b>"]),
    what=st.sampled_from(["begin", "progress", "note", "retry", "end"]),
    text=TEXTS,
    done=st.integers(0, 10**9),
    total=st.integers(0, 10**9),
    seconds=SECONDS,
    status=st.none() | st.sampled_from(Status),
)


@given(st.lists(EVENTS, max_size=12))
def test_any_events_make_a_scene_that_can_be_drawn(events: list[Event]) -> None:
    view = live_html.LiveView(steps=3, began=0.0)
    for now, event in enumerate(events):
        view = view.after(event, float(now))
    harmless(live_html.render_live(view, 20.0))
    assert live_html.render_live_text(view, 20.0).startswith(f"{len(view.ended)} of 3 steps ended, 20 s")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plan.html", html.render_plan(looks.PLAN)),
        ("report-done.html", html.render_report(looks.DONE)),
        ("report-restart.html", html.render_report(replace(looks.DONE, restart=("numpy", "pandas")))),
        ("report-failed.html", html.render_report(looks.FAILED)),
        ("plan-deferred.html", html.render_plan(looks.CHAIN)),
        ("live-deferred.html", live_html.render_live(looks.LIVE_VIEW.after(looks.ON_THE_WAY, 18.5), 19.0)),
        ("live.html", live_html.render_live(looks.LIVE_VIEW, 19.0)),
    ],
)
def test_golden(name: str, shown: str) -> None:
    """The sheet is left out, and every element that holds others begins a line."""
    bare = shown.replace(SHEET, "")
    golden.check(
        name, re.sub(r"(?=<(?:section|p|details|table|tr|div|ul|li)[ >])", "\n", bare).lstrip() + "\n"
    )


def test_the_scene_as_text() -> None:
    assert live_html.render_live_text(looks.LIVE_VIEW, 19.0).splitlines() == [
        "1 of 5 steps ended, 19 s",
        "apt: 42 % Unpacking libopencv-dev",
        "datasets.flowers: 81 MB of 330 MB",
    ]
    note = Event(step="", what="note", text="Observing again and running checks.")
    told = looks.LIVE_VIEW.after(note, 20.0)
    assert live_html.render_live_text(told, 20.0).endswith("\nObserving again and running checks.")
    assert "Observing again" not in live_html.render_live(told.finished(), 20.0)


def test_escaping_is_done_once_and_by_everyone() -> None:
    assert join("a<b", element("i", "c&d")) == "a&lt;b<i>c&amp;d</i>"
    assert escape(escape("<")) == "&lt;"
    assert element("br") == "<br>"
    assert element("td", "x", class_='"', hidden=True, open=False) == '<td class="&quot;" hidden>x</td>'


def test_nothing_comes_from_elsewhere() -> None:
    assert not re.search(r"url\(|@import|https?:|//", SHEET)


# What IPython is given.


def test_what_is_shown_has_its_text_beside_it() -> None:
    shown = display.shown_report(looks.DONE)
    assert shown._repr_mimebundle_() == {"text/html": shown._repr_html_(), "text/plain": repr(shown)}
    assert repr(shown) == text.render_report(looks.DONE)
    assert repr(display.shown_plan(looks.PLAN, verbose=True)) == text.render_plan(looks.PLAN, verbose=True)


class Handle:
    """IPython's, as far as it is used: it keeps what it is told to show."""

    def __init__(self) -> None:
        self.shown: list[object] = []

    def update(self, value: object) -> None:
        self.shown.append(value)


class Screen:
    """Stands in for IPython.display."""

    def __init__(self) -> None:
        self.displays: list[tuple[object, Handle]] = []

    def display(self, value: object, display_id: bool = False) -> Handle:
        self.displays.append((value, Handle()))
        return self.displays[-1][1]


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    made, module = Screen(), types.ModuleType("IPython.display")
    monkeypatch.setattr(module, "display", made.display, raising=False)
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    return made


def test_thousands_of_events_are_one_display_and_few_updates(screen: Screen, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    with display.NotebookReporter(events=str(events)) as reporter:
        reporter.show(looks.PLAN)
        reporter.tell(Event(step="pip", what="begin"))
        for done in range(2000):
            reporter.tell(Event(step="pip", what="progress", done=done, total=2000))
        reporter.tell(Event(step="pip", what="end", status=Status.DONE))
    (plan, _), (first, handle) = screen.displays
    assert repr(plan) == text.render_plan(looks.PLAN)
    assert repr(first).startswith("0 of 4 steps ended")
    assert 1 <= len(handle.shown) < 200
    assert repr(handle.shown[-1]).startswith("1 of 4 steps ended")
    assert len(events.read_text().splitlines()) == 2002


def test_a_plan_of_nothing_to_do_shows_nothing(screen: Screen, capsys: pytest.CaptureFixture[str]) -> None:
    with display.NotebookReporter() as reporter:
        reporter.tell(Event(step="", what="note", text="Another apply is running; waiting for it to end."))
        reporter.show(replace(looks.PLAN, steps=looks.PLAN.steps[:1]))
    assert screen.displays == []
    assert capsys.readouterr().out == "Another apply is running; waiting for it to end.\n"


CELL = """\
import threading
from provisioner.model.report import Event, Status
from provisioner.render.notebook import NotebookReporter
from tests import looks

def work():
    reporter.tell(Event(step="apt", what="begin"))
    threading.Event().wait(1.2)
    reporter.tell(Event(step="apt", what="end", status=Status.DONE))

with NotebookReporter() as reporter:
    reporter.show(looks.PLAN)
    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
"""


def test_a_real_kernel_moves_one_output_of_the_cell() -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    nbclient.NotebookClient(notebook, timeout=PATIENCE, resources={"metadata": {"path": ROOT}}).execute()
    plan, bars = notebook.cells[0].outputs
    assert plan.output_type == bars.output_type == "display_data"
    assert plan.data["text/html"] == html.render_plan(looks.PLAN)
    assert bars.data["text/plain"].startswith("1 of 4 steps ended")
    assert "done</span> <code>apt</code>" in bars.data["text/html"]
