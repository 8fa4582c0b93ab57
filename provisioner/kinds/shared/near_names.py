"""What is said of a path that is not there: which name it may have meant, and how that one differs.

Some names look the same and are not: a space at the end, a letter of another alphabet, a character that
shows nothing. What differs is then said in words.
"""

from __future__ import annotations

import difflib
import posixpath
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from provisioner.facts.paths import look_through
from provisioner.machine.reader import Reader
from provisioner.model.names import composed

ALIKE = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаеорсухѕіјһ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧο" + "‐‑‒–—−" + "‘’ʼ" + "“”",
    "ABESIJKMHOPCTYXaeopcyxsijh" + "ABEZHIKMNOPTYXo" + "------" + "'''" + '""',
)
"""Cyrillic and Greek letters, and punctuation, that fonts draw like ASCII.

Source: https://www.unicode.org/Public/security/latest/confusables.txt, the usual part of it."""

INVISIBLE = ("Cf", "Cc")
"""Categories of characters that show nothing."""


@dataclass(frozen=True)
class Gap:
    """Where a path ends that does not lead to anything: `folder` has no `name`, but `names`."""

    folder: str
    name: str
    names: tuple[str, ...] = ()
    type: str = "folder"
    """Of what is at `folder`, where that is something else than a folder."""


def find_gap(path: str, reader: Reader) -> Gap:
    """The first part of an absolute path that is missing, below the last folder that is there."""
    folder, name = posixpath.split(path)
    while (found := look_through(folder, reader)) is None and folder != "/":
        folder, name = posixpath.split(folder)
    names = reader.list(folder) if found and found.type == "folder" else ()
    return Gap(folder, name, names or (), found.type if found else "folder")


def nearest(gap: Gap) -> str:
    """The name that may have been meant; "" for none."""
    looks = {name: look(name) for name in gap.names}
    wanted = look(gap.name)
    same = [name for name, seen in looks.items() if seen == wanted]
    if not same:
        same = [name for name, seen in looks.items() if seen.casefold() == wanted.casefold()]
    return next(iter(same or close_names(gap.name, gap.names)), "")


def close_names(name: str, names: Collection[str]) -> list[str]:
    """The names that are most like one; that an ending is the same does not count."""
    stem, ending = posixpath.splitext(name)
    stems = {known.removesuffix(ending): known for known in names if known.endswith(ending)}
    others = [known for known in names if not known.endswith(ending)]
    close = difflib.get_close_matches(stem, stems, n=1)
    return [stems[each] for each in close] or difflib.get_close_matches(name, others, n=1)


def suggest(gap: Gap, shown: str = "") -> str:
    """A sentence about what is there instead; "" for nothing like it. `shown` is how to write the folder."""
    near = nearest(gap)
    if not near:
        return ""
    if look(near) == look(gap.name):
        return f"There is {near!r}, {difference(near, gap.name)}: write it so, or rename it."
    return f"Did you mean {posixpath.join(shown, near)}?"


def hint(gap: Gap) -> str:
    """The same, to go on with a sentence."""
    said = suggest(gap).rstrip(".")
    return said[:1].lower() + said[1:]


def aside(gap: Gap) -> str:
    """The same in brackets, to follow words in a sentence."""
    said = hint(gap)
    return f" ({said})" if said else ""


def look(name: str) -> str:
    """How a name looks, roughly: equal for names that people cannot tell apart."""
    plain = unicodedata.normalize("NFKC", name).translate(ALIKE)
    seen = (each for each in plain if each.isspace() or unicodedata.category(each) not in INVISIBLE)
    return " ".join("".join(seen).split())


def difference(name: str, wanted: str) -> str:
    """What tells a name from the one that was wanted, which looks the same."""
    if composed(name) != composed(wanted):
        name, wanted = composed(name), composed(wanted)
    for each, other, having in ((name, wanted, "with"), (wanted, name, "without")):
        for end, rest in (("beginning", each.removesuffix(other)), ("end", each.removeprefix(other))):
            if other and rest != each:
                return f"{having} {called(rest[0])} at its {end}"
    at = next(index for index, pair in enumerate(zip(name, wanted, strict=False)) if pair[0] != pair[1])
    return f"whose {ordinal(at + 1)} character is {called(name[at])}, not {called(wanted[at])}"


def called(character: str) -> str:
    if character == " ":
        return "a space"
    return unicodedata.name(character, f"U+{ord(character):04X}")


def ordinal(number: int) -> str:
    endings = {1: "st", 2: "nd", 3: "rd"}
    ending = "th" if number % 100 in (11, 12, 13) else endings.get(number % 10, "th")
    return f"{number}{ending}"


def near_address(address: str, known: Collection[str]) -> str:
    """The address that was probably meant: of one kind, the rest decides; "" where none is near."""
    kind, dot, name = address.partition(".")
    names = {each.removeprefix(kind + dot): each for each in known if dot and each.startswith(kind + dot)}
    if names:
        return next((names[each] for each in difflib.get_close_matches(name, names, n=1)), "")
    return next(iter(difflib.get_close_matches(address, known, n=1)), "")
