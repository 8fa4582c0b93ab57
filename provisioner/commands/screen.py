"""Where a command shows things: a terminal, or a notebook's cell."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from provisioner.model.plan import Plan
from provisioner.model.report import Report, Reporter
from provisioner.render.terminal import Paint


class Screen(Protocol):
    """Shows results; with `as_json` as one JSON document."""

    can_restart: bool
    """Whether there is a notebook's kernel that can be restarted."""

    @property
    def paint(self) -> Paint: ...
    @property
    def width(self) -> int:
        """Columns to fill."""

    def say(self, text: str) -> None:
        """Print `text`, which ends with a line break."""

    def plan(self, plan: Plan, *, verbose: bool = False, as_json: bool = False) -> None:
        """All of a plan; `verbose` shows what is already right, too."""

    def status(self, plan: Plan, *, as_json: bool = False) -> None:
        """Only what differs."""

    def report(self, report: Report, *, as_json: bool = False, restart: bool = False) -> None:
        """A report, and what follows from it for a notebook's kernel; `restart` restarts that if need be."""

    def reporter(
        self, *, verbose: bool = False, events: str | None = None, as_json: bool = False
    ) -> AbstractContextManager[Reporter]:
        """Shows an apply as it goes; `events` is a file to append every event to."""
