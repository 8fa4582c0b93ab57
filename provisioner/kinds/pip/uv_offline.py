"""Asking uv about an image that is not this machine: names and versions are listed, dependencies are not.

What extras need is looked up in the index, for the version that is listed. Whether everything else on the
image still works with what changes cannot be known here, and a warning says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from provisioner.kinds.pip import uv
from provisioner.kinds.pip.closure import ITSELF, Closure
from provisioner.kinds.pip.uv import DryRun, Refusal, UvRequest
from provisioner.machine.reader import Reader

UNKNOWN_EXTRA = re.compile(
    r"The package `(?P<name>[^=`]+)==(?P<version>[^`]+)` does not have an extra named `.+`"
)
"""What uv says of distributions whose metadata are made up."""


def unknown_extras(reader: Reader, closure: Closure) -> dict[str, str]:
    """Versions by name of what is listed and has to have extras, of which nothing is listed."""
    listed = closure.reached if reader.context.target_image else {}
    return {name: found.version for name, found in listed.items() if closure.extras[name] - {ITSELF}}


def ask(
    reader: Reader, request: UvRequest, constraints: Iterable[str], unknown: Mapping[str, str]
) -> DryRun | Refusal:
    """What uv would do about a request, when the index is asked what the extras of `unknown` need."""
    lines = [*constraints]
    published = {name: version for name, version in unknown.items() if "+" not in version}
    words = tuple(word for name in published for word in ("--reinstall-package", name))
    pins = [f"{name}=={version}" for name, version in published.items()]
    answer = uv.ask(reader, replace(request, options=(*request.options, *words)), [*lines, *pins])
    if isinstance(answer, Refusal) and published:
        published = {}
        answer = uv.ask(reader, request, lines)
    if isinstance(answer, Refusal) or not reader.context.target_image:
        return answer
    lacking = [match for warning in answer.warnings if (match := UNKNOWN_EXTRA.fullmatch(warning))]
    if more := {match["name"]: match["version"] for match in lacking if match["name"] not in unknown}:
        return ask(reader, request, lines, {**unknown, **more})
    made_up = {match[0] for match in lacking if match["name"] not in published}
    warnings = [warning for warning in answer.warnings if warning not in made_up]
    if still_unknown := ", ".join(sorted(unknown.keys() - published)):
        place = reader.context.target_image
        warnings.append(f"What the extras of {still_unknown} need is known only on {place} itself")
    moves = tuple(move for move in answer.moves if published.get(move.name, "") != move.after)
    return replace(answer, moves=moves, warnings=tuple(warnings))


def warn(reader: Reader, moved: Mapping[str, str | None]) -> Iterator[str]:
    """What cannot be known of an image when what is on it changes: versions afterwards, by name."""
    changing = ", ".join(f"{name} {after}" for name, after in sorted(moved.items()) if after)
    if reader.context.target_image and changing:
        yield f"Whether the rest of {reader.context.target_image} works with {changing} is not known here."
