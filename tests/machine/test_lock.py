"""What one machine locked, another is given: whatever it began with, and whatever is published since."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.index import Index, wheel
from tests.machine.aptrepo import SHELF, Deb, Key, Repo, jdk
from tests.machine.debian_root import VENV, WORK, Bind, Root, running
from tests.machine.disks import Release, Roots, package_folder
from tests.machine.garden import assert_clear
from tests.server import Server

SPEC = """\
version: 1
name: garden
apt: {{packages: [shelf-tea]}}
jdk: {jdk}
pip:
  packages: [rose, lily]
  requirements: [requirements.txt]
  index_url: {base}/simple
datasets:
  seeds: {{url: {base}/seeds.csv, to: data/seeds.csv}}
"""
REQUIREMENTS = "moss>=1\n"
LOCKED = ("rose", "thorn", "lily", "moss")
LOCK = f"{WORK}/colabenv.lock"
CACHE = {"UV_CACHE_DIR": "/var/tmp/uv"}
"""Servers of different tests may have the same port, so no machine is shown what another downloaded."""


@dataclass
class World:
    """An index, a repository and a server of datasets, all of which move on."""

    server: Server
    index: Index
    repo: Repo
    key: Key
    spec: str

    def publish(self, name: str, version: str, *requires: str) -> None:
        self.index.add(name, version, *requires)
        self.serve()

    def lead(self, name: str, body: bytes) -> None:
        """Let the address of the newest seeds lead to a file."""
        self.server.put("/seeds.csv", b"", status=302, headers={"Location": f"/{name}"})
        self.server.put(f"/{name}", body)

    def serve(self) -> None:
        """Put the index on the server as it is now."""
        for page in self.index.root.rglob("*.*"):
            path = page.relative_to(self.index.root)
            if page.name == "index.html":
                headers = {"Content-Type": "text/html", "Cache-Control": "no-cache"}
                self.server.put(f"/{path.parent}/", page.read_bytes(), headers=headers)
            else:
                self.server.put(f"/{path}", page.read_bytes())


@pytest.fixture
def world(server: Server, release: Release, key: Key, tmp_path: Path) -> World:
    """At the time when it is locked."""
    debs = [
        Deb("shelf-tea", "1.0", depends="shelf-water"),
        Deb("shelf-water", "0.9"),
        Deb("shelf-water", "1.0"),
        Deb("shelf-stone", "1.0"),
        Deb("shelf-stone", "2.0"),
        *jdk(release.jdk),
    ]
    repo = Repo(tmp_path / "shelf", debs).publish(key)
    spec = SPEC.format(base=server.base, jdk=release.jdk)
    made = World(server, Index(tmp_path / "index"), repo, key, spec)
    for name, version, *requires in (
        ("rose", "1.0", "thorn", "soil>=1"),
        ("thorn", "1.0"),
        ("lily", "0.9"),
        ("lily", "1.0"),
        ("moss", "1.0"),
        ("soil", "1.0"),
        ("soil", "1.5"),
        ("weed", "1.0"),
    ):
        made.index.add(name, version, *requires)
    made.serve()
    made.lead("seeds-1.csv", b"rose,lily\n")
    return made


Make = Callable[..., Root]


@pytest.fixture
def make(world: World, roots: Roots, package: Path) -> Iterator[Make]:
    """Makes machines that hold the given distributions and Debian packages."""
    disk = roots.installed()
    with ExitStack() as stack:

        def make(pip: tuple[str, ...] = ("soil==1.0",), apt: tuple[str, ...] = ()) -> Root:
            root = stack.enter_context(running(disk, [*roots.caches, Bind(package, package_folder(disk))]))
            world.repo.enlist(root, world.key)
            install(root, world, *pip)
            if apt:
                root.run(["apt-get", "install", "-qy", *apt])
            root.write(f"{WORK}/requirements.txt", REQUIREMENTS)
            return root

        yield make


def install(root: Root, world: World, *words: str) -> None:
    """As whoever made the base would: by pip."""
    index = ["--index-url", f"{world.server.base}/simple", "--no-deps", "--no-cache-dir"]
    root.run([f"{VENV}/bin/pip", "install", "-q", "--disable-pip-version-check", *index, *words])


def colabenv(root: Root, *words: str, spec: str | None = None, check: bool = True) -> CompletedProcess[str]:
    return root.colabenv(*words, spec=spec, env=CACHE, check=check)


def fingerprint(told: str) -> str:
    found = re.search("Fingerprint: ([0-9a-f]{12})\n", told)
    assert found, told
    return found[1]


def records(root: Root, *names: str) -> dict[str, str]:
    """The lists of files with their hashes that distributions were installed by."""
    site = root.path(VENV)
    return {name: file.read_text() for name in names for file in site.rglob(f"{name}-*.dist-info/RECORD")}


def versions(root: Root) -> dict[str, str]:
    """Debian packages."""
    told = root.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\\n"]).stdout
    return dict(line.split() for line in told.splitlines())


def listing(root: Root) -> str:
    """All that is installed, and the data."""
    words = f"dpkg-query -W; ls {VENV}/lib/python3*/site-packages; find data -type f"
    return root.run(["sh", "-c", words], cwd=WORK, check=False).stdout


def foreseen(root: Root, spec: str, *words: str) -> dict[str, str]:
    """What a plan would install, by address."""
    told = json.loads(colabenv(root, "plan", "--json", *words, spec=spec).stdout)
    return {change["address"]: change["after"] for change in told["changes"] if change["action"] != "keep"}


def moved(told: str) -> dict[str, str]:
    """What `lock` says is different."""
    return dict(re.findall(r"^  ~ (\S+)  +(.+)$", told, re.MULTILINE))


def test_locked_on_one_machine_applied_on_another(world: World, make: Make) -> None:
    one = make()
    colabenv(one, "lock", spec=world.spec)
    lock = one.read(LOCK)
    assert WORK not in lock
    assert VENV not in lock
    mark = fingerprint(colabenv(one, "apply", "--locked").stdout)
    colabenv(one, "lock")
    assert one.read(LOCK) == lock, "what was planned is what there is"

    other = make(pip=("soil==1.5", "lily==0.9", "weed==1.0"), apt=("shelf-stone=1.0", "shelf-water=0.9"))
    other.write(LOCK, lock)
    told = colabenv(other, "apply", "--locked", spec=world.spec).stdout
    assert fingerprint(told) == mark
    assert "~ lily  0.9 -> 1.0" in told
    assert "The base changed since it was locked, and still fits: soil 1.0 -> 1.5." in told
    assert "~ shelf-water  0.9 -> 1.0" in told
    assert records(other, *LOCKED) == records(one, *LOCKED)
    assert versions(other).items() - versions(one).items() == {("shelf-stone", "1.0")}
    assert "Nothing to do" in colabenv(other, "verify").stdout, "without the lock, too"
    again = colabenv(other, "apply", "--locked").stdout
    assert "Nothing to do" in again
    assert fingerprint(again) == mark

    assert "shelf-water" in other.run(["apt-mark", "showmanual"]).stdout
    colabenv(other, "lock")
    assert bare(other.read(LOCK)) == bare(lock), "of two bases the same comes on top"
    assert "colabenv.lock is up to date" in colabenv(other, "lock", "--check").stdout


def bare(lock: str) -> dict[str, object]:
    """The one target of a lock without what it says of the base."""
    (target,) = tomllib.loads(lock)["targets"]
    del target["base"], target["pip"]["base"]
    return dict(target)


def test_a_month_later(world: World, make: Make) -> None:
    one = make()
    colabenv(one, "lock", spec=world.spec)
    lock = one.read(LOCK)
    mark = fingerprint(colabenv(one, "apply", "--locked").stdout)

    for name, version, *requires in (
        ("rose", "2.0", "thorn>=2"),
        ("thorn", "2.0"),
        ("lily", "1.1"),
        ("moss", "2.0"),
    ):
        world.index.add(name, version, *requires)
    world.serve()
    world.repo.add(Deb("shelf-tea", "2.0", depends="shelf-water"), Deb("shelf-water", "2.0")).publish(
        world.key
    )
    world.lead("seeds-2.csv", b"rose,lily,moss\n")

    later = make()
    assert {"pip.rose": "2.0", "pip.thorn": "2.0", "pip.lily": "1.1", "apt.shelf-tea": "2.0"}.items() <= (
        foreseen(later, world.spec).items()
    )
    later.write(LOCK, lock)
    old = foreseen(later, world.spec, "--locked")
    assert {
        "pip.rose": "1.0",
        "pip.thorn": "1.0",
        "pip.lily": "1.0",
        "apt.shelf-tea": "1.0",
    }.items() <= old.items()
    colabenv(later, "lock")
    assert later.read(LOCK) == lock, "what still fits is kept"
    assert fingerprint(colabenv(later, "apply", "--locked").stdout) == mark
    assert records(later, *LOCKED) == records(one, *LOCKED)
    assert later.read(f"{WORK}/data/seeds.csv") == "rose,lily\n"

    fresh = make()
    fresh.write(LOCK, lock)
    told = colabenv(fresh, "lock", "--upgrade", "lily", spec=world.spec).stdout
    assert moved(told) == {"pip.lily": "1.0 -> 1.1"}
    told = colabenv(fresh, "lock", "--upgrade", "seeds", "shelf-water").stdout
    assert moved(told).keys() == {"datasets.seeds", "apt.shelf-water"}
    told = colabenv(fresh, "lock", "--upgrade").stdout
    assert moved(told) == {
        "apt.shelf-tea": "1.0 -> 2.0",
        "pip.moss": "1.0 -> 2.0",
        "pip.rose": "1.0 -> 2.0",
        "pip.thorn": "1.0 -> 2.0",
    }
    # On a machine that has it all, newer is what is published, not what is there.
    later.run(["apt-get", "update"])
    told = colabenv(later, "lock", "--upgrade", "shelf-water", "seeds").stdout
    assert moved(told).keys() == {"apt.shelf-water", "datasets.seeds"}
    renewed = later.read(LOCK)
    colabenv(later, "lock")
    assert later.read(LOCK) == renewed
    colabenv(later, "apply", "--locked")
    colabenv(later, "lock")
    assert later.read(LOCK) == renewed
    assert "shelf-water" in later.run(["apt-mark", "showauto"]).stdout
    assert_clear(
        colabenv(later, "lock", "--upgrade", "lilly", check=False), "the lock has no package named lilly"
    )
    later.write(LOCK, lock)
    colabenv(later, "apply", "--locked")
    # What is published no more is named; what is locked and here needs nobody.
    world.repo.debs[:] = [deb for deb in world.repo.debs if (deb.name, deb.version) != ("shelf-tea", "1.0")]
    world.repo.publish(world.key).enlist(later, world.key)
    assert "Nothing to do" in colabenv(later, "apply", "--locked").stdout
    gone = make()
    gone.write(LOCK, lock)
    before = listing(gone)
    refused = colabenv(gone, "apply", "--locked", "--only", "apt", spec=world.spec, check=False)
    assert_clear(refused, "no repository of this machine has version 1.0 of shelf-tea; available: 2.0")
    assert listing(gone) == before


def test_what_was_tampered_with_is_refused_by_name(world: World, make: Make) -> None:
    root = make()
    colabenv(root, "lock", spec=world.spec)
    before = listing(root)

    def refused(kind: str, *patterns: str) -> None:
        done = colabenv(root, "apply", "--locked", "--only", kind, check=False)
        assert_clear(done, *patterns)
        assert listing(root) == before

    file = "lily-1.0-py3-none-any.whl"
    honest, evil = wheel("lily", "1.0"), wheel("lily", "1.0", ("weed",))
    another = (
        "Hash mismatch for `lily==1.0`",
        "another file than the one that the lock",
        "find out who changed",
    )
    world.index.publish("lily", file, evil)
    world.serve()
    refused("pip", *another)
    # Now the index tells the sha256 that was locked, and gives another file all the same.
    world.index.publish("lily", file, honest)
    world.serve()
    world.server.put(f"/simple/lily/{file}", evil)
    refused("pip", *another)
    world.serve()
    colabenv(root, "apply", "--locked", "--only", "pip")
    before = listing(root)

    world.server.put("/seeds-1.csv", b"rose,weed\n")
    refused("datasets", "datasets.seeds", "seeds-1.csv: the sha256 is .*, expected", "the spec or its lock")

    water = root.path(f"{SHELF}/pool/shelf-water_1.0_all.deb")
    sound = water.read_bytes()
    water.write_bytes(sound.replace(b"made for a test", b"made for a jest"))
    assert water.stat().st_size == len(sound)
    refused("apt", "shelf-water_1.0_all.deb +Hash Sum mismatch", "damaged on the way")
    honest_debs = [deb for deb in world.repo.debs if deb.filename != water.name]
    rebuilt = Deb("shelf-water", "1.0", files={"/usr/bin/evil": "evil"})
    Repo(world.repo.folder, [*honest_debs, rebuilt]).publish(world.key).place(root)
    refused("apt", "shelf-water_1.0_all.deb +Hash Sum mismatch")
    root.run(["apt-get", "update"])
    refused("apt", "shelf-water 1.0 in the repository is not the file that was locked", "who changed it")


def test_a_lock_that_is_not_of_this_spec(world: World, make: Make) -> None:
    root = make()
    none = colabenv(root, "apply", "--locked", spec=world.spec, check=False)
    assert_clear(none, "there is no lock beside colabenv.yaml", "colabenv lock")
    assert_clear(colabenv(root, "lock", "--check", check=False), "there is no lock")
    colabenv(root, "lock")
    before = listing(root)
    colabenv(root, "lock", "--check")

    def refused() -> None:
        done = colabenv(root, "apply", "--locked", check=False)
        assert_clear(
            done, "colabenv.yaml .*(edited|changed) since it was locked", "Lock it again: colabenv lock"
        )
        assert_clear(colabenv(root, "lock", "--check", check=False), "Lock it again: colabenv lock")
        assert listing(root) == before

    root.write(f"{WORK}/colabenv.yaml", world.spec.replace("rose, lily", "rose, lily, weed"))
    refused()
    root.write(f"{WORK}/colabenv.yaml", world.spec)
    root.write(f"{WORK}/requirements.txt", "moss>=2\n")
    refused()
    root.write(f"{WORK}/requirements.txt", REQUIREMENTS)
    head, apt, rest = re.split(r"(?m)^(?=apt:|jdk:)", world.spec)
    root.write(f"{WORK}/colabenv.yaml", f"# for the garden\n{head}{rest}{apt}")
    colabenv(root, "lock", "--check")
    colabenv(root, "apply", "--locked")

    root.write(LOCK, "nothing = [")
    assert_clear(colabenv(root, "apply", "--locked", check=False), "colabenv.lock", "version control")


def test_a_spec_that_wants_something_else_is_locked_anew(world: World, make: Make, release: Release) -> None:
    root, later = make(), release.later_jdk
    colabenv(root, "lock", spec=world.spec)
    world.publish("lily", "1.1")
    world.repo.add(Deb("shelf-tea", "2.0", depends="shelf-water"), Deb("shelf-water", "2.0"), *jdk(later))
    world.repo.publish(world.key).enlist(root, world.key)
    other = world.server.put("/other.csv", b"weed\n")
    spec = world.spec.replace("shelf-tea", "shelf-tea=2*").replace(f"jdk: {release.jdk}", f"jdk: {later}")
    spec = spec.replace("[rose,", "['rose<2', weed,").replace(f"{world.server.base}/seeds.csv", other)
    told = colabenv(root, "lock", spec=spec).stdout
    assert moved(told).keys() == {"apt.shelf-tea", "datasets.seeds"}
    assert re.search(r"\+ pip\.weed +1\.0", told)
    assert f"- jdk.openjdk-{release.jdk}-jdk-headless" in told
    colabenv(root, "apply", "--locked")


def test_the_base_moved(world: World, make: Make) -> None:
    root = make(pip=("soil==1.0", "lily==1.0"))
    colabenv(root, "lock", spec=world.spec)
    install(root, world, "lily==0.9")
    before = listing(root)
    for way in ("the file names it", "gone"):
        done = colabenv(root, "apply", "--locked", "--only", "pip", check=False)
        had = "! lily .*the base had lily 1.0 when the lock was made"
        assert_clear(done, had, "go back to the runtime that the lock was made for", "or lock again")
        assert ("and the file names it" in done.stdout) == (way != "gone")
        assert listing(root) == before
        root.run([f"{VENV}/bin/pip", "uninstall", "-qy", "lily"])
        before = listing(root)
    install(root, world, "lily==1.0")
    colabenv(root, "apply", "--locked")


def test_one_lock_for_two_machines(provisioned_machine: Root, release: Release) -> None:
    root = provisioned_machine
    spec = "version: 1\nname: two\npip: {packages: [iniconfig, editables]}\n"
    told = colabenv(root, "lock", "--for", "here,colab-2026.07-gpu", spec=spec).stdout
    there, here = tomllib.loads(root.read(LOCK))["targets"]
    assert there["machine"]["python"].startswith("3.12.")
    assert [each["name"] for each in there["pip"]["base"]] == ["iniconfig"], "the image has it"
    assert [each["name"] for each in there["pip"]["packages"]] == ["editables"]
    assert here["machine"]["python"].startswith(f"{release.python}.")
    assert "colab-2026.07-gpu: 1 pip on top of the base" in told
    assert f"{here['name']}: 2 pip on top of the base" in told
    told = colabenv(root, "apply", "--locked").stdout
    assert f"Locked by colabenv.lock for {here['name']}." in told
    lock = root.read(LOCK)
    colabenv(root, "lock")
    assert root.read(LOCK) == lock, "both are made anew"
