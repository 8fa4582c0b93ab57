"""What the kinds for Debian share, beyond what case files can say."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.facts import dpkg as status
from provisioner.kinds import registry
from provisioner.kinds.apt.requests import Package, read_package
from provisioner.kinds.shared.debian import apt_get, package_lists
from provisioner.kinds.shared.debian.simulation import nearest
from provisioner.machine.reader import Completed
from provisioner.model.effects import Run
from provisioner.model.errors import ObserveError
from tests import scene
from tests.fakes import FakeMachine

NAMES = st.from_regex(r"[a-z0-9][a-z0-9+.-]{0,8}[a-z0-9+.]", fullmatch=True)
VERSIONS = st.from_regex(r"([0-9]:)?[0-9][A-Za-z0-9.+~]{0,6}(-[0-9a-z]{1,3})?", fullmatch=True)
STATES = ("installed", "config-files", "not-installed", *status.HALFWAY)

# dpkg's database


@st.composite
def stanzas(draw: st.DrawFn) -> dict[str, str]:
    want = draw(st.sampled_from(["install", "hold", "deinstall", "purge"]))
    flag = draw(st.sampled_from(["ok", "reinstreq"]))
    stanza = {
        "Package": draw(NAMES.filter(lambda name: name != "dpkg")),
        "Status": f"{want} {flag} {draw(st.sampled_from(STATES))}",
        "Maintainer": "Version: 9 <nobody@example.org>",
        "Architecture": draw(st.sampled_from(["amd64", "i386", "all"])),
        "Version": draw(VERSIONS),
        "Description": "short\n Version: 7\n Status: install ok installed\n .\n Package: not-this",
    }
    if draw(st.booleans()):
        del stanza["Maintainer"]
    return stanza


@given(found=st.lists(stanzas(), max_size=8))
def test_the_database_is_read_as_it_was_written(found: list[dict[str, str]]) -> None:
    own = {
        "Package": "dpkg",
        "Status": "install ok installed",
        "Architecture": "amd64",
        "Version": "1.21",
    }
    text = "\n".join("".join(f"{key}: {value}\n" for key, value in each.items()) for each in [own, *found])
    dpkg = status.parse([text.encode()])
    expected: dict[str, tuple[str, str, bool]] = {}
    for each in [own, *found]:
        foreign = ":i386" if each["Architecture"] == "i386" else ""
        want, _, state = each["Status"].split()
        expected.pop(each["Package"] + foreign, None)
        if state not in ("config-files", "not-installed"):
            expected[each["Package"] + foreign] = (each["Version"], state, want == "hold")
    assert {
        name: (package.version, package.state, package.held) for name, package in dpkg.packages.items()
    } == expected
    assert dpkg.architecture == "amd64"


def test_a_machine_without_dpkg_has_no_database() -> None:
    assert status.observe(FakeMachine()) is None


@given(name=NAMES, version=VERSIONS, other=VERSIONS)
def test_a_package_is_found_in_the_version_that_was_asked_for(name: str, version: str, other: str) -> None:
    text = f"Package: {name}\nStatus: install ok installed\nArchitecture: all\nVersion: {version}\n"
    dpkg = status.parse([text.encode()])
    assert Package(name=name).found(dpkg) == version
    assert Package(name=name, version=version).found(dpkg) == version
    assert Package(name=name, version=f"{version[:1]}*").found(dpkg) == version
    assert (Package(name=name, version=other).found(dpkg) is None) == (other != version)
    assert (Package(name=name, version=f"{other}*").found(dpkg) is None) == (not version.startswith(other))


@given(name=NAMES, version=VERSIONS)
def test_a_package_is_read_as_it_is_written(name: str, version: str) -> None:
    package = Package(name=name, version=version)
    assert Package.model_validate(read_package(package.word)) == package
    assert Package.model_validate(read_package(f" {name} = {version}")) == package


@pytest.mark.parametrize(
    ("provides", "name", "version"),
    [
        ("awk", "awk", ""),
        ("a, awk, b", "awk", ""),
        ("a, libglib2.0-0 (= 2.80.0-6ubuntu3)", "libglib2.0-0", "2.80.0-6ubuntu3"),
        ("python3:any (= 3.11), a", "python3", "3.11"),
    ],
)
def test_what_a_package_provides_is_found(provides: str, name: str, version: str) -> None:
    text = f"Package: other\nStatus: install ok installed\nVersion: 1\nProvides: {provides}\n"
    ((package, found),) = status.parse([text.encode()]).providers(name)
    assert (package.name, found) == ("other", version)


@pytest.mark.parametrize("name", ["aw", "wk", "libglib2.0", "libglib2x0-0"])
def test_what_a_package_does_not_provide_is_not(name: str) -> None:
    text = "Package: other\nStatus: install ok installed\nVersion: 1\nProvides: awk, libglib2.0-0 (= 2)\n"
    assert status.parse([text.encode()]).providers(name) == ()


# package lists

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
    assert package_lists.observe(machine, "auto") == package_lists.Lists()
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
    assert package_lists.observe(machine, "auto") == package_lists.Lists()


def test_always_means_even_when_they_are_fresh() -> None:
    machine = with_system_lists(60)
    package_lists.observe(machine, "always")
    assert updates(machine) == 1


def test_never_means_even_when_there_are_none() -> None:
    machine = FakeMachine()
    assert package_lists.observe(machine, "never") == package_lists.Lists()
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


# apt's words, as apt 2.6.1 and dpkg 1.21.22 say them


@pytest.mark.parametrize(
    ("said", "transient", "advice"),
    [
        (
            "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 42 (apt-get)",
            True,
            "Another apt or dpkg",
        ),
        (
            "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process?",
            True,
            "Never delete",
        ),
        ("Err:1 http://archive.example.org x  Temporary failure resolving 'archive.example.org'", True, ""),
        (
            "E: Failed to fetch http://x/a.deb  Could not connect to x:80 (1.2.3.4), connection timed out",
            True,
            "",
        ),
        ("E: Failed to fetch http://x/a.deb  Connection reset by peer [IP: 1.2.3.4 80]", True, ""),
        ("E: Failed to fetch http://x/a.deb  503  Service Unavailable [IP: 1.2.3.4 80]", True, ""),
        ("E: Failed to fetch http://x/a.deb  429  Too Many Requests [IP: 1.2.3.4 80]", True, ""),
        ("E: Failed to fetch http://x/a.deb  Hash Sum mismatch", False, "update: always"),
        (
            "E: Failed to fetch http://x/a.deb  File has unexpected size (12 != 13). Mirror sync",
            False,
            "update",
        ),
        ("E: Failed to fetch http://x/a.deb  404  Not Found [IP: 1.2.3.4 80]", False, "update: always"),
        ("E: Failed to fetch http://x/a.deb  403  Forbidden [IP: 1.2.3.4 80]", False, ""),
        ("E: You don't have enough free space in /var/cache/apt/archives/.", False, "disk is full"),
        ("dpkg: error: failed to write: No space left on device", False, "disk is full"),
        ("E: dpkg was interrupted, you must manually run 'dpkg --configure -a'", False, "Apply again"),
        (
            "E: The package foo needs to be reinstalled, but I can't find an archive for it.",
            False,
            "--force-remove-reinstreq",
        ),
        (
            " installed foo package post-installation script subprocess returned error exit status 1",
            False,
            "The post-installation script of foo failed",
        ),
        (
            " new foo package pre-installation script subprocess returned error exit status 2",
            False,
            "The pre-installation script of foo failed",
        ),
        (
            "E: Held packages were changed and -y was used without --allow-change-held-packages.",
            False,
            "unhold",
        ),
        ("E: Packages need to be removed but remove is disabled.", False, "absent"),
        ("E: Unable to locate package foo", False, "check the name"),
        ("The following packages have unmet dependencies:", False, "do not fit together"),
        ("Certificate verification failed: The certificate is NOT trusted.", False, "ca-certificates"),
    ],
)
def test_what_apt_says_is_understood(said: str, transient: bool, advice: str) -> None:
    assert any(re.search(pattern, said) for pattern in apt_get.TRANSIENT) == transient
    hints = ((re.search(pattern, said), hint) for pattern, hint in apt_get.HINTS)
    told = next((match.expand(hint) for match, hint in hints if match), "")
    assert advice in told
    assert bool(advice) == bool(told)


def test_near_names_begin_alike() -> None:
    known = ["libgl1", "libgl1-mesa-dri", "libglib2.0-0", "mesa-utils", "libgtk"]
    assert nearest("libgl1-mesa-glx", known)[0] == "libgl1-mesa-dri"
    assert nearest("zzz", known) == []


# the kinds

INSTALLED = "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21.22\n"


def test_what_must_be_downloaded_is_counted() -> None:
    machine = scene.build(
        {
            "files": {"/var/lib/dpkg/status": INSTALLED},
            "urls": {"https://example.org/quarto_1.8_amd64.deb": "12345"},
            "programs": {
                "apt-get": [
                    {"args": "-s", "stdout": "Inst hello (2.10 Debian [amd64])\n"},
                    {
                        "args": "--print-uris",
                        "stdout": "'http://x/a.deb' a.deb 1000 SHA256:0\n'file:/b.deb' b.deb 7 SHA256:0\n",
                    },
                ]
            },
        }
    )
    deb = {"url": "https://example.org/quarto_1.8_amd64.deb", "sha256": "0" * 64}
    wanted = {"packages": ["hello"], "debs": [deb], "update": "never"}
    (step,) = scene.plan("apt", scene.validate("apt", wanted, machine), machine)
    assert step.download == 1005
    assert step.lane == "apt"


def test_answers_reach_debconf_and_no_command_line() -> None:
    machine = scene.build({"files": {"/var/lib/dpkg/status": INSTALLED}, "programs": {"apt-get": []}})
    answer: dict[str, Any] = {"package": "db", "question": "db/name", "type": "string", "value": "a b"}
    (step,) = scene.plan("apt", scene.validate("apt", {"debconf": [answer]}, machine), machine)
    (effect,) = step.effects
    assert isinstance(effect, Run)
    assert effect.argv == ("debconf-set-selections",)
    assert effect.stdin == "db db/name string a b\n"


def test_nothing_may_ask_a_question() -> None:
    for run in (
        apt_get.install(apt_get.Order(install=("hello",))),
        apt_get.preseed("x"),
        apt_get.merge_journal(),
    ):
        assert ("DEBIAN_FRONTEND", "noninteractive") in run.env
        assert re.fullmatch(run.scrub, "APT_CONFIG")
        assert re.fullmatch(run.scrub, "DEBCONF_NONINTERACTIVE_SEEN")


@pytest.mark.parametrize(
    ("version", "java", "javac", "right"),
    [
        (17, 'openjdk version "17.0.15" 2025-04-15', "javac 17.0.15", True),
        (21, 'openjdk version "21" 2023-09-19', "javac 21", True),
        (25, 'openjdk version "25-ea" 2025-09-16', "javac 25-ea", True),
        (8, 'openjdk version "1.8.0_432"', "javac 1.8.0_432", True),
        (17, 'openjdk version "21.0.17" 2025-04-15', "javac 21.0.17", False),
        (1, 'openjdk version "17.0.15" 2025-04-15', "javac 17.0.15", False),
    ],
)
def test_java_proves_its_version(version: int, java: str, javac: str, right: bool) -> None:
    kind = registry.get("jdk")
    package = (
        f"Package: openjdk-{version}-jdk-headless\nStatus: install ok installed\nArchitecture: amd64\n"
        f"Version: {version}\n"
    )
    machine = scene.build(
        {"files": {"/var/lib/dpkg/status": f"{INSTALLED}\n{package}"}, "programs": {"apt-get": []}}
    )
    config = scene.validate("jdk", version, machine)
    checks = list(kind.checks(config, kind.observe(config, machine)))
    said = zip(checks, (java, javac), strict=True)
    assert [bool(re.search(check.matches, text)) for check, text in said] == [right, right]
