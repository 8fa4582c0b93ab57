"""The live view of an apply: what the events so far add up to, as HTML and as text."""

from __future__ import annotations

from dataclasses import dataclass, replace

from provisioner.model.report import Event, Status
from provisioner.render.html import card, fold, word
from provisioner.render.markup import NOTHING, Markup, element, join, row, table
from provisioner.render.progress import amount, event_line
from provisioner.render.text import STATUS_WORDS, format_seconds


@dataclass(frozen=True)
class Running:
    """A running step: when it began, in seconds of some clock, and its last event."""

    began: float
    last: Event


@dataclass(frozen=True)
class LiveView:
    """What the events so far add up to."""

    steps: int
    """How many steps will end, if none is skipped."""
    began: float
    running: tuple[Running, ...] = ()
    ended: tuple[Event, ...] = ()
    planned: tuple[Event, ...] = ()
    note: str = ""

    def after(self, event: Event, now: float) -> LiveView:
        """The view after one more event."""
        others = tuple(each for each in self.running if each.last.step != event.step)
        known = next((each for each in self.running if each.last.step == event.step), None)
        if event.what == "begin":
            return replace(self, running=(*self.running, Running(now, event)))
        if event.what == "end":
            return replace(self, running=others, ended=(*self.ended, event))
        if event.what == "planned":
            more = sum(step.pending and not step.blocked for step in event.planned) - 1
            return replace(self, planned=(*self.planned, event), steps=self.steps + more)
        if known:
            heard = tuple(replace(each, last=event) if each is known else each for each in self.running)
            return replace(self, running=heard)
        return replace(self, note=event_line(event))

    def finished(self) -> LiveView:
        """The final view, without the last note."""
        return replace(self, note="")


def headline(view: LiveView, now: float) -> str:
    return f"{len(view.ended)} of {view.steps} steps ended, {now - view.began:.0f} s"


def render_live(view: LiveView, now: float) -> str:
    """The live view as HTML: a bar for the whole, a line for each step that runs, a fold of what ended."""
    title = element("p", element("strong", headline(view, now)), class_="title")
    whole = bar("Steps ended", len(view.ended), view.steps)
    rows = [running_row(each, now) for each in view.running]
    now_running = table("Running", ("Step", "For", "Does", "Done"), rows) if rows else NOTHING
    ended = element("ul", *(element("li", ended_line(event)) for event in view.ended)) if view.ended else ""
    note = element("p", view.note, class_="faint") if view.note else NOTHING
    decided = [element("pre", event_line(event)) for event in view.planned]
    return card(
        "Apply, as it goes",
        title,
        whole,
        now_running,
        note,
        fold("What was planned on the way", join(*decided)) if decided else NOTHING,
        fold("What has ended", ended),
    )


def bar(label: str, done: int, total: int) -> Markup:
    """A bar without an end where the total is not known."""
    if total <= 0:
        return element("progress", aria_label=label)
    return element("progress", value=str(min(done, total)), max=str(total), aria_label=label)


def running_row(running: Running, now: float) -> Markup:
    last = running.last
    counted = last.what == "progress"
    said = join(amount(last) if counted else "", last.text, between=" ")
    return row(
        last.step,
        element("td", f"{now - running.began:.0f} s", class_="short"),
        said,
        bar(f"Progress of {last.step}", last.done, last.total if counted else 0),
    )


def ended_line(event: Event) -> Markup:
    role, said = STATUS_WORDS[event.status or Status.DONE]
    return join(
        word(role, said.lower()), element("code", event.step), format_seconds(event.seconds), between=" "
    )


def render_live_text(view: LiveView, now: float) -> str:
    """The live view as plain lines."""
    lines = [headline(view, now), *(event_line(each.last) for each in view.running)]
    return "\n".join([*lines, view.note] if view.note else lines)
