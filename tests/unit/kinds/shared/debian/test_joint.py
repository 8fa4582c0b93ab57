"""Several sections and one apt: how orders are merged, whose packages they are, what goes wrong with whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from provisioner.kinds import registry
from provisioner.kinds.base import Party, Pinning
from provisioner.kinds.base import plan as steps_of
from provisioner.kinds.shared.debian.apt_get import AptOrder
from provisioner.kinds.shared.debian.joint import Work, clash_of, lists_for, merged, together
from provisioner.kinds.shared.debian.package_lists import PackageLists
from provisioner.machine.reader import Completed, Reader
from provisioner.model.errors import ObserveError
from provisioner.model.plan import Change, Step
from tests import scene
from tests.fake_apt import JDK, STATUS, FakeApt, Offer
from tests.fakes import FakeMachine
from tests.scene import format_change, format_effect
from tests.unit.kinds.shared.debian import pinned


def party(kind: str, wanted: object, found: FakeMachine, pinning: Pinning[Any] | None = None) -> Party:
    known = registry.get(kind)
    config = scene.validate(kind, wanted, found)
    assert known.joint
    begin = known.joint.begin
    return Party(
        kind,
        begin=lambda reader: begin(config, reader, pinning),
        plan=lambda facts: steps_of(known, config, facts, pinning),
    )


def planned(parties: Iterable[Party], found: FakeMachine) -> list[Step]:
    everyone = list(parties)
    facts = together(everyone, found)
    return [step for each in everyone for step in each.plan(facts[each.address])]


def shown(step: Step) -> list[str]:
    return [format_change(change) for change in step.changes]


def world(**offers: Offer) -> tuple[FakeMachine, FakeApt]:
    found, apt = FakeMachine(), FakeApt({**JDK, **offers})
    apt.settle(found)
    return found, apt


KIT = "openjdk-17-jdk-headless"
QUIET = {"version": 17, "default": False}


def test_orders_are_merged() -> None:
    apt = AptOrder(install=("tea", "cup=1", "certs"), remove=("pot",), transitive=("certs",))
    jdk = AptOrder(install=("cup", "tea=2", "certs", "common"), exact=True, transitive=("common", "certs"))
    whole = merged([apt, jdk])
    assert whole.install == ("tea=2", "cup=1", "certs", "common")
    assert whole.remove == ("pot",)
    assert whole.exact
    assert whole.transitive == ("certs", "common")
    starred, exact = AptOrder(install=("tea=1*",)), AptOrder(install=("tea=1.2",))
    assert merged([starred, exact]).install == merged([exact, starred]).install == ("tea=1.2",)
    named = merged([apt, AptOrder(install=("certs",))])
    assert named.transitive == (), "named by one of them"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (AptOrder(install=("tea=1",)), AptOrder(install=("tea=1", "cup")), ""),
        (AptOrder(install=("tea=1",)), AptOrder(install=("tea",)), ""),
        (AptOrder(install=("tea=1*",)), AptOrder(install=("tea=1.2",)), ""),
        (AptOrder(install=("tea=1.2",)), AptOrder(install=("tea=1.2*",)), ""),
        (AptOrder(install=("tea=1",)), AptOrder(install=("tea=2",)), "in two versions, 1 and 2"),
        (AptOrder(install=("tea=1.2*",)), AptOrder(install=("tea=1",)), "in two versions, 1.2* and 1"),
        (AptOrder(remove=("tea",)), AptOrder(install=("tea",)), "and named under `absent` of `apt`"),
    ],
)
def test_what_apt_would_not_complain_about(first: AptOrder, second: AptOrder, expected: str) -> None:
    clash = clash_of([first, second])
    assert clash.endswith(expected)
    assert bool(clash) == bool(expected)


def test_pins_of_one_package_in_two_versions_are_refused() -> None:
    found, _ = world(tea=Offer())
    runtime = ("openjdk-17-jre-headless=1.0", "java-common=1.0")
    ours = Pinning(pinned.pins("tea=1.0", "certs=1.0"))
    theirs = Pinning(pinned.pins(f"{KIT}=1.0", *runtime, "certs=2.0"))
    found.programs["apt-get"] = with_files(found.programs["apt-get"])
    both = [party("apt", {"packages": ["tea"]}, found, ours), party("jdk", QUIET, found, theirs)]
    apt, jdk = planned(both, found)
    assert not apt.blocked
    (reason,) = {change.reason for change in jdk.changes if change.reason}
    assert reason == "it does not go with what `apt` installs: certs is wanted in two versions, 1.0 and 2.0"


def with_files(
    apt_get: Callable[[FakeMachine, Any], Completed],
) -> Callable[[FakeMachine, Any], Completed]:
    """An apt-get that also says which file each package is, as pins have it."""

    def program(machine: FakeMachine, run: Any) -> Completed:
        if "download" not in run.argv:
            return apt_get(machine, run)
        words = [word.split("=") for word in run.argv if "=" in word and not word.startswith(("Dir", "Acq"))]
        lines = (
            f"'https://example.org/{name}_{version}_all.deb' {name}_{version}_all.deb 5 SHA256:{pinned.SHA}\n"
            for name, version in words
        )
        return Completed(0, "".join(lines), "")

    return program


def test_what_both_have_pinned_is_ordered_and_shown_once() -> None:
    found, _ = world(tea=Offer(("certs",)))
    found.programs["apt-get"] = with_files(found.programs["apt-get"])
    runtime = "openjdk-17-jre-headless=1.0"
    ours, theirs = (
        Pinning(pinned.pins(*pins))
        for pins in (("tea=1.0", "certs=1.0"), (f"{KIT}=1.0", runtime, "java-common=1.0", "certs=1.0"))
    )
    both = [party("apt", {"packages": ["tea"]}, found, ours), party("jdk", QUIET, found, theirs)]
    apt, jdk = planned(both, found)
    assert shown(apt) == ["+ apt.tea  (absent) -> 1.0", "+ apt.certs  (absent) -> 1.0"]
    assert sorted(change.address for change in jdk.changes) == [
        "jdk.java-common",
        f"jdk.{KIT}",
        "jdk.openjdk-17-jre-headless",
    ]
    install, mark = (format_effect(effect) for effect in apt.effects)
    assert install.endswith(f"install tea=1.0 certs=1.0 {KIT}=1.0 {runtime} java-common=1.0")
    assert mark == "run apt-mark auto certs openjdk-17-jre-headless java-common"
    assert jdk.effects == ()


HALFWAY = """
Package: openjdk-17-jre-headless
Status: install ok half-configured
Architecture: all
Version: 1.0

Package: other
Status: install ok unpacked
Architecture: all
Version: 3
"""


def test_what_was_left_halfway_is_mended_once() -> None:
    """Nothing can be simulated by then; whose a package is, is told by who names or orders it."""
    found, _ = world(tea=Offer())
    found.put(STATUS, (found.read(STATUS) or b"").decode() + HALFWAY)
    stuck = "E: Unmet dependencies. Try 'apt --fix-broken install' with no packages\n"

    def apt_get(machine: FakeMachine, run: Any) -> Completed:
        fixing = "--fix-broken" in run.argv
        said = "Inst tin (1 Debian:12 [all])\nInst other [3] (3 Debian:12 [all])\n"
        return Completed(0, said, "") if fixing else Completed(100, "", stuck)

    found.programs["apt-get"] = apt_get
    both = [party("apt", {"packages": ["tea"]}, found), party("jdk", QUIET, found)]
    apt, jdk = planned(both, found)
    assert [format_change(change) for change in apt.changes] == [
        "+ apt.tea  (absent) -> newest",
        "~ apt.openjdk-17-jre-headless  half-configured -> installed",
        "~ apt.other  3 -> 3",
        "+ apt.tin  (absent) -> 1",
    ]
    assert shown(jdk) == [f"+ jdk.{KIT}  (absent) -> newest"]
    assert [format_effect(effect).rpartition("--")[2] for effect in apt.effects] == [
        "fix-broken install",
        f"no-remove install tea {KIT}",
    ]
    assert jdk.joined == "apt"
    assert jdk.effects == ()


def test_one_that_cannot_be_looked_at_holds_up_no_other() -> None:
    found, _ = world(tea=Offer())

    def broken(reader: Reader) -> object:
        raise ObserveError("it is unreadable")

    def nothing(facts: object) -> Iterable[Step]:
        return ()

    jdk = party("jdk", QUIET, found)
    facts = together([Party("apt", broken, nothing), jdk], found)
    assert isinstance(facts["apt"], ObserveError)
    (step,) = jdk.plan(facts["jdk"])
    assert not step.joined
    assert step.effects


def test_lists_that_cannot_be_had_are_told_by_all_who_need_them() -> None:
    found, _ = world(tea=Offer())
    found.programs["flock"] = lambda _machine, _run: Completed(100, "", "E: no network\n")
    parties = [
        party("apt", {"debconf": []}, found),
        party("jdk", QUIET, found),
        Party("git", lambda reader: "right", lambda facts: (Step(id="git", changes=()),)),
    ]
    facts = together(parties, found)
    assert isinstance(facts["jdk"], ObserveError)
    assert "no network" in facts["jdk"].message
    assert not isinstance(facts["apt"], ObserveError), "it has nothing to ask"
    assert facts["git"] == "right"


def test_trouble_with_the_lists_is_told_once() -> None:
    found, _ = world(tea=Offer())
    found.put(f"{found.state}/apt/lists/x_Packages")
    found.programs["flock"] = lambda _machine, _run: Completed(0, "W: Failed to fetch http://x\n", "")
    apt, jdk = planned([party("apt", {"packages": ["tea"]}, found), party("jdk", QUIET, found)], found)
    assert [*apt.warnings, *jdk.warnings] == ["Failed to fetch http://x"]


@pytest.mark.parametrize(
    ("asked", "updates"), [(("auto", "always"), 1), (("never", "auto"), 0), (("auto", "auto"), 1)]
)
def test_the_lists_are_refreshed_as_the_file_says(asked: tuple[Any, Any], updates: int) -> None:
    found, apt = world()

    def wish(lists: PackageLists) -> tuple[Change, ...]:
        return ()

    lists_for([Work(wish=wish, update=each) for each in asked], found)
    assert apt.updates == updates


def test_an_image_that_is_not_here_is_asked_nothing() -> None:
    found, apt = world(tea=Offer())
    found.target_image = "colab-2026.08-gpu"
    apt_step, jdk_step = planned(
        [party("apt", {"packages": ["tea"]}, found), party("jdk", QUIET, found)], found
    )
    assert shown(apt_step) == ["+ apt.tea  (absent) -> newest"]
    assert shown(jdk_step) == [f"+ jdk.{KIT}  (absent) -> newest"]
    assert not jdk_step.joined
    assert apt.reads == 0


def test_without_root_each_says_how_to_do_it() -> None:
    found, _ = world(tea=Offer())
    found.root = False
    apt, jdk = planned([party("apt", {"packages": ["tea"]}, found), party("jdk", QUIET, found)], found)
    assert "install tea" in apt.changes[0].reason
    assert f"install {KIT}" in jdk.changes[0].reason
    assert not jdk.joined
