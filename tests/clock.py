"""Tests and time: no test passes or fails by how fast this machine is."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from provisioner.machine import process

PATIENCE = 300
"""Seconds after which a test gives up on what should come by itself."""


@dataclass
class Clock:
    """For child processes: it stands still until one says a line with `pattern` in it; then time is up."""

    pattern: str = ""
    now: float = 0.0

    def monotonic(self) -> float:
        return self.now

    def hear(self, line: str) -> None:
        if re.search(self.pattern, line):
            self.now = float("inf")


def stop_clock(monkeypatch: pytest.MonkeyPatch, pattern: str = "") -> Clock:
    """Give child processes such a clock; whoever runs them hands them `hear` as `on_line`."""
    clock = Clock(pattern)
    monkeypatch.setattr(process, "time", clock)
    return clock
