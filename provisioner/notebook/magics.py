"""`%colabenv COMMAND ...` and `%%colabenv COMMAND ...` with the spec in the cell."""

from __future__ import annotations

import argparse
import glob
import os
import shlex
from typing import Any

from provisioner.cli import build_parser
from provisioner.model.errors import ProvisionerError
from provisioner.notebook.run import parse, run
from provisioner.spec.spec import parse as parse_spec

NAME = "colabenv"

HOMES: dict[str, str] = {}
"""Text of a cell, or relative path of a spec -> the folder that it was first used in.

A spec may change the working directory, and means the same afterwards.
"""


def register(shell: Any) -> None:
    """Add the magics, and their completion, to an IPython shell."""
    shell.register_magic_function(line_magic, "line", NAME)
    shell.register_magic_function(cell_magic, "cell", NAME)
    for key in (f"%{NAME}", f"%%{NAME}"):
        shell.set_hook("complete_command", complete, str_key=key)


def line_magic(line: str) -> None:
    """Run a command of provisioner's: %colabenv plan | apply | verify | ... [--help]"""
    argv = split(line)
    options = parse(argv)
    if options is None:
        return
    path = getattr(options, "spec", None)
    if path is not None and not os.path.isabs(path):
        if os.path.exists(path):
            HOMES[path] = os.getcwd()
        elif path in HOMES and options.command != "init":
            argv = [word for word in argv if word != path] + [os.path.join(HOMES[path], path)]
    run(argv)


def cell_magic(line: str, cell: str) -> None:
    """Run a command on the spec that the cell holds; its relative paths start at the current folder."""
    argv = split(line) or ["apply"]
    folder = HOMES.setdefault(cell, os.getcwd())
    run(argv, parse_spec(cell, "cell", folder))


def split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise ProvisionerError(f"this line cannot be read: {error}") from error


def complete(_shell: Any, event: Any) -> list[str]:
    """What may follow on a line: a command, then its options and the files in this folder that it takes."""
    words = event.line.split()[1:]
    commands = subcommands(build_parser())
    if not words or (len(words) == 1 and not event.line.endswith(" ")):
        return sorted(commands)
    if words[0] not in commands:
        return []
    options = [word for action in commands[words[0]]._actions for word in action.option_strings]
    return sorted(options) + sorted(glob.glob("*.json" if words[0] == "compare" else "*.yaml"))


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The commands of a parser, each with a parser of its own."""
    found = (action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return dict(next(found))
