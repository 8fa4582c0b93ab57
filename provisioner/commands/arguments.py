"""Arguments that several commands share. Light: a no-op apply imports this."""

from __future__ import annotations

import argparse

from provisioner.model import defaults


def add_spec(parser: argparse.ArgumentParser, text: str = "the spec", *, from_cell: bool = False) -> None:
    """The argument `spec`; `from_cell` when a notebook's cell may have the spec's text instead."""
    parser.add_argument("spec", nargs="?", default=defaults.SPEC, help=f"{text} (default: {defaults.SPEC})")
    parser.set_defaults(from_cell=from_cell)


def add_request(parser: argparse.ArgumentParser, text: str = "the spec") -> None:
    """Which spec, which parts of it, and whether as locked."""
    add_spec(parser, text, from_cell=True)
    for name, which in (("--only", "only"), ("--skip", "all but")):
        help_text = f"{which} these kinds or steps: pip datasets.flowers"
        parser.add_argument(name, action="extend", nargs="+", default=[], metavar="NAME", help=help_text)
    parser.add_argument("--locked", action="store_true", help="use exactly what the lock has, or fail")


def add_jobs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--jobs", type=positive, metavar="N", help="how many steps may run at once")


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def add_verbose(parser: argparse.ArgumentParser, text: str = "also show what is already right") -> None:
    parser.add_argument("-v", "--verbose", action="store_true", help=text)


def add_force(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="overwrite an existing file")


def add_detailed_exit_code(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--detailed-exitcode", action="store_true", help=text)


def names(text: str) -> tuple[str, ...]:
    """Names between commas, at least one."""
    found = tuple(filter(None, (part.strip() for part in text.split(","))))
    if not found:
        raise argparse.ArgumentTypeError("must name at least one")
    return found


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
