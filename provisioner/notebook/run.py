"""The command line's commands, in this process: their results are values, and failure is an exception."""

from __future__ import annotations

import argparse
import contextlib
import io
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any

from provisioner.cli import build_parser
from provisioner.commands import dispatch
from provisioner.machine.kernel_state import running_shell
from provisioner.model.errors import ProvisionerError
from provisioner.model.plan import Plan
from provisioner.model.report import Report
from provisioner.notebook.restart import follow_up
from provisioner.render import documents, text
from provisioner.render.reporter import Narrator
from provisioner.spec.spec import Spec

WITH_SPEC = ("validate", "plan", "status", "apply", "verify")
"""Commands that a cell can give a spec to."""


class NotDone(ProvisionerError):  # noqa: N818 - a result, rather than an error of ours
    """The machine is not what the spec says. The message is the report's text, and `report` holds it all."""

    def __init__(self, report: Report) -> None:
        super().__init__(text.render_report(report).rstrip())
        self.report = report

    def _render_traceback_(self) -> list[str]:
        """What IPython shows below the report, which is on display already."""
        return [text.conclusion(self.report)]


def run(argv: list[str], spec: Spec | None = None) -> Plan | Report | None:
    """Carry out a command line, on `spec` if there is one. Raises ProvisionerError for whatever fails."""
    options = parse(argv)
    if options is None:
        return None
    if spec and options.command not in WITH_SPEC:
        raise ProvisionerError(f"%%colabenv takes {', '.join(WITH_SPEC)}, and not {options.command}")
    options.cell = spec
    options.spec = "cell" if spec else getattr(options, "spec", "")
    if options.command in ("plan", "status") or (options.command == "apply" and options.dry_run):
        return plan(options)
    if options.command in ("apply", "verify"):
        return report(options)
    code = dispatch.COMMANDS[options.command](options)
    if code:
        raise ProvisionerError(f"{options.command} ended with exit code {code}")
    return None


def parse(argv: list[str]) -> argparse.Namespace | None:
    """The options that the words stand for; None when help was asked for, and printed."""
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            return build_parser().parse_args(argv)
    except SystemExit as end:
        if end.code:
            raise ProvisionerError(complaint.getvalue().strip()) from None
        return None


def plan(options: argparse.Namespace) -> Plan:
    made = dispatch.planned(options)
    if options.json:
        print(documents.text(documents.plan_document(made)), end="")  # noqa: T201 - what --json is for
    elif options.command == "status":
        dispatch.show_status(made)
    elif running_shell():
        from provisioner.render.notebook import shown_plan

        display(shown_plan(made, verbose=options.verbose))
    else:
        dispatch.show_plan(made, verbose=options.verbose)
    if options.detailed_exitcode and made.pending:
        raise ProvisionerError("changes are pending")
    return made


def report(options: argparse.Namespace) -> Report:
    """Apply or verify, show the report, and see to a restart if one is needed. Raises NotDone."""
    shell = running_shell()
    if options.command == "apply":
        if options.restart and not shell:
            raise ProvisionerError(*dispatch.NO_RESTART)
        with narrator(options) as telling:
            made = dispatch.applied(options, telling)
    else:
        made = dispatch.verified(options)
    if shell and not options.json:
        from provisioner.render.notebook import shown_report

        display(shown_report(made))
    else:
        dispatch.conclude(made, options)
    if not made.ok:
        raise NotDone(made)
    if shell and made.restart:
        follow_up(shell, made.restart, at_once=options.command == "apply" and options.restart)
    return made


def narrator(options: argparse.Namespace) -> AbstractContextManager[Narrator]:
    """Who tells an apply as it goes: in HTML where there is a notebook, and aside where JSON is wanted."""
    if running_shell() and not options.json:
        from provisioner.render.notebook import NotebookNarrator

        return NotebookNarrator(verbose=options.verbose, events=options.events)
    return dispatch.narrator(options)


def display(what: Any) -> None:
    import_module("IPython.display").display(what)
