"""What is blotted out of a log, and what is left readable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.model.redaction import SHORTEST_NAMED_SECRET, redactor


@pytest.mark.parametrize(
    ("environ", "text", "expected"),
    [
        ({}, "plain", "plain"),
        ({"HF_TOKEN": "hf_abcdef"}, "got hf_abcdef", "got ***"),
        ({"TOKENIZERS_PARALLELISM": "false-ish"}, "false-ish", "false-ish"),
        ({"MY_SECRET": "abc"}, "abc", "abc"),
        ({"SSH_KEY": "/home/x/.ssh/id"}, "/home/x/.ssh/id", "/home/x/.ssh/id"),
        ({"A_TOKEN": "secret1", "B_TOKEN": "secret12"}, "secret12", "***"),
        ({"A_TOKEN": "  spaced-out\n"}, "<spaced-out>", "<***>"),
        ({"A_KEY": "-----BEGIN\nMIIEvQIBAD\nAQ==\n"}, "2: MIIEvQIBAD AQ==", "2: *** AQ=="),
        ({"EMPTY_TOKEN": "", "BLANK_TOKEN": "  "}, "a  b", "a  b"),
    ],
)
def test_redaction_of_what_is_called_a_secret(environ: dict[str, str], text: str, expected: str) -> None:
    assert redactor(environ)(text) == expected


@pytest.mark.parametrize(
    ("value", "text", "expected"),
    [
        ("1234", "PIN 1234, pin=1234; '1234'", "PIN ***, pin=***; '***'"),
        ("1234", "512345 1234x _1234", "512345 1234x _1234"),
        ("k3y", "(k3y)", "(***)"),
        ("p.w", "p.w pow", "*** pow"),
        ("$$$", "costs $$$!", "costs ***!"),
        ("no", "no exit 1", "no exit 1"),
        ("1", "exit 1", "exit 1"),
        ("", "nothing", "nothing"),
        ("/content/drive/MyDrive/id", "read /content/drive/MyDrive/id.", "read ***."),
        ("/run/x", "/run/xyz", "***yz"),
        ("word", "two words, a word", "two words, a ***"),
        ("sesame", "opensesame", "open***"),
    ],
)
def test_redaction_of_what_the_spec_names(value: str, text: str, expected: str) -> None:
    assert redactor({"PLAIN": value}, ("PLAIN",))(text) == expected
    assert redactor({"PLAIN": value})(text) == text


def test_a_short_secret_within_a_longer_one_leaves_none_of_it() -> None:
    blot = redactor({"PIN": "1234", "LONG": "1234-5678-abcd"}, ("PIN", "LONG"))
    assert blot("1234-5678-abcd 1234") == "*** ***"


@given(st.text("abcXYZ0189-/", min_size=SHORTEST_NAMED_SECRET), st.text(" =.:'\n"), st.text(" =.:'\n"))
def test_a_named_secret_that_stands_alone_is_never_shown(secret: str, before: str, after: str) -> None:
    blot = redactor({"PLAIN": secret}, ("PLAIN",))
    assert blot(f"{before}{secret}{after}") == f"{before}***{after}"
