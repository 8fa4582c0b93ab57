"""What a lock holds of Debian packages, and what of it is to be kept."""

from __future__ import annotations

import pytest

from provisioner.facts import dpkg as database
from provisioner.kinds.base import Pinning
from provisioner.kinds.shared.debian.pins import DebianPinning, exact_pins, kept_pins, renewed
from tests.unit.kinds.shared.debian.pinned import pins, status_of

LOCKED = pins("tea=1.0", "cup=1.0", "jug=1.0", base=("pot=3.0",))


def test_what_is_there_in_another_version_is_missing() -> None:
    dpkg = database.parse([status_of({"tea": "1.0", "cup": "0.9"}).encode()])
    assert [each.word for each in LOCKED.missing(dpkg)] == ["cup=1.0", "jug=1.0"]


@pytest.mark.parametrize(
    ("upgrade", "kept"),
    [
        (frozenset[str](), {"tea", "cup", "jug", "pot"}),
        (frozenset({"cup", "milk"}), {"tea", "jug", "pot"}),
        (None, set[str]()),
    ],
)
def test_a_new_lock_keeps_what_need_not_be_the_newest(upgrade: frozenset[str] | None, kept: set[str]) -> None:
    pinning = Pinning(LOCKED, exact=False, upgrade=upgrade)
    assert kept_pins(pinning).versions.keys() == kept
    assert exact_pins(pinning) is None


def test_a_lock_in_use_keeps_everything() -> None:
    assert kept_pins(Pinning(LOCKED)) == exact_pins(Pinning(LOCKED)) == LOCKED
    assert exact_pins(None) is None
    assert kept_pins(None).versions == {}


@pytest.mark.parametrize(
    ("pinning", "words"),
    [
        (None, ()),
        (Pinning(LOCKED), ()),
        (Pinning(LOCKED, exact=False), ()),
        (Pinning(LOCKED, exact=False, upgrade=frozenset({"cup", "jug"})), ("cup",)),
        (Pinning(LOCKED, exact=False, upgrade=None), ("tea=1*", "cup")),
    ],
)
def test_what_is_there_is_renewed_when_it_is_to_be_the_newest(
    pinning: DebianPinning | None, words: tuple[str, ...]
) -> None:
    dpkg = database.parse([status_of({"tea": "1.0", "cup": "1.0"}).encode()])
    assert renewed(pinning, [("tea", "tea=1*")], dpkg) == words
