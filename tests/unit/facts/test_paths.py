"""Where links lead, as the kernel has it."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from provisioner.facts.paths import as_stored, follow, look_through
from provisioner.machine.reader import Stat
from provisioner.model.errors import ObserveError
from tests.fakes import FakeMachine
from tests.machines import local

NAMES = ("a", "b", "c")
STEPS = st.lists(st.sampled_from((*NAMES, "..")), min_size=1, max_size=5)
ENTRIES = st.dictionaries(
    st.tuples(st.sampled_from(("", "a/", "b/")), st.sampled_from(NAMES)),
    st.one_of(st.none(), st.tuples(st.booleans(), STEPS)),
    min_size=1,
)


def build(root: Path, entries: dict[tuple[str, str], tuple[bool, list[str]] | None]) -> None:
    """Files, and links that are absolute or not, some of them through other links."""
    for (folder, name), link in entries.items():
        place = root / folder / name
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            if link is None:
                place.write_text("")
            else:
                absolute, steps = link
                place.symlink_to(os.path.join(root if absolute else "", *steps))
        except OSError:
            continue  # what was made before is in the way: a link in the place of a folder, say


@given(entries=ENTRIES, steps=STEPS)
def test_links_lead_where_the_kernel_goes(
    entries: dict[tuple[str, str], tuple[bool, list[str]] | None], steps: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "top" / "below"
        root.mkdir(parents=True)
        build(root, entries)
        path = os.path.join(root, *steps)
        reader = local(folder)
        try:
            there = os.stat(path)
        except OSError:
            with suppress(ObserveError):
                assert look_through(path, reader) is None
        else:
            place = follow(path, reader)
            assert place is not None
            assert os.path.samestat(os.lstat(place), there)


def test_a_path_without_links_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    for name in ("folder", "folder/none", "link/none"):
        assert follow(f"{tmp_path}/{name}", local(tmp_path)) == f"{tmp_path}/{name}"


def test_a_name_stands_for_one_that_reads_the_same() -> None:
    machine = FakeMachine()
    machine.put("/d/Donne\u0301es/e\u0301te\u0301/a.txt")
    assert (
        as_stored("/d/Donn\u00e9es/\u00e9t\u00e9/a.txt", machine) == "/d/Donne\u0301es/e\u0301te\u0301/a.txt"
    )
    assert as_stored("/d/Donn\u00e9es/\u00e9/b", machine) == "/d/Donne\u0301es/\u00e9/b"
    assert as_stored("/d/donn\u00e9es", machine) == "/d/donn\u00e9es"


def test_the_very_name_comes_first() -> None:
    machine = FakeMachine()
    for name in ("e\u0301", "\u00e9"):
        machine.put(f"/d/{name}")
        assert as_stored(f"/d/{name}", machine) == f"/d/{name}"


class Counting(FakeMachine):
    """A machine that notes how often it is looked at."""

    looks = 0

    def stat(self, path: str) -> Stat | None:
        self.looks += 1
        return super().stat(path)

    def list(self, path: str) -> tuple[str, ...] | None:
        self.looks += 1
        return super().list(path)


def test_a_name_that_is_there_costs_one_look_and_an_ascii_name_none() -> None:
    machine = Counting()
    machine.put("/a/\u00e9/b")
    assert (as_stored("/a/x/y", machine), machine.looks) == ("/a/x/y", 0)
    assert (as_stored("/a/\u00e9/b", machine), machine.looks) == ("/a/\u00e9/b", 1)
