"""The kind `jdk` on real machines: two JDKs, faked as packages with real alternatives."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.machine.aptrepo import SLOW, Deb, Key, Repo, jdk
from tests.machine.debian_root import USER, VENV, WORK, Root
from tests.machine.test_apt import apply, pending, refused

HOMES = {version: f"/usr/lib/jvm/java-{version}-openjdk-amd64" for version in (17, 21)}


def spec(wanted: object) -> str:
    return f"version: 1\nname: java\njdk: {wanted}\n"


@pytest.fixture
def shelf(provisioned_machine: Root, repo: Repo, key: Key) -> Root:
    """A machine whose only packages are those of the local repository."""
    repo.enlist(provisioned_machine, key)
    return provisioned_machine


def default(root: Root) -> tuple[str, ...]:
    """What a new login shell finds: JAVA_HOME, and the versions that java and javac tell."""
    said = root.run(["bash", "-lc", "echo $JAVA_HOME; java -version 2>&1; javac -version"]).stdout
    home, java, javac = said.splitlines()
    return home, java.split('"')[1], javac.split()[1]


def test_it_is_the_default_and_proves_it(shelf: Root) -> None:
    plan = pending(shelf, spec(17))
    assert plan == {
        "jdk.openjdk-17-jdk-headless": ("create", None, "17.0.1"),
        "jdk.openjdk-17-jre-headless": ("create", None, "17.0.1"),
        "jdk.java": ("create", None, f"{HOMES[17]}/bin/java"),
        "jdk.javac": ("create", None, f"{HOMES[17]}/bin/javac"),
        "jdk.JAVA_HOME": ("create", None, HOMES[17]),
    }
    told = apply(shelf)
    assert "jdk.java" in told
    assert "jdk.javac" in told
    assert default(shelf) == (HOMES[17], "17.0.1", "17.0.1")
    kernel = shelf.read("/root/.ipython/profile_default/startup/00-colabenv-jdk.py")
    assert HOMES[17] in kernel


def test_java_home_goes_with_the_section_and_the_packages_stay(shelf: Root) -> None:
    apply(shelf, spec(17))
    assert pending(shelf, "version: 1\nname: none\n") == {"jdk.JAVA_HOME": ("remove", HOMES[17], None)}
    apply(shelf)
    assert default(shelf) == ("", "17.0.1", "17.0.1")
    assert pending(shelf) == {}


def test_a_later_jdk_takes_over_only_when_it_is_asked_for(shelf: Root) -> None:
    apply(shelf, spec('">=17"'))
    assert default(shelf)[1] == "17.0.1"
    apply(shelf, spec(21))
    assert default(shelf) == (HOMES[21], "21.0.1", "21.0.1")
    apply(shelf, spec('">=17"'))
    assert default(shelf)[1] == "21.0.1", "one that fits is the default already"


def test_broken_by_hand_and_mended(shelf: Root) -> None:
    shelf.run(["apt-get", "install", "-y", "openjdk-21-jdk-headless"])
    apply(shelf, spec(17))
    shelf.run(["update-alternatives", "--auto", "java"])
    path = f"{HOMES[21]}/bin/java"
    assert pending(shelf) == {"jdk.java": ("update", path, f"{HOMES[17]}/bin/java")}
    assert pending(shelf, user=USER)["jdk.java"][0] == "blocked"
    apply(shelf)
    shelf.path("/etc/profile.d/colabenv-jdk.sh").unlink()
    assert list(pending(shelf)) == ["jdk.JAVA_HOME"]
    apply(shelf)
    shelf.run(["apt-get", "remove", "-y", "openjdk-17-jdk-headless"])
    assert set(pending(shelf)) == {"jdk.openjdk-17-jdk-headless", "jdk.javac"}
    apply(shelf)
    assert default(shelf) == (HOMES[17], "17.0.1", "17.0.1")


def test_a_program_that_lies_about_its_version_fails_the_check(shelf: Root) -> None:
    apply(shelf, spec(17))
    shelf.write(f"{HOMES[17]}/bin/java", "#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n", 0o755)
    done = shelf.colabenv("verify")
    assert done.returncode == 1
    assert "jdk.java" in done.stdout


def test_not_the_default(shelf: Root) -> None:
    apply(shelf, spec(17))
    apply(shelf, spec("{version: 21, default: false}"))
    assert default(shelf) == ("", "17.0.1", "17.0.1")


def test_versions_there_are_none_of(shelf: Root) -> None:
    refused(shelf, spec(11), "apt here has no JDK 11; it offers 17, 21: write one of these")
    refused(shelf, spec("{version: 17, headless: false}"), "no repository .* called openjdk-17-jdk;")


def test_killed_at_work_and_mended_by_the_next_apply(
    provisioned_machine: Root, key: Key, tmp_path: Path
) -> None:
    root = provisioned_machine
    runtime, kit = jdk(17)
    slow = Deb(kit.name, kit.version, f"{kit.depends}, {SLOW.name}", "", "", kit.scripts, {}, kit.executables)
    Repo(tmp_path / "repo").add(SLOW, runtime, slow).publish(key).enlist(root, key)
    root.write(f"{WORK}/colabenv.yaml", spec(17))
    first = root.start([f"{VENV}/bin/python", "-m", "provisioner", "apply"], cwd=WORK)
    root.wait_for("^sleep 30")
    root.kill(".")
    first.communicate()
    assert "jdk.openjdk-17-jdk-headless" in pending(root)
    root.write("/etc/shelf-fast", "")
    apply(root)
    assert default(root) == (HOMES[17], "17.0.1", "17.0.1")
    assert root.run(["dpkg", "--audit"]).stdout == ""
