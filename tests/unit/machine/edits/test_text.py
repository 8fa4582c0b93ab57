"""Edits of a text: each is a fixpoint."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from provisioner.machine.edits.text import LARGEST, decoded, edited
from provisioner.model.effects import Insertion, Replacement, TextChange
from provisioner.model.errors import EffectError

REPLACEMENTS = st.builds(
    Replacement,
    find=st.text("ab", min_size=1, max_size=3),
    replace=st.text("ab", max_size=4),
    count=st.integers(1, 4),
)
LINES = st.text("ab", min_size=1, max_size=2)
INSERTIONS = st.builds(Insertion, line=LINES, after=st.none() | LINES)


@given(st.text("ab\r\n", max_size=20), st.lists(REPLACEMENTS | INSERTIONS, min_size=1, max_size=3))
def test_what_is_edited_counts_as_done(text: str, changes: list[TextChange]) -> None:
    try:
        result, told = edited(text, changes)
    except EffectError:
        return
    assert (result == text) == (not told)
    assert edited(result, changes) == (result, ())


@given(st.text("abc\n", max_size=20), st.text("ab", min_size=1, max_size=3), st.text("xy", max_size=3))
def test_all_that_is_found_is_replaced_and_nothing_else(text: str, find: str, replace: str) -> None:
    found = text.count(find)
    assume(found)
    change, expected = Replacement(find=find, replace=replace, count=found), text.replace(find, replace)
    if find in expected:
        with pytest.raises(EffectError, match="would not count as done"):
            edited(text, [change])
    else:
        assert edited(text, [change])[0] == expected


@given(st.text("ab\n", max_size=20), LINES)
def test_a_line_is_added_and_every_other_stays(text: str, line: str) -> None:
    result, told = edited(text, [Insertion(line=line)])
    assert bool(told) == (line not in text.split("\n"))
    assert result == (text if not told else text + ("\n" if text and text[-1] != "\n" else "") + line + "\n")


@pytest.mark.parametrize(
    ("text", "change", "result"),
    [
        ("a\nc", Insertion(line="b", after="a"), "a\nb\nc"),
        ("a", Insertion(line="b", after="a"), "a\nb\n"),
        ("a\r\nc\r\n", Insertion(line="b", after="a"), "a\r\nb\r\nc\r\n"),
        ("a\r\nc\r\n", Insertion(line="b"), "a\r\nc\r\nb\r\n"),
        ("\ufeffa\n", Insertion(line="a"), "\ufeffa\n"),
        ("abab", Replacement(find="ab", replace="bab"), "babab"),
        ("x x=1", Replacement(find="x", replace="x=1"), "x=1 x=1"),
        ("a\r\nb\r\n", Replacement(find="a\nb", replace="c\nd"), "c\r\nd\r\n"),
    ],
)
def test_single_edits(text: str, change: TextChange, result: str) -> None:
    assert edited(text, [change])[0] == result


def test_what_cannot_be_edited() -> None:
    with pytest.raises(EffectError, match="binary"):
        decoded(b"a\0", "/a")
    with pytest.raises(EffectError, match=r"not UTF-8 text \(byte 2\)"):
        decoded(b"a\xff", "/a")
    with pytest.raises(EffectError, match="larger than 16 MiB"):
        decoded(bytes(LARGEST + 1), "/a")
    assert decoded("\ufeffé".encode(), "/a") == "\ufeffé"


def test_what_is_long_is_told_in_short() -> None:
    with pytest.raises(EffectError) as caught:
        edited("", [Replacement(find="a\n" + "b" * 99, replace="c")])
    assert caught.value.message.startswith(f"`a {'b' * 37}…` matches nothing")
