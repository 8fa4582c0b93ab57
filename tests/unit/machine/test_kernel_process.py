"""A notebook's kernel is found among the parents by what it was started with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from provisioner.machine import kernel_process
from provisioner.machine.kernel_state import look_from_outside, mapped, started_ns
from provisioner.machine.signatures import SIGNS

WALK = "from provisioner.machine.kernel_process import kernel_process; print(kernel_process() is not None)"


@pytest.mark.parametrize(
    ("argv", "found"),
    [
        (b"/usr/bin/python3\0-m\0ipykernel_launcher\0-f\0/run/kernel.json\0", True),
        (b"/usr/bin/python3\0-m\0colab_kernel_launcher\0-f\0/run/kernel.json\0", True),
        (b"python3\0/usr/lib/python3/site-packages/ipykernel_launcher.py\0-f\0x\0", True),
        (b"python3\0-m\0ipykernel\0-f\0x\0", True),
        (b"vim\0about-ipykernel.txt\0", False),
        (b"python3\0-m\0provisioner\0apply\0", False),
    ],
)
def test_a_kernel_is_known_by_its_command_line(argv: bytes, found: bool) -> None:
    assert bool(kernel_process.LAUNCHER.search(argv)) is found


def test_a_grandchild_finds_it(tmp_path: Path) -> None:
    launcher = tmp_path / "ipykernel_launcher.py"
    launcher.write_text(f"import subprocess, sys\nsubprocess.run(['sh', '-c', sys.argv[1]])\n# {WALK}\n")
    command = f"{sys.executable} -c '{WALK}'; true"
    told = subprocess.run([sys.executable, launcher, command], capture_output=True, text=True, check=True)
    assert told.stdout == "True\n"


def test_there_is_none_here() -> None:
    assert kernel_process.kernel_process() is None
    assert look_from_outside() is None
    assert SIGNS["kernel"]("") is None


def test_what_is_gone_is_nothing() -> None:
    assert kernel_process.fields(2**30) == [0] * 20
    assert kernel_process.kernel_process(2**30) is None
    assert mapped(2**30) == (frozenset(), frozenset())


def test_a_process_began_after_the_epoch_and_before_now(tmp_path: Path) -> None:
    (tmp_path / "now").touch()
    assert 0 < started_ns(os.getpid()) <= (tmp_path / "now").stat().st_mtime_ns + 10**9
