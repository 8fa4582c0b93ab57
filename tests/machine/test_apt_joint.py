"""apt, jdk and git on real machines: what all of them need of apt is one transaction."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.machine import aptrepo
from tests.machine.aptrepo import SHELF, SLOW, Deb, Key, Repo
from tests.machine.debian_root import USER, VENV, WORK, Root
from tests.machine.disks import Release
from tests.machine.test_apt import apply, installed, pending, refused
from tests.machine.test_jdk import default, made_default

GIT = Deb("git", "2.99", executables={"/usr/bin/git": "echo git version 2.99\n"})


@pytest.fixture
def jdk(release: Release) -> int:
    return release.jdk


def installs(root: Root) -> list[str]:
    """The command lines of apt-get that changed anything, as apt's own log has them."""
    history = root.path("/var/log/apt/history.log")
    text = history.read_text() if history.exists() else ""
    return re.findall(r"^Commandline: (?:.*)apt-get (?:.*)install (.*)$", text, re.MULTILINE)


def forget_installs(root: Root) -> None:
    root.write("/var/log/apt/history.log", "")


def repository(key: Key) -> str:
    return (
        f"  repositories: [{{name: shelf, uris: ['file:{SHELF}'], suites: [stable], components: [main],\n"
        f"    key: keys.asc, fingerprint: {key.fingerprint}}}]\n"
    )


def spec(packages: str, jdk: int, more: str = "") -> str:
    return f"version: 1\nname: both\napt:\n  packages: [{packages}]\n{more}jdk: {jdk}\n"


def place_unknown(root: Root, repo: Repo) -> None:
    """Put a repository on a machine whose apt knows of none."""
    repo.place(root)
    root.write("/etc/apt/sources.list", "")
    root.run(["sh", "-c", "rm -rf /etc/apt/sources.list.d/* /var/lib/apt/lists/*"])


def test_one_transaction_for_both(provisioned_machine: Root, repo: Repo, key: Key, jdk: int) -> None:
    root = provisioned_machine
    repo.enlist(root, key)
    forget_installs(root)
    runtime = f"openjdk-{jdk}-jre-headless"
    plan = pending(root, spec(f"shelf-vim, {runtime}", jdk))
    assert [address for address in plan if runtime in address] == [f"apt.{runtime}"], (
        "named by apt, shown once"
    )
    assert f"jdk.openjdk-{jdk}-jdk-headless" in plan
    apply(root)
    assert installs(root) == [f"shelf-vim {runtime} openjdk-{jdk}-jdk-headless"]
    assert default(root) == made_default(jdk)


def test_a_repository_and_the_jdk_from_it_in_one_apply(
    provisioned_machine: Root, repo: Repo, key: Key, jdk: int
) -> None:
    root = provisioned_machine
    place_unknown(root, repo)
    root.write(f"{WORK}/keys.asc", key.public)
    forget_installs(root)
    plan = pending(root, spec("shelf-vim", jdk, repository(key)))
    assert plan == {
        "apt.repositories.shelf": ("create", None, f"file:{SHELF} stable"),
        "apt.shelf-vim": ("create", None, "1.0"),
        f"jdk.openjdk-{jdk}-jdk-headless": ("create", None, f"{jdk}.0.1"),
        f"jdk.openjdk-{jdk}-jre-headless": ("create", None, f"{jdk}.0.1"),
        "jdk.java": ("create", None, f"/usr/lib/jvm/java-{jdk}-openjdk-amd64/bin/java"),
        "jdk.javac": ("create", None, f"/usr/lib/jvm/java-{jdk}-openjdk-amd64/bin/javac"),
        "jdk.JAVA_HOME": ("create", None, f"/usr/lib/jvm/java-{jdk}-openjdk-amd64"),
    }
    assert not root.path("/etc/apt/sources.list.d/shelf.sources").exists()
    apply(root)
    assert installs(root) == [f"shelf-vim openjdk-{jdk}-jdk-headless"]
    assert default(root) == made_default(jdk)


def test_the_jdk_alone_from_a_repository_that_another_entry_brings_the_key_for(
    provisioned_machine: Root, repo: Repo, key: Key, jdk: int
) -> None:
    root = provisioned_machine
    place_unknown(root, repo)
    lines = "".join(f"      {line}\n" for line in key.public.splitlines())
    made = f"files:\n  - path: {WORK}/keys.asc\n    content: |\n{lines}"
    text = spec("shelf-vim", jdk, repository(key)) + made
    plan = pending(root, text)
    assert plan["apt"][0] == plan["jdk"][0] == "deferred"
    apply(root, text)
    assert default(root) == made_default(jdk)


def test_one_of_them_alone(provisioned_machine: Root, repo: Repo, key: Key, jdk: int) -> None:
    root = provisioned_machine
    repo.enlist(root, key)
    forget_installs(root)
    done = root.colabenv("apply", "--only", "jdk", spec=spec("shelf-vim", jdk), check=True)
    assert "shelf-vim" not in done.stdout
    assert installs(root) == [f"openjdk-{jdk}-jdk-headless"]
    apply(root)
    assert installs(root) == [f"openjdk-{jdk}-jdk-headless", "shelf-vim"]


def test_what_does_not_go_together_is_found_by_the_plan(
    provisioned_machine: Root, jdk: int, key: Key, tmp_path: Path
) -> None:
    root = provisioned_machine
    runtime, kit = aptrepo.jdk(jdk)
    rival = Deb("shelf-rival", conflicts=runtime.name)
    Repo(tmp_path / "repo").add(runtime, kit, rival).publish(key).enlist(root, key)
    told = pending(root, spec("shelf-rival", jdk))
    assert told["apt.shelf-rival"] == ("create", None, "1.0")
    assert told[f"jdk.openjdk-{jdk}-jdk-headless"][0] == "blocked"
    refused(root, spec("shelf-rival", jdk), "it does not go with what `apt` installs: .*")
    assert "shelf-rival" in installed(root)
    assert kit.name not in installed(root)


def test_one_that_is_blocked_does_not_hold_up_the_other(
    provisioned_machine: Root, repo: Repo, key: Key, jdk: int
) -> None:
    repo.enlist(provisioned_machine, key)
    refused(provisioned_machine, spec("shelf-nothing", jdk), "no repository of this machine has")
    assert default(provisioned_machine) == made_default(jdk)


def test_a_failure_is_told_once(provisioned_machine: Root, repo: Repo, key: Key, jdk: int) -> None:
    repo.enlist(provisioned_machine, key)
    told = refused(
        provisioned_machine,
        spec("shelf-failing", jdk),
        "script of \\S+ failed",
        "not tried, because of apt",
    )
    assert told.count("script of shelf-failing failed") <= 1
    apply(provisioned_machine, spec("shelf-vim", jdk).replace("jdk:", "  absent: [shelf-failing]\njdk:"))
    assert default(provisioned_machine) == made_default(jdk)


def test_killed_at_work_and_mended_by_the_next_apply(
    provisioned_machine: Root, jdk: int, key: Key, tmp_path: Path
) -> None:
    root = provisioned_machine
    runtime, kit = aptrepo.jdk(jdk)
    slow = Deb(kit.name, kit.version, f"{kit.depends}, {SLOW.name}", "", "", kit.scripts, {}, kit.executables)
    vim = Deb("shelf-vim")
    Repo(tmp_path / "repo").add(SLOW, runtime, slow, vim).publish(key).enlist(root, key)
    root.write(f"{WORK}/colabenv.yaml", spec("shelf-vim", jdk))
    first = root.start([f"{VENV}/bin/python", "-m", "provisioner", "apply"], cwd=WORK)
    root.wait_for("^sleep 30")
    root.kill(".")
    first.communicate()
    left = pending(root)
    names = [address.partition(".")[2] for address in left]
    assert len(names) == len(set(names)), left
    root.write("/etc/shelf-fast", "")
    apply(root)
    assert default(root) == made_default(jdk)
    assert "shelf-vim" in installed(root)
    assert root.run(["dpkg", "--audit"]).stdout == ""


def test_a_lock_holds_each_section_whole(
    provisioned_machine: Root, key: Key, jdk: int, tmp_path: Path
) -> None:
    root = provisioned_machine
    runtime, kit = aptrepo.jdk(jdk)
    reader = Deb("shelf-reader", depends=runtime.name)
    Repo(tmp_path / "repo").add(runtime, kit, reader).publish(key).enlist(root, key)
    text = spec("shelf-reader", jdk)
    root.colabenv("lock", spec=text, check=True)
    lock = root.read(f"{WORK}/colabenv.lock")
    assert lock.count(f'name = "{runtime.name}"') == 2, "apt brings it, and so does the jdk"
    forget_installs(root)
    plan = pending(root)
    assert [address for address in plan if runtime.name in address] == [f"apt.{runtime.name}"]
    apply(root)
    assert len(installs(root)) == 1
    automatic = root.run(["apt-mark", "showauto"]).stdout.split()
    assert runtime.name in automatic
    assert kit.name not in automatic


def test_without_root_each_is_told_for_itself(
    provisioned_machine: Root, repo: Repo, key: Key, jdk: int
) -> None:
    repo.enlist(provisioned_machine, key)
    plan = pending(provisioned_machine, spec("shelf-vim", jdk), user=USER)
    assert plan["apt.shelf-vim"][0] == plan[f"jdk.openjdk-{jdk}-jdk-headless"][0] == "blocked"


def test_git_comes_with_them(provisioned_machine: Root, jdk: int, key: Key, tmp_path: Path) -> None:
    root = provisioned_machine
    Repo(tmp_path / "repo", [*aptrepo.jdk(jdk), GIT, Deb("shelf-vim")]).publish(key).enlist(root, key)
    forget_installs(root)
    url = f"{WORK}/origin"
    root.write(f"{url}/HEAD", "ref: refs/heads/main\n")
    text = spec("shelf-vim", jdk) + f"git:\n  repos: {{tool: {{url: {url}}}}}\n"
    plan = pending(root, text)
    assert plan["git.packages.git"] == ("create", None, GIT.version)
    root.colabenv("apply", "--skip", "git.tool", check=True)
    assert installs(root) == [f"shelf-vim openjdk-{jdk}-jdk-headless git"]
    assert default(root) == made_default(jdk)
