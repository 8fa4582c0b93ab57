"""HTML put together from values: all text is escaped, so that no name can become markup."""

from __future__ import annotations

import html
import re

VOID = ("br", "col")

UNSHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, those that turn the direction of writing, and halves of characters."""


class Markup(str):
    """Text that is already HTML. Untrusted text becomes one only through `escape`."""

    __slots__ = ()


NOTHING = Markup("")


def escape(text: str) -> Markup:
    """Text as HTML that shows it. Control characters become the replacement character."""
    return text if isinstance(text, Markup) else Markup(html.escape(UNSHOWN.sub("\ufffd", text)))


def join(*parts: str, between: str = "") -> Markup:
    return Markup(escape(between).join(escape(part) for part in parts if part))


def element(tag: str, *content: str, **attributes: str | bool) -> Markup:
    """`element("td", "a<b", class_="name")`; an attribute of True has no value, one of False is left out.

    A trailing underscore of an attribute's name is dropped, those within become dashes.
    """
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(str(value))}"')
        for key, value in attributes.items()
        if value is not False
    )
    if tag in VOID:
        return Markup(f"<{tag}{written}>")
    return Markup(f"<{tag}{written}>{join(*content)}</{tag}>")


def table(caption: str, headings: tuple[str, ...], rows: list[Markup], **attributes: str) -> Markup:
    """A table whose columns have names. `rows` are `tr` elements."""
    head = element("tr", *(element("th", heading, scope="col") for heading in headings))
    return element(
        "table",
        element("caption", caption),
        element("thead", head),
        element("tbody", *rows),
        **attributes,
    )


def row(name: str, *cells: str) -> Markup:
    """A row of a table, with its first cell as the row's heading."""
    first = element("th", element("code", name), scope="row")
    return element("tr", first, *(cell if is_cell(cell) else element("td", cell) for cell in cells))


def is_cell(content: str) -> bool:
    return isinstance(content, Markup) and content.startswith("<td")


def lines(text: str) -> Markup:
    """Text whose line breaks are kept, since its lines may be commands to paste."""
    return element("span", text, class_="lines")
