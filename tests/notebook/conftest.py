"""Kernels for the tests of this folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.notebook.kernels import STANDIN, RunningKernel, environment, kernel


@pytest.fixture(params=["colab", "current"])
def venv(request: pytest.FixtureRequest) -> Path:
    return environment(str(request.param))


@pytest.fixture
def plain(venv: Path, tmp_path: Path) -> Iterator[RunningKernel]:
    """A kernel on no platform that we know."""
    with kernel(venv, tmp_path) as running:
        yield running


@pytest.fixture
def colab(venv: Path, tmp_path: Path) -> Iterator[RunningKernel]:
    """A kernel that takes itself for Colab's, with the stand-in for google.colab and for Colab's `!`."""
    (tmp_path / "mounts").write_text("overlay / overlay rw 0 0\n")
    offer(tmp_path)
    variables = {"STANDIN_COLAB": str(tmp_path / "colab.json"), "PYTHONPATH": str(STANDIN)}
    with kernel(venv, tmp_path, "colab_kernel_launcher", **variables) as running:
        yield running


def offer(folder: Path, **offered: object) -> None:
    """What the stand-in for Colab's page has to give from now on."""
    (folder / "colab.json").write_text(json.dumps({"mounts": str(folder / "mounts"), **offered}))
