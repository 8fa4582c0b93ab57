"""What pydantic finds wrong with a section, each fault once and at its place in the file.

The branches of a union that do not fit what was written count as one expectation ("gpu, tpu, none or a
mapping"), not as one failure each.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pydantic import ValidationError

from provisioner.spec.source import Node, Path

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

CHOICES = {
    "literal_error": "expected",
    "enum": "expected",
    "union_tag_invalid": "expected_tags",
}
CHOICE = re.compile(r"'((?:[^'\\]|\\.)*)'|([^\s,']+)")


@dataclass(frozen=True)
class Fault:
    """One of pydantic's errors. `loc` is what is left of its place below `path`."""

    path: Path
    loc: Path
    type: str
    context: Mapping[str, object]
    input: object
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


def find(error: ValidationError, section: str, node: Node) -> list[Fault]:
    """All that `error` says about the section called `section`, which is `node`."""
    faults = [
        fault(line["type"], line["loc"], line.get("ctx", {}), line["input"])
        for line in error.errors(include_url=False)
    ]
    return settle([one for one in faults if not hollow(one, faults)], (section,), node)


def hollow(one: Fault, faults: list[Fault]) -> bool:
    """Whether a list is only called too short because what it holds is wrong."""
    depth = len(one.loc)
    return one.type == "too_short" and any(
        len(other.loc) > depth and other.loc[:depth] == one.loc for other in faults
    )


def fault(kind: str, loc: Path, context: Mapping[str, object], value: object) -> Fault:
    if kind in CHOICES:
        listed = CHOICE.findall(str(context[CHOICES[kind]]))
        choices = tuple(text or bare for text, bare in listed if bare != "or")
        return Fault((), loc, kind, context, value, choices, choices)
    wanted = WANTED.get(kind)
    return Fault((), loc, kind, context, value, (wanted,) if wanted else ())


def settle(faults: Iterable[Fault], path: Path, node: Node) -> list[Fault]:
    """Give each fault its place in the file, and each union one message."""
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
    """What to report of a union: the faults of the branch that was meant, or all that is allowed here."""
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
