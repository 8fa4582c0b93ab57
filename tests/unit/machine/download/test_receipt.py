"""Receipts, and what may be said about URLs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.machine.download import receipt
from provisioner.machine.download.receipt import Damage, Receipt
from provisioner.machine.urls import file_name, file_url, local_path, origin, shown
from tests.fakes import FakeMachine

WHOLE = Receipt("https://host/x", "5" * 64, 10, 1)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1)
ENTRIES = st.lists(st.tuples(NAMES, st.integers(0), st.integers(0), NAMES))


@given(entries=ENTRIES)
def test_a_receipt_survives_being_written(entries: list[receipt.Entry]) -> None:
    told = receipt.load(receipt.dump(WHOLE, entries).encode())
    assert told is not None
    assert list(told.entries()) == entries
    assert (told.url, told.sha256, told.size, told.strip) == ("https://host/x", "5" * 64, 10, 1)
    assert (told.files, told.bytes) == (len(entries), sum(size for _, size, _, _ in entries))


@given(entries=ENTRIES, data=st.data())
def test_a_receipt_cut_short_is_none(entries: list[receipt.Entry], data: st.DataObject) -> None:
    text = receipt.dump(WHOLE, entries).encode()
    cut = data.draw(st.integers(0, len(text) - 2))
    assert receipt.load(text[:cut]) is None


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[]", b"1", b'{"format": "provisioner.receipt/1"}', b'{"format": "other"}', b"\xff"]
)
def test_what_is_no_receipt(text: bytes) -> None:
    assert receipt.load(text) is None
    assert receipt.load(None) is None


def test_of_many_damaged_files_the_first_is_told() -> None:
    machine = FakeMachine()
    machine.put("/d/a", "a")
    entries = [("a", 1, 2, "x"), ("b", 3, 2, "x"), ("c", 3, 2, "x")]
    told = receipt.load(receipt.dump(WHOLE, entries).encode())
    assert told is not None
    assert receipt.damage(told, "/d/.r", machine, deep=False) == Damage(2, "b", 3, None)


@pytest.mark.parametrize(("found", "even"), [(0, 0), (3.9, 2), (-1, 0), (1e30, 4_102_444_800), (5, 4)])
def test_times_are_even_seconds(found: float, even: int) -> None:
    assert receipt.even_seconds(found) == even * 10**9


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://host/a?b=1&c=", "https://host/a?b=1&c="),
        ("https://me:secret@host:8080/a", "https://***@host:8080/a"),
        ("https://host/a?id=1&token=secret", "https://host/a?id=1"),
        ("https://s3/a?X-Amz-Credential=secret&X-Amz-Date=1&X-Amz-Signature=secret", "https://s3/a"),
        ("https://gcs/a?X-Goog-Signature=secret&x-goog-expires=1", "https://gcs/a"),
        ("https://azure/a?sv=1&sig=secret", "https://azure/a?sv=1"),
        ("https://cdn/a?Expires=1&Key-Pair-Id=secret&Signature=secret", "https://cdn/a"),
        ("https://host/a#secret", "https://host/a"),
    ],
)
def test_a_url_is_shown_without_what_opens_it(url: str, expected: str) -> None:
    assert shown(url) == expected


def test_where_a_url_leads() -> None:
    assert origin("https://me:secret@Host:80/a/b.zip?c") == "host"
    assert origin("file:///a/b%20c.zip") == file_name("file:///a/b%20c.zip") == "b c.zip"
    assert file_name("https://host/a/?b=c.zip") == ""


@given(path=NAMES.map("/".__add__))
def test_a_file_url_leads_to_its_path(path: str) -> None:
    assert local_path(file_url(path)) == path
