"""Faults in a section, as messages for someone who edits the file."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pydantic import ValidationError

from provisioner.model.errors import Problem
from provisioner.model.redaction import holds_secret, is_secret
from provisioner.spec import schema
from provisioner.spec.faults import FLAG, LIST, MAPPING, NUMBER, TEXT, WHOLE, Fault, find
from provisioner.spec.schema import Schema
from provisioner.spec.source import Document, Mark, Node, Path, clip

SAID = {
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "finite_number": "must be a finite number",
    "int_parsing_size": "is too large",
    "decimal_max_digits": "has more than {max_digits} digits",
    "decimal_max_places": "has more than {decimal_places} decimal places",
    "decimal_whole_digits": "has more than {whole_digits} digits before the point",
    "too_short": "must contain at least {min_length}",
    "too_long": "must contain at most {max_length}",
    "string_too_short": "must be at least {min_length} characters long",
    "string_too_long": "must be at most {max_length} characters long",
    "bytes_too_long": "must be at most {max_length} characters long",
    "url_too_long": "must be at most {max_length} characters long",
    "string_pattern_mismatch": "does not have the right form",
    "string_not_ascii": "may contain only ASCII letters, digits and symbols",
    "url_scheme": "must be a URL that begins with {expected_schemes}",
    "date_past": "must be in the past",
    "date_future": "must be in the future",
    "datetime_past": "must be in the past",
    "datetime_future": "must be in the future",
    "date_from_datetime_inexact": "must be a date without a time",
    "timezone_naive": "must not name a time zone",
    "timezone_aware": "must name a time zone",
    "union_tag_not_found": "lacks the key {discriminator}",
    "invalid_key": "must be text",
    "set_item_not_hashable": "must be a single value",
}
"""What is wrong with a value of the right shape. Whatever is not here "is not valid here"."""

WORD = re.compile(r"[^\s'\"\[\]{},]{4,}")
FALSE, TRUE = ("no", "off", "n"), ("yes", "on", "y")
MOST_KEYS = 20
MOST_DIGITS = 15
MOST_FAULTS = 1000
"""Finding similar words takes time, and an untrusted file may be made to take a lot of it."""

SHAPES = {
    "object": MAPPING,
    "array": LIST,
    "string": TEXT,
    "boolean": FLAG,
    "integer": WHOLE,
    "number": NUMBER,
}
"""What a JSON Schema calls them. It has shorthands, while pydantic only reports what they stand for."""


def explain(error: ValidationError, document: Document, section: str, root: Schema) -> Iterator[Problem]:
    """Every problem that `error` has about the section called `section`, whose JSON Schema is `root`."""
    wordings = [
        Wording(fault, document, root)
        for fault in find(error, section, document.root.children[section].node)[:MOST_FAULTS]
    ]
    misspelt = {wording.fault.path[:-1] for wording in wordings if wording.misspelt}
    for wording in wordings:
        if not (wording.fault.type == "missing" and wording.fault.path in misspelt):
            yield wording.problem


@dataclass
class Wording:
    """One fault and its message."""

    fault: Fault
    document: Document
    root: Schema = field(repr=False)

    @cached_property
    def node(self) -> Node:
        return self.document.find(self.fault.path).node

    @cached_property
    def mark(self) -> Mark:
        """The key if the fault is about a key or a whole block, else the value."""
        child = self.document.find(self.fault.path)
        block = bool(child.node.children) and not child.node.flow
        about_key = self.fault.type == "extra_forbidden" or self.fault.loc == ("[key]",)
        return child.mark if block or about_key or child.node.value is None else child.node.mark

    @cached_property
    def wanted(self) -> tuple[str, ...]:
        """Everything that is allowed here."""
        shapes = [
            SHAPES[node["type"]]
            for node in schema.at(self.root, self.fault.path[1:])
            if node.get("type") in SHAPES and not node.keys() & {"enum", "const", "format"}
        ]
        return tuple(dict.fromkeys((*self.fault.wanted, *shapes)))

    @cached_property
    def misspelt(self) -> bool:
        """Whether it is a key that is nearly right."""
        return self.fault.type == "extra_forbidden" and bool(near(str(self.fault.path[-1]), self.siblings))

    @property
    def siblings(self) -> list[str]:
        """The keys that the mapping which holds this value may have."""
        return schema.keys(self.root, self.fault.path[1:-1])

    @property
    def problem(self) -> Problem:
        message, suggestion = self.words()
        return self.document.problem(self.mark, self.fault.path, message, suggestion)

    def words(self) -> tuple[str, str]:
        """What is wrong, and what to write instead."""
        fault, path = self.fault, self.fault.path
        match fault.type:
            case "extra_forbidden":
                advice = did_you_mean(str(path[-1]), self.siblings, "its keys are ")
                name = "this" if is_secret(path[:-1]) else f"`{clip(str(path[-1]))}`"
                return f"{name} is not a key of {subject(path[:-1])}", advice
            case "missing" if fault.loc:
                advice = schema.advice(self.root, (*path[1:], *fault.loc))
                return f"{subject(path)} lacks the key `{fault.loc[0]}`", advice
            case "value_error" | "assertion_error":
                said = " ".join(str(fault.context["error"]).split())
                message, _, advice = self.discreet(said).partition("; ")
                return f"{self.subject} {message}", advice
        if fault.wanted:
            return self.misfit()
        if fault.type in ("string_too_short", "too_short") and fault.context["min_length"] == 1:
            return f"{self.subject} must not be empty", self.advice
        said = SAID.get(fault.type, "is not valid here").format_map(fault.context)
        return f"{self.subject} {said}", self.advice

    def misfit(self) -> tuple[str, str]:
        """Words for a value that has another shape than was expected."""
        fault, text = self.fault, self.node.text
        must = f"must be {listing(self.wanted)}"
        if fault.input is None:
            return f"{self.subject} is empty, and {must}", self.advice
        if text is not None and TEXT in self.wanted and not isinstance(fault.input, str):
            if is_secret(fault.path):
                return f"{self.subject} {must}, but it is read as something else", "put it in quotes"
            return (
                f"{self.subject} {must}, but `{text}` is read as {read_as(text, fault.input)}",
                f'quote it: "{text}"',
            )
        return f"{self.subject} {must}", self.replacement() or ("" if fault.choices else self.advice)

    def replacement(self) -> str:
        """What to write for a text that stands where something else is expected."""
        given, wanted = self.fault.input, self.wanted
        if not isinstance(given, str):
            return ""
        if FLAG in wanted and given.lower() in (*FALSE, *TRUE):
            return f"write {'true' if given.lower() in TRUE else 'false'}"
        if FLAG in wanted and given in ("true", "false"):
            return "write it without quotes"
        if {WHOLE, NUMBER} & set(wanted) and (number := as_number(given)):
            return "write it without quotes" if number == given else f"write {number}"
        return did_you_mean(given, self.fault.choices)

    @property
    def subject(self) -> str:
        if self.fault.loc == ("[key]",):
            return f"the name `{clip(str(self.fault.path[-1]))}`"
        return subject(self.fault.path)

    @property
    def advice(self) -> str:
        path = self.fault.path[1:]
        whole = path[:-1] if path and isinstance(path[-1], int) else path
        return schema.advice(self.root, path) or schema.advice(self.root, whole)

    def discreet(self, said: str) -> str:
        """A validator's message without the value, where that may be a secret."""
        value = str(self.fault.input)
        line = self.document.lines[self.mark.line - 1]
        if not value or not (is_secret(self.fault.path) or holds_secret(line)):
            return said
        words = sorted({value, *WORD.findall(value)}, key=len, reverse=True)
        return re.sub("|".join(map(re.escape, words)), "…", said, flags=re.IGNORECASE)


def subject(path: Path) -> str:
    """What to call the value at `path`: `pip.packages`, or item 2 of it."""
    last = path[-1]
    start = max((place + 1 for place, name in enumerate(path[:-1]) if isinstance(name, int)), default=0)
    if isinstance(last, int):
        names = [name for name in path[start:-1] if isinstance(name, str)]
        return f"item {last + 1} of `{clip('.'.join(names))}`" if names else f"item {last + 1}"
    return f"`{clip('.'.join(str(name) for name in path[start:]))}`"


def read_as(text: str, value: object) -> str:
    """How YAML reads `text` without quotes."""
    if isinstance(value, bool):
        return str(value).lower()
    return "a number" if str(value) == text else f"the number {value}"


def as_number(text: str) -> str:
    """The number that `text` may have been meant as, written as every YAML reads it; or ""."""
    try:
        number = float(text[:MOST_DIGITS])
    except ValueError:
        return ""
    if not math.isfinite(number) or len(text) > MOST_DIGITS:
        return ""
    return str(int(number)) if number.is_integer() else str(number)


def listing(words: Iterable[str], last: str = "or") -> str:
    """ "a, b or c"."""
    *first, end = words
    return f"{', '.join(first)} {last} {end}" if first else end


def near(word: str, known: Iterable[str]) -> str:
    """The known word nearest to `word`, or ""."""
    names = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower()[:100], names, n=1)
    return names[found[0]] if found else ""


def did_you_mean(word: str, known: Sequence[str], otherwise: str = "") -> str:
    """The known word nearest to `word`; or all of them, after the words `otherwise`."""
    if found := near(word, known):
        return f"did you mean `{found}`?"
    if not (otherwise and known):
        return ""
    listed = [f"`{name}`" for name in known]
    rest = ["others"] if len(listed) > MOST_KEYS else []
    return otherwise + listing([*listed[:MOST_KEYS], *rest], "and")
