"""Colour where it helps: every text says the same without it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import IO

Paint = Callable[[str, str], str]

CODES = {
    "add": "32",
    "change": "33",
    "remove": "31",
    "bad": "31;1",
    "good": "32",
    "faint": "2",
    "strong": "1",
}
DEFAULT_WIDTH = 100
LEAST_WIDTH = 40


def plain(_role: str, text: str) -> str:
    """A Paint that leaves the text as it is."""
    return text


def coloured(role: str, text: str) -> str:
    """A Paint for terminals that know ANSI colours."""
    return f"\x1b[{CODES[role]}m{text}\x1b[0m"


def is_screen(stream: IO[str]) -> bool:
    """Whether a stream is a terminal with a size. Colab's `!` gives a terminal of 0 columns."""
    try:
        return stream.isatty() and os.get_terminal_size(stream.fileno()).columns > 0
    except (OSError, ValueError):
        return False


def paint_for(stream: IO[str]) -> Paint:
    """How to write on a stream. NO_COLOR and FORCE_COLOR are honoured (https://no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return plain
    return coloured if os.environ.get("FORCE_COLOR") or is_screen(stream) else plain


def width() -> int:
    """Columns to fill: the terminal's, or a sensible default."""
    return max(LEAST_WIDTH, min(shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns, 120))
