"""A spec that has most kinds, for machines without a network, and how to ask about what came of it."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
from subprocess import CompletedProcess

from tests.machine.debian_root import VENV, Root

GARDEN = """\
version: 1
name: garden
apt: {packages: [shelf-vim]}
pip: {packages: ["six==1.17.0"]}
datasets:
  seeds: {url: seeds.tar.gz, unpack: true, to: data/seeds}
files:
  - {path: garden.toml, content: "colour = 'blue'\\n", mode: "0640"}
env: {GARDEN: green}
run:
  - {name: dig, command: [touch, dug], creates: dug}
verify:
  imports: [six]
"""
PROVISIONER = (f"{VENV}/bin/python", "-m", "provisioner")


def write_tar(root: Root, path: str, members: dict[str, bytes]) -> None:
    """The same bytes for the same members, whenever it is written."""
    root.write(path, "")
    contents = io.BytesIO()
    with tarfile.open(fileobj=contents, mode="w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    root.path(path).write_bytes(gzip.compress(contents.getvalue(), mtime=0))


def pending(root: Root, spec: str | None = None) -> dict[str, str]:
    """What `plan` finds to do: actions by address."""
    told = json.loads(root.colabenv("plan", "--json", spec=spec, check=True).stdout)
    return {c["address"]: c["action"] for c in told["changes"] if c["action"] != "keep"}


def output(done: CompletedProcess[str]) -> str:
    return done.stdout + done.stderr


def assert_clear(done: CompletedProcess[str], *patterns: str) -> None:
    """A failure that a person can act upon: exit 1, the words expected, no traceback."""
    told = " ".join(output(done).split())
    assert done.returncode == 1, told
    assert "Traceback" not in told
    for pattern in patterns:
        assert re.search(pattern, told), told


def assert_settled(root: Root) -> None:
    """Applying once more finds nothing to do and says so."""
    again = root.colabenv("apply", check=True)
    assert "Nothing to do" in again.stdout
    assert pending(root) == {}
    root.colabenv("verify", check=True)
