"""The kind `apt` on real machines: real dpkg, real apt, a repository for what the archive cannot show."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.machine.aptrepo import SHELF, Deb, Key, Repo
from tests.machine.debian_root import USER, VENV, WORK, Root
from tests.machine.disks import Release

Told = dict[str, tuple[str, str | None, str | None]]

STATE = "/var/lib/provisioner"


def section(text: str) -> str:
    lines = "".join(f"  {line}\n" for line in text.strip().splitlines())
    return f"version: 1\nname: shelf\napt:\n{lines}"


def pending(root: Root, spec: str | None = None, user: str | None = None) -> Told:
    """What a plan would do: action, before and after, by address."""
    told = json.loads(root.colabenv("plan", "--json", spec=spec, user=user, check=True).stdout)
    return {
        change["address"]: (change["action"], change["before"], change["after"])
        for change in told["changes"]
        if change["action"] != "keep"
    }


def output(done: CompletedProcess[str]) -> str:
    return " ".join((done.stdout + done.stderr).split())


def apply(root: Root, spec: str | None = None) -> str:
    """Apply, successfully, and apply again to see that nothing is left to do."""
    told = output(root.colabenv("apply", spec=spec, check=True))
    assert "Nothing to do" in root.colabenv("apply", check=True).stdout
    return told


def refused(root: Root, spec: str, *expected: str) -> str:
    """An apply that ends with exit 1 and says what is expected, without a traceback."""
    done = root.colabenv("apply", spec=spec)
    told = output(done)
    assert done.returncode == 1, told
    assert "Traceback" not in told
    for pattern in expected:
        assert re.search(pattern, told), told
    return told


def installed(root: Root) -> dict[str, str]:
    listing = root.run(["dpkg-query", "-W", "-f", "${Package} ${Version} ${db:Status-Status}\n"]).stdout
    words = [line.split() for line in listing.splitlines()]
    return {name: version for name, version, state in words if state == "installed"}


@pytest.fixture
def shelf(provisioned_machine: Root, repo: Repo, key: Key) -> Root:
    """A machine whose only packages are those of the local repository."""
    repo.enlist(provisioned_machine, key)
    return provisioned_machine


def test_packages_of_the_real_archive(provisioned_machine: Root) -> None:
    root = provisioned_machine
    spec = section("packages: [hello, tree=2*, {any_of: [libgl1-mesa-glxx, nano]}, awk]\nabsent: [wget]")
    before = set(installed(root))
    plan = pending(root, spec)
    assert plan.keys() >= {"apt.hello", "apt.tree", "apt.nano"}
    assert {action for action, _, _ in plan.values()} == {"create"}
    apply(root, spec)
    made = {f"apt.{name}": version for name, version in installed(root).items() if name not in before}
    assert made == {address: after for address, (_, _, after) in plan.items()}

    root.run(["apt-get", "remove", "-y", "tree"])
    assert pending(root) == {"apt.tree": ("create", None, made["apt.tree"])}
    apply(root)
    root.run(["apt-get", "install", "-y", "wget"])
    assert [action for action, _, _ in pending(root).values()] == ["remove"]
    apply(root)
    assert "wget" not in installed(root)


def test_planning_leaves_apt_as_it_is_whoever_plans(provisioned_machine: Root) -> None:
    root = provisioned_machine
    root.run(["sh", "-c", "rm -rf /var/lib/apt/lists/*"])
    look = ["sh", "-c", "find /etc/apt /var/lib/apt /var/lib/dpkg -ls; find /var/cache/apt -type f -ls"]
    before = root.run(look).stdout
    spec = section("packages: [hello]")
    (found,) = pending(root, spec).values()
    assert found[0] == "create"
    assert pending(root, user=USER) == {"apt.hello": ("blocked", None, found[2])}
    told = output(root.colabenv("plan", user=USER))
    command = "sudo apt-get update && sudo apt-get --no-install-recommends install hello"
    assert command in told
    assert root.run(look).stdout == before
    apply(root)
    assert installed(root)["hello"] == found[2]
    root.run(["apt-get", "remove", "-y", "hello"])
    root.run(["sh", "-c", command.replace("sudo ", "")])
    assert pending(root, user=USER) == {}


def test_a_licence_is_accepted_beforehand(shelf: Root) -> None:
    refused(shelf, section("packages: [shelf-licensed]"), "licence of shelf-licensed was not accepted")
    accepted = section(
        "packages: [shelf-licensed]\n"
        "debconf:\n"
        "  - {package: shelf-licensed, question: shelf-licensed/accepted, type: boolean, value: true}"
    )
    assert pending(shelf, accepted) == {
        "apt.debconf.shelf-licensed/accepted": ("update", "false", "true"),
        "apt.shelf-licensed": ("create", None, "1.0"),
    }
    apply(shelf, accepted)
    shelf.run(["apt-get", "purge", "-y", "shelf-licensed"])
    apply(shelf)


def test_a_script_that_fails_is_named_and_can_be_got_rid_of(shelf: Root) -> None:
    told = refused(
        shelf,
        section("packages: [shelf-failing, shelf-vim]"),
        "shelf-failing cannot be set up",
        "script of \\S+ failed",
    )
    assert "Reading database ... 5%" not in told
    assert pending(shelf) == {"apt.shelf-failing": ("update", "half-configured", "installed")}
    refused(shelf, section("packages: [shelf-emacs]\nabsent: [shelf-vim]"), "shelf-failing cannot be set up")
    apply(shelf, section("absent: [shelf-failing]"))
    assert "shelf-failing" not in installed(shelf)


def test_what_is_held_is_not_touched_unless_forced(shelf: Root) -> None:
    shelf.run(["apt-get", "install", "-y", "shelf-held=1.0"])
    shelf.run(["apt-mark", "hold", "shelf-held"])
    apply(shelf, section("packages: [shelf-held]"))
    refused(shelf, section("packages: [shelf-held=2.0]"), "it is held at its version")
    refused(shelf, section("packages: [shelf-needs-held]"), "it is held at its version")
    refused(shelf, section("absent: [shelf-held]"), "it is held at its version")
    assert installed(shelf)["shelf-held"] == "1.0"
    apply(shelf, section("packages: [shelf-needs-held]\nforce: true"))
    assert installed(shelf)["shelf-held"] == "2.0"


def test_nothing_goes_that_the_file_does_not_name(shelf: Root) -> None:
    apply(shelf, section("packages: [shelf-vim]"))
    refused(shelf, section("packages: [shelf-emacs]"), "it would be removed", "name it under `absent`")
    assert "shelf-vim" in installed(shelf)
    apply(shelf, section("packages: [shelf-emacs]\nabsent: [shelf-vim]"))
    assert {"shelf-emacs"} == {"shelf-emacs", "shelf-vim"} & set(installed(shelf))


def test_versions_move_both_ways_and_edited_files_stay(shelf: Root) -> None:
    apply(shelf, section("packages: [shelf-configured=1.0]"))
    shelf.write("/etc/shelf.conf", "mine\n")
    spec = section("packages: [{name: shelf-configured, version: 2.*}]")
    assert pending(shelf, spec) == {"apt.shelf-configured": ("update", "1.0", "2.0")}
    apply(shelf)
    assert shelf.read("/etc/shelf.conf") == "mine\n"
    apply(shelf, section("packages: [shelf-configured=1.0]"))
    assert installed(shelf)["shelf-configured"] == "1.0"
    refused(shelf, section("packages: [shelf-configured=9]"), "has version 9 of .*; available: 2.0, 1.0")


def test_an_unknown_name_is_told_with_those_near_it_and_nothing_is_done(shelf: Root) -> None:
    before = installed(shelf)
    refused(
        shelf,
        section("packages: [shelf-wim, shelf-emacs]"),
        "has a package named shelf-wim; similar names: shelf-vim",
    )
    assert installed(shelf) == before


def test_a_repository_is_added_with_its_key_alone(
    provisioned_machine: Root, release: Release, repo: Repo, key: Key, tmp_path: Path
) -> None:
    root = provisioned_machine
    stranger = Key(tmp_path / "stranger", "Stranger <stranger@example.org>")
    stranger.close()
    repo.place(root)
    root.write(f"{WORK}/keys.asc", key.public + stranger.public)

    def spec(fingerprint: str, where: str = SHELF) -> str:
        return section(
            "packages: [shelf-vim]\n"
            f"repositories: [{{name: shelf, uris: ['file:{where}'], suites: [stable], components: [main],\n"
            f"  key: keys.asc, fingerprint: {fingerprint}}}]"
        )

    refused(
        root, spec("0" * 40), "keys.asc does not contain the key 0{40}; it contains: .*" + key.fingerprint
    )
    refused(root, spec(stranger.fingerprint), release.unknown_key)
    refused(root, spec(key.fingerprint, "/srv/nothing"), "'file:/srv/nothing stable Release' does not have a")
    assert not root.path("/etc/apt/sources.list.d/shelf.sources").exists()
    wanted = {
        "apt.repositories.shelf": ("create", None, f"file:{SHELF} stable"),
        "apt.shelf-vim": ("create", None, "1.0"),
    }
    assert pending(root, spec(key.fingerprint)) == wanted
    blocked = {address: ("blocked", *sides) for address, (_, *sides) in wanted.items()}
    assert pending(root, user=USER) == blocked
    apply(root)
    installed_key = root.read("/etc/apt/keyrings/shelf.asc")
    assert installed_key.count("BEGIN PGP") == 1
    listing = stranger.gpg("--show-keys", "--with-colons", stdin=installed_key)
    assert re.findall("^fpr:+([0-9A-F]+):", listing, re.MULTILINE) == [key.fingerprint]
    root.run(["apt-get", "update"])
    assert "shelf-vim/stable" in root.run(["apt", "list", "shelf-vim"]).stdout

    root.path("/etc/apt/keyrings/shelf.asc").unlink()
    assert pending(root) == {"apt.repositories.shelf": ("update", "other settings", f"file:{SHELF} stable")}
    apply(root)
    root.run(["apt-get", "update"])
    again = spec(key.fingerprint).replace("name: shelf, uris", "name: again, uris")
    refused(root, again, "Conflicting values set for option Signed-By")
    root.run(["apt-get", "update"])


def test_a_package_in_a_file_of_its_own(shelf: Root) -> None:
    path = f"{SHELF}/pool/shelf-emacs_1.0_all.deb"
    digest = hashlib.sha256(shelf.path(path).read_bytes()).hexdigest()
    refused(shelf, section(f"debs: [{{url: 'file://{path}', sha256: {'0' * 64}}}]"), "sha256|hash")
    assert "shelf-emacs" not in installed(shelf)
    spec = section(f"debs: [{{url: 'file://{path}', sha256: {digest}}}]")
    assert pending(shelf, spec) == {"apt.shelf-emacs": ("create", None, "1.0")}
    apply(shelf)
    assert os.listdir(shelf.path(f"{STATE}/apt/debs")) == []
    shelf.run(["apt-get", "remove", "-y", "shelf-emacs"])
    shelf.run(["apt-get", "install", "-y", "shelf-vim"])
    refused(
        shelf,
        spec,
        "Packages need to be removed but remove is disabled",
        "Name what may be removed under `absent`",
    )
    assert "shelf-vim" in installed(shelf)


def test_killed_at_work_and_mended_by_the_next_apply(shelf: Root) -> None:
    shelf.write(f"{WORK}/colabenv.yaml", section("packages: [shelf-slow, shelf-vim]"))
    first = shelf.start([f"{VENV}/bin/python", "-m", "provisioner", "apply"], cwd=WORK)
    shelf.wait_for("^sleep 30")
    shelf.kill(".")
    first.communicate()
    assert shelf.run(["apt-get", "install", "-y", "shelf-emacs"], check=False).returncode == 100
    assert pending(shelf) == {
        "apt.dpkg.journal": ("update", "interrupted", "ready"),
        "apt.shelf-slow": ("update", "half-configured", "installed"),
    }
    shelf.write("/etc/shelf-fast", "")
    apply(shelf)
    assert {"shelf-slow", "shelf-vim"} <= set(installed(shelf))
    assert shelf.run(["dpkg", "--audit"]).stdout == ""


def test_unpacked_without_its_dependencies_and_mended(shelf: Root) -> None:
    shelf.run(["dpkg", "--unpack", f"{SHELF}/pool/shelf-needs-held_1.0_all.deb"])
    shelf.write("/var/lib/dpkg/updates/0000", "Package: shelf-vim\nStatus: install ok not-installed\n")
    plan = pending(shelf, section("packages: [shelf-emacs]"))
    assert plan == {
        "apt.shelf-emacs": ("create", None, "newest"),
        "apt.dpkg.journal": ("update", "interrupted", "ready"),
        "apt.shelf-needs-held": ("update", "unpacked", "installed"),
        "apt.shelf-held": ("create", None, "2.0"),
    }
    apply(shelf)
    assert {"shelf-emacs", "shelf-needs-held", "shelf-held"} <= set(installed(shelf))


def test_another_apt_is_waited_for(shelf: Root) -> None:
    hold = (
        "import fcntl, time; lock = open('/var/lib/dpkg/lock-frontend', 'w'); "
        "fcntl.lockf(lock, fcntl.LOCK_EX); print('held', flush=True); time.sleep(4)"
    )
    other = shelf.start(["python3", "-c", hold])
    assert other.stdout
    assert other.stdout.readline() == "held\n"
    apply(shelf, section("packages: [shelf-vim]"))
    assert other.wait() == 0
    other.communicate()


def test_folders_that_slim_images_lack_are_made(with_manual: Root) -> None:
    root = with_manual
    root.run(["rm", "-rf", "/usr/share/man"])
    assert root.run(["apt-get", "install", "-y", "shelf-manual"], check=False).returncode == 100
    root.run(["dpkg", "--force-all", "--purge", "shelf-manual"])
    root.run(["rm", "-rf", "/usr/share/man"])
    apply(root, section("packages: [shelf-manual]"))


@pytest.fixture
def with_manual(provisioned_machine: Root, key: Key, tmp_path: Path) -> Root:
    """A repository of one package that makes its manual page an alternative, as every JDK does."""
    link = "/usr/share/man/man1/shelf.1.gz shelf.1.gz /usr/share/shelf-manual/shelf.1.gz"
    program = "/usr/bin/shelf shelf /usr/share/shelf-manual/shelf 10"
    package = Deb(
        "shelf-manual",
        scripts={"postinst": f"update-alternatives --install {program} --slave {link}\n"},
        files={"/usr/share/shelf-manual/shelf.1.gz": "manual", "/usr/share/shelf-manual/shelf": "program"},
    )
    Repo(tmp_path / "repo").add(package).publish(key).enlist(provisioned_machine, key)
    return provisioned_machine


def test_no_network_is_told_in_one_message(provisioned_machine: Root, release: Release) -> None:
    root = provisioned_machine
    root.run(["sh", "-c", "rm -rf /var/lib/apt/lists/* /etc/apt/sources.list.d/*"])
    root.write("/etc/apt/sources.list", f"deb http://127.0.0.1:9/debian {release} main\n")
    refused(root, section("packages: [hello]"), "lists cannot be fetched: .*127.0.0.1", "Check the network")
    apply(root, section("packages: [dpkg]"))


def test_a_full_disk_is_told(provisioned_machine: Root) -> None:
    root = provisioned_machine
    root.run(["rm", "-rf", "/var/cache/apt/archives"])
    root.mount_small("/var/cache/apt/archives", "64k")
    refused(root, section("packages: [nano]"), "enough free space|No space left", "The disk is full")
    assert "nano" not in installed(root)


def test_a_mirror_that_moved_on_is_asked_anew(provisioned_machine: Root, key: Key, tmp_path: Path) -> None:
    root = provisioned_machine
    moving = Repo(tmp_path / "repo").add(Deb("shelf-vim", "1.0")).publish(key)
    moving.enlist(root, key)
    server = root.start(["python3", "-um", "http.server", "0", "--bind", "127.0.0.1", "--directory", SHELF])
    assert server.stdout
    port = re.findall(r"port (\d+)", server.stdout.readline())[0]
    source = root.read("/etc/apt/sources.list.d/shelf.sources")
    root.write(
        "/etc/apt/sources.list.d/shelf.sources",
        source.replace(f"file:{SHELF}", f"http://127.0.0.1:{port}"),
    )
    assert pending(root, section("packages: [shelf-vim]")) == {"apt.shelf-vim": ("create", None, "1.0")}
    moving.debs[:] = [Deb("shelf-vim", "1.1")]
    shutil.rmtree(root.path(SHELF))
    moving.publish(key)
    for path in moving.folder.rglob("*"):
        os.utime(path, (time.time() + 60,) * 2)  # or the server would call it unchanged within this second
    moving.place(root)
    apply(root, section("packages: [shelf-vim]"))
    assert installed(root)["shelf-vim"] == "1.1"
    root.kill("http.server")
    server.communicate()
