"""`colabenv verify`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from provisioner.commands import arguments
from provisioner.commands.exit_codes import DONE, FAILED

if TYPE_CHECKING:
    from provisioner.commands.screen import Screen


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_request(parser)
    arguments.add_jobs(parser)
    parser.add_argument("--deep", action="store_true", help="read and hash all contents, however large")
    arguments.add_json(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    from provisioner import api

    report = api.verify(
        options.spec,
        only=options.only,
        skip=options.skip,
        locked=options.locked,
        deep=options.deep,
        jobs=options.jobs,
        check=False,
    )
    screen.report(report, as_json=options.json)
    return DONE if report.ok else FAILED
