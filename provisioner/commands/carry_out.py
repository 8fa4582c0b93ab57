"""A command from the command line: what a user can cause ends in a message and an exit code."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from provisioner.commands.exit_codes import FAILED, INTERRUPTED
from provisioner.commands.screen import Screen
from provisioner.model.errors import Interrupted, ProvisionerError, SpecError

UNWRITABLE = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors that only writing can cause, and that are not the user's mistake."""


def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Interrupted("asked to stop")


def carry_out(
    run: Callable[[argparse.Namespace, Screen], int], options: argparse.Namespace, screen: Screen
) -> int:
    """Run a command; its exit code. What a user can cause ends in one message, never a traceback."""
    signal.signal(signal.SIGTERM, interrupt)
    try:
        code = run(options, screen)
        sys.stdout.flush()
    except (KeyboardInterrupt, Interrupted):
        print("Interrupted. Run it again to continue.", file=sys.stderr)
        return INTERRUPTED
    except ProvisionerError as error:
        return explain(error)
    except OSError as error:
        return unwritten(error)
    return code


def explain(error: ProvisionerError) -> int:
    """Say what went wrong and what to do next."""
    if isinstance(error, SpecError):
        count = len(error.problems)
        print(error.message, file=sys.stderr)
        print(f"{count} problem{'s' * (count != 1)} in {error.filename}; nothing was done.", file=sys.stderr)
        return FAILED
    print(f"error: {error.message}", file=sys.stderr)
    for line in error.hint.splitlines():
        print(f"  {line}", file=sys.stderr)
    return FAILED


def unwritten(error: OSError) -> int:
    """End a command that could not write; silently when the reader has closed the pipe.

    Python would try again at exit to write what is left, and complain: so that goes nowhere.
    Raises every other error again.
    """
    if error.errno not in UNWRITABLE:
        raise error
    if error.errno != errno.EPIPE:
        print(f"error: cannot write: {error.strerror}", file=sys.stderr)
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED
