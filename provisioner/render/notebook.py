"""What a notebook's kernel displays: HTML, and text for frontends without HTML."""

from __future__ import annotations

import contextvars
import sys
import threading
import time
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from provisioner.machine.kernel_state import Shell
from provisioner.model.plan import Plan
from provisioner.model.report import Event, Report
from provisioner.render import html, live_html, text
from provisioner.render.progress import event_line
from provisioner.render.reporter import TerminalReporter

TICK = 0.5
"""Seconds between two looks at a bar: often enough to look alive, too seldom to flood."""


@dataclass(frozen=True)
class Shown:
    """A value for IPython's `display`: frontends show the richer form that they support."""

    html: str
    text: str

    def _repr_html_(self) -> str:
        return self.html

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": self.text, "text/html": self.html}

    def __repr__(self) -> str:
        return self.text


def shown_plan(plan: Plan, *, verbose: bool = False) -> Shown:
    """A plan to display. The HTML has what is already right in a fold, `verbose` or not."""
    return Shown(html.render_plan(plan), text.render_plan(plan, verbose=verbose))


def shown_report(report: Report) -> Shown:
    return Shown(html.render_report(report), text.render_report(report))


class Printer(Protocol):
    """IPython's pretty printer, as far as we need it."""

    def text(self, text: str) -> None: ...


def register_formatters(shell: Shell) -> None:
    """Let an IPython shell show plans and reports that are the value of a cell, in HTML or as text."""
    formatters = shell.display_formatter.formatters
    formatters["text/html"].for_type(Plan, html.render_plan)
    formatters["text/html"].for_type(Report, html.render_report)
    formatters["text/plain"].for_type(Plan, pretty_plan)
    formatters["text/plain"].for_type(Report, pretty_report)


def pretty_plan(plan: Plan, printer: Printer, _cycle: object) -> None:
    printer.text(text.render_plan(plan).rstrip())


def pretty_report(report: Report, printer: Printer, _cycle: object) -> None:
    printer.text(text.render_report(report).rstrip())


class Handle(Protocol):
    """A display that can be drawn again."""

    def update(self, shown: Shown) -> None: ...


class NotebookReporter(TerminalReporter):
    """Shows an apply in a cell: the plan, then one display with bars, updated until the end.

    To be entered in the kernel's main thread. Steps report from their own threads; one thread draws, as often
    as TICK allows, in the context of the cell that began, so that the output lands there.
    """

    def __init__(self, *, verbose: bool = False, events: str | None = None) -> None:
        super().__init__(sys.stdout, verbose=verbose, events=events)
        self.listener = self._before
        self._folding = threading.Lock()
        self._view = live_html.LiveView(steps=0, began=time.monotonic())

    def show(self, plan: Plan) -> None:
        """Display a plan that has something to do, and the bars that follow it."""
        if not plan.pending:
            return
        display = import_module("IPython.display").display
        display(shown_plan(plan, verbose=self.verbose))
        steps = sum(step.pending and not step.blocked for step in plan.steps)
        self._view = live_html.LiveView(steps=steps, began=time.monotonic())
        self.listener = self._during
        handle = display(self._drawn(), display_id=True)
        stop = threading.Event()
        context = contextvars.copy_context()
        drawer = threading.Thread(
            target=context.run, args=(self._draw, handle, stop), name="bars", daemon=True
        )
        drawer.start()
        self.callback(drawer.join)
        self.callback(stop.set)

    def _before(self, event: Event) -> None:
        """Events before anything is drawn: that another apply is waited for."""
        self.stream.write(event_line(event) + "\n")
        self.stream.flush()

    def _during(self, event: Event) -> None:
        with self._folding:
            self._view = self._view.after(event, time.monotonic())

    def _drawn(self) -> Shown:
        view, now = self._view, time.monotonic()
        return Shown(live_html.render_live(view, now), live_html.render_live_text(view, now))

    def _draw(self, handle: Handle, stop: threading.Event) -> None:
        """Update the display when it would look different, and once more at the end."""
        last, ending = None, False
        while not ending:
            ending = stop.wait(TICK)
            if ending:
                with self._folding:
                    self._view = self._view.finished()
            if (drawn := self._drawn()) != last:
                handle.update(drawn)
                last = drawn
