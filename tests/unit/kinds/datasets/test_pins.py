"""What a pin changes of what is wanted, and what a lock may say."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from provisioner.kinds.base import Pinning
from provisioner.kinds.datasets.pins import PinnedDataset, WantedDataset, wanted
from provisioner.kinds.datasets.section import Dataset

SHA = "ab" * 32
PIN = PinnedDataset(
    url="https://example.org/v1.csv", via="https://example.org/latest.csv", size=9, sha256=SHA
)


def dataset(**other: object) -> Dataset:
    given = {"url": "https://example.org/latest.csv", "to": "/data/x.csv", **other}
    return TypeAdapter(Dataset).validate_python(given, context={"folder": "/work", "home": "/root"})


def with_pin(one: Dataset, *, exact: bool = True, upgrade: frozenset[str] | None = None) -> WantedDataset:
    return wanted({"x": one}, Pinning({"x": PIN}, exact=exact, upgrade=upgrade))["x"]


def test_without_a_lock_the_spec_decides() -> None:
    found = wanted({"x": dataset(size=3)}, None)["x"]
    assert (found.urls, found.sha256, found.size) == (("https://example.org/latest.csv",), None, 3)


def test_a_locked_dataset_is_taken_from_where_it_was() -> None:
    found = with_pin(dataset(mirrors=["https://mirror.org/x.csv"]))
    assert found.urls == (PIN.url, "https://example.org/latest.csv", "https://mirror.org/x.csv")
    assert (found.sha256, found.size, found.to) == (SHA, 9, "/data/x.csv")


def test_a_url_that_leads_nowhere_else_is_asked_as_the_spec_writes_it() -> None:
    """The pin has lost the signature."""
    url = "https://example.org/v1.csv?X-Amz-Signature=abc"
    assert with_pin(dataset(url=url)).urls == (url,)


@pytest.mark.parametrize(
    ("now", "upgrade", "kept"),
    [
        (dataset(), frozenset[str](), True),
        (dataset(), frozenset({"x"}), False),
        (dataset(), None, False),
        (dataset(url="https://example.org/other.csv"), frozenset[str](), False),
        (dataset(sha256="00" * 32), frozenset[str](), False),
        (dataset(sha256=SHA), frozenset({"y"}), True),
    ],
)
def test_a_dataset_is_kept_while_the_same_is_asked_for(
    now: Dataset, upgrade: frozenset[str] | None, kept: bool
) -> None:
    found = with_pin(now, exact=False, upgrade=upgrade)
    assert (found.urls[0] == PIN.url) == kept
    assert (found.sha256 == SHA) == (kept or now.sha256 == SHA)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "..", "a\nb"])
def test_a_path_leads_nowhere_else(path: str) -> None:
    with pytest.raises(ValidationError, match="must be below the folder"):
        PinnedDataset(path=path, sha256=SHA)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/x", "x.csv", "https://host/a b"])
def test_a_pin_has_a_url_of_the_web(url: str) -> None:
    with pytest.raises(ValidationError):
        PinnedDataset(url=url, sha256=SHA)


def test_a_pin_is_in_one_place() -> None:
    for places in ({}, {"url": "https://host/x", "path": "x"}):
        with pytest.raises(ValidationError, match="needs either a url or a path"):
            PinnedDataset.model_validate({"sha256": SHA, **places})
