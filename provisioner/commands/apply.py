"""`colabenv apply`. Light: when there is nothing to do, only `answer` is called."""

from __future__ import annotations

import argparse

from provisioner.commands import arguments
from provisioner.commands.exit_codes import DONE, FAILED, INTERRUPTED

TYPE_CHECKING = False  # without `typing`, which a no-op has no use for
if TYPE_CHECKING:
    from provisioner.commands.screen import Screen
    from provisioner.model.report import Report, Reporter

NO_KERNEL = (
    "--restart restarts the notebook's kernel, and there is no kernel in this process",
    "Run it in a cell: %load_ext provisioner, then %colabenv apply --restart.",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_request(parser, "the spec, or a plan that plan --out wrote")
    arguments.add_jobs(parser)
    parser.add_argument("--dry-run", action="store_true", help="show the plan; change nothing")
    parser.add_argument("--restart", action="store_true", help="restart the notebook's kernel if needed")
    parser.add_argument("--events", metavar="FILE", help="append every event to a file, as lines of JSON")
    arguments.add_verbose(parser)
    arguments.add_json(parser)


def answer(options: argparse.Namespace) -> str | None:
    """The report of the last no-op apply, if that is still valid and no other output is asked for."""
    if options.dry_run or options.json or options.verbose or options.events:
        return None
    from provisioner.engine import noop_cache

    return noop_cache.look_up(options.spec, tuple(options.only), tuple(options.skip), options.locked)


def run(options: argparse.Namespace, screen: Screen) -> int:
    from provisioner import api

    chosen = {"only": options.only, "skip": options.skip, "locked": options.locked}
    if options.dry_run:
        screen.plan(api.plan(options.spec, **chosen), verbose=options.verbose, as_json=options.json)
        return DONE
    if options.restart and not screen.can_restart:
        from provisioner.model.errors import ProvisionerError

        raise ProvisionerError(*NO_KERNEL)
    with screen.reporter(verbose=options.verbose, events=options.events, as_json=options.json) as reporter:
        report = apply(options, reporter)
    screen.report(report, as_json=options.json, restart=options.restart)
    return code_of(report)


def apply(options: argparse.Namespace, reporter: Reporter) -> Report:
    """Apply the spec, or the plan, that the options name; its report."""
    from provisioner import api

    saved = api.load_plan(options.spec) if isinstance(options.spec, str) else None
    if saved:
        return api.apply_plan(saved, jobs=options.jobs, reporter=reporter, check=False)
    return api.apply(
        options.spec,
        only=options.only,
        skip=options.skip,
        locked=options.locked,
        jobs=options.jobs,
        reporter=reporter,
        check=False,
    )


def code_of(report: Report) -> int:
    """The exit code for a report."""
    from provisioner.model.report import Status

    if any(outcome.status is Status.INTERRUPTED for outcome in report.outcomes):
        return INTERRUPTED
    return DONE if report.ok else FAILED
