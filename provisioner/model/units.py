"""Sizes as people write and read them."""

from __future__ import annotations

import re

UNITS = {
    "": 1,
    "B": 1,
    "KB": 1000,
    **{f"{letter}iB": 1024 ** (power + 1) for power, letter in enumerate("KMGT")},
    **{f"{letter}B": 1000 ** (power + 1) for power, letter in enumerate("kMGT")},
}

SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)\s*([KkMGT]?i?B?)")


def parse_size(value: object) -> object:
    """Bytes from "5GiB", "500 MB" or a whole number."""
    if isinstance(value, bool):
        raise ValueError("is not a size; write it like 5GiB or 500MB")  # noqa: TRY004
    if not isinstance(value, str):
        return value
    match = SIZE.fullmatch(value.strip())
    if not match or match[2] not in UNITS:
        raise ValueError("is not a size; write it like 5GiB or 500MB")
    return int(float(match[1]) * UNITS[match[2]])


def format_size(size: float) -> str:
    """Bytes for people, in decimal units as download tools count: "214 MB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if size >= 10 or unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
