"""A section of apt with a lock: in use, and made anew."""

from __future__ import annotations

import pytest

from provisioner.kinds.apt.facts import observe
from provisioner.kinds.apt.kind import named, plan
from provisioner.kinds.apt.lock import check, pin
from provisioner.kinds.apt.section import Apt
from provisioner.kinds.base import Pinning
from provisioner.kinds.shared.debian.pins import DebianPinning, DebianPins
from provisioner.model.effects import Run
from provisioner.model.errors import LockError
from tests import scene
from tests.fakes import FakeMachine
from tests.unit.kinds.shared.debian.pinned import CONTEXT, debian, pins

TEA = Apt.model_validate({"packages": ["tea"], "update": "never"})
PUBLISHED = {"tea": ("2.0", "1.0"), "water": ("2.0", "1.0"), "milk": ("1.0",)}
NEEDS = {"tea": ("water",)}
LOCKED = pins("tea=1.0", "water=1.0")


def planned(config: Apt, machine: FakeMachine, pinning: DebianPinning | None) -> list[str]:
    (step,) = plan(config, observe(config, machine, pinning), pinning)
    return [scene.format_change(change) for change in step.changes]


def pinned(machine: FakeMachine, pinning: DebianPinning | None) -> list[str]:
    """What a lock that is made anew holds."""
    found = pin(TEA, observe(TEA, machine, pinning), machine, CONTEXT, pinning)
    return [each.word for each in found.packages]


def test_a_lock_brings_exactly_what_it_holds() -> None:
    machine = debian({}, PUBLISHED, NEEDS)
    facts = observe(TEA, machine, Pinning(LOCKED))
    (step,) = plan(TEA, facts, Pinning(LOCKED))
    assert [scene.format_change(each) for each in step.changes] == [
        "+ apt.tea  (absent) -> 1.0",
        "+ apt.water  (absent) -> 1.0",
    ]
    assert [each.transitive for each in step.changes] == [False, True]
    install, mark = (each.argv for each in step.effects if isinstance(each, Run))
    assert install[-3:] == ("install", "tea=1.0", "water=1.0")
    assert mark == ("apt-mark", "auto", "water")


def test_what_came_along_in_another_version_is_changed_too() -> None:
    machine = debian({"tea": "1.0", "water": "2.0"}, PUBLISHED, NEEDS)
    assert planned(TEA, machine, Pinning(LOCKED)) == ["= apt.tea  1.0", "~ apt.water  2.0 -> 1.0"]


def test_nothing_is_asked_where_all_is_as_it_was_locked() -> None:
    machine = debian({"tea": "1.0", "water": "1.0"}, PUBLISHED, NEEDS)
    assert planned(TEA, machine, Pinning(LOCKED)) == ["= apt.tea  1.0"]
    assert machine.asked == []


def test_what_a_lock_does_not_have_is_blocked() -> None:
    machine = debian({}, PUBLISHED, {"tea": ("milk",)})
    assert planned(TEA, machine, Pinning(pins("tea=1.0"))) == [
        "+ apt.tea  (absent) -> 1.0",
        "! apt.milk  (absent) -> 1.0",
    ]


@pytest.mark.parametrize("locked", [pins("tea=1.0"), pins(base=("cup=1",)), pins(unlocked=("cup",))])
def test_one_option_of_a_choice_is_enough_in_a_lock(locked: DebianPins) -> None:
    check(Apt.model_validate({"packages": [{"any_of": ["tea", "cup"]}]}), locked)


def test_a_choice_that_was_not_locked_is_told() -> None:
    with pytest.raises(LockError, match=r"the lock does not have apt\.milk"):
        check(Apt.model_validate({"packages": ["tea", "milk"]}), LOCKED)


def test_what_is_compared_is_what_the_file_names() -> None:
    """A choice keeps the address of its first option, whichever was locked."""
    config = Apt.model_validate({"packages": [{"any_of": ["cup", "tea"]}], "update": "never"})
    machine = debian({"tea": "1.0", "water": "1.0"}, PUBLISHED)
    assert dict(named(config, observe(config, machine, Pinning(LOCKED)))) == {"apt.cup": "tea 1.0"}


@pytest.mark.parametrize(
    ("upgrade", "words"),
    [
        (frozenset[str](), ["tea=1.0", "water=1.0"]),
        (frozenset({"water"}), ["tea=1.0", "water=2.0"]),
        (None, ["tea=2.0", "water=2.0"]),
    ],
)
@pytest.mark.parametrize("installed", [{}, {"tea": "1.0", "water": "1.0"}])
def test_a_lock_is_made_anew_of_what_was_locked(
    installed: dict[str, str], upgrade: frozenset[str] | None, words: list[str]
) -> None:
    machine = debian(installed, PUBLISHED, NEEDS)
    if installed:
        machine.put("/var/log/apt/history.log", "Install: tea:amd64 (1.0), water:amd64 (1.0, automatic)\n")
        machine.put(
            "/var/lib/apt/extended_states", "Package: water\nArchitecture: amd64\nAuto-Installed: 1\n"
        )
    assert pinned(machine, Pinning(LOCKED, exact=False, upgrade=upgrade)) == words


def test_what_is_published_no_more_gives_way() -> None:
    machine = debian({}, PUBLISHED, NEEDS)
    earlier = Pinning(pins("tea=1.0", "water=0.5"), exact=False)
    assert pinned(machine, earlier) == ["tea=1.0", "water=2.0"]
