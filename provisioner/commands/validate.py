"""`colabenv validate`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from provisioner.commands import arguments
from provisioner.commands.exit_codes import DONE

if TYPE_CHECKING:
    from provisioner.commands.screen import Screen


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_spec(parser, from_cell=True)


def run(options: argparse.Namespace, screen: Screen) -> int:
    from provisioner import api

    spec = api.load(options.spec)
    sections = ", ".join(spec.sections) or "no sections"
    name = options.spec if isinstance(options.spec, str) else "The cell"
    screen.say(f"{name} is valid: {spec.name}, with {sections}.\n")
    return DONE
