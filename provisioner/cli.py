"""The command line: words to options, and results to exit codes.

Light, so that `--help`, a typo and a no-op cost next to nothing: a command's module is imported only when it
is used.
"""

from __future__ import annotations

import argparse
import sys
import time
from importlib import import_module

from provisioner.commands.exit_codes import DONE, INTERRUPTED
from provisioner.commands.table import COMMANDS
from provisioner.version import __version__

TYPE_CHECKING = False  # without `typing`, which a no-op has no use for
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType
    from typing import TypeAlias

    Subparsers: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]

EPILOG = """\
exit codes: 0 done (for plan: whatever it found); 1 failed, blocked or invalid; 2 something differs
(status, and plan and compare with --detailed-exitcode); 130 interrupted
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; usage errors leave as argparse does, with code 2."""
    try:
        began = time.monotonic()
        options = parse(sys.argv[1:] if argv is None else argv)
        command = module_of(options.command)
        if (answer := getattr(command, "answer", None)) and (known := answer(options)):
            return say(f"{known} ({time.monotonic() - began:.2f} s)")
        from provisioner.commands.carry_out import carry_out
        from provisioner.commands.terminal import Terminal

        return carry_out(command.run, options, Terminal())
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The options of the words; exits as argparse does."""
    parser, commands = start_parser()
    first = argv[0] if argv else ""
    for name in [first] if first in COMMANDS else COMMANDS:
        add_command(commands, name, filled=name in argv)
    return parser.parse_args(argv)


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands with all their arguments."""
    parser, commands = start_parser()
    for name in COMMANDS:
        add_command(commands, name, filled=True)
    return parser


def start_parser() -> tuple[argparse.ArgumentParser, Subparsers]:
    """A parser, and what commands are added to."""
    parser = argparse.ArgumentParser(
        prog="colabenv",
        description="Make this machine match colabenv.yaml, and verify it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"colab-provisioner {__version__}")
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True, prog=parser.prog
    )
    return parser, commands


def add_command(commands: Subparsers, name: str, *, filled: bool) -> None:
    """Add a command's parser; with its arguments, which its module knows, where they are needed."""
    _, text = COMMANDS[name]
    parser = commands.add_parser(name, help=text, description=text, allow_abbrev=False, add_help=filled)
    if filled:
        module_of(name).add_arguments(parser)


def module_of(name: str) -> ModuleType:
    """The module that carries out a command."""
    return import_module(f"provisioner.commands.{COMMANDS[name][0]}")


def say(text: str) -> int:
    """Print and flush a text; the exit code of that."""
    try:
        print(text, flush=True)
    except OSError as error:
        from provisioner.commands.carry_out import unwritten

        return unwritten(error)
    return DONE


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The commands of a parser, each with a parser of its own."""
    found = (action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return dict(next(found))
