"""The rules for names, URLs and checksums: what passes, and what is said of what does not."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.kinds.shared.checks import (
    WEB,
    check_entry,
    check_name,
    check_no_credentials,
    check_sha256,
    check_url,
    check_variable,
    is_sound,
    scheme_of,
)


@pytest.mark.parametrize(
    "url",
    [
        "https://host/file",
        "http://host",
        "https://user@host:8080/a?b=c#d",
        "https://[::1]:80/x",
        "https://host/a%20b",
    ],
)
def test_a_whole_url_passes_as_it_is(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("host/file", "is not a URL; write it whole"),
        ("", "is not a URL; write it whole"),
        ("mailto:me", "is not a URL; write it whole"),
        ("ftp://host/x", "starts with ftp://; write it whole"),
        ("file:///x", "starts with file://; write it whole"),
        ("https://host/a b", "contains a space; write %20"),
        ("https://host/a\nb", "contains a space; write %20"),
        ("https://host/a\x7f", "contains a space; write %20"),
        ("https://host:port/x", "host or port is malformed"),
        ("https://host:99999/x", "host or port is malformed"),
        ("https://host:0/x", "host or port is malformed"),
        ("https://[::1/x", "host or port is malformed"),
        ("https:///x", "is not a whole URL; write it whole"),
        ("https://user@/x", "is not a whole URL; write it whole"),
        ("https:/host/x", "is not a whole URL; write it whole"),
    ],
)
def test_what_is_no_whole_url(url: str, fault: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fault)):
        check_url(url, instead="write it whole")


@pytest.mark.parametrize("url", ["file:///srv/x", "file:/srv/x", "file://localhost/srv/x", "copy:/srv/x"])
def test_a_local_url_names_a_path(url: str) -> None:
    assert check_url(url, schemes=(*WEB, "file", "copy")) == url


@pytest.mark.parametrize("url", ["file://host/x", "file://", "file:///", "copy:/"])
def test_a_local_url_names_no_host_and_not_everything(url: str) -> None:
    with pytest.raises(ValueError, match="is not a whole URL"):
        check_url(url, schemes=("file", "copy"))


def test_a_scheme_is_written_small() -> None:
    assert check_url("HTTPS://Host/File") == "https://Host/File"
    assert scheme_of("Git+SSH://host") == "git+ssh"
    assert scheme_of("C:\\x") == ""


def test_what_one_section_cannot_hold() -> None:
    with pytest.raises(ValueError, match=r"contains \[; write %5B"):
        check_url("https://host/[x]", without="[]")


@given(st.text())
def test_any_text_is_judged(text: str) -> None:
    is_sound(text)
    with suppress(ValueError):
        assert is_sound(check_url(text))


def test_a_sha256_is_written_small() -> None:
    assert check_sha256("AB" * 32) == "ab" * 32
    for wrong in ("ab" * 31, "xy" * 32, "ab" * 32 + "\n"):
        with pytest.raises(ValueError, match="write its 64 hexadecimal digits"):
            check_sha256(wrong)


def test_names() -> None:
    assert check_variable("_A1") == "_A1"
    assert check_entry("my-file_1") == "my-file_1"
    assert check_name("x.y", re.compile(r"\w+\.\w+"), "is none") == "x.y"
    for wrong in ("1A", "A-B", "", "A\n"):
        with pytest.raises(ValueError, match="is not a variable's name"):
            check_variable(wrong)
    for wrong in ("-x", "a b", "x" * 65, "", "a.b"):
        with pytest.raises(ValueError, match="may contain only letters"):
            check_entry(wrong)


@pytest.mark.parametrize(
    "url", ["https://me@host/x", "https://me:pw@host/x", "ssh://git:pw@host/x", "a @ git+https://me@host/x"]
)
def test_credentials_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"contains a user name or password; put them in ~/\.netrc"):
        check_no_credentials(url, "put them in ~/.netrc")


@pytest.mark.parametrize("url", ["https://host/a@b", "ssh://git@host/x", "git+ssh://git@host/x", "me@host"])
def test_a_user_of_ssh_is_no_secret(url: str) -> None:
    assert check_no_credentials(url, "") == url
