"""What is known of a clone's files before it is there."""

from __future__ import annotations

from provisioner.kinds.base import Pinning
from provisioner.kinds.git.pins import PinnedRepository
from provisioner.kinds.git.preview import preview
from tests.gitserver import GitServer
from tests.unit.kinds.git.conftest import Project


def ask(project: Project, path: str, **repo: object) -> bytes | None:
    pinning = Pinning(project.pins) if project.pins is not None else None
    config = project.config({"repos": {"hw": {"to": "hw", **repo}}})
    return preview(config, pinning, project.machine, f"{project.folder}/{path}")


def test_a_file_of_a_clone(server: GitServer, project: Project) -> None:
    commit = server.make("hw", {"unit/requirements.txt": "old\n"})
    server.commit("hw", {"unit/requirements.txt": "six\n"})
    url = server.url("hw")
    assert ask(project, "hw/unit/requirements.txt", url=url) == b"six\n"
    assert ask(project, "hw/unit/requirements.txt", url=url, rev=commit) == b"old\n"
    assert ask(project, "hw/none.txt", url=url) is None
    assert ask(project, "other/requirements.txt", url=url) is None
    assert ask(project, "hw/unit/requirements.txt", url=url, sparse=["docs"]) is None
    project.pins = {"hw": PinnedRepository(url=url, commit=commit)}
    assert ask(project, "hw/unit/requirements.txt", url=url) == b"old\n"


def test_a_branch_that_is_there_stays_where_it_is(server: GitServer, project: Project) -> None:
    server.make("hw", {"requirements.txt": "old\n"})
    url = server.url("hw")
    project.apply({"repos": {"hw": {"url": url, "to": "hw"}}})
    commit = server.commit("hw", {"requirements.txt": "six\n"})
    assert ask(project, "hw/requirements.txt", url=url) is None
    assert ask(project, "hw/requirements.txt", url=url, rev="main", update="ff") == b"six\n"
    assert ask(project, "hw/requirements.txt", url=url, rev=commit) == b"six\n"


def test_a_large_file_is_only_a_pointer(server: GitServer, project: Project) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 5\n"
    server.make("hw", {"requirements.txt": pointer})
    assert ask(project, "hw/requirements.txt", url=server.url("hw")) is None


def test_a_server_that_has_no_such_repository(server: GitServer, project: Project) -> None:
    assert ask(project, "hw/requirements.txt", url=server.url("none")) is None
