"""The Screen of a notebook's cell: HTML where there is a notebook, and a restart where one is needed."""

from __future__ import annotations

from contextlib import AbstractContextManager
from importlib import import_module

from provisioner.api import NotDone, progress
from provisioner.commands.exit_codes import PENDING
from provisioner.commands.terminal import Terminal
from provisioner.machine.kernel_state import Shell, running_shell
from provisioner.model.errors import ProvisionerError
from provisioner.model.plan import Plan
from provisioner.model.report import Report, Reporter
from provisioner.notebook.restart import follow_up
from provisioner.render.notebook import Shown, shown_plan, shown_report


class NotebookScreen(Terminal):
    """Displays what a command shows, and remembers it: a code other than 0 becomes an exception about it.

    Where IPython runs in a terminal, and so there is no kernel, it prints.
    """

    def __init__(self) -> None:
        self.shell: Shell | None = running_shell()
        self.can_restart = self.shell is not None
        self.shown: Plan | Report | None = None

    def plan(self, plan: Plan, *, verbose: bool = False, as_json: bool = False) -> None:
        self.shown = plan
        if self.shell and not as_json:
            display(shown_plan(plan, verbose=verbose))
        else:
            super().plan(plan, verbose=verbose, as_json=as_json)

    def status(self, plan: Plan, *, as_json: bool = False) -> None:
        self.shown = plan
        super().status(plan, as_json=as_json)

    def report(self, report: Report, *, as_json: bool = False, restart: bool = False) -> None:
        self.shown = report
        if self.shell and not as_json:
            display(shown_report(report))
        else:
            super().report(report, as_json=as_json)
        if self.shell and report.ok and report.restart:
            follow_up(self.shell, report.restart, at_once=restart)

    def reporter(
        self, *, verbose: bool = False, events: str | None = None, as_json: bool = False
    ) -> AbstractContextManager[Reporter]:
        if self.shell and not as_json:
            return progress(verbose=verbose, events=events)
        return super().reporter(verbose=verbose, events=events, as_json=as_json)

    def raise_for(self, code: int, command: str) -> None:
        """Raise NotDone or ProvisionerError for an exit code other than 0: "Run all" must stop.

        A plan with something blocked is what was asked for, and stops nothing.
        """
        if isinstance(self.shown, Report) and not self.shown.ok:
            raise NotDone(self.shown, shown=True)
        if isinstance(self.shown, Plan):
            if code == PENDING:
                raise ProvisionerError("changes are pending")
        elif code:
            raise ProvisionerError(f"{command} ended with exit code {code}")


def display(what: Shown) -> None:
    import_module("IPython.display").display(what)
