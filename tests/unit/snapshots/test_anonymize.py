"""What is shown to others does not tell who it is from."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from provisioner.snapshots.anonymize import Anonymous
from tests.machines import local


@pytest.fixture
def anonymous(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Anonymous:
    monkeypatch.setattr(getpass, "getuser", lambda: "anna")
    return Anonymous(local(tmp_path, environ={"HF_TOKEN": "hf_verysecret"}, home="/root"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/root/x and /rooted", "~/x and /rooted"),
        ("/home/carl/.cache:/Users/dora/x", "/home/USER/.cache:/Users/USER/x"),
        ("/data/anna/x, annabel", "/data/USER/x, annabel"),
        ("https://carl:pw@host/x", "https://***@host/x"),
        ("hf_verysecret", "***"),
    ],
)
def test_names_are_taken_out(anonymous: Anonymous, text: str, shown: str) -> None:
    assert anonymous(text) == shown


def test_whatever_holds_them(anonymous: Anonymous) -> None:
    told = {"/root/x": ["/root", {"a": ("anna", 1, None)}]}
    assert anonymous.within(told) == {"~/x": ["~", {"a": ["USER", 1, None]}]}


@pytest.mark.parametrize("name", ["root", "ab"])
def test_a_name_that_is_an_ordinary_word_stays(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: name)
    assert Anonymous(local(tmp_path))(f"run as {name}") == f"run as {name}"


def test_a_user_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert Anonymous(local(tmp_path))("text") == "text"
