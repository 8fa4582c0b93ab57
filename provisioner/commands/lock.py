"""`colabenv lock`."""

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
    parser.add_argument(
        "--for",
        dest="targets",
        type=arguments.names,
        default=(),
        metavar="NAME,...",
        help="Colab's images, as runtimes lists them, or here (default: those in the lock, or else here)",
    )
    parser.add_argument(
        "--upgrade",
        nargs="*",
        metavar="NAME",
        help="upgrade these, or everything, to the newest versions that fit",
    )
    parser.add_argument(
        "--drop", type=arguments.names, default=(), metavar="NAME,...", help="remove targets from the lock"
    )
    parser.add_argument("--check", action="store_true", help="only check whether the lock fits the spec")


def run(options: argparse.Namespace, screen: Screen) -> int:
    if options.check:
        done = check(options)
    elif options.drop:
        done = drop(options)
    else:
        done = write(options, screen)
    screen.say(f"{done}\n")
    return DONE


def check(options: argparse.Namespace) -> str:
    from provisioner import api

    lock = api.check_lock(options.spec, targets=options.targets)
    names = ", ".join(target.name for target in lock.targets) or "nothing"
    return f"{file_of(options)} is up to date, for {names}."


def drop(options: argparse.Namespace) -> str:
    from provisioner import api

    gone = api.drop_targets(options.spec, targets=options.drop)
    return f"Wrote {file_of(options)}, without {', '.join(gone)}."


def write(options: argparse.Namespace, screen: Screen) -> str:
    from provisioner import api
    from provisioner.lock.diff import describe

    upgrade = True if options.upgrade == [] else options.upgrade or ()
    with screen.reporter() as reporter:
        update = api.write_lock(options.spec, targets=options.targets, upgrade=upgrade, reporter=reporter)
    return describe(update)


def file_of(options: argparse.Namespace) -> str:
    """The lock's file, for people."""
    from provisioner.lock.document import path_of

    return os.path.relpath(path_of(options.spec))
