"""The Screen of a command line. What renders its texts is imported when there is something to show."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioner.model.plan import Plan
    from provisioner.model.report import Report, Reporter
    from provisioner.render.terminal import Paint


class Terminal:
    """Prints to the standard output; with JSON output, progress goes to standard error."""

    can_restart = False

    @property
    def paint(self) -> Paint:
        from provisioner.render import terminal

        return terminal.paint_for(sys.stdout)

    @property
    def width(self) -> int:
        from provisioner.render import terminal

        return terminal.width()

    def say(self, text: str) -> None:
        print(text, end="")

    def plan(self, plan: Plan, *, verbose: bool = False, as_json: bool = False) -> None:
        from provisioner.render import documents, text

        if as_json:
            self.say(documents.text(documents.plan_document(plan)))
        else:
            self.say(text.render_plan(plan, paint=self.paint, width=self.width, verbose=verbose) + "\n")

    def status(self, plan: Plan, *, as_json: bool = False) -> None:
        from provisioner.render import text

        if as_json:
            self.plan(plan, as_json=True)
        else:
            self.say(text.render_status(plan, paint=self.paint, width=self.width))

    def report(self, report: Report, *, as_json: bool = False, restart: bool = False) -> None:
        from provisioner.render import documents, text

        if as_json:
            self.say(documents.text(documents.report_document(report)))
        else:
            self.say(text.render_report(report, paint=self.paint, width=self.width))

    def reporter(
        self, *, verbose: bool = False, events: str | None = None, as_json: bool = False
    ) -> AbstractContextManager[Reporter]:
        from provisioner.render.reporter import TerminalReporter

        stream = sys.stderr if as_json else sys.stdout
        return TerminalReporter(stream, verbose=verbose, events=events)
