"""An order reconciled with pins."""

from __future__ import annotations

import pytest

from provisioner.facts.dpkg import Dpkg
from provisioner.kinds.shared.debian.apt_get import AptOrder
from provisioner.kinds.shared.debian.pins import DebianPins
from provisioner.kinds.shared.debian.reconcile import block_unlocked, prefer_pins, refuse_tampered
from provisioner.kinds.shared.debian.simulation import PackageMove, Simulation
from provisioner.model.plan import Action, Change
from tests.unit.kinds.shared.debian.pinned import ORDER, SHA, offering, package
from tests.unit.kinds.shared.debian.pinned import pins as pins_of


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (f"'file:/srv/tea_1.0_all.deb' tea_1.0_all.deb 5 SHA256:{SHA}", None),
        (
            f"'https://x.org/tea_1.0_all.deb' tea_1.0_all.deb 5 SHA256:{'00' * 32}",
            "tea 1.0 in the repository is not the file that was locked: its sha256 was abababababab... "
            "and is 000000000000...; find out who changed it",
        ),
        (
            "'https://x.org/tea_1.0_all.deb' tea_1.0_all.deb 5 MD5Sum:00",
            "no repository says which file tea 1.0 is, so it cannot be compared with the lock",
        ),
        ("", "no repository says which file tea 1.0 is, so it cannot be compared with the lock"),
    ],
)
def test_only_the_file_that_was_locked_will_do(told: str, reason: str | None) -> None:
    pins = DebianPins.model_validate({"packages": [package("tea")]})
    found = refuse_tampered(pins, Simulation(), ORDER, offering(told))
    assert found.refused == ({"tea": reason} if reason else {})


def test_what_a_lock_does_not_foresee_is_blocked() -> None:
    pins = DebianPins.model_validate(
        {"packages": [package("tea")], "base": [{"name": "cup", "version": "2.0"}]}
    )
    changes = [
        Change("apt.tea", Action.CREATE, None, "1.0"),
        Change("apt.cup", Action.UPDATE, "1.0", "2.0"),
        Change("apt.milk", Action.CREATE, None, "1.0"),
        Change("apt.jug", Action.KEEP, "1.0"),
    ]
    tea, cup, milk, jug = block_unlocked(pins, {"apt.tea"}, changes)
    assert (tea.action, jug.action) == (Action.CREATE, Action.KEEP)
    assert (cup.action, milk.action) == (Action.BLOCKED, Action.BLOCKED)
    assert cup.reason.startswith("the base had cup 2.0 when the lock was made; go back to the runtime")
    assert milk.reason == "the lock does not have milk: lock again"


def test_a_version_that_is_asked_for_counts_more_than_one_that_was_locked() -> None:
    order = AptOrder(install=("tea=2*",))
    found = Simulation(moves=(PackageMove("tea", None, "2.0"), PackageMove("water", None, "2.0")))
    machine = offering("Inst tea (2.0 x [all])", "Inst water (1.0 x [all])")
    preferred, outcome = prefer_pins(
        pins_of("tea=1.0", "water=1.0"), order, found, Dpkg({}, "amd64"), machine
    )
    assert preferred.install == ("tea=2*", "water=1.0")
    assert [move.after for move in outcome.moves] == ["2.0", "1.0"]
