"""`colabenv notebook`."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from provisioner.commands import arguments
from provisioner.commands.exit_codes import DONE

if TYPE_CHECKING:
    from provisioner.commands.screen import Screen


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_spec(parser)
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--out", metavar="FILE", help="the notebook to write (default: beside the spec)")
    place.add_argument("--update", metavar="FILE", help="an existing notebook to add the cell to")
    parser.add_argument("--repo", metavar="OWNER/NAME", help="its repository on GitHub, if git does not know")
    arguments.add_force(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    from provisioner import api
    from provisioner.commands.notebook import github, ipynb

    spec = api.load(options.spec)
    path = options.update or options.out or f"{os.path.splitext(spec.path)[0]}.ipynb"
    place = github.locate(spec.folder, options.repo)
    done = ipynb.produce(spec, path, place, update=bool(options.update), force=options.force)
    screen.say(f"{done}\n")
    return DONE
