"""What is said of a name that is not there."""

from __future__ import annotations

import pytest

from provisioner.kinds.shared.near_names import Gap, aside, find_gap, suggest
from tests.fakes import FakeMachine


@pytest.mark.parametrize(
    ("wanted", "there", "said"),
    [
        ("results", "results ", "'results ', with a space at its end"),
        ("results ", "results", "'results', without a space at its end"),
        ("results", " results", "' results', with a space at its beginning"),
        ("results", "results\u00a0", "'results\\xa0', with NO-BREAK SPACE at its end"),
        ("a b", "a\u00a0b", "'a\\xa0b', whose 2nd character is NO-BREAK SPACE, not a space"),
        ("data", "d\u0430ta", "whose 2nd character is CYRILLIC SMALL LETTER A, not LATIN SMALL LETTER A"),
        ("d\u0430ta", "data", "whose 2nd character is LATIN SMALL LETTER A, not CYRILLIC SMALL LETTER A"),
        ("data", "dat\u200ba", "'dat\\u200ba', whose 4th character is ZERO WIDTH SPACE"),
        ("data", "\ufeffdata", "with ZERO WIDTH NO-BREAK SPACE at its beginning"),
        ("a-b", "a\u2013b", "whose 2nd character is EN DASH, not HYPHEN-MINUS"),
        ("file", "\ufb01le", "whose 1st character is LATIN SMALL LIGATURE FI, not LATIN SMALL LETTER F"),
        ("K", "\u212a", "whose 1st character is KELVIN SIGN, not LATIN CAPITAL LETTER K"),
        ("a\tb", "a b", "whose 2nd character is a space, not U+0009"),
        ("caf\u00e9 1", "cafe\u0301\u00a01", "whose 5th character is NO-BREAK SPACE, not a space"),
    ],
)
def test_what_looks_the_same_is_told_apart(wanted: str, there: str, said: str) -> None:
    told = suggest(Gap("/d", wanted, ("other", there)))
    assert told.startswith("There is ")
    assert said in told
    assert told.endswith(": write it so, or rename it.")


@pytest.mark.parametrize(
    ("wanted", "names", "told"),
    [
        ("modles", ("models",), "Did you mean MyDrive/models?"),
        ("DATA", ("data", "DAT"), "Did you mean MyDrive/data?"),
        ("x", ("models",), ""),
        ("setings.toml", ("other.toml", "settings.toml"), "Did you mean MyDrive/settings.toml?"),
        ("data.zpi", ("data.zip",), "Did you mean MyDrive/data.zip?"),
        ("no.txt", ("r.txt",), ""),
        ("x", (), ""),
    ],
)
def test_a_name_that_may_have_been_meant(wanted: str, names: tuple[str, ...], told: str) -> None:
    assert suggest(Gap("/d", wanted, names), "MyDrive") == told


def test_an_aside() -> None:
    assert aside(Gap("/d", "modles", ("models",))) == " (did you mean models?)"
    assert aside(Gap("/d", "x")) == ""


def test_the_gap_is_below_the_last_folder_that_is_there() -> None:
    machine = FakeMachine()
    machine.put("/a/file")
    machine.put_link("/link", "/a")
    assert find_gap("/a/b/c", machine) == Gap("/a", "b", ("file",))
    assert find_gap("/link/b", machine) == Gap("/link", "b", ("file",))
    assert find_gap("/a/file/b", machine) == Gap("/a/file", "b", (), "file")
    assert find_gap("/b", machine) == Gap("/", "b", ("a", "link"))
