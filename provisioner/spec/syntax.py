"""The messages of a YAML parser, rewritten for someone who edits a file."""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml

TAB = ("a tab cannot indent a line", "use spaces")
UNKNOWN = (
    "this cannot be read as YAML",
    "check the quotes and the indentation here and in the line above",
)
TAG = ("tags (`!name`) are not supported", "if it is text, put it in quotes")


@dataclass(frozen=True)
class Complaint:
    """A syntax error. `start` is where the broken thing began; lines and columns count from 0."""

    line: int
    column: int
    start: int
    message: str
    suggestion: str


# (pattern over "context: problem", whether the place to show is where the broken thing began, words, advice)
WORDS = (
    (
        r"directive|incompatible|document start",
        False,
        "this is outside the one document of the file",
        'remove lines that begin with "%", "---" or "..."',
    ),
    (
        r"mapping values are not allowed",
        False,
        'a ":" is not allowed here',
        "put text that contains it in quotes; or check the indentation here and in the line above",
    ),
    (
        r"simple key: .*could not find expected ':'",
        True,
        'this line lacks a ":"',
        "a key and its value are written `key: value`",
    ),
    (r"quoted scalar: .*(end of stream|document)", True, "this quote is never closed", ""),
    (
        r"quoted scalar",
        False,
        "this is not a valid escape in double quotes",
        "write \\\\ for one backslash, or use single quotes",
    ),
    (r"flow sequence", True, 'this list lacks a "," or its closing "]"', ""),
    (r"flow mapping", True, 'this mapping lacks a "," or its closing "}"', ""),
    (
        r"an (alias|anchor)",
        True,
        "text cannot begin with `*` or `&`, which have a meaning in YAML",
        "put it in quotes",
    ),
    (r"\btag\b", True, *TAG),
    (
        r"sequence entries are not allowed",
        False,
        "a list item cannot begin here",
        'begin it with "- " on a line of its own',
    ),
    (
        r"block collection",
        False,
        "this line does not continue the list above",
        'begin it with "- " below the item above it, or indent it like the key it belongs to',
    ),
    (
        r"block mapping",
        False,
        "this does not continue the mapping above",
        "indent it like the keys beside it; nothing may follow a closing quote",
    ),
    (r"block scalar", False, 'nothing may follow "|" or ">" on its line', ""),
    (r"node", False, "a value cannot begin with this character", "if it is text, put it in quotes"),
)


def describe(error: yaml.YAMLError, lines: list[str]) -> Complaint:
    """What is wrong with a text that is not YAML, and where."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Complaint(0, 0, 0, *UNKNOWN)
    mark = error.problem_mark
    begun = error.context_mark or mark
    line = lines[mark.line] if mark.line < len(lines) else ""
    indentation = line[: len(line) - len(line.lstrip())]
    if "\t" in indentation:
        return Complaint(mark.line, indentation.index("\t"), begun.line, *TAB)
    said = f"{error.context or ''}: {error.problem or ''}"
    if "cannot start any token" in said:
        message = f"text cannot begin with `{line[mark.column : mark.column + 1]}`"
        return Complaint(mark.line, mark.column, begun.line, message, "put it in quotes")
    for pattern, at_begin, message, suggestion in WORDS:
        if re.search(pattern, said):
            place = begun if at_begin else mark
            return Complaint(place.line, place.column, begun.line, message, suggestion)
    return Complaint(mark.line, mark.column, begun.line, *UNKNOWN)
