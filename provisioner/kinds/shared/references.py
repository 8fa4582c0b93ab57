"""`${NAME}` in a path or in a variable's value: what the file itself defines, and nothing else.

References are expanded while sections are validated, so the rest of the program never meets one. No shell
reads these fields: what looks like a shell's variable would stay as it is, so it is refused. `$$` is a
dollar.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from provisioner.kinds.shared.near_names import near_address

Definition = Callable[[Mapping[str, object]], str]
"""Gives an absolute path, from the context in which sections are validated. Raises ValueError, whose text
follows the place that refers to it."""

TOKEN = re.compile(r"\$(?:\$|\{([^{}]*)\}?|([A-Za-z_][A-Za-z0-9_]*))")
"""A dollar, a reference, or a shell's variable."""

LONGEST = 4096
"""Bytes of a path, at most. Source: PATH_MAX of Linux."""
DEEPEST = 20
"""References of which each needs the next."""


class CircleError(Exception):
    """A path is defined by itself. No ValueError, since that would end at the path in between."""


@dataclass
class Names:
    """The paths that a file defines, each found when it is first asked for."""

    definitions: Mapping[str, Definition]
    context: Mapping[str, object] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    """Those that are being found, each for the one before it."""

    def find(self, name: str) -> str:
        """The path that `${NAME}` stands for. Raises ValueError when it has none."""
        if name not in self.known:
            path = self.define(name)
            if len(path.encode()) > LONGEST:
                raise ValueError(f"refers to ${{{name}}}, which is longer than a path can be")
            self.known[name] = path
        return self.known[name]

    def define(self, name: str) -> str:
        if name in self.open:
            raise CircleError("leads back to itself")
        if len(self.open) == DEEPEST:
            raise CircleError(f"needs more than {DEEPEST} others")
        self.open.append(name)
        try:
            return self.definitions[name](self.context)
        except ValidationError:
            raise ValueError(f"refers to ${{{name}}}, which is wrong itself; correct that first") from None
        except CircleError as error:
            if self.open[1:]:
                raise
            raise ValueError(f"refers to ${{{name}}}, which {error}; write one of these paths out") from None
        finally:
            self.open.pop()


NO_NAMES = Names({})


def raw_entries(section: object) -> Mapping[str, object]:
    """The entries of a section that is not checked yet."""
    return section if isinstance(section, dict) else {}


def expand(text: str, names: Names, instead: Callable[[str], str]) -> tuple[str, tuple[str, ...]]:
    """`text` with its references expanded, and the paths that these stand for.

    `instead` says what to write in place of a shell's variable. Raises ValueError.
    """
    used: list[str] = []

    def value(token: re.Match[str]) -> str:
        if token[0] == "$$":
            return "$"
        if token[1] not in names.definitions:
            raise ValueError(refusal(token, names.definitions, instead))
        used.append(names.find(token[1]))
        return used[-1]

    return TOKEN.sub(value, text), tuple(used)


def refusal(token: re.Match[str], known: Collection[str], instead: Callable[[str], str]) -> str:
    """Why something stays unexpanded, and what to write."""
    name = token[1] or ""
    near = near_address(name, known)
    if "." not in name and not near:
        return f"contains {token[0]}, which nothing expands; {instead(token[0])}"
    listed = ", ".join(f"${{{each}}}" for each in known)
    way = f"did you mean ${{{near}}}?" if near else f"it defines {listed}" if known else instead(token[0])
    return f"refers to {token[0]}, which the file does not define; {way}"


def variable_in(text: str) -> str:
    """The first reference or shell's variable in a text; "" for none."""
    return next((token[0] for token in TOKEN.finditer(text) if token[0] != "$$"), "")


def refuse_variables(text: str, instead: str) -> None:
    """Raises ValueError for a text that holds what nothing expands there; `instead` is what to write."""
    if token := variable_in(text):
        raise ValueError(f"contains {token}, which nothing expands here; {instead}")
