"""`colabenv compare`."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from provisioner.commands import arguments
from provisioner.commands.exit_codes import DONE, PENDING
from provisioner.model import defaults

if TYPE_CHECKING:
    from provisioner.commands.screen import Screen
    from provisioner.snapshots.compare import Comparison


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("first", metavar="FILE", help="what facts --out wrote on one machine")
    parser.add_argument("second", metavar="OTHER", nargs="?", help="and on the other (default: this machine)")
    parser.add_argument(
        "--spec",
        dest="spec_here",
        metavar="SPEC",
        default=defaults.SPEC,
        help=f"this machine's spec (default: {defaults.SPEC})",
    )
    arguments.add_detailed_exit_code(parser, "exit with 2 when anything differs")
    arguments.add_verbose(parser, "show all that differs")
    arguments.add_json(parser)
    parser.set_defaults(completes="*.json")


def run(options: argparse.Namespace, screen: Screen) -> int:
    from provisioner.render import documents
    from provisioner.render.comparison import render_comparison
    from provisioner.snapshots.compare import document

    found = comparison(options)
    if options.json:
        screen.say(documents.text(document(found)))
    else:
        screen.say(render_comparison(found, paint=screen.paint, width=screen.width, verbose=options.verbose))
    return PENDING if options.detailed_exitcode and found.groups else DONE


def comparison(options: argparse.Namespace) -> Comparison:
    """Of two files, or of this machine and one file."""
    from provisioner import api
    from provisioner.machine import files

    first, second = options.first, options.second
    if second is None:
        here = api.snapshot(options.spec_here if files.exists(options.spec_here) else None)
        return api.compare(here, first, labels=("this machine", os.path.basename(first)))
    names = os.path.basename(first), os.path.basename(second)
    return api.compare(first, second, labels=(first, second) if names[0] == names[1] else names)
