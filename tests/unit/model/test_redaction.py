"""What is blotted out of a log, and what is left readable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.model.redaction import (
    SHORTEST_NAMED_SECRET,
    holds_credentials,
    holds_secret,
    is_for_sharing,
    is_secret,
    is_signature,
    may_hold_secret,
    redactor,
)


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


@pytest.mark.parametrize(
    ("path", "secret"),
    [
        (("env", "A"), False),
        (("env", "API_TOKEN", "value"), True),
        (("secrets", 0), True),
        (("env", "key"), True),
        (("env", "KEY"), True),
        (("env", "sort_key"), True),
        (("apt", "repositories", 0, "key"), False),
        (("apt", "repositories", 0, "key", 1), False),
        (("apt", "repositories", 0, "KEY"), True),
        (("apt", "repositories", "key"), True),
        (("datasets", "key", "url"), True),
        (("pip", "packages", 1), False),
    ],
)
def test_the_names_on_the_way_tell_whether_a_value_is_secret(
    path: tuple[str | int, ...], secret: bool
) -> None:
    assert is_secret(path) is secret


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("key: https://example.org/key.asc", False),
        ("KEY: x", True),
        ("{api_key: x}", True),
        ('"private-key" = x', True),
        ("- hf_token", True),
        ("url: https://me:pw@host/x", True),
        ("packages: [keyring]", False),
    ],
)
def test_a_line_that_may_hold_a_secret(line: str, secret: bool) -> None:
    assert holds_secret(line) is secret


@pytest.mark.parametrize(
    ("name", "blotted", "shared"),
    [
        ("HF_TOKEN", True, False),
        ("db_password", True, False),
        ("GPG_PASSPHRASE", True, False),
        ("OPENAI_API_KEY", True, False),
        ("GOOGLE_APPLICATION_CREDENTIALS", True, True),
        ("SORT_KEY", True, True),
        ("TOKENIZERS_PARALLELISM", False, True),
        ("KEYBOARD", False, True),
        ("MONKEY", False, True),
    ],
)
def test_a_variable_is_blotted_out_or_refused_by_its_name(name: str, blotted: bool, shared: bool) -> None:
    assert may_hold_secret(name) is blotted
    assert is_for_sharing(name) is shared


def test_what_may_not_be_shared_is_blotted_out_too() -> None:
    for name in ("A_TOKEN", "A_PASSWD", "APIKEY", "MY_SECRET", "PRIVATE_KEY", "ACCESS_KEY"):
        assert not is_for_sharing(name)
        assert may_hold_secret(name)


@pytest.mark.parametrize(
    ("parameter", "signature"),
    [
        ("X-Amz-Date", True),
        ("Expires", True),
        ("sig", True),
        ("access_token", True),
        ("Key-Pair-Id", True),
        ("authuser", True),
        ("password", True),
        ("id", False),
        ("export", False),
    ],
)
def test_parameters_that_let_their_bearer_in(parameter: str, signature: bool) -> None:
    assert is_signature(parameter) is signature


def test_credentials_in_a_url() -> None:
    assert holds_credentials("https://me@host/x")
    assert holds_credentials("ssh://git:pw@host/x")
    assert not holds_credentials("ssh://git@host/x")
    assert not holds_credentials("me@host")
