"""`colabenv facts`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from provisioner.commands import arguments
from provisioner.commands.exit_codes import DONE

if TYPE_CHECKING:
    from provisioner.commands.screen import Screen


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_spec(parser)
    parser.add_argument("--out", metavar="FILE", help="write to a file, for compare")


def run(options: argparse.Namespace, screen: Screen) -> int:
    from provisioner import api
    from provisioner.machine import files
    from provisioner.render import documents
    from provisioner.snapshots.snapshot import document

    seen = api.snapshot(options.spec if files.exists(options.spec) else None)
    if options.out:
        api.save_snapshot(seen, options.out)
        screen.say(f"Wrote {options.out}. Next: colabenv compare {options.out} with another machine's.\n")
    else:
        screen.say(documents.text(document(seen)))
    return DONE
