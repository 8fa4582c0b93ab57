"""How two machines differ, as text: a table whose groups are in order of likelihood."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

from provisioner.render.markup import UNSHOWN
from provisioner.render.terminal import DEFAULT_WIDTH, Paint, plain
from provisioner.render.text import counted, wrapped
from provisioner.snapshots.compare import ABSENT, Comparison, Difference

HASH = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{28,}\b")
"""A sha256 or a commit, whose first digits are enough to tell it apart."""

WIDEST_NAME = 30
GAP = "  "


def render_comparison(
    comparison: Comparison, *, paint: Paint = plain, width: int = DEFAULT_WIDTH, verbose: bool = False
) -> str:
    """What the fingerprints say, then every group. `verbose` shows all of each group."""
    lines = [
        line for text in headlines(comparison) for line in wrapped(clean(text), width, paint, "strong", "")
    ]
    shown = {
        each: each.differences if verbose else each.differences[: each.brief] for each in comparison.groups
    }
    names = [clean(one.name) for some in shown.values() for one in some]
    first = min(max(map(len, names), default=0), WIDEST_NAME)
    rest = (width - len(GAP) * 3 - first) // 2
    widths = (first, rest, rest)
    if names:
        lines += ["", *row(("", *comparison.labels), widths)]
    for each, some in shown.items():
        lines += ["", paint("strong", each.name) + f": {each.why}"]
        for one in some:
            lines += row((clean(one.name), value_of(one.mine), value_of(one.yours)), widths)
        if hidden := each.differences[len(some) :]:
            summary = (
                f"{len(hidden)} {'more' if some else 'differ'}: {summed_up(hidden, comparison.labels)}; "
            )
            lines += wrapped(summary + "-v shows them", width, paint, "faint", GAP)
    return "\n".join(lines) + "\n"


def headlines(comparison: Comparison) -> Iterator[str]:
    """What the fingerprints say, and how much else differs."""
    (mine, yours), (left, right) = comparison.labels, comparison.fingerprints
    if comparison.same:
        yield f"Fingerprints are equal, {left}: everything that the spec names is the same."
    elif comparison.same is not None:
        yield f"Fingerprints differ: {mine} has {left}, {yours} has {right}."
    for label, found, unknown in zip(
        comparison.labels, comparison.fingerprints, comparison.unknown, strict=True
    ):
        if not found:
            why = f"{', '.join(unknown)} could not be determined" if unknown else "there was no spec"
            yield f"There is no fingerprint of {label}: {why}."
    if all(comparison.digests) and len(set(comparison.digests)) > 1:
        yield "They were made with different versions of the spec: compare those first."
    total = sum(len(each.differences) for each in comparison.groups)
    noun = "other difference" if comparison.same else "difference"
    yield f"{counted(total, noun)}, most likely causes first." if total else "Nothing differs."


def clean(text: str) -> str:
    """Text from another person's file, without terminal control characters."""
    return UNSHOWN.sub("\ufffd", text)


def value_of(value: str | None) -> str:
    """A value as a cell shows it."""
    return "not known" if value is None else HASH.sub(r"\1", clean(value))


def row(cells: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """One row of the table; what is too long for its column goes on below."""
    columns = [
        textwrap.wrap(cell, size, break_on_hyphens=False) or [""]
        for cell, size in zip(cells, widths, strict=True)
    ]
    for at in range(max(map(len, columns))):
        parts = [
            (column[at] if at < len(column) else "").ljust(size)
            for column, size in zip(columns, widths, strict=True)
        ]
        yield (GAP + GAP.join(parts)).rstrip()


def summed_up(hidden: Sequence[Difference], labels: tuple[str, str]) -> str:
    """A summary of many differences: "30 in other versions, 8 only in me.json"."""
    only_mine = sum(one.yours == ABSENT for one in hidden)
    only_yours = sum(one.mine == ABSENT for one in hidden)
    both = len(hidden) - only_mine - only_yours
    parts = [
        (both, "in other versions"),
        (only_mine, f"only in {labels[0]}"),
        (only_yours, f"only in {labels[1]}"),
    ]
    return ", ".join(f"{count} {words}" for count, words in parts if count)
