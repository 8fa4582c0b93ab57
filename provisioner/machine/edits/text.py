"""Changes to a text: what is replaced, and lines that must be there.

Pure, and the same for a plan, which says what is to be done, and for the machine, which does it. Each change
is a fixpoint: what it makes is what it leaves alone.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from provisioner.model.effects import Insertion, Replacement, TextChange
from provisioner.model.errors import EffectError

LARGEST = 16 << 20
"""Bytes of a file that is edited; one that is larger is data rather than text."""

SHOWN = 40
"""Characters of a text that a message shows."""


def decoded(data: bytes, path: str) -> str:
    """The text of a file. Raises EffectError when it is none."""
    if len(data) > LARGEST:
        raise EffectError(f"{path} is larger than {LARGEST >> 20} MiB", "Such files are not edited.")
    if b"\0" in data:
        raise EffectError(f"{path} is a binary file", "Only text can be edited.")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        hint = "Only such text can be edited."
        raise EffectError(f"{path} is not UTF-8 text (byte {error.start + 1})", hint) from error


def edited(text: str, changes: Sequence[TextChange]) -> tuple[str, tuple[str, ...]]:
    """The text with all changes, and what each one did, in words; none where all is done.

    Raises EffectError when one can neither be made nor is made, and when together they are never done.
    """
    result, told = carried_out(text, changes)
    if told and not are_done(result, changes):
        raise EffectError(
            "once made, these edits would not count as done: what one of them looks for comes back, "
            "or what it puts there is gone",
            "Let each edit say what the file says in the end.",
        )
    return result, told


def carried_out(text: str, changes: Sequence[TextChange]) -> tuple[str, tuple[str, ...]]:
    told = []
    for change in changes:
        text, words = replaced(text, change) if isinstance(change, Replacement) else inserted(text, change)
        told += [words] if words else []
    return text, tuple(told)


def are_done(text: str, changes: Sequence[TextChange]) -> bool:
    try:
        return not carried_out(text, changes)[1]
    except EffectError:
        return False


def replaced(text: str, change: Replacement) -> tuple[str, str]:
    find, replace = with_newlines_of(text, change.find), with_newlines_of(text, change.replace)
    places = [*places_to_replace(text, find, replace)]
    if not places and replace in text:
        return text, ""
    if not places:
        raise EffectError(
            f"`{shown(change.find)}` matches nothing: did it change upstream?",
            "It matches but for white space: compare spaces, tabs and the ends of lines."
            if find.strip() and without_space(find) in without_space(text)
            else "Look at what the file says now, and correct `find`; if an earlier edit of yours was made, "
            "have the original again: `git checkout -- FILE` in a clone, or remove the file and apply again.",
        )
    if len(places) != change.count:
        raise EffectError(
            f"`{shown(change.find)}` is there {times(len(places))}, and not {times(change.count)}",
            f"Write `count: {len(places)}` if all of them are meant, or let `find` say more.",
        )
    pieces, end = [], 0
    for at in places:
        pieces += [text[end:at], replace]
        end = at + len(find)
    said = f"`{shown(change.find)}` becomes `{shown(change.replace)}`"
    return "".join([*pieces, text[end:]]), said if change.count == 1 else f"{said}, {times(change.count)}"


def places_to_replace(text: str, find: str, replace: str) -> Iterator[int]:
    """Where `find` is but not as a part of `replace`."""
    made = [*occurrences(text, replace)] if find in replace else []
    at = text.find(find)
    while at >= 0:
        before = bisect_right(made, at)
        is_made = before and at + len(find) <= made[before - 1] + len(replace)
        if not is_made:
            yield at
        at = text.find(find, at + (1 if is_made else len(find)))


def occurrences(text: str, part: str) -> Iterator[int]:
    """Where a part is, also where it overlaps with itself."""
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def inserted(text: str, change: Insertion) -> tuple[str, str]:
    lines = text.split("\n")
    bare = [line.removesuffix("\r").removeprefix("\ufeff") for line in lines]
    if change.line in bare:
        return text, ""
    said, end = f"the line `{shown(change.line)}` is added", newline_of(text)
    if change.after is None:
        gap = "" if not text or text.endswith("\n") else end
        return f"{text}{gap}{change.line}{end}", said
    if (found := bare.count(change.after)) != 1:
        raise EffectError(
            f"the line `{shown(change.after)}` is there {times(found)}, and `after` needs it once",
            "Look at what the file says now, and correct `after`; without it the line goes to the end.",
        )
    at = bare.index(change.after)
    if at == len(lines) - 1:
        return f"{text}{end}{change.line}{end}", said
    lines.insert(at + 1, change.line + end.removesuffix("\n"))
    return "\n".join(lines), said


def newline_of(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def with_newlines_of(text: str, part: str) -> str:
    """A part with the ends of lines that the text has, where all of them are those of Windows."""
    windows = 0 < text.count("\n") == text.count("\r\n")
    return part.replace("\n", "\r\n") if windows and "\r" not in part else part


def without_space(text: str) -> str:
    return re.sub(r"\s+", "", text)


def times(number: int) -> str:
    return {0: "nowhere", 1: "once", 2: "twice"}.get(number, f"{number} times")


def shown(text: str) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"
