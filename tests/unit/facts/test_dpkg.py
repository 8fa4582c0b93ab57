"""dpkg's database, as its own files have it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.facts import dpkg as status
from tests.fakes import FakeMachine

NAMES = st.from_regex(r"[a-z0-9][a-z0-9+.-]{0,8}[a-z0-9+.]", fullmatch=True)
VERSIONS = st.from_regex(r"([0-9]:)?[0-9][A-Za-z0-9.+~]{0,6}(-[0-9a-z]{1,3})?", fullmatch=True)
STATES = ("installed", "config-files", "not-installed", *status.HALFWAY)


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
