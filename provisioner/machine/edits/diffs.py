"""Unified diffs, as diff and git write them: read, and applied to what they are about.

A plan must see whether a diff is applied, can be applied, or neither, and the machine must then do just that.
patch(1) would decide anew, takes context for negligible, and leaves half of a change behind. Here every line
must be as the diff has it; only its place may have moved.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from provisioner.model.errors import EffectError

HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
MODE = re.compile(rb"new (?:file )?mode 100(\d+)")
ESCAPE = re.compile(rb'\\([0-7]{3}|[abfnrtv"\\])')
ESCAPES = dict(zip(b'abfnrtv"\\', b'\a\b\f\n\r\t\v"\\', strict=True))
UNSUPPORTED = (b"rename from ", b"copy from ", b"GIT binary patch", b"Binary files ")
NOTHING = "/dev/null"
CHECK = "Look at what the file says now, and make the patch again."


@dataclass(frozen=True)
class Hunk:
    """Lines in place of others, both with the same lines around them. Numbers of lines count from 0."""

    old: tuple[bytes, ...]
    new: tuple[bytes, ...]
    old_start: int
    new_start: int


@dataclass(frozen=True)
class FileDiff:
    """What a diff does to one file, whose name is without the folders to drop."""

    called: str
    """The diff itself, for messages."""
    name: str
    hunks: tuple[Hunk, ...]
    makes: bool = False
    removes: bool = False
    executable: bool | None = None
    """None where it says nothing of that."""


@dataclass(frozen=True)
class Content:
    """A file as a diff knows it; without `data` there is none."""

    data: bytes | None
    executable: bool = False


@dataclass(frozen=True)
class Places:
    """Where the hunks of a diff are, and how many lines in all that is from where it says."""

    at: tuple[int, ...]
    moved: int


# Reading


def parse(data: bytes, strip: int, called: str) -> tuple[FileDiff, ...]:
    """The files that a diff is about. Raises EffectError for what is no diff, or cannot be applied."""
    lines = data.removesuffix(b"\n").split(b"\n")
    found: list[FileDiff] = []
    header, executable, number = b"", None, 0
    while number < len(lines):
        line = lines[number]
        if line.startswith(UNSUPPORTED):
            raise unsupported(called, line)
        if line.startswith(b"diff --git "):
            if header:
                raise unsupported(called, header)
            header, executable = line, None
        if mode := MODE.match(line):
            executable = int(mode[1], 8) & 0o100 != 0
        number += 1
        if line.startswith(b"--- ") and number < len(lines) and lines[number].startswith(b"+++ "):
            old, new = name_in(line), name_in(lines[number])
            hunks, number = read_hunks(lines, number + 1, called)
            name = stripped(old if new == NOTHING else new, strip, called)
            found.append(FileDiff(called, name, hunks, old == NOTHING, new == NOTHING, executable))
            header, executable = b"", None
    if header:
        raise unsupported(called, header)
    if not found:
        raise EffectError(f"{called} is not a unified diff", "Make it with `diff -u` or `git diff`.")
    return tuple(found)


def unsupported(called: str, line: bytes) -> EffectError:
    what = line.decode(errors="replace").strip()
    hint = "Of a patch only lines of text are changed; for the rest there are `move`, `mode` and `content`."
    return EffectError(f"{called} has what is no change of lines: {what}", hint)


def read_hunks(lines: Sequence[bytes], number: int, called: str) -> tuple[tuple[Hunk, ...], int]:
    """The hunks that begin at a line, and the number of the line behind them."""
    hunks = []
    while number < len(lines) and (match := HUNK.match(lines[number])):
        hunk, number = read_hunk(lines, number, match, called)
        hunks.append(hunk)
    if not hunks:
        raise EffectError(f"{called} has no changes behind its line {number}", "Make it with `diff -u`.")
    return tuple(hunks), number


def read_hunk(lines: Sequence[bytes], number: int, match: re.Match[bytes], called: str) -> tuple[Hunk, int]:
    olds, news = (1 if count is None else int(count) for count in (match[2], match[4]))
    begin, marks = number + 1, b""
    old: list[bytes] = []
    new: list[bytes] = []
    number += 1
    while number < len(lines):
        line = lines[number]
        mark = line[:1] or b" "  # some mail programs drop the space of an empty line
        if line.startswith(b"\\") and marks:  # "\ No newline at end of file"
            for side in (
                old if marks.endswith((b" ", b"-")) else [],
                new if marks.endswith((b" ", b"+")) else [],
            ):
                side[-1:] = [line.removesuffix(b"\n") for line in side[-1:]]
        elif len(old) == olds and len(new) == news:
            break
        elif mark in (b" ", b"-", b"+"):
            marks += mark
            old += [line[1:] + b"\n"] * (mark != b"+")
            new += [line[1:] + b"\n"] * (mark != b"-")
        else:
            break
        number += 1
    if (len(old), len(new)) != (olds, news):
        raise EffectError(
            f"{called} is damaged: its line {begin} announces other lines", "Get or make it again."
        )
    old_start, new_start = int(match[1]) - bool(olds), int(match[3]) - bool(news)
    return Hunk(tuple(old), tuple(new), old_start, new_start), number


def name_in(line: bytes) -> str:
    """The name in a line that begins with `--- ` or `+++ `; git quotes those that are not plain."""
    name = line[4:].rstrip(b"\r").partition(b"\t")[0]
    if name.startswith(b'"') and name.endswith(b'"'):
        name = ESCAPE.sub(unescaped, name[1:-1])
    return name.decode(errors="surrogateescape").strip()


def unescaped(match: re.Match[bytes]) -> bytes:
    said = match[1]
    return bytes([int(said, 8) if said.isdigit() else ESCAPES[said[0]]])


def stripped(name: str, strip: int, called: str) -> str:
    """A name without its leading folders. Raises EffectError for one that leads out of the folder."""
    parts = name.split("/")
    rest = "/".join(parts[strip:])
    if not rest:
        raise EffectError(
            f"{called} names {name}, which has no {strip} folders to drop", f"Try `strip: {len(parts) - 1}`."
        )
    if rest.startswith("/") or ".." in parts[strip:]:
        raise EffectError(
            f"{called} names {name}, which leads out of the folder", "Correct the patch, or `strip`."
        )
    return posixpath.normpath(rest)


# Applying


def patched(
    diffs: Sequence[FileDiff], base: str, is_folder: bool, read: Callable[[str], Content]
) -> dict[str, Content]:
    """What to write so that all diffs are applied to the file or folder `base`: nothing when they are.

    Raises EffectError when one neither is applied nor can be.
    """
    named: dict[str, list[FileDiff]] = {}
    for diff in diffs:
        named.setdefault(diff.name, []).append(diff)
    if not is_folder and len(named) > 1:
        raise EffectError(
            f"{diffs[0].called} is about {len(named)} files, and {base} is one",
            "Give the folder that they are in as `path`.",
        )
    found = {}
    for name, steps in named.items():
        path = posixpath.join(base, name) if is_folder else base
        content = read(path)
        result = with_diffs(content, steps, path)
        if result is not content:
            found[path] = result
    return found


def with_diffs(content: Content, diffs: Sequence[FileDiff], path: str) -> Content:
    """One file with all diffs, of which it may have the first ones already; the same value if it has all."""
    done = number_done(content, diffs, path)
    result = content
    for diff in diffs[done:]:
        result = with_diff(result, diff, path)
    if done < len(diffs) and number_done(result, diffs, path) < len(diffs):
        raise EffectError(
            f"{path} has more lines like those of {diffs[-1].called}: nobody could see that it is applied",
            "Make it again from this very file, or use `edit`.",
        )
    return result


def number_done(content: Content, diffs: Sequence[FileDiff], path: str) -> int:
    """How many of the diffs are applied. Raises EffectError when not all before the last of them are."""
    done = next((number for number in range(len(diffs), 0, -1) if is_done(content, diffs[number - 1])), 0)
    for number in range(done - 1, 0, -1):
        content = with_diff(content, backwards(diffs[number]), path)
        if not is_done(content, diffs[number - 1]):
            called = diffs[number - 1].called
            raise EffectError(f"{path}: {called} is not applied, but one that comes behind it is", CHECK)
    return done


def is_done(content: Content, diff: FileDiff) -> bool:
    """Whether a file is as a diff leaves it.

    It may seem to be both before and after where lines are alike. Of two places of which one is a part of the
    other, the larger one is meant; else the one that is nearer to where the diff says.
    """
    if diff.removes or content.data is None:
        return diff.removes and content.data is None
    lines = split(content.data)
    after, before = places(lines, backwards(diff)), None if diff.makes else places(lines, diff)
    if after is None or before is None:
        return after is not None
    sizes = [
        len(hunk.new) - len(hunk.old)
        for hunk, new, old in zip(diff.hunks, after.at, before.at, strict=True)
        if within(new, len(hunk.new), old, len(hunk.old)) or within(old, len(hunk.old), new, len(hunk.new))
    ]
    larger = sum(sizes)
    return larger > 0 if larger else after.moved <= before.moved


def within(at: int, size: int, other: int, its: int) -> bool:
    return at <= other and other + its <= at + size


def backwards(diff: FileDiff) -> FileDiff:
    hunks = tuple(
        replace(hunk, old=hunk.new, new=hunk.old, old_start=hunk.new_start, new_start=hunk.old_start)
        for hunk in diff.hunks
    )
    return replace(diff, hunks=hunks, makes=diff.removes, removes=diff.makes)


def with_diff(content: Content, diff: FileDiff, path: str) -> Content:
    """A file as a diff makes it. Raises EffectError, with what does not fit."""
    if content.data is None and not diff.makes:
        raise EffectError(
            f"there is no {path}, which {diff.called} changes", "Check `path`, `strip` and the patch."
        )
    if content.data and diff.makes:
        raise EffectError(f"there is a {path} already, which {diff.called} makes", "Move it away.")
    lines = split(content.data or b"")
    found = places(lines, diff)
    if found is None:
        raise EffectError(misfit(lines, diff, path), CHECK)
    made: list[bytes] = []
    end = 0
    for hunk, at in zip(diff.hunks, found.at, strict=True):
        made += [*lines[end:at], *hunk.new]
        end = at + len(hunk.old)
    made += lines[end:]
    if diff.removes and made:
        raise EffectError(f"{path} has more in it than what {diff.called} removes", CHECK)
    executable = content.executable if diff.executable is None else diff.executable
    return Content(None if diff.removes else b"".join(made), executable)


def places(lines: Sequence[bytes], diff: FileDiff) -> Places | None:
    """Where the old side of each hunk is, one behind the other; None where one is not there."""
    found: list[int] = []
    floor = offset = moved = 0
    for hunk in diff.hunks:
        at = nearest(lines, hunk, hunk.old_start + offset, floor)
        if at is None:
            return None
        moved += abs(at - hunk.old_start - offset)
        offset, floor = at - hunk.old_start, at + len(hunk.old)
        found.append(at)
    return Places(tuple(found), moved)


def nearest(lines: Sequence[bytes], hunk: Hunk, expected: int, floor: int) -> int | None:
    """The place of a hunk's old side that is nearest to where it is expected, and not above the floor."""
    size = len(hunk.old)
    if not size:  # only an empty file can be said to have nothing there
        return None if lines else 0
    fitting = (
        at
        for at in range(floor, len(lines) - size + 1)
        if lines[at] == hunk.old[0] and tuple(lines[at : at + size]) == hunk.old
    )
    return min(fitting, key=lambda at: abs(at - expected), default=None)


def misfit(lines: Sequence[bytes], diff: FileDiff, path: str) -> str:
    """Why a diff cannot be applied."""
    reverse = backwards(diff)
    done = [nearest(lines, hunk, hunk.old_start, 0) is not None for hunk in reverse.hunks]
    possible = [nearest(lines, hunk, hunk.old_start, 0) is not None for hunk in diff.hunks]
    neither = [number for number in range(len(done)) if not done[number] and not possible[number]]
    if not neither:
        return f"{path} has only a part of what {diff.called} changes"
    hunk = diff.hunks[neither[0]]
    where = f"{diff.called}: what it looks for in {path} at line {hunk.old_start + 1} matches nothing"
    if any(line.endswith(b"\r\n") for line in lines) != any(line.endswith(b"\r\n") for line in hunk.old):
        return f"{where}: one of the two has the line ends of Windows"
    return f"{where}: did it change upstream?"


def split(data: bytes) -> list[bytes]:
    """Lines with their ends; only a newline ends one."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    lines[-1] = lines[-1].removesuffix(b"\n")
    return lines if lines[-1] else lines[:-1]
