"""What is pinned of a dataset, and what of that a review and a bill of materials say."""

from __future__ import annotations

import pytest

from provisioner.kinds.base import Download, LockContext, Pinning
from provisioner.kinds.datasets import lock
from provisioner.kinds.datasets.facts import DatasetFacts
from provisioner.kinds.datasets.pins import DatasetPins, PinnedDataset
from provisioner.kinds.datasets.section import Dataset
from provisioner.machine.download.receipt import Receipt
from provisioner.model.errors import LockError
from tests.fakes import FakeMachine

SHA = "ab" * 32
WANTED = {"x": Dataset(url="https://example.org/b.txt", to="/work/x")}
HERE = Receipt(url="https://example.org/b.txt", sha256="12" * 32, size=9)
PINNED = PinnedDataset(url="https://example.org/b.txt", size=7, sha256="34" * 32)


def pin(
    config: dict[str, Dataset],
    receipt: Receipt | None = None,
    pinning: Pinning[DatasetPins] | None = None,
    machine: FakeMachine | None = None,
) -> tuple[PinnedDataset, list[str]]:
    """The pin of `x`, and what had to be downloaded for it."""
    came: list[str] = []

    def download(address: str, urls: tuple[str, ...]) -> Download:
        came.append(address)
        return Download(urls[0], SHA, 3)

    facts = {"x": DatasetFacts("/work/x", receipt=receipt)}
    context = LockContext(None, download)
    return lock.pin(config, facts, machine or FakeMachine(), context, pinning)["x"], came


def test_what_was_downloaded_here_is_not_downloaded_again() -> None:
    found, came = pin(WANTED, HERE)
    assert (found.sha256, found.size, came) == (HERE.sha256, HERE.size, [])


def test_what_was_downloaded_from_another_url_is_not_what_the_spec_names() -> None:
    """Its address was changed after it was downloaded: then it is looked at anew."""
    other = Receipt(url="https://example.org/a.txt", sha256="0" * 64, size=9)
    found, came = pin(WANTED, other)
    assert (found.url, found.sha256, came) == (WANTED["x"].url, SHA, ["datasets.x"])


@pytest.mark.parametrize(
    ("upgrade", "sha256", "came"),
    [
        (frozenset[str](), PINNED.sha256, []),
        (frozenset({"x"}), SHA, ["datasets.x"]),
        (None, SHA, ["datasets.x"]),
    ],
)
def test_an_upgrade_looks_at_what_is_published_now(
    upgrade: frozenset[str] | None, sha256: str, came: list[str]
) -> None:
    found = pin(WANTED, HERE, Pinning({"x": PINNED}, exact=False, upgrade=upgrade))
    assert (found[0].sha256, found[1]) == (sha256, came)


def test_a_local_file_is_pinned_by_its_path() -> None:
    machine = FakeMachine()
    machine.put("/work/data/b.txt", "seeds")
    found, came = pin({"x": Dataset(url="file:///work/data/b.txt", to="/work/x")}, machine=machine)
    assert (found.path, found.url, found.size, came) == ("data/b.txt", None, 5, [])


@pytest.mark.parametrize(
    ("path", "fault"), [("/work/none.txt", "there is no file"), ("/srv/b.txt", "is outside the folder")]
)
def test_a_local_file_has_to_be_found_by_everybody(path: str, fault: str) -> None:
    machine = FakeMachine()
    machine.put("/srv/b.txt", "seeds")
    with pytest.raises(LockError, match=fault):
        pin({"x": Dataset(url=f"file://{path}", to="/work/x")}, machine=machine)


def test_a_dataset_that_the_lock_lacks_is_not_taken_from_anywhere() -> None:
    with pytest.raises(LockError, match=r"the lock does not have datasets\.x"):
        lock.check(WANTED, {})
    lock.check(WANTED, {"x": PINNED})


def test_a_review_shows_the_first_digits() -> None:
    (entry,) = lock.contents({"x": PINNED}).entries
    assert (entry.name, entry.version, entry.built) == ("x", "343434343434", False)


def test_a_bill_of_materials_tells_where_it_came_from() -> None:
    (material,) = lock.materials({"x": PINNED}, "Debian GNU/Linux 12 (bookworm)")
    assert (material.address, material.version, material.data) == ("datasets.x", None, True)
    assert material.files == ((PINNED.url, PINNED.sha256),)
    assert material.notes == {"size": 7, "path": None}


def test_only_small_local_files_are_read_whenever_a_lock_is_looked_at() -> None:
    machine = FakeMachine()
    machine.put("/work/small.csv", "a,b")
    machine.put("/work/large.csv", bytes(lock.SMALL + 1))
    config = {
        name: Dataset(url=f"file:///work/{name}.csv", to=f"/work/data/{name}")
        for name in ("small", "large", "none")
    }
    assert [*lock.inputs(config | WANTED, machine)] == ["/work/small.csv"]
