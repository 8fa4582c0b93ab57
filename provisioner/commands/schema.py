"""`colabenv schema`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from provisioner.commands.exit_codes import DONE

if TYPE_CHECKING:
    from provisioner.commands.screen import Screen


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def run(_options: argparse.Namespace, screen: Screen) -> int:
    from provisioner.spec import schema

    screen.say(schema.text())
    return DONE
