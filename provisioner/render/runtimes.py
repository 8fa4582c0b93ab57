"""Colab's images as text: a table of them, and what differs between two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from provisioner.model.plan import Action, Change
from provisioner.render.terminal import DEFAULT_WIDTH, Paint, plain
from provisioner.render.text import change_lines, counted, short, transition, wrapped
from provisioner.runtimes.images import Image

NUMBERS = ("pip", "apt")
GAP = "  "
VERBS = ((Action.CREATE, "added"), (Action.REMOVE, "removed"), (Action.UPDATE, "changed"))


def render_images(images: Sequence[Image], *, paint: Paint = plain, width: int = DEFAULT_WIDTH) -> str:
    """The images, oldest first, and what they came with: in as many tables as the width needs."""
    rows = [cells(image) for image in images]
    columns = {heading: column(heading, [row[heading] for row in rows]) for heading in rows[0]}
    names, *rest = columns.values()
    texts = [table([names, *part], paint) for part in parts(rest, width - len(names[0]))]
    return "\n".join("".join(line + "\n" for line in lines) for lines in texts)


def cells(image: Image) -> dict[str, str]:
    """What the table says of an image, by heading."""
    return {
        "image": image.name,
        "date": image.date,
        "system": image.os,
        "python": image.python,
        "pip": str(len(image.pip)),
        "apt": str(len(image.apt)),
        **{name: version or "-" for name, version in image.telling.items()},
    }


def column(heading: str, texts: Sequence[str]) -> list[str]:
    """A column with its heading, every cell as wide as the widest; numbers are right-aligned."""
    widest = max(map(len, (heading, *texts)))
    place = str.rjust if heading in NUMBERS else str.ljust
    return [place(text, widest) for text in (heading, *texts)]


def parts(columns: Sequence[list[str]], room: int) -> Iterator[list[list[str]]]:
    """The columns, as many at a time as there is room for."""
    part: list[list[str]] = []
    for each in columns:
        if part and sum(len(GAP + other[0]) for other in [*part, each]) > room:
            yield part
            part = []
        part.append(each)
    yield part


def table(columns: Sequence[list[str]], paint: Paint) -> Iterator[str]:
    heading, *lines = (GAP.join(row).rstrip() for row in zip(*columns, strict=True))
    yield paint("faint", heading)
    yield from lines


def render_difference(
    names: tuple[str, str],
    changes: Sequence[Change],
    *,
    others: int = 0,
    affected: str = "",
    unread: Sequence[str] = (),
    paint: Paint = plain,
    width: int = DEFAULT_WIDTH,
) -> str:
    """What changed from one image to another, grouped by kind.

    `affected` names the spec that the changes affect; `others` is how many do not, and `unread` are files
    that only uv can read in full.
    """
    lines = [paint("strong", " -> ".join(names))]
    for kind, group in groupby(changes, key=lambda change: change.address.partition(".")[0]):
        lines += ["", *kind_lines(kind, list(group), paint, width)]
    return "\n".join([*lines, "", *closing(len(changes), others, affected, unread, paint, width)]) + "\n"


def kind_lines(kind: str, changes: list[Change], paint: Paint, width: int) -> Iterator[str]:
    number = Counter(change.action for change in changes)
    counts = ", ".join(f"{number[action]} {verb}" for action, verb in VERBS if number[action])
    yield f"{paint('strong', kind)}  {paint('faint', counts)}"
    names = [short(change.address, kind) for change in changes]
    longest = min(max(map(len, names)), 40)
    for change, name in zip(changes, names, strict=True):
        room = width - len("  ~   ") - len(transition(change))
        yield from change_lines(change, name, max(0, min(longest, room)), paint, width)


def closing(
    number: int, others: int, affected: str, unread: Sequence[str], paint: Paint, width: int
) -> Iterator[str]:
    """How many changes there are, and whether they affect a spec."""
    if not affected:
        yield f"{counted(number, 'change')}." if number else "Nothing changed."
        return
    rest = f"; {others} {'other does' if others == 1 else 'others do'} not" if others else ""
    changes = counted(number, "change") if number else "No change"
    yield f"{changes} affect{'' if number > 1 else 's'} {affected}{rest}."
    for path in unread:
        note = f"{path} has lines that only uv can read: what they name was not compared."
        yield from wrapped(note, width, paint, "change", "")
