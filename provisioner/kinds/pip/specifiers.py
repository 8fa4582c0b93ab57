"""Ranges of versions: uv's notation of them as PEP 440 writes it, and what one range says of another. Pure.

uv writes `A|B` for a union, and `X+` for the end of the local versions of X, so that `<X+` takes them in and
`>=X+` leaves them out (https://github.com/astral-sh/uv/pull/8797).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
from packaging.version import InvalidVersion, Version

END = r"(?=[,|]|$)"


def series(match: re.Match[str]) -> str:
    """`==1.2.*` for all from the first of 1.2 to before the first of 1.3; what spans more stays."""
    start, first, last = match.groups()
    return f"=={start}{first}.*" if int(last) == int(first) + 1 else match[0]


SPELLINGS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"\s|^\*$", ""),
    (rf">=((?:[^,|+]*[.!])?)(\d+)\.dev0,<\1(\d+)\.dev0{END}", series),
    (rf">=([^,|+]+),<\1\+{END}", r"==\1"),
    (rf"<([^,|+]+)\|>=\1\+{END}", r"!=\1"),
    (rf"<([^,|]+)\|>\1{END}", r"!=\1"),
    (rf"<=?([^,|+]+)\+{END}", r"<=\1"),
    (rf">=?([^,|+]+)\+{END}", r">\1"),
    (rf"(<|>=)([^,|+=]+)\.dev0{END}", r"\1\2"),
    (r"\|", " or "),
)
"""(uv's notation, PEP 440's), in the order in which they are applied."""

BOUNDS = (">=", ">", "<", "<=")


def spell(text: str) -> str:
    """A range as uv's log has it: `>=1, <1+` is `==1`, `*` is nothing, `<3.dev0 | >=4` is `<3 or >=4`."""
    for pattern, spelt in SPELLINGS:
        text = re.sub(pattern, spelt, text)
    return text


def contains(limit: str, version: str) -> bool | None:
    """Whether a version lies in a range that `spell` wrote; None when one of the two cannot be read."""
    try:
        found = Version(version)
        return any(SpecifierSet(each).contains(found, prereleases=True) for each in limit.split(" or "))
    except (InvalidSpecifier, InvalidVersion):
        return None


def tighten(clauses: Iterable[str]) -> str:
    """Clauses of PEP 440 as one specifier, without those that another one of the same operator implies."""
    found = dict.fromkeys(map(Specifier, sorted(clauses)))
    return ",".join(str(each) for each in found if not any(implies(other, each) for other in found))


def implies(one: Specifier, other: Specifier) -> bool:
    """Whether all that is within one bound is within another: it takes the version where the first ends."""
    if one == other or one.operator != other.operator or one.operator not in BOUNDS:
        return False
    return other.contains(one.version, prereleases=True)
