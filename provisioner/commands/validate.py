"""`colabenv validate`."""

from __future__ import annotations

import argparse
import os
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
    screen.say(f"{os.path.relpath(spec.path)} is valid: {spec.name}, with {sections}.\n")
    return DONE
