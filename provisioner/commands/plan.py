"""`colabenv plan`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from provisioner.commands import arguments
from provisioner.commands.exit_codes import DONE, FAILED, PENDING

if TYPE_CHECKING:
    from provisioner.commands.screen import Screen


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_request(parser)
    parser.add_argument(
        "--against", metavar="IMAGE", help="plan for one of Colab's images, like colab-2026.07-gpu"
    )
    parser.add_argument("--out", metavar="FILE", help="write the plan to a file, for apply FILE")
    arguments.add_detailed_exit_code(parser, "exit with 2 when changes are pending")
    arguments.add_verbose(parser)
    arguments.add_json(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    from provisioner import api

    plan = api.plan(
        options.spec, only=options.only, skip=options.skip, locked=options.locked, against=options.against
    )
    if options.out:
        api.save_plan(plan, options.out)
    screen.plan(plan, verbose=options.verbose, as_json=options.json)
    if plan.against and any(step.blocked for step in plan.steps):
        return FAILED
    return PENDING if options.detailed_exitcode and plan.pending else DONE
