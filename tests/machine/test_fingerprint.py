"""Two real machines of one file: the same fingerprint, until something that the file names differs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machine.aptrepo import Key, Repo
from tests.machine.debian_root import VENV, WORK, Bind, Root, running
from tests.machine.disks import Roots, package_folder
from tests.machine.garden import GARDEN, write_tar


@pytest.fixture
def pair(roots: Roots, package: Path, repo: Repo, key: Key) -> Iterator[tuple[Root, Root]]:
    """Two machines of different histories that lack everything that GARDEN asks for."""
    disk = roots.installed()
    binds = [*roots.caches, Bind(package, package_folder(disk))]
    with running(disk, binds) as one, running(disk, binds) as other:
        for root in (one, other):
            repo.enlist(root, key)
            write_tar(root, f"{WORK}/seeds.tar.gz", {"rose.txt": b"rose\n", "lily.txt": b"lily\n"})
        other.run([f"{VENV}/bin/pip", "install", "-q", "packaging==24.2"])
        other.run(["apt-get", "update"])
        other.run(["apt-get", "install", "-qy", "shelf-held"])
        other.write("/etc/motd", "another machine\n")
        yield one, other


def applied(root: Root) -> str:
    told = root.colabenv("apply", spec=GARDEN, check=True).stdout
    found = re.search("Fingerprint: ([0-9a-f]{12})\n", told)
    assert found, told
    return found[1]


def test_equal_exactly_while_what_is_named_is_equal(pair: tuple[Root, Root]) -> None:
    one, other = pair
    mark = applied(one)
    assert applied(other) == mark
    assert f"Fingerprint: {mark}\n" in one.colabenv("apply", check=True).stdout, "it is recalled, too"
    assert f"No drift: 6 already right.\nFingerprint: {mark}\n" == other.colabenv("status", check=True).stdout

    one.colabenv("facts", "--out", "one.json", check=True)
    other.write(f"{WORK}/one.json", one.read(f"{WORK}/one.json"))
    told = other.colabenv("compare", "one.json", check=True).stdout
    assert f"Fingerprints are equal, {mark}: " in told
    assert re.search(r"packaging +24.2 +\d", told)

    other.run([f"{VENV}/bin/pip", "install", "-q", "six==1.16.0"])
    other.write(f"{WORK}/garden.toml", "colour = 'red'\n", mode=0o640)
    drifted = other.colabenv("status")
    assert drifted.returncode == 2
    assert "~ pip.six" in drifted.stdout
    assert mark not in drifted.stdout
    document = json.loads(other.colabenv("compare", "one.json", "--json", check=True).stdout)
    named = next(group for group in document["groups"] if group["name"] == "named by the spec")
    assert [each["name"] for each in named["differences"]] == ["pip.six", "files.garden.toml"]
    assert (named["differences"][0]["mine"], named["differences"][0]["yours"]) == ("1.16.0", "1.17.0")

    assert applied(other) == mark
