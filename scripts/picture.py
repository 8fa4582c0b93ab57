"""Draw a terminal transcript as an SVG: scripts/picture.py OUT.svg TITLE < transcript-with-ansi-colours.

The picture in the README is made so, from the real output of a fresh Debian.
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 100
FOREIGN = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""rich names fonts on somebody's server; a picture of ours loads nothing."""


def draw(transcript: str, title: str) -> str:
    """The SVG of what a terminal showed."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(transcript.rstrip()), soft_wrap=False)
    return FOREIGN.sub("", console.export_svg(title=title, unique_id="provisioner"))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(draw(sys.stdin.read(), sys.argv[2]))
