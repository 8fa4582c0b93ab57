"""Whether a distribution came from where a requirement says."""

from __future__ import annotations

import pytest

from provisioner.kinds.pip.origins import comes_from, is_editable, same_url, split_url

GIT = {
    "url": "https://h/r.git",
    "vcs_info": {"vcs": "git", "requested_revision": "v1", "commit_id": "0123456789abcdef"},
}


@pytest.mark.parametrize(
    ("url", "origin", "answer"),
    [
        ("git+https://h/r.git", GIT, True),
        ("git+https://h/r.git@v1", GIT, True),
        ("git+https://h/r.git@v2", GIT, False),
        ("git+https://h/r.git@0123456", GIT, True),
        ("git+https://h/r.git@0123457", GIT, False),
        ("git+https://h/other.git", GIT, False),
        ("git+ssh://git@h/r.git", {"url": "ssh://git@h/r.git", "vcs_info": {}}, True),
        ("git+ssh://git@h/r.git@feature/x", {**GIT, "url": "ssh://git@h/r.git"}, False),
        ("git+https://h/r.git#subdirectory=a", GIT, False),
        ("git+https://h/r.git#egg=r&subdirectory=a", {**GIT, "subdirectory": "a"}, True),
        ("https://h/x.whl", {"url": "https://h/x.whl", "archive_info": {}}, True),
        ("https://h/x.whl#sha256=00", {"url": "https://h/x.whl"}, True),
        ("https://h/x.whl", {"url": "https://h/y.whl"}, False),
        ("https://h/x.whl", {}, False),
        ("file:///a b", {"url": "file:///a%20b/"}, True),
        ("https://h/x.whl", {"url": "https://h/x.whl", "vcs_info": "odd"}, True),
    ],
)
def test_whether_a_distribution_comes_from_an_address(
    url: str, origin: dict[str, object], answer: bool
) -> None:
    assert comes_from(origin, url) is answer


def test_addresses_are_compared_without_credentials() -> None:
    assert same_url("https://me:secret@h/x", "https://h/x/")


@pytest.mark.parametrize(
    ("url", "place", "revision", "subfolder"),
    [
        ("git+https://h/r.git@v1#subdirectory=a", "https://h/r.git", "v1", "a"),
        ("git+ssh://git@h/r.git", "ssh://git@h/r.git", None, ""),
        ("https://h/x@1.whl#sha256=00", "https://h/x@1.whl", None, ""),
    ],
)
def test_a_url_has_parts(url: str, place: str, revision: str | None, subfolder: str) -> None:
    found = split_url(url)
    assert (found.url, found.revision, found.subfolder) == (place, revision, subfolder)


@pytest.mark.parametrize(
    ("origin", "answer"),
    [
        ({"url": "file:///work/my%20tool", "dir_info": {"editable": True}}, True),
        ({"url": "file:///work/other", "dir_info": {"editable": True}}, False),
        ({"url": "file:///work/my%20tool", "dir_info": {}}, False),
        ({"url": "file:///work/my%20tool", "dir_info": "odd"}, False),
        ({}, False),
    ],
)
def test_whether_a_project_is_installed_in_place(origin: dict[str, object], answer: bool) -> None:
    assert is_editable(origin, "/work/my tool") is answer
