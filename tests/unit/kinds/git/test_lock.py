"""Repositories locked to commits, and what of that a review and a bill of materials say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provisioner.kinds.base import Download, LockContext, PackageUrl, Pinning
from provisioner.kinds.git import lock
from provisioner.kinds.git.observe import observe
from provisioner.kinds.git.pins import GitPinning, GitPins, PinnedRepository
from provisioner.machine.image import ImageReader
from provisioner.model.errors import LockError
from provisioner.runtimes import images
from tests.fakes import PYTHON
from tests.gitserver import GitServer
from tests.unit.kinds.git.conftest import Project
from tests.unit.kinds.git.test_kind_cloning import one


def no_download(address: str, urls: tuple[str, ...]) -> Download:
    raise AssertionError(address)


def pin(project: Project, section: object, pinning: GitPinning | None = None) -> GitPins:
    config = replace(project.config(section), packages=())
    facts = observe(config, project.machine, pinning)
    return lock.pin(config, facts, project.machine, LockContext(None, no_download), pinning)


@pytest.fixture
def first(server: GitServer) -> str:
    commit = server.make("hw", {"a.txt": "1\n"})
    server.tag("hw", "v1", "The first")
    return commit


@pytest.mark.parametrize("rev", [None, "main", "v1"])
def test_what_is_not_here_is_locked_to_the_servers_commit(
    server: GitServer, project: Project, first: str, rev: str | None
) -> None:
    pins = pin(project, one(server.url("hw"), **({"rev": rev} if rev else {})))
    assert pins == {"hw": PinnedRepository(url=server.url("hw"), rev=rev, commit=first)}


def test_what_is_here_is_locked_as_it_is(server: GitServer, project: Project, first: str) -> None:
    section = one(server.url("hw"))
    project.apply(section)
    second = server.commit("hw", {"a.txt": "2\n"})
    pins = pin(project, section)
    assert pins["hw"].commit == first
    assert pin(project, section, Pinning(pins, exact=False))["hw"].commit == first
    for upgrade in (frozenset({"hw"}), None):
        assert pin(project, section, Pinning(pins, exact=False, upgrade=upgrade))["hw"].commit == second


def test_a_commit_that_only_this_machine_has_is_not_locked(
    server: GitServer, project: Project, first: str
) -> None:
    section = one(server.url("hw"))
    project.apply(section)
    project.git("hw", "commit", "--quiet", "--allow-empty", "-m", "Mine")
    assert pin(project, section)["hw"].commit == first


def test_another_revision_in_the_file_is_locked_anew(server: GitServer, project: Project, first: str) -> None:
    pins = pin(project, one(server.url("hw"), rev="v1"))
    second = server.commit("hw", {"a.txt": "2\n"})
    assert pin(project, one(server.url("hw"), rev="main"), Pinning(pins, exact=False))["hw"].commit == second


def test_exactly_the_locked_commit_is_checked_out(server: GitServer, project: Project, first: str) -> None:
    section = one(server.url("hw"), rev="main", depth=1)
    project.pins = pin(project, section)
    second = server.commit("hw", {"a.txt": "2\n"})
    [step] = project.apply(section)
    assert (project.read("hw/a.txt"), step.warnings) == ("1\n", ())
    assert project.settled(section)
    project.pins["hw"] = PinnedRepository(url=server.url("hw"), rev="main", commit=second)
    [step] = project.apply(section)
    assert step.changes[0].reason == f"the lock asks for {second[:12]}"
    assert project.read("hw/a.txt") == "2\n"
    assert project.settled(section)


def test_a_branch_that_is_at_the_locked_commit_stays_checked_out(
    server: GitServer, project: Project, first: str
) -> None:
    section = one(server.url("hw"), rev="main", update="ff")
    project.apply(section)
    project.pins = pin(project, section)
    server.commit("hw", {"a.txt": "2\n"})
    assert project.settled(section)
    assert project.git("hw", "branch", "--show-current") == "main"


def test_what_cannot_be_locked_says_why(server: GitServer, project: Project, first: str) -> None:
    with pytest.raises(LockError, match=r"git\.hw cannot be locked: there is no repository at"):
        pin(project, one(server.url("nothing")))
    with pytest.raises(LockError, match="is only the beginning of a commit"):
        pin(project, one(server.url("hw"), rev=first[:8]))
    server.failures += [503] * 3
    with pytest.raises(LockError, match="cannot be locked"):
        pin(project, one(server.url("hw")))


def test_a_lock_without_a_repository_is_refused(project: Project) -> None:
    config = project.config(one("https://example.org/hw"))
    with pytest.raises(LockError, match=r"the lock does not have git\.hw"):
        lock.check(config, {})
    lock.check(config, {"hw": PinnedRepository(url="https://example.org/hw", commit="1" * 40)})


def test_what_a_review_says() -> None:
    pins = {
        "a": PinnedRepository(url="https://example.org/a", rev="v1", commit="1" * 40),
        "b": PinnedRepository(url="https://example.org/b", commit="2" * 40),
    }
    found = {each.name: each.version for each in lock.contents(pins).entries}
    assert found == {"a": "v1 (111111111111)", "b": "222222222222"}


@pytest.mark.parametrize(
    ("url", "purl"),
    [
        ("https://github.com/Owner/Name.git", PackageUrl("github", "name", "1" * 40, "owner")),
        ("git@github.com:Owner/Name.git", PackageUrl("github", "name", "1" * 40, "owner")),
        (
            "https://example.org/x",
            PackageUrl(
                "generic", "tool", "1" * 40, qualifiers={"vcs_url": f"git+https://example.org/x@{'1' * 40}"}
            ),
        ),
        ("local/x.git", None),
    ],
)
def test_what_a_bill_of_materials_says(url: str, purl: PackageUrl | None) -> None:
    [material] = lock.materials({"tool": PinnedRepository(url=url, rev="v1", commit="1" * 40)}, "Debian 12")
    assert (material.address, material.version, material.purl) == ("git.tool", "1" * 40, purl)
    assert material.notes == {"rev": "v1"}


def test_it_is_locked_for_an_image_that_is_not_here(server: GitServer, project: Project, first: str) -> None:
    """Servers are asked from here; that a clone lies here says nothing of the image."""
    section = one(server.url("hw"))
    project.apply(section)
    second = server.commit("hw", {"a.txt": "2\n"})
    image = images.load(images.names()[0])
    place = f"{project.folder}/hw"
    there = ImageReader(image, project.machine, PYTHON, made=frozenset({place}))
    config = replace(project.config(section), packages=())
    facts = observe(config, there, None)
    assert lock.pin(config, facts, there, LockContext(image, no_download), None)["hw"].commit == second
