"""A machine that is not here is known by names and versions: what each distribution needs is in no list.

What extras need is looked up in the index, in the version that is there. Whether the rest of the machine
takes what moves cannot be known here, and is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from provisioner.kinds.pip import uv
from provisioner.kinds.pip.closure import Closure
from provisioner.kinds.pip.uv import Refusal, Request, Resolution
from provisioner.machine.reader import Reader

LACKS = re.compile(r"The package `(?P<name>[^=`]+)==(?P<version>[^`]+)` does not have an extra named `.+`")
"""What uv says of distributions whose metadata are made up."""


def in_doubt(reader: Reader, closure: Closure) -> dict[str, str]:
    """What is there in a version of which extras are asked for, of which nothing is listed."""
    there = closure.reached if reader.context.target_image else {}
    return {name: found.version for name, found in there.items() if closure.extras[name] - {""}}


def ask(
    reader: Reader, request: Request, constraints: Iterable[str], doubtful: Mapping[str, str]
) -> Resolution | Refusal:
    """What uv would do about a request, when the index is asked what the extras of the `doubtful` need."""
    lines = [*constraints]
    published = {name: version for name, version in doubtful.items() if "+" not in version}
    words = tuple(word for name in published for word in ("--reinstall-package", name))
    pins = [f"{name}=={version}" for name, version in published.items()]
    answer = uv.ask(reader, replace(request, options=(*request.options, *words)), [*lines, *pins])
    if isinstance(answer, Refusal) and published:
        published = {}
        answer = uv.ask(reader, request, lines)
    if isinstance(answer, Refusal) or not reader.context.target_image:
        return answer
    lacking = [match for warning in answer.warnings if (match := LACKS.fullmatch(warning))]
    if more := {match["name"]: match["version"] for match in lacking if match["name"] not in doubtful}:
        return ask(reader, request, lines, {**doubtful, **more})
    made_up = {match[0] for match in lacking if match["name"] not in published}
    warnings = [warning for warning in answer.warnings if warning not in made_up]
    if untold := sorted(doubtful.keys() - published):
        warnings.append(f"What the extras of {', '.join(untold)} need is known on {reader.context.target_image} itself")
    moves = tuple(move for move in answer.moves if published.get(move.name, "") != move.after)
    return replace(answer, moves=moves, warnings=tuple(warnings))


def cautions(reader: Reader, moved: Mapping[str, str | None]) -> Iterator[str]:
    """What is to be said of what is on the machine and moves, by name with the version afterwards."""
    moving = [f"{name} {after}" for name, after in sorted(moved.items()) if after]
    if reader.context.target_image and moving:
        yield f"Whether the rest of {reader.context.target_image} takes {', '.join(moving)} is not in its lists."
