"""`%colabenv COMMAND ...`, and `%%colabenv COMMAND ...` with the spec in the cell.

A line's words are the command line's, and the same commands carry them out. In a notebook's kernel they can
do what only the kernel can.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shlex
from typing import Protocol

from provisioner import api, cli
from provisioner.facts.system import working_folder
from provisioner.machine import files
from provisioner.machine.kernel_state import Shell
from provisioner.model.errors import ProvisionerError
from provisioner.notebook.screen import NotebookScreen

NAME = "colabenv"

FOLDERS: dict[str, str] = {}
"""Text of a cell, or relative path of a spec -> the folder that it was first used in.

A spec may change the working directory, and means the same afterwards.
"""


class CompletionEvent(Protocol):
    """What IPython passes for a line to complete."""

    line: str


def load_ipython_extension(shell: Shell) -> None:
    """What `%load_ext provisioner` calls: adds the magics, and their completion, to an IPython shell."""
    shell.register_magic_function(line_magic, "line", NAME)
    shell.register_magic_function(cell_magic, "cell", NAME)
    for key in (f"%{NAME}", f"%%{NAME}"):
        shell.set_hook("complete_command", complete, str_key=key)


def line_magic(line: str) -> None:
    """Run a command of provisioner's: %colabenv plan | apply | verify | ... [--help]"""
    if options := parse(split(line)):
        if hasattr(options, "spec"):
            options.spec = path_of(options.spec)
        run(options)


def cell_magic(line: str, cell: str) -> None:
    """Run a command on the spec in the cell; its relative paths start at the current folder."""
    if options := parse(split(line) or ["apply"]):
        if not getattr(options, "from_cell", False):
            raise ProvisionerError(
                f"%%{NAME} takes {', '.join(commands_from_cell())}, and not {options.command}"
            )
        folder = FOLDERS.setdefault(cell, working_folder())
        options.spec = api.parse(cell, folder=folder, name="cell")
        run(options)


def run(options: argparse.Namespace) -> None:
    """Carry out a command. Raises ProvisionerError for whatever fails."""
    screen = NotebookScreen()
    code = cli.module_of(options.command).run(options, screen)
    screen.raise_for(code, options.command)


def split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise ProvisionerError(f"this line cannot be read: {error}") from error


def parse(words: list[str]) -> argparse.Namespace | None:
    """The options of the words; None when help was asked for, and printed."""
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            return cli.parse(words)
    except SystemExit as end:
        if end.code:
            raise ProvisionerError(complaint.getvalue().strip()) from None
        return None


def path_of(spec: str) -> str:
    """The path of a spec that may have been named before the working directory changed."""
    if files.exists(spec):
        FOLDERS[spec] = working_folder()
        return spec
    return os.path.join(FOLDERS.get(spec, ""), spec)


def commands_from_cell() -> list[str]:
    """The commands that a cell can give a spec to."""
    found = cli.subcommands(cli.build_parser())
    return [name for name, parser in found.items() if parser.get_default("from_cell")]


def complete(_shell: Shell, event: CompletionEvent) -> list[str]:
    """What may follow on a line: a command, then its options and the files in this folder that it takes."""
    words = event.line.split()[1:]
    commands = cli.subcommands(cli.build_parser())
    if not words or (len(words) == 1 and not event.line.endswith(" ")):
        return sorted(commands)
    if words[0] not in commands:
        return []
    options = [word for action in commands[words[0]]._actions for word in action.option_strings]
    return sorted(options) + files.matching(commands[words[0]].get_default("completes") or "*.yaml")
