"""Fixtures that many tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server import Server, serving


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A web server on this machine, reached without whatever proxy there may be."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with serving() as told:
        yield told
