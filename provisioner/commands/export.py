"""`colabenv export`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from provisioner.commands import arguments
from provisioner.commands.exit_codes import DONE

if TYPE_CHECKING:
    from provisioner.commands.screen import Screen


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "form", choices=("pylock", "sbom"), help="a pylock.toml (PEP 751) or a bill of materials (CycloneDX)"
    )
    arguments.add_spec(parser)
    parser.add_argument("--target", metavar="NAME", help="which of the lock's targets")
    parser.add_argument("--out", metavar="FILE", help="write to a file")


def run(options: argparse.Namespace, screen: Screen) -> int:
    from provisioner import api

    text = api.export(options.form, options.spec, target=options.target, path=options.out)
    screen.say(f"Wrote {options.out}.\n" if options.out else text)
    return DONE
