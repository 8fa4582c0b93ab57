"""Whose package lists are read, and when they are fetched."""

from __future__ import annotations

import time

import pytest

from provisioner.kinds.shared.debian import package_lists
from provisioner.machine.reader import Completed
from provisioner.model.effects import Run
from provisioner.model.errors import ObserveError
from tests.fakes import FakeMachine

OWN = "/var/lib/provisioner/apt"


def answering(machine: FakeMachine, text: str = "", code: int = 0, *, brings: bool = True) -> None:
    """Let `machine` have the programs that a refresh runs; an update brings lists unless it may not."""

    def update(found: FakeMachine, run: Run) -> Completed:
        if brings:
            found.put(f"{OWN}/lists/deb.example_Packages")
        return Completed(code, "", text)

    def touch(found: FakeMachine, run: Run) -> Completed:
        found.put(run.argv[1])
        age(found, run.argv[1], 0)
        return Completed(0, "", "")

    machine.programs |= {"flock": update, "touch": touch, "mkdir": lambda found, run: Completed(0, "", "")}


def age(machine: FakeMachine, path: str, seconds: float) -> None:
    machine.entries[path].mtime_ns = int((time.time() - seconds) * 1e9)


def with_system_lists(seconds: float) -> FakeMachine:
    """A machine that ran `apt-get update` that many seconds ago, and changed no source since."""
    machine = FakeMachine()
    machine.put("/var/lib/apt/lists/deb.example_Packages")
    machine.put("/etc/apt/sources.list.d/debian.sources")
    age(machine, "/var/lib/apt/lists", seconds)
    answering(machine)
    return machine


def updates(machine: FakeMachine) -> int:
    return sum(argv[0] == "flock" for argv in machine.asked)


def test_fresh_lists_of_the_machine_are_read_as_they_are() -> None:
    machine = with_system_lists(60)
    assert package_lists.observe(machine, "auto") == package_lists.PackageLists()
    assert machine.asked == []


def test_old_lists_are_fetched_once_into_our_own_folder() -> None:
    machine = with_system_lists(2 * package_lists.FRESH)
    before = {path for path in machine.entries if not path.startswith("/var/lib/provisioner")}
    found = package_lists.observe(machine, "auto")
    assert f"Dir::State::lists={OWN}/lists" in found.options
    assert package_lists.observe(machine, "auto") == found
    assert updates(machine) == 1
    assert {path for path in machine.entries if not path.startswith("/var/lib/provisioner")} == before


def test_lists_older_than_their_sources_are_fetched() -> None:
    machine = with_system_lists(60)
    age(machine, "/etc/apt/sources.list.d/debian.sources", 5)
    package_lists.observe(machine, "auto")
    assert updates(machine) == 1


def test_lists_that_the_user_refreshed_later_win_over_ours() -> None:
    machine = with_system_lists(2 * package_lists.FRESH)
    package_lists.observe(machine, "auto")
    age(machine, "/var/lib/apt/lists", -5)
    assert package_lists.observe(machine, "auto") == package_lists.PackageLists()


def test_always_means_even_when_they_are_fresh() -> None:
    machine = with_system_lists(60)
    package_lists.observe(machine, "always")
    assert updates(machine) == 1


def test_never_means_even_when_there_are_none() -> None:
    machine = FakeMachine()
    assert package_lists.observe(machine, "never") == package_lists.PackageLists()
    assert machine.asked == []


def test_a_failed_update_is_tried_again_by_the_next_plan() -> None:
    machine = with_system_lists(2 * package_lists.FRESH)
    answering(machine, "W: Failed to fetch http://deb.example/InRelease  Temporary failure resolving")
    assert package_lists.observe(machine, "auto").problems
    package_lists.observe(machine, "auto")
    assert updates(machine) == 2


def test_an_update_that_fails_without_a_word_is_told() -> None:
    machine = with_system_lists(2 * package_lists.FRESH)
    answering(machine, code=100)
    assert package_lists.observe(machine, "auto").problems == ("apt-get update ended with code 100",)


def test_no_lists_and_no_network_is_an_error_that_says_so() -> None:
    machine = FakeMachine()
    answering(machine, "W: Failed to fetch http://deb.example/InRelease  Temporary failure", brings=False)
    with pytest.raises(ObserveError, match=r"cannot be fetched: Failed to fetch http://deb\.example"):
        package_lists.observe(machine, "auto")


@pytest.mark.parametrize(
    "line",
    [
        "W: GPG error: file:/srv/repo stable InRelease: signatures couldn't be verified: NO_PUBKEY 1",
        "W: OpenPGP signature verification failed: file:/srv/repo stable InRelease: Missing key 1",
    ],
    ids=["gpgv", "sqv"],
)
def test_an_unknown_key_is_named_before_its_consequence(line: str) -> None:
    unsigned = "E: The repository 'file:/srv/repo stable InRelease' is not signed."
    assert package_lists.complaints(f"{line}\n{unsigned}\n") == (line[3:], unsigned[3:])
