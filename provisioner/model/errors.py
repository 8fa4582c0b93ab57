"""Everything that can go wrong, as one tree.

ProvisionerError            what happened, and what to do next
 ├─ SpecError               the file is wrong: every problem, with its place
 ├─ ObserveError            a fact could not be determined (unknown is not absent)
 │   └─ Unforeseen          it is about what is still to be made
 ├─ PlanMovedError          a saved plan no longer fits this machine
 ├─ LockError               a lock cannot be made, or does not fit
 ├─ PluginError             a plugin's kind cannot be used
 ├─ NotDone                 the machine is not what the spec says; `api` has it, since its text is a report
 ├─ EffectError             a step failed
 │   └─ TransientError      the same work may succeed when tried again
 └─ Interrupted             Ctrl-C, SIGTERM
"""

from __future__ import annotations

from dataclasses import dataclass


class ProvisionerError(Exception):
    """Something a user can understand and act upon; printed without a traceback.

    `hint` says what to do next and may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback."""
        return [self.message, *(f"  {line}" for line in self.hint.splitlines())]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a spec. Lines and columns count from 1; 0 means the whole file."""

    line: int
    column: int
    message: str
    suggestion: str = ""
    source: str = ""
    """The text of the line, shown above a caret; empty when it may hold a secret."""


class SpecError(ProvisionerError):
    """The spec cannot be used. Holds every problem found, in the order of the file."""

    def __init__(self, filename: str, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(describe(filename, problem) for problem in problems))
        self.filename = filename
        self.problems = problems


def describe(filename: str, problem: Problem) -> str:
    """`file:line:column: message`, the line with a caret, and what to write instead."""
    place = f"{filename}:{problem.line}:{problem.column}: " if problem.line else f"{filename}: "
    lines = [place + problem.message]
    if problem.source:
        shown = problem.source.expandtabs(1)
        lines += [f"    {shown}", "    " + " " * (problem.column - 1) + "^"]
    if problem.suggestion:
        lines.append(f"    {problem.suggestion}")
    return "\n".join(lines)


class ObserveError(ProvisionerError):
    """A fact could not be determined, so nothing may be concluded from it."""


class Unforeseen(ObserveError):  # noqa: N818 - no error, but a wait
    """A fact is about what is still to be made, and cannot be foreseen."""


class PlanMovedError(ProvisionerError):
    """The machine or the spec is no longer what a saved plan was made for."""


class LockError(ProvisionerError):
    """A lock cannot be made, cannot be read, or is not for this file or this machine."""


class PluginError(ProvisionerError):
    """A kind that another distribution adds has a name that is taken, or cannot be used."""


class EffectError(ProvisionerError):
    """An effect failed for good. `tail` is the end of the command's output, if there was one."""

    def __init__(self, message: str, hint: str = "", tail: str = "") -> None:
        super().__init__(message, hint)
        self.tail = tail


class TransientError(EffectError):
    """An effect failed in a way that another try may fix.

    `retry_after` is what the server asked for, in seconds, or None.
    """

    def __init__(
        self, message: str, hint: str = "", tail: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(message, hint, tail)
        self.retry_after = retry_after


class Interrupted(ProvisionerError):  # noqa: N818 - an order, not an error
    """The user or the system asked the run to stop."""
