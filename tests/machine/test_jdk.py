"""The kind `jdk` on real machines: two JDKs, faked as packages with real alternatives."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.machine import aptrepo
from tests.machine.aptrepo import SLOW, Deb, Key, Repo
from tests.machine.debian_root import USER, VENV, WORK, Root
from tests.machine.disks import Release
from tests.machine.test_apt import apply, pending, refused


def home(version: int) -> str:
    return f"/usr/lib/jvm/java-{version}-openjdk-amd64"


def spec(wanted: object) -> str:
    return f"version: 1\nname: java\njdk: {wanted}\n"


@pytest.fixture
def jdk(release: Release) -> int:
    """The JDK that the release has."""
    return release.jdk


@pytest.fixture
def later(release: Release) -> int:
    """One that is newer than the release's own."""
    return release.later_jdk


@pytest.fixture
def shelf(provisioned_machine: Root, repo: Repo, key: Key) -> Root:
    """A machine whose only packages are those of the local repository."""
    repo.enlist(provisioned_machine, key)
    return provisioned_machine


def default(root: Root) -> tuple[str, ...]:
    """What a new login shell finds: JAVA_HOME, and the versions that java and javac tell."""
    said = root.run(["bash", "-lc", "echo $JAVA_HOME; java -version 2>&1; javac -version"]).stdout
    java_home, java, javac = said.splitlines()
    return java_home, java.split('"')[1], javac.split()[1]


def made_default(version: int) -> tuple[str, ...]:
    """What `default` says when a version is the default in every way."""
    return home(version), f"{version}.0.1", f"{version}.0.1"


def test_it_is_the_default_and_proves_it(shelf: Root, jdk: int) -> None:
    plan = pending(shelf, spec(jdk))
    assert plan == {
        f"jdk.openjdk-{jdk}-jdk-headless": ("create", None, f"{jdk}.0.1"),
        f"jdk.openjdk-{jdk}-jre-headless": ("create", None, f"{jdk}.0.1"),
        "jdk.java": ("create", None, f"{home(jdk)}/bin/java"),
        "jdk.javac": ("create", None, f"{home(jdk)}/bin/javac"),
        "jdk.JAVA_HOME": ("create", None, home(jdk)),
    }
    told = apply(shelf)
    assert "jdk.java" in told
    assert "jdk.javac" in told
    assert default(shelf) == made_default(jdk)
    kernel = shelf.read("/root/.ipython/profile_default/startup/00-colabenv-jdk.py")
    assert home(jdk) in kernel


def test_java_home_goes_with_the_section_and_the_packages_stay(shelf: Root, jdk: int) -> None:
    apply(shelf, spec(jdk))
    assert pending(shelf, "version: 1\nname: none\n") == {"jdk.JAVA_HOME": ("remove", home(jdk), None)}
    apply(shelf)
    assert default(shelf) == ("", f"{jdk}.0.1", f"{jdk}.0.1")
    assert pending(shelf) == {}


def test_a_later_jdk_takes_over_only_when_it_is_asked_for(shelf: Root, jdk: int, later: int) -> None:
    apply(shelf, spec(f'">={jdk}"'))
    assert default(shelf)[1] == f"{jdk}.0.1"
    apply(shelf, spec(later))
    assert default(shelf) == made_default(later)
    apply(shelf, spec(f'">={jdk}"'))
    assert default(shelf)[1] == f"{later}.0.1", "one that fits is the default already"


def test_broken_by_hand_and_mended(shelf: Root, jdk: int, later: int) -> None:
    shelf.run(["apt-get", "install", "-y", f"openjdk-{later}-jdk-headless"])
    apply(shelf, spec(jdk))
    shelf.run(["update-alternatives", "--auto", "java"])
    path = f"{home(later)}/bin/java"
    assert pending(shelf) == {"jdk.java": ("update", path, f"{home(jdk)}/bin/java")}
    assert pending(shelf, user=USER)["jdk.java"][0] == "blocked"
    apply(shelf)
    shelf.path("/etc/profile.d/colabenv-jdk.sh").unlink()
    assert list(pending(shelf)) == ["jdk.JAVA_HOME"]
    apply(shelf)
    shelf.run(["apt-get", "remove", "-y", f"openjdk-{jdk}-jdk-headless"])
    assert set(pending(shelf)) == {f"jdk.openjdk-{jdk}-jdk-headless", "jdk.javac"}
    apply(shelf)
    assert default(shelf) == made_default(jdk)


def test_a_program_that_lies_about_its_version_fails_the_check(shelf: Root, jdk: int) -> None:
    apply(shelf, spec(jdk))
    shelf.write(f"{home(jdk)}/bin/java", "#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n", 0o755)
    done = shelf.colabenv("verify")
    assert done.returncode == 1
    assert "jdk.java" in done.stdout


def test_not_the_default(shelf: Root, jdk: int, later: int) -> None:
    apply(shelf, spec(jdk))
    apply(shelf, spec(f"{{version: {later}, default: false}}"))
    assert default(shelf) == ("", f"{jdk}.0.1", f"{jdk}.0.1")


def test_versions_there_are_none_of(shelf: Root, jdk: int, later: int) -> None:
    refused(shelf, spec(11), f"apt here has no JDK 11; it offers {jdk}, {later}: write one of these")
    refused(shelf, spec(f"{{version: {jdk}, headless: false}}"), f"no repository .* named openjdk-{jdk}-jdk;")


def test_killed_at_work_and_mended_by_the_next_apply(
    provisioned_machine: Root, jdk: int, key: Key, tmp_path: Path
) -> None:
    root = provisioned_machine
    runtime, kit = aptrepo.jdk(jdk)
    slow = Deb(kit.name, kit.version, f"{kit.depends}, {SLOW.name}", "", "", kit.scripts, {}, kit.executables)
    Repo(tmp_path / "repo").add(SLOW, runtime, slow).publish(key).enlist(root, key)
    root.write(f"{WORK}/colabenv.yaml", spec(jdk))
    first = root.start([f"{VENV}/bin/python", "-m", "provisioner", "apply"], cwd=WORK)
    root.wait_for("^sleep 30")
    root.kill(".")
    first.communicate()
    assert f"jdk.openjdk-{jdk}-jdk-headless" in pending(root)
    root.write("/etc/shelf-fast", "")
    apply(root)
    assert default(root) == made_default(jdk)
    assert root.run(["dpkg", "--audit"]).stdout == ""
