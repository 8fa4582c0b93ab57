"""Keys of a YAML text, set in place by the marks that PyYAML gives: all other bytes stay as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

import yaml

from provisioner.machine.edits.text import newline_of
from provisioner.machine.edits.values import Way
from provisioner.model.errors import EffectError

WIDTH = 1 << 30
"""Values are written on one line."""

INDENT = 2
"""Columns by which a mapping is indented that is made anew."""

ALIAS = re.compile(r"\*[^\s,\[\]{}]+")
REST_OF_LINE = re.compile(r"[^\r\n]*")


class Tolerant(yaml.SafeLoader):
    """Reads a tag that it does not know as a part of the value."""


def construct_unknown(loader: Tolerant, node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode):
        return [node.tag, loader.construct_mapping(node, deep=True)]
    if isinstance(node, yaml.SequenceNode):
        return [node.tag, loader.construct_sequence(node, deep=True)]
    return [node.tag, node.value]


Tolerant.add_constructor(None, construct_unknown)


class OneLine(yaml.SafeDumper):
    """Writes texts with line ends in double quotes, as the other quotes would take several lines."""


def represent_text(dumper: OneLine, text: str) -> yaml.Node:
    style = None if text.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


OneLine.add_representer(str, represent_text)


@dataclass(frozen=True)
class YamlItem:
    """An item of a mapping or a list, and where its value begins and ends, without a comment behind it."""

    node: yaml.Node
    start: int
    end: int
    key: yaml.Node | None = None


def read(text: str) -> object:
    try:
        return yaml.load(text, Loader=Tolerant)  # noqa: S506 - it is a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        why = " ".join(str(error).replace('in "<unicode string>", ', "").split())
        raise EffectError(f"it is not YAML: {why}", "Correct the file, or name its `format`.") from error


def written(text: str, way: Way, value: object) -> str:
    """The text with a value at the end of a way, of which any end may be missing."""
    root = yaml.compose(text, Loader=Tolerant)
    if root is None or is_empty(root):
        gap = newline_of(text) if text and not text.endswith("\n") else ""
        return text + gap + block(way, value, 0, newline_of(text)) + newline_of(text)
    here, above = YamlItem(root, root.start_mark.index, end_of(text, root)), root
    for number, key in enumerate(way):
        rest = way[number:]
        if is_empty(here.node) and here.key and not is_flow(above):
            column = here.key.start_mark.column + INDENT
            return with_lines(text, here.end, block(rest, value, column, newline_of(text)))
        inside = child(text, here.node, key)
        if inside is None and isinstance(here.node, yaml.MappingNode):
            return with_pair(text, here.node, rest, value)
        if inside is None:
            return with_value_of(text, here, nested(rest, value))
        if inside.node.start_mark.index < here.start and number < len(way) - 1:
            raise EffectError(
                f"{key} is an alias of something else in the file", "Set it where its anchor is."
            )
        here, above = inside, here.node
    return with_value_of(text, here, value)


def is_flow(node: yaml.Node) -> bool:
    """Whether a mapping or a list is between brackets."""
    return isinstance(node, yaml.CollectionNode) and bool(node.flow_style)


def is_empty(node: yaml.Node) -> bool:
    """Whether a value is left out, as in `key:`."""
    return node.start_mark.index == node.end_mark.index


def child(text: str, node: yaml.Node, key: str) -> YamlItem | None:
    """An item of a mapping by its key, or of a list by its number; of equal keys the last counts."""
    found = None
    for number, each in enumerate(children(text, node)):
        if key == (str(number) if each.key is None else each.key.value):
            found = each
    return found


def children(text: str, node: yaml.Node) -> Iterator[YamlItem]:
    """The items of a mapping or a list. A value from above its own place is one that an alias stands for."""
    at = node.start_mark.index
    for item in node.value if isinstance(node, yaml.CollectionNode) else ():
        key, value = item if isinstance(item, tuple) else (None, item)
        at = max(at, key.end_mark.index) if key else at
        start, alias = value.start_mark.index, None
        if start < at:
            alias = ALIAS.search(text, at)
        start, end = alias.span() if alias else (start, end_of(text, value))
        yield YamlItem(value, start, end, key)
        at = end


def end_of(text: str, node: yaml.Node) -> int:
    """Where a value ends; the marks of what has lines of its own are those of what follows it."""
    start, end = node.start_mark.index, node.end_mark.index
    if isinstance(node, yaml.CollectionNode) and not is_flow(node):
        return max((each.end for each in children(text, node)), default=end)
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        return start + len(text[start:end].rstrip())
    return end


def with_value_of(text: str, place: YamlItem, value: object) -> str:
    """The text with another value in the place of one."""
    style = place.node.style if isinstance(place.node, yaml.ScalarNode) and isinstance(value, str) else None
    made = inline(value, style if style in ("'", '"') else None)
    colon = text.find(":", place.key.end_mark.index) + 1 if place.key else place.start
    if "\n" in text[colon : place.start]:  # it has lines of its own, below the key
        behind = REST_OF_LINE.match(text, colon)
        return f"{text[:colon]} {made}{behind[0] if behind else ''}{text[place.end :]}"
    gap = " " if place.start == place.end else ""
    return text[: place.start] + gap + made + text[place.end :]


def with_pair(text: str, node: yaml.MappingNode, way: Way, value: object) -> str:
    """The text with a key more at the end of a mapping."""
    present = [*children(text, node)]
    if not is_flow(node):
        column = present[0].key.start_mark.column if present[0].key else 0
        return with_lines(text, present[-1].end, block(way, value, column, newline_of(text)))
    pair = f"{inline(way[0])}: {inline(nested(way[1:], value))}"
    if present:
        at = present[-1].end
        return f"{text[:at]}, {pair}{text[at:]}"
    at = text.index("{", node.start_mark.index) + 1
    return text[:at] + pair + text[at:]


def with_lines(text: str, at: int, made: str) -> str:
    """The text with lines below the one in which a place is."""
    behind = REST_OF_LINE.match(text, at)
    end = behind.end() if behind else at
    return text[:end] + newline_of(text) + made + text[end:]


def block(way: Way, value: object, column: int, newline: str) -> str:
    """Lines that say a value, indented, without the end of the last one."""
    lines = [f"{' ' * (column + INDENT * depth)}{inline(key)}:" for depth, key in enumerate(way)]
    return newline.join(lines) + " " + inline(value)


def nested(way: Way, value: object) -> object:
    return reduce(lambda inner, key: {key: inner}, reversed(way), value)


def inline(value: object, style: str | None = None) -> str:
    """A value on one line, fit for a list between brackets, and so for any place."""
    made: str = yaml.dump(
        [value],
        Dumper=OneLine,
        default_style=style,
        default_flow_style=True,
        allow_unicode=True,
        sort_keys=False,
        width=WIDTH,
    )
    return made.rstrip("\n")[1:-1]
