"""Receipts, and what may be said about URLs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.machine.download import receipt
from provisioner.machine.download.receipt import Damage, Others, Receipt
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


def test_others_are_known_by_names_as_people_read_them() -> None:
    others = Others(("Donn\u00e9es",), frozenset({"\u00e9.txt"}))
    assert others.own("Donne\u0301es/a")
    assert others.own("Donn\u00e9es")
    assert not others.own("Donnees/a")
    assert Others(("a/x",)).own("a/.x.colabenv.jsonl")
    assert not Others(("a/x",)).own("a/.colabenv.jsonl")
    assert not Others(("a/x",)).own(".x.colabenv.jsonl")
    assert others.edit("e\u0301.txt")
    assert not others.edit("E\u0301.txt")


def test_what_others_change_may_be_a_folder_or_all() -> None:
    others = Others(edited=frozenset({"tool"}))
    assert others.edit("tool/net.py")
    assert not others.edit("tools/net.py")
    assert Others(edited=frozenset({""})).edit("any")


def test_what_others_removed_is_not_missed_and_is_looked_at_while_it_is_there() -> None:
    machine, told = FakeMachine(), receipt.Receipt("https://host/t", "0", 1)
    entries = [("a", 1, 2, "0"), ("b", 1, 3, "0")]
    parsed = receipt.load(receipt.dump(told, entries).encode())
    assert parsed
    machine.put("/t/a", "1")
    others = Others(removed=frozenset({"b"}))
    path = receipt.inside("/t")
    assert receipt.damage(parsed, path, machine, deep=False).path == "b"
    assert receipt.damage(parsed, path, machine, deep=False, others=others).count == 0
    machine.put("/t/b", "longer")
    assert receipt.damage(parsed, path, machine, deep=False, others=others).path == "b"


def test_what_others_own_under_another_form_of_the_name_is_no_damage() -> None:
    machine = FakeMachine()
    entries: list[receipt.Entry] = [("Donne\u0301es.txt", 1, 2, "x"), ("e\u0301.txt", 1, 2, "x")]
    machine.put("/d/e\u0301.txt", "changed")
    whole = receipt.load(receipt.dump(Receipt("u", "s", 1), entries).encode())
    assert whole
    others = Others(("Donn\u00e9es.txt",), frozenset({"\u00e9.txt"}))
    found = receipt.damage(whole, "/d/r", machine, deep=True, others=others)
    assert found == Damage()
