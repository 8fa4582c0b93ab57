"""`colabenv status`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from provisioner.commands import arguments
from provisioner.commands.exit_codes import DONE, PENDING

if TYPE_CHECKING:
    from provisioner.commands.screen import Screen


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_request(parser)
    arguments.add_json(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    from provisioner import api

    plan = api.plan(options.spec, only=options.only, skip=options.skip, locked=options.locked)
    screen.status(plan, as_json=options.json)
    return PENDING if plan.pending else DONE
