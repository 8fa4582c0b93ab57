"""Where we are, and who we are there."""

from __future__ import annotations

import pytest

from provisioner.facts import platforms
from provisioner.model.kernel import Kernel
from tests.fakes import FakeMachine


@pytest.mark.parametrize(
    ("kernel", "expected"), [(None, False), (Kernel(inside=False), False), (Kernel(), True)]
)
def test_only_a_kernel_is_one(kernel: Kernel | None, expected: bool) -> None:
    assert platforms.is_kernel(FakeMachine(notebook=kernel)) is expected


@pytest.mark.parametrize(
    ("environ", "home", "files", "kernel", "place"),
    [
        ({"KAGGLE_KERNEL_RUN_TYPE": "Interactive"}, "/root", ["/var/colab/hostname"], None, "kaggle"),
        ({"VERTEX_PRODUCT": "COLAB_ENTERPRISE"}, "/root", ["/var/colab/hostname"], None, "colab-enterprise"),
        ({}, "/root", ["/var/colab/hostname"], None, "colab"),
        ({}, "/home/studio-lab-user", [], None, "studio-lab"),
        ({}, "/root", [], None, "other"),
        ({}, "/root", [], Kernel(), "jupyter"),
        ({"VSCODE_PID": "7"}, "/root", [], Kernel(inside=False), "vscode"),
    ],
)
def test_who_shows_the_notebook(
    environ: dict[str, str], home: str, files: list[str], kernel: Kernel | None, place: str
) -> None:
    machine = FakeMachine(environ=environ, home=home, notebook=kernel)
    for file in files:
        machine.put(file)
    assert platforms.place(machine) == place
