"""The result of a plan: outcomes, verdicts, the report, and the events on the way. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, Protocol

from provisioner.model.accelerators import Accelerators
from provisioner.model.plan import Change, Plan, Step


class Status(Enum):
    """The result of a step."""

    KEPT = "kept"
    DONE = "done"
    FAILED = "failed"
    BLOCKED = "blocked"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    step: str
    status: Status
    attempts: int = 0
    started: float = 0.0
    """Seconds since the run began."""
    seconds: float = 0.0
    error: str = ""
    hint: str = ""
    tail: str = ""
    """The end of a failed command's output."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The result of a check."""

    address: str
    passed: bool
    message: str = ""
    hint: str = ""
    seconds: float = 0.0
    remembered: bool = False
    """Passed in an earlier run, and nothing that it watches has changed since."""
    warning: bool = False
    """Failed, but the file only asked to be warned."""
    data: dict[str, object] = field(default_factory=dict)
    framework: str = ""
    """The framework that was checked, "torch"; "" for any other check."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """The result of a run: what was planned, done, left and verified."""

    plan: Plan
    outcomes: tuple[Outcome, ...] = ()
    residual: tuple[Change, ...] = ()
    """What still differed when the machine was observed again."""
    verdicts: tuple[Verdict, ...] = ()
    accelerators: Accelerators | None = None
    """What is attached; None when the spec does not ask."""
    seconds: float = 0.0
    log: str = ""
    fingerprint: str = ""
    """Of the machine as it was last observed; "" where that is not known."""
    restart: tuple[str, ...] = ()
    """What the notebook's kernel has imported in another version: the next kernel will have the new one."""

    @property
    def changed(self) -> bool:
        return any(outcome.status is Status.DONE for outcome in self.outcomes)

    @property
    def ok(self) -> bool:
        fine = {Status.KEPT, Status.DONE}
        return (
            all(outcome.status in fine for outcome in self.outcomes)
            and not self.residual
            and all(verdict.passed or verdict.warning for verdict in self.verdicts)
        )


@dataclass(frozen=True, kw_only=True)
class Event:
    """Progress that the engine reports."""

    step: str
    what: Literal["begin", "progress", "note", "retry", "end", "planned"]
    text: str = ""
    done: int = 0
    total: int = 0
    seconds: float = 0.0
    status: Status | None = None
    planned: tuple[Step, ...] = ()
    """The steps of an entry that could only be planned on the way."""


class Reporter(Protocol):
    """Shows the progress of an apply."""

    def show(self, plan: Plan) -> None:
        """The plan, before anything is done."""

    def tell(self, event: Event) -> None:
        """One event; called from any thread."""


class Silent:
    """A Reporter that says nothing."""

    def show(self, plan: Plan) -> None:
        """Nothing is shown."""

    def tell(self, event: Event) -> None:
        """Nothing is shown."""


SILENT = Silent()
