"""YAML text -> values that know their line and column.

The text is not trusted, so the parser's events are counted and checked as they come and nothing is built from
tags. Scalars are read as every version of YAML reads them: what the versions disagree about (`no`, `1e3`,
`017`, `1:30`, `2024-01-01`) stays the text that it is in the file.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml
from yaml import events

from provisioner.model.errors import Problem, SpecError
from provisioner.model.redaction import holds_secret, is_secret, redact
from provisioner.spec.syntax import TAG, describe

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_BYTES = 1 << 20
MAX_DEPTH = 50
MAX_VALUES = 10_000
"""Values in a file, counting what an alias stands for each time it is used."""
WIDEST = 160
"""Columns of a line that are shown; a place further right is given by its number alone."""

BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
UNPRINTABLE = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
"""A pattern that takes 5 ms to compile, so it is compiled only for a text that needs it."""

KEY_LINE = re.compile(r"\s*(?:-\s+)*[\"']?[\w.-]+[\"']?\s*:")
INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
FLOAT = re.compile(r"[-+]?([0-9]{1,18}\.[0-9]{0,18}|\.[0-9]{1,18})([eE][-+][0-9]{1,2})?")
WORDS: dict[str, bool | None] = dict.fromkeys(("", "~", "null", "Null", "NULL"))
WORDS |= dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(("false", "False", "FALSE"), False)

Path = tuple[str | int, ...]


class Mark(NamedTuple):
    """A place in the file; both count from 1."""

    line: int
    column: int


class Child(NamedTuple):
    """One entry of a mapping or a list, and where its key or item begins."""

    mark: Mark
    node: Node


@dataclass
class Node:
    """A value, its place, and what is in it."""

    mark: Mark
    value: object
    text: str | None = None
    """A scalar without quotes as it is in the file."""
    flow: bool = False
    """Whether a mapping or list is written with brackets."""
    children: dict[str | int, Child] = field(default_factory=dict)
    size: int = 1
    depth: int = 0


@dataclass
class Document:
    """A file that could be read. `problems` are what is wrong with it as YAML nevertheless."""

    filename: str
    text: str
    lines: list[str]
    root: Node
    problems: list[Problem] = field(default_factory=list)

    def find(self, path: Path) -> Child:
        """The deepest value on the way along `path`."""
        child = Child(Mark(1, 1), self.root)
        for name in path:
            if name not in child.node.children:
                break
            child = child.node.children[name]
        return child

    def problem(self, mark: Mark, path: Path, message: str, suggestion: str = "") -> Problem:
        """A problem at `mark`, which has to do with the value at `path`."""
        return problem(self.lines, mark, path, message, suggestion)


def read(data: str | bytes, filename: str) -> Document:
    """The one document in `data`. Raises SpecError when it cannot be read."""
    text = decode(data, filename)
    lines = BREAK.split(text)
    builder = Builder(filename, lines)
    try:
        for event in yaml.parse(text, Loader=LOADER):
            builder.take(event)
    except yaml.YAMLError as error:
        raise SpecError(filename, (*builder.problems, syntax_problem(error, lines))) from None
    if builder.root is None or builder.root.value is None:
        suggestion = "write `version: 1` first; `colabenv init` writes a whole file"
        raise SpecError(filename, (Problem(0, 0, "the file is empty", suggestion),))
    return Document(filename, text, lines, builder.root, builder.problems)


def decode(data: str | bytes, filename: str) -> str:
    """The text in `data`, without a byte order mark."""

    def refusal(message: str, suggestion: str, line: int = 0, column: int = 0) -> SpecError:
        return SpecError(filename, (Problem(line, column, message, suggestion),))

    if len(data) > MAX_BYTES:
        raise refusal("the file is larger than 1 MiB", "keep data in separate files")
    if isinstance(data, bytes):
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            place = position(data[: error.start].decode())
            raise refusal("the file is not UTF-8 text", "save it as UTF-8", *place) from None
    else:
        text = data
    text = text.removeprefix("\ufeff")
    if not text.replace("\n", "").isprintable() and (found := re.search(UNPRINTABLE, text)):
        message = f"the file contains an unprintable character (U+{ord(found[0]):04X})"
        suggestion = 'remove it, or write it in double quotes as an escape like "\\x1b"'
        raise refusal(message, suggestion, *position(text[: found.start()]))
    return text


def position(before: str) -> Mark:
    """Where the text after `before` begins."""
    lines = BREAK.split(before)
    return Mark(len(lines), len(lines[-1]) + 1)


def problem(lines: list[str], mark: Mark, path: Path, message: str, suggestion: str) -> Problem:
    """A problem with the value at `path`, without what may be a secret."""
    source = "" if is_secret(path) else shown(lines, mark)
    return Problem(mark.line, mark.column, redact(message), redact(suggestion), source)


def shown(lines: list[str], mark: Mark) -> str:
    """The text of a line as an error may show it: nothing when it may hold a secret."""
    if not 0 < mark.line <= len(lines) or mark.column > WIDEST:
        return ""
    line = lines[mark.line - 1]
    return "" if holds_secret(line) else line[:WIDEST].rstrip()


def syntax_problem(error: yaml.YAMLError, lines: list[str]) -> Problem:
    """A parser's error as a problem. The line is withheld when what it continues may be a secret."""
    complaint = describe(error, lines)
    line, column = complaint.line, complaint.column
    while line >= len(lines) or (line and not lines[line]):
        line -= 1
        column = len(lines[line])
    mark = Mark(line + 1, column + 1)
    around = [*lines[complaint.start : line + 1], *keys_above(lines[: line + 1])]
    source = "" if any(map(holds_secret, around)) else shown(lines, mark)
    return Problem(*mark, complaint.message, complaint.suggestion, source)


def keys_above(lines: list[str]) -> Iterator[str]:
    """The lines with the keys that the last line belongs to, as far as indentation shows."""
    limit = sys.maxsize
    for line in reversed(lines):
        if line and KEY_LINE.match(line) and (width := len(line) - len(line.lstrip())) < limit:
            yield line
            limit = width


def scalar(text: str) -> object:
    """The value of a scalar without quotes."""
    if text in WORDS:
        return WORDS[text]
    if INTEGER.fullmatch(text):
        return int(text)
    if FLOAT.fullmatch(text):
        return float(text)
    return text


@dataclass
class Open:
    """A mapping or list that has begun and not ended."""

    node: Node
    anchor: str | None
    before: int
    """How many values there were before it."""
    key: Child | None = None
    """The key that waits for its value."""


@dataclass
class Builder:
    """Makes nodes of a parser's events, one at a time, within the limits."""

    filename: str
    lines: list[str]
    problems: list[Problem] = field(default_factory=list)
    root: Node | None = None
    open: list[Open] = field(default_factory=list)
    anchors: dict[str, Node] = field(default_factory=dict)
    count: int = 0
    documents: int = 0

    def take(self, event: events.Event) -> None:
        start: Any = event.start_mark
        mark = Mark(start.line + 1, start.column + 1)
        if getattr(event, "tag", None) is not None:
            self.complain(mark, *TAG)
        match event:
            case events.ScalarEvent(value=text, style=style):
                node = Node(mark, text) if style else Node(mark, scalar(text), text)
                self.add(node, 1)
                self.end(node, event.anchor)
            case events.MappingStartEvent() | events.SequenceStartEvent():
                value: object = {} if isinstance(event, events.MappingStartEvent) else []
                node = Node(mark, value, flow=bool(event.flow_style), depth=1)
                before = self.count
                self.add(node, 1)
                self.open.append(Open(node, event.anchor, before))
            case events.MappingEndEvent() | events.SequenceEndEvent():
                ended = self.open.pop()
                ended.node.size = self.count - ended.before
                self.end(ended.node, ended.anchor)
            case events.AliasEvent():
                self.alias(mark, event.anchor or "")
            case events.DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    self.refuse(mark, "a file has one document, but a second one begins here", "")

    def add(self, node: Node, size: int) -> None:
        """Count a value before it is built."""
        self.count += size
        if self.count > MAX_VALUES:
            self.refuse(node.mark, f"the file has more than {MAX_VALUES} values", "")
        if len(self.open) + node.depth > MAX_DEPTH:
            self.refuse(node.mark, f"this is nested more than {MAX_DEPTH} levels deep", "")

    def alias(self, mark: Mark, name: str) -> None:
        """Put a value that was given a name above in the place of that name."""
        node = self.anchors.get(name)
        if node is None:
            itself = any(opened.anchor == name for opened in self.open)
            message = f"`*{name}` is part of itself" if itself else f"no value above is named `&{name}`"
            self.complain(mark, message, "if it is text, put it in quotes")
            node = Node(mark, None)
        self.add(Node(mark, None, depth=node.depth), node.size)
        self.end(node, None)

    def end(self, node: Node, anchor: str | None) -> None:
        """Add a complete value to its parent."""
        if anchor:
            self.anchors[anchor] = node
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        into = parent.node
        if isinstance(into.value, list):
            into.children[len(into.value)] = Child(node.mark, node)
            into.value.append(node.value)
        elif parent.key is None:
            parent.key = Child(node.mark, node)
        else:
            name = self.name(parent.key, into)
            if name is not None and isinstance(into.value, dict):
                into.children[name] = Child(parent.key.mark, node)
                into.value[name] = node.value
            parent.key = None
        into.depth = max(into.depth, node.depth + 1)

    def name(self, key: Child, into: Node) -> str | None:
        """The name that a key gives, or None when its value cannot be kept."""
        mark, node = key
        if node.text == "<<":
            self.complain(mark, "merge keys (`<<`) are not supported", "write the keys out")
            return None
        if not isinstance(node.value, str):
            advice = f'quote it: "{node.text}"' if node.text else ""
            self.complain(mark, "a key must be text", advice)
            return node.text or None
        if node.value in into.children:
            first = into.children[node.value].mark.line
            self.complain(
                mark, f"`{clip(node.value)}` is defined twice; the first is on line {first}", "keep one"
            )
            return None
        return node.value

    def path(self) -> Path:
        """Where the next value will be."""
        names: list[str | int] = []
        for opened in self.open:
            if isinstance(opened.node.value, list):
                names.append(len(opened.node.value))
            elif opened.key and isinstance(opened.key.node.value, str):
                names.append(opened.key.node.value)
        return tuple(names)

    def complain(self, mark: Mark, message: str, suggestion: str) -> None:
        self.problems.append(problem(self.lines, mark, self.path(), message, suggestion))

    def refuse(self, mark: Mark, message: str, suggestion: str) -> None:
        """Stop reading: going on would cost too much."""
        self.complain(mark, message, suggestion)
        raise SpecError(self.filename, tuple(self.problems))


def clip(text: str, width: int = 60) -> str:
    """`text` short enough for a message."""
    return text if len(text) <= width else text[: width - 1] + "…"
