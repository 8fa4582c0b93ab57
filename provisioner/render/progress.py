"""Progress: plain lines everywhere, live bars where there is a terminal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import IO, TYPE_CHECKING

from provisioner.model.report import Event, Status
from provisioner.model.units import format_size
from provisioner.render.text import STATUS_WORDS, format_seconds, part_lines

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Listener = Callable[[Event], None]

QUIET = 10.0
"""Seconds between two lines about the same step: a long download neither floods the log nor looks stuck."""

PERCENT = 100
"""A progress with this total counts percent; any other counts bytes."""


def event_line(event: Event) -> str:
    """One event as one line, without a line break at its end; a part of a plan has more lines."""
    if event.what == "planned":
        return "\n".join([f"{event.step}: planned", *part_lines(event.planned)])
    if event.what == "progress":
        return f"{event.step}: {amount(event)} {event.text}".rstrip()
    if event.what == "end" and event.status:
        return f"{event.step}: {STATUS_WORDS[event.status][1]} ({format_seconds(event.seconds)})"
    if event.what == "begin":
        return f"{event.step}: started"
    return f"{event.step}: {event.text}" if event.step else event.text


def amount(event: Event) -> str:
    if event.total == PERCENT:
        return f"{event.done} %"
    if event.total:
        return f"{format_size(event.done)} of {format_size(event.total)}"
    return format_size(event.done)


class PlainProgress:
    """Whole lines that never overwrite, for logs and for terminals without a size."""

    def __init__(self, stream: IO[str], clock: Callable[[], float] = time.monotonic) -> None:
        self.stream = stream
        self.clock = clock
        self._last: dict[str, float] = {}
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        with self._lock:
            now = self.clock()
            if event.what == "progress" and now - self._last.setdefault(event.step, now) < QUIET:
                return
            self._last[event.step] = now
            self.stream.write(event_line(event) + "\n")
            self.stream.flush()


class LiveProgress:
    """A bar for each step that runs: bytes, rate, what it does now. What ended scrolls away above."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self._bars: dict[str, TaskID] = {}

    def __call__(self, event: Event) -> None:
        if event.what == "begin":
            self._bars[event.step] = self.progress.add_task(event.step, total=None, text="", amount="")
        elif event.what == "progress" and event.step in self._bars:
            self.progress.update(
                self._bars[event.step],
                completed=event.done,
                total=event.total or None,
                text=event.text,
                amount=amount(event),
            )
        elif event.what == "end" and event.step in self._bars:
            self.progress.remove_task(self._bars.pop(event.step))
            self._print(event, ENDED[event.status])
        else:
            self._print(event, "dim")

    def _print(self, event: Event, style: str) -> None:
        self.progress.console.print(event_line(event), style=style, highlight=False, markup=False)


ENDED = {Status.DONE: "green", Status.FAILED: "bold red", Status.INTERRUPTED: "red", None: ""}


def live(stream: IO[str]) -> Progress:
    """The bars, drawn by rich; a context manager."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        ProgressColumn,
        SpinnerColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        """Bytes per second, for what is counted in bytes."""

        def render(self, task: Task) -> Text:
            shown = task.speed and task.total != PERCENT
            return Text(f"{format_size(task.speed)}/s" if shown and task.speed else "", style="dim")

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[amount]}", markup=False),
        Rate(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[text]}", markup=False, style="dim"),
        console=Console(file=stream),
        transient=True,
    )
