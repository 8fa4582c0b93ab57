"""A section of Java with a lock: in use, and made anew."""

from __future__ import annotations

import pytest

from provisioner.kinds.base import Pinning
from provisioner.kinds.jdk.facts import observe
from provisioner.kinds.jdk.kind import plan
from provisioner.kinds.jdk.lock import check, pin
from provisioner.kinds.jdk.section import Jdk
from provisioner.kinds.shared.debian.pins import DebianPinning
from provisioner.model.errors import LockError
from tests import scene
from tests.fakes import FakeMachine
from tests.unit.kinds.shared.debian.pinned import CONTEXT, debian, pins

KIT, RUNTIME = "openjdk-17-jdk-headless", "openjdk-17-jre-headless"
LATER = "openjdk-21-jdk-headless"
ANY = Jdk.model_validate({"version": ">=17", "default": False})
PUBLISHED = {KIT: ("17.2", "17.1"), RUNTIME: ("17.2", "17.1"), LATER: ("21.1",)}
NEEDS = {KIT: (RUNTIME,)}
LOCKED = pins(f"{KIT}=17.1", f"{RUNTIME}=17.1")


def made(installed: dict[str, str]) -> FakeMachine:
    """A machine with its package lists."""
    machine = debian(installed, PUBLISHED, NEEDS)
    machine.put("/var/lib/provisioner/apt/lists/deb.example_Packages")
    done = scene.scripted([{}])
    machine.programs |= {"flock": done, "touch": done, "mkdir": done}
    return machine


def planned(machine: FakeMachine, pinning: DebianPinning) -> list[str]:
    (step,) = plan(ANY, observe(ANY, machine, pinning), pinning)
    return [scene.format_change(change) for change in step.changes]


def pinned(machine: FakeMachine, pinning: DebianPinning) -> list[str]:
    """What a lock that is made anew holds."""
    found = pin(ANY, observe(ANY, machine, pinning), machine, CONTEXT, pinning)
    return [each.word for each in found.packages]


def test_the_version_that_was_locked_is_the_one_of_a_range() -> None:
    assert planned(made({LATER: "21.1"}), Pinning(LOCKED)) == [
        f"+ jdk.{KIT}  (absent) -> 17.1",
        f"+ jdk.{RUNTIME}  (absent) -> 17.1",
    ]


def test_a_kit_in_another_version_is_changed() -> None:
    assert planned(made({KIT: "17.2", RUNTIME: "17.2"}), Pinning(LOCKED)) == [
        f"~ jdk.{KIT}  17.2 -> 17.1",
        f"~ jdk.{RUNTIME}  17.2 -> 17.1",
    ]


def test_a_kit_of_a_base_that_moved_is_blocked() -> None:
    locked = Pinning(pins(base=(f"{KIT}=17.1",)))
    machine = made({KIT: "17.2"})
    (step,) = plan(ANY, observe(ANY, machine, locked), locked)
    kit = step.changes[0]
    assert scene.format_change(kit) == f"! jdk.{KIT}  17.2 -> 17.1"
    assert kit.reason.startswith(f"the base had {KIT} 17.1 when the lock was made")


def test_nothing_is_asked_where_the_kit_is_as_it_was_locked() -> None:
    machine = made({KIT: "17.1"})
    assert planned(machine, Pinning(LOCKED)) == [f"= jdk.{KIT}  17.1"]
    assert machine.asked == []


def test_a_lock_without_a_kit_is_none_for_java() -> None:
    check(ANY, LOCKED)
    check(ANY, pins(unlocked=(KIT,)))
    with pytest.raises(LockError, match="the lock does not have the jdk"):
        check(ANY, pins("tea=1.0"))


@pytest.mark.parametrize(
    ("upgrade", "words"),
    [
        (frozenset[str](), [f"{KIT}=17.1", f"{RUNTIME}=17.1"]),
        (frozenset({KIT}), [f"{KIT}=17.2", f"{RUNTIME}=17.1"]),
        (None, [f"{KIT}=17.2", f"{RUNTIME}=17.2"]),
    ],
)
def test_a_lock_is_made_anew_of_what_was_locked(upgrade: frozenset[str] | None, words: list[str]) -> None:
    assert pinned(made({}), Pinning(LOCKED, exact=False, upgrade=upgrade)) == words


def test_a_version_that_is_wanted_no_more_is_not_kept() -> None:
    earlier = Pinning(pins("openjdk-11-jdk-headless=11.1"), exact=False)
    assert pinned(made({}), earlier) == [f"{KIT}=17.2", f"{RUNTIME}=17.2"]
