"""The journal: what a crash leaves, and one apply at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from provisioner.engine.journal import Journal
from provisioner.model.errors import ProvisionerError


def test_nothing_is_suspect_at_first(tmp_path: Path) -> None:
    assert Journal(str(tmp_path / "none")).suspects() == frozenset()


def test_what_began_and_never_ended_is_suspect(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path))
    with journal.exclusive(lambda: None):
        journal.begin("apt")
        journal.begin("pip")
        journal.end("apt")
    assert Journal(str(tmp_path)).suspects() == {"pip"}


def test_a_line_cut_short_by_a_crash_counts_for_nothing(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path))
    with journal.exclusive(lambda: None):
        journal.begin("apt")
    with journal.path.open("a") as file:
        file.write('{"event": "beg')
    assert journal.suspects() == {"apt"}


def test_a_clean_end_leaves_nothing(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path))
    with journal.exclusive(lambda: None):
        journal.begin("apt")
        journal.clear()
    assert journal.path.read_bytes() == b""


HOLDER = """
import sys
from provisioner.engine.journal import Journal
with Journal(sys.argv[1]).exclusive(lambda: None):
    print("locked", flush=True)
    sys.stdin.readline()
"""


def test_the_second_waits_and_a_killed_holder_lets_go(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"locked\n"
        waited = []

        def waiting() -> None:
            waited.append(True)
            holder.kill()

        with Journal(str(tmp_path)).exclusive(waiting):
            assert waited == [True]


def test_a_state_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ProvisionerError, match="state folder") as caught,
        Journal(str(tmp_path / "file" / "below")).exclusive(lambda: None),
    ):
        pass
    assert "XDG_STATE_HOME" in caught.value.hint
