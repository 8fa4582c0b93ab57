"""Names of files as people read them: one text can be written with different code points.

macOS writes an accented letter as two code points, and Drive, archives and git keep what they were given;
Linux compares bytes. Source: https://unicode.org/reports/tr15/
"""

from __future__ import annotations

import unicodedata


def composed(name: str) -> str:
    """A name or a path in normal form C, in which all ways to write the same text are equal."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)
