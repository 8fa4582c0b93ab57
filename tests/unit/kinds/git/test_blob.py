"""One file of a repository, seen without cloning it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provisioner.kinds.git.blob import blob
from tests.gitserver import GitServer, git
from tests.unit.kinds.git.conftest import Project


@pytest.mark.parametrize("modern", [True, False])
@pytest.mark.parametrize("rev", [None, "main", "v1"])
def test_a_file_at_a_revision(server: GitServer, project: Project, rev: str | None, modern: bool) -> None:
    server.modern = modern
    server.make("hw", {"hw2/requirements.txt": "old\n"})
    server.tag("hw", "v1", "With a message")
    server.commit("hw", {"hw2/requirements.txt": "tqdm>=4 # größer\n", "big.bin": "x" * 100_000})
    expected = "old\n" if rev == "v1" else "tqdm>=4 # größer\n"
    assert blob(server.url("hw"), rev, "hw2/requirements.txt", project.machine) == expected.encode()
    assert list(project.folder.iterdir()) == []


def test_a_commit_is_asked_for_once(server: GitServer, project: Project) -> None:
    commit = server.make("hw", {"a.txt": "1\n"})
    assert blob(server.url("hw"), commit, "a.txt", project.machine) == b"1\n"
    server.seen.clear()
    assert blob(server.url("hw"), commit, "./a.txt", project.machine) == b"1\n"
    assert server.seen == []


def test_a_branch_that_moved_is_seen(server: GitServer, project: Project) -> None:
    server.make("hw", {"a.txt": "1\n"})
    assert blob(server.url("hw"), "main", "a.txt", project.machine) == b"1\n"
    server.commit("hw", {"a.txt": "2\n"})
    assert blob(server.url("hw"), "main", "a.txt", project.machine) == b"2\n"


def test_only_the_one_file_is_fetched(server: GitServer, project: Project) -> None:
    server.make("hw", {"a.txt": "1\n", "big.txt": os.urandom(200_000).hex()})
    assert blob(server.url("hw"), "main", "a.txt", project.machine) == b"1\n"
    kept = Path(project.machine.context.state) / "git"
    assert sum(path.stat().st_size for path in kept.rglob("*.pack")) < 100_000


def test_a_link_within_the_repository_is_followed(server: GitServer, project: Project) -> None:
    server.make("hw", {"real/base.txt": "torch\n"})
    (server.work("hw") / "requirements.txt").symlink_to("real/base.txt")
    (server.work("hw") / "outside.txt").symlink_to("/etc/passwd")
    server.commit("hw", {})
    assert blob(server.url("hw"), None, "requirements.txt", project.machine) == b"torch\n"
    assert blob(server.url("hw"), None, "outside.txt", project.machine) is None


def test_what_is_not_there_or_no_text_is_none(server: GitServer, project: Project) -> None:
    server.make("hw", {"a/b.txt": "1\n"})
    (server.work("hw") / "image.png").write_bytes(b"\x89PNG\xff\xfe")
    server.commit("hw", {})
    for url, rev, path in (
        (server.url("hw"), "main", "c.txt"),
        (server.url("hw"), "main", "a"),
        (server.url("hw"), "main", "image.png"),
        (server.url("hw"), "v1", "a/b.txt"),
        (server.url("nothing"), None, "a.txt"),
    ):
        assert blob(url, rev, path, project.machine) is None


def test_a_repository_in_the_folder_of_the_spec(server: GitServer, project: Project) -> None:
    server.make("hw", {"a.txt": "1\n"})
    git(project.folder, "clone", "--quiet", "--bare", str(server.work("hw")), "hw.git")
    assert blob(f"{project.folder}/hw.git", "main", "a.txt", project.machine) == b"1\n"
