"""What many tests share: fixtures, and the one profile of hypothesis."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.server import Server, serving

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
"""No example is too slow on a busy machine. Where CI is set, hypothesis draws the same examples each time."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A web server on this machine, reached without whatever proxy there may be."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with serving() as told:
        yield told
