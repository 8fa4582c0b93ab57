"""Fixtures of the machine tests: real Debian machines, one fresh for each test, of each release."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machine.aptrepo import Key, Repo, jdk, shelf
from tests.machine.debian_root import WORK, Bind, Root, missing_prerequisite, running
from tests.machine.disks import RELEASES, Release, Roots, package_folder, snapshot
from tests.machine.garden import write_tar

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("machine")


@pytest.fixture(scope="session", params=RELEASES, ids=str)
def release(request: pytest.FixtureRequest) -> Release:
    """The Debian that machines run."""
    assert isinstance(request.param, Release)
    return request.param


@pytest.fixture(scope="session")
def roots(release: Release) -> Iterator[Roots]:
    """The cached disks. Where they cannot be made the tests are skipped, but never in CI."""
    if reason := missing_prerequisite():
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with Roots(release) as found:
        yield found


@pytest.fixture
def machine(roots: Roots) -> Iterator[Root]:
    """A fresh Debian with only python3, pip and venv."""
    with running(roots.fresh(), roots.caches) as root:
        yield root


@pytest.fixture(scope="session")
def package(roots: Roots, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as it was when the tests began."""
    return snapshot(tmp_path_factory.mktemp("package"), roots.fresh())


@pytest.fixture
def provisioned_machine(roots: Roots, package: Path) -> Iterator[Root]:
    """A Debian where colab-provisioner is installed in VENV, as the working tree has it."""
    disk = roots.installed()
    with running(disk, [*roots.caches, Bind(package, package_folder(disk))]) as root:
        yield root


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Key]:
    """The key that signs `repo`."""
    made = Key(tmp_path_factory.mktemp("key"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def repo(release: Release, key: Key, tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A signed repository of every ready-made package, with the release's JDK and a later one."""
    debs = [*shelf(), *jdk(release.jdk), *jdk(release.later_jdk)]
    return Repo(tmp_path_factory.mktemp("repo") / "shelf", debs).publish(key)


@pytest.fixture
def garden(provisioned_machine: Root, repo: Repo, key: Key) -> Root:
    """A machine that lacks everything that GARDEN asks for, and where all of it can be had."""
    repo.enlist(provisioned_machine, key)
    write_tar(provisioned_machine, f"{WORK}/seeds.tar.gz", {"rose.txt": b"rose\n", "lily.txt": b"lily\n"})
    return provisioned_machine
