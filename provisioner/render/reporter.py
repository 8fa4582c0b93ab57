"""Shows the progress of an apply: the plan, then every event, on one stream and perhaps in a file."""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack
from typing import IO

from provisioner.machine import files
from provisioner.machine.kernel_process import kernel_process
from provisioner.model.errors import ProvisionerError
from provisioner.model.plan import Plan
from provisioner.model.report import Event
from provisioner.render import progress, terminal, text
from provisioner.render.documents import event_document


class TerminalReporter(ExitStack):
    """A context manager that is a Reporter.

    Bars move where there is a screen. A cell's `!` gives a terminal, but its output has no cursor.
    `events` is the path of a file to which every event is appended as a line of JSON.
    Raises ProvisionerError when that file cannot be written.
    """

    def __init__(self, stream: IO[str], *, verbose: bool = False, events: str | None = None) -> None:
        super().__init__()
        self.stream = stream
        self.verbose = verbose
        self.listener: progress.Listener = progress.PlainProgress(stream)
        self._file: IO[str] | None = None
        self._lock = threading.Lock()
        if events:
            try:
                self._file = self.enter_context(files.appending(events))
            except OSError as error:
                raise ProvisionerError(f"cannot write the events to {events}: {error.strerror}") from error

    def show(self, plan: Plan) -> None:
        """Print a plan that has something to do, and follow it with bars where there is a screen."""
        if not plan.pending:
            return
        paint = terminal.paint_for(self.stream)
        self.stream.write(text.render_plan(plan, paint=paint, width=terminal.width(), verbose=self.verbose))
        self.stream.write("\n")
        self.stream.flush()
        if terminal.is_screen(self.stream) and kernel_process() is None:
            bars = self.enter_context(progress.live(self.stream))
            self.listener = progress.LiveProgress(bars)

    def tell(self, event: Event) -> None:
        self.listener(event)
        if self._file:
            with self._lock:
                self._file.write(json.dumps(event_document(event)) + "\n")
