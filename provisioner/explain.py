"""What pydantic finds wrong with a section, in the words of someone who edits the file.

Each problem is told once and at its own place: the branches of a union that do not fit what was written
count as one wish ("must be gpu, tpu, none or a mapping"), not as one failure each.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from provisioner import schema
from provisioner.errors import Problem
from provisioner.redact import is_secret
from provisioner.yamlsource import Document, Mark, Node, Path, clip

MAPPING, LIST, TEXT, FLAG, WHOLE, NUMBER = (
    "a mapping",
    "a list",
    "text",
    "true or false",
    "a whole number",
    "a number",
)
WANTED = {
    "model_type": MAPPING,
    "model_attributes_type": MAPPING,
    "dataclass_type": MAPPING,
    "dataclass_exact_type": MAPPING,
    "arguments_type": MAPPING,
    "dict_type": MAPPING,
    "frozen_dict_type": MAPPING,
    "ordered_dict_type": MAPPING,
    "counter_type": MAPPING,
    "mapping_type": MAPPING,
    "list_type": LIST,
    "tuple_type": LIST,
    "set_type": LIST,
    "frozen_set_type": LIST,
    "deque_type": LIST,
    "iterable_type": LIST,
    "named_tuple_type": LIST,
    "string_type": TEXT,
    "string_sub_type": TEXT,
    "string_unicode": TEXT,
    "bytes_type": TEXT,
    "bool_type": FLAG,
    "bool_parsing": FLAG,
    "int_type": WHOLE,
    "int_parsing": WHOLE,
    "int_from_float": WHOLE,
    "float_type": NUMBER,
    "float_parsing": NUMBER,
    "decimal_type": NUMBER,
    "decimal_parsing": NUMBER,
    "fraction_type": NUMBER,
    "fraction_parsing": NUMBER,
    "complex_type": NUMBER,
    "complex_str_parsing": NUMBER,
    "none_required": "empty",
    "url_type": "a URL like https://host/path",
    "url_parsing": "a URL like https://host/path",
    "url_syntax_violation": "a URL like https://host/path",
    "date_type": "a date like 2026-01-31",
    "date_parsing": "a date like 2026-01-31",
    "date_from_datetime_parsing": "a date like 2026-01-31",
    "time_type": "a time like 12:30",
    "time_parsing": "a time like 12:30",
    "datetime_type": "a date and time like 2026-01-31T12:30:00",
    "datetime_parsing": "a date and time like 2026-01-31T12:30:00",
    "datetime_from_date_parsing": "a date and time like 2026-01-31T12:30:00",
    "time_delta_type": "a span of time in seconds",
    "time_delta_parsing": "a span of time in seconds",
    "uuid_type": "a UUID",
    "uuid_parsing": "a UUID",
}
"""What was expected, by the type of error that says that something of another shape is there."""

SAID = {
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "finite_number": "must be a finite number",
    "int_parsing_size": "is too large a number",
    "decimal_max_digits": "has more than {max_digits} digits",
    "decimal_max_places": "has more than {decimal_places} decimal places",
    "decimal_whole_digits": "has more than {whole_digits} digits before the point",
    "too_short": "must hold at least {min_length}",
    "too_long": "must hold at most {max_length}",
    "string_too_long": "must be at most {max_length} characters long",
    "bytes_too_long": "must be at most {max_length} characters long",
    "url_too_long": "must be at most {max_length} characters long",
    "string_pattern_mismatch": "does not have the right form",
    "string_not_ascii": "may hold only plain ASCII letters, digits and signs",
    "url_scheme": "must be a URL that begins with {expected_schemes}",
    "date_past": "must lie in the past",
    "date_future": "must lie in the future",
    "datetime_past": "must lie in the past",
    "datetime_future": "must lie in the future",
    "date_from_datetime_inexact": "must be a date without a time",
    "timezone_naive": "must not name a time zone",
    "timezone_aware": "must name a time zone",
    "invalid_key": "must be text",
    "set_item_not_hashable": "must be a single value",
}
"""What is wrong with a value of the right shape. Whatever is not here "is not valid here"."""

CHOICES = {
    "literal_error": "expected",
    "enum": "expected",
    "union_tag_invalid": "expected_tags",
}
CHOICE = re.compile(r"'((?:[^'\\]|\\.)*)'|([^\s,']+)")
FALSE, TRUE = ("no", "off", "n"), ("yes", "on", "y")
MOST_KEYS = 20


@dataclass(frozen=True, slots=True)
class Fault:
    """One of pydantic's errors. `loc` is what is left of its place below `path`."""

    path: Path
    loc: Path
    type: str
    context: dict[str, Any]
    input: Any
    wanted: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    """The words among `wanted` that can be written as they are."""

    @property
    def misfit(self) -> bool:
        """Whether it says no more than that something of another shape was expected."""
        return bool(self.wanted) and not self.loc

    @property
    def essence(self) -> tuple[Path, Path, str]:
        return self.path, self.loc, self.type


def explain(error: ValidationError, document: Document, section: str, root: Any) -> Iterator[Problem]:
    """Every problem that `error` tells about the section called `section`, whose JSON Schema is `root`."""
    faults = [
        fault(line["type"], line["loc"], line.get("ctx", {}), line["input"])
        for line in error.errors(include_url=False)
    ]
    node = document.root.children[section].node
    for settled in settle(faults, (section,), node):
        yield Wording(settled, document, root).problem


def fault(kind: str, loc: Path, context: dict[str, Any], value: Any) -> Fault:
    if kind in CHOICES:
        listed = CHOICE.findall(str(context[CHOICES[kind]]))
        choices = tuple(text or bare for text, bare in listed if bare != "or")
        return Fault((), loc, kind, context, value, choices, choices)
    wanted = WANTED.get(kind)
    return Fault((), loc, kind, context, value, (wanted,) if wanted else ())


def settle(faults: Iterable[Fault], path: Path, node: Node) -> list[Fault]:
    """Give each fault its place in the file, and each union one voice."""
    here: list[Fault] = []
    deeper: defaultdict[str | int, list[Fault]] = defaultdict(list)
    branches: defaultdict[str | int, list[Fault]] = defaultdict(list)
    for found in faults:
        name, rest = found.loc[:1], found.loc[1:]
        if not name or name == ("[key]",) or (found.type == "missing" and not rest):
            here.append(replace(found, path=path))
        elif name[0] in node.children:
            deeper[name[0]].append(replace(found, loc=rest))
        else:
            branches[name[0]].append(replace(found, loc=rest))
    for name_below, below in deeper.items():
        here += settle(below, (*path, name_below), node.children[name_below].node)
    if branches:
        here += choose([settle(branch, path, node) for branch in branches.values()], path)
    return here


def choose(branches: list[list[Fault]], path: Path) -> list[Fault]:
    """What to tell of a union: the faults of the branch that was meant, or all that could stand here."""
    meant = [branch for branch in branches if not all(one.misfit and one.path == path for one in branch)]
    if not meant:
        faults = [one for branch in branches for one in branch]
        wanted = tuple(dict.fromkeys(word for one in faults for word in one.wanted))
        choices = tuple(dict.fromkeys(word for one in faults for word in one.choices))
        return [replace(faults[0], wanted=wanted, choices=choices)]
    fewest = min(len(branch) for branch in meant)
    best = [branch for branch in meant if len(branch) == fewest]
    shared = set.intersection(*({one.essence for one in branch} for branch in best))
    return [one for one in best[0] if one.essence in shared] or best[0]


@dataclass
class Wording:
    """One fault, put into words."""

    fault: Fault
    document: Document
    root: dict[str, Any] = field(repr=False)

    @cached_property
    def node(self) -> Node:
        return self.document.find(self.fault.path).node

    @cached_property
    def mark(self) -> Mark:
        """The key for what concerns a key or a whole block, else the value."""
        child = self.document.find(self.fault.path)
        block = bool(child.node.children) and not child.node.flow
        about_key = self.fault.type == "extra_forbidden" or self.fault.loc == ("[key]",)
        return child.mark if block or about_key or child.node.value is None else child.node.mark

    @property
    def problem(self) -> Problem:
        message, suggestion = self.words()
        return self.document.problem(self.mark, self.fault.path, message, suggestion)

    def words(self) -> tuple[str, str]:
        """What is wrong, and what to write instead."""
        fault, path = self.fault, self.fault.path
        match fault.type:
            case "extra_forbidden":
                advice = did_you_mean(str(path[-1]), schema.keys(self.root, path[1:-1]), "its keys are ")
                return f"`{clip(str(path[-1]))}` is not a key of {subject(path[:-1])}", advice
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
        must = f"must be {listing(fault.wanted)}"
        if fault.input is None:
            return f"{self.subject} is empty, and {must}", self.advice
        if text is not None and TEXT in fault.wanted and not isinstance(fault.input, str):
            if is_secret(fault.path):
                return f"{self.subject} {must}, but it is read as something else", "put it in quotes"
            return f"{self.subject} {must}, but `{text}` is read as {read_as(fault.input)}", f'quote it: "{text}"'
        return f"{self.subject} {must}", self.replacement() or self.advice

    def replacement(self) -> str:
        """What to write for a text that stands where something else is expected."""
        given, wanted = self.fault.input, self.fault.wanted
        if not isinstance(given, str):
            return ""
        if FLAG in wanted and given.lower() in (*FALSE, *TRUE):
            return f"write {'true' if given.lower() in TRUE else 'false'}"
        if (FLAG in wanted and given in ("true", "false")) or (
            {WHOLE, NUMBER} & set(wanted) and given.isdecimal() and self.node.text is None
        ):
            return "write it without quotes"
        return did_you_mean(given, self.fault.choices)

    @property
    def subject(self) -> str:
        if self.fault.loc == ("[key]",):
            return f"the name `{clip(str(self.fault.path[-1]))}`"
        return subject(self.fault.path)

    @property
    def advice(self) -> str:
        return schema.advice(self.root, self.fault.path[1:])

    def discreet(self, said: str) -> str:
        """A validator's words without the value, where that may be a secret."""
        value = self.fault.input
        if is_secret(self.fault.path) and isinstance(value, str) and value:
            return said.replace(repr(value), "it").replace(value, "it")
        return said


def subject(path: Path) -> str:
    """What to call the value at `path`: `pip.packages`, or item 2 of it."""
    last = path[-1]
    start = max((place + 1 for place, name in enumerate(path[:-1]) if isinstance(name, int)), default=0)
    if isinstance(last, int):
        names = [name for name in path[start:-1] if isinstance(name, str)]
        return f"item {last + 1} of `{clip('.'.join(names))}`" if names else f"item {last + 1}"
    return f"`{clip('.'.join(str(name) for name in path[start:]))}`"


def read_as(value: object) -> str:
    """What a scalar without quotes is taken for."""
    return str(value).lower() if isinstance(value, bool) else f"the number {value}"


def listing(words: Iterable[str], last: str = "or") -> str:
    """ "a, b or c"."""
    *first, end = words
    return f"{', '.join(first)} {last} {end}" if first else end


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """The known word nearest to `word`; or all of them, after the words `otherwise`."""
    names = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower()[:100], names, n=1)
    if near:
        return f"did you mean `{names[near[0]]}`?"
    if not (otherwise and names):
        return ""
    listed = [f"`{name}`" for name in names.values()]
    rest = ["others"] if len(listed) > MOST_KEYS else []
    return otherwise + listing([*listed[:MOST_KEYS], *rest], "and")
