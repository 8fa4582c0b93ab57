"""Git repositories on a real Debian without git: cloned with submodules and large files, in one apply."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gitserver import GitServer, git, serving
from tests.machine.debian_root import USER, WORK, Root
from tests.machine.garden import pending

LARGE = b"large" * 1000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """A repository with a submodule, a large file and a tag."""
    with serving(tmp_path) as running:
        running.make("inner", {"i.txt": "inner\n"})
        running.make("tool", {".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n"})
        git(running.work("tool"), "submodule", "--quiet", "add", running.url("inner"), "deps/inner")
        running.commit("tool", {"w.bin": running.keep_large(LARGE), "settings.ini": "colour = blue\n"})
        running.tag("tool", "v1", "The first")
        running.commit("tool", {"settings.ini": "size = 3\ncolour = blue\n"})
        running.tag("tool", "v2")
        yield running


def spec(server: GitServer, rev: str) -> str:
    return f"""\
version: 1
name: cloned
git:
  repos:
    tool: {{url: {server.url("tool")}, rev: {rev}, submodules: true, lfs: true, depth: 1, to: src/tool}}
  config: {{user.name: Ann, credential.helper: cache --timeout=60}}
files:
  - {{path: src/tool/settings.ini, edit: [{{find: blue, replace: red}}]}}
run:
  - {{name: build, command: [cp, w.bin, built], cwd: src/tool, creates: src/tool/built}}
"""


def settle(root: Root, text: str) -> None:
    """One apply does all, and a second finds nothing to do."""
    report = json.loads(root.colabenv("apply", "--json", spec=text, check=True).stdout)
    assert report["ok"]
    assert pending(root) == {}
    assert "Nothing to do" in root.colabenv("apply", check=True).stdout


def test_from_no_git_to_another_revision(provisioned_machine: Root, server: GitServer) -> None:
    root, tool = provisioned_machine, f"{WORK}/src/tool"
    plan = pending(root, spec(server, "v1"))
    assert {plan[f"git.packages.{name}"] for name in ("git", "git-lfs")} == {"create"}
    settle(root, spec(server, "v1"))
    assert root.path(f"{tool}/w.bin").read_bytes() == root.path(f"{tool}/built").read_bytes() == LARGE
    assert root.read(f"{tool}/deps/inner/i.txt") == "inner\n"
    assert root.read(f"{tool}/settings.ini") == "colour = red\n"
    assert root.run(["git", "config", "--global", "user.name"]).stdout == "Ann\n"
    settle(root, spec(server, "v2"))
    assert root.read(f"{tool}/settings.ini") == "size = 3\ncolour = red\n"
    assert root.path(f"{tool}/built").read_bytes() == LARGE

    root.write(f"{tool}/w.bin", "mine")
    done = root.colabenv("apply", spec=spec(server, "v1"))
    assert done.returncode == 1
    assert f"git -C {tool} stash" in " ".join(done.stdout.split())
    assert root.read(f"{tool}/w.bin") == "mine"


def test_without_root_it_is_said_what_to_run(provisioned_machine: Root, server: GitServer) -> None:
    done = provisioned_machine.colabenv("plan", spec=spec(server, "v1"), user=USER)
    assert "sudo apt-get" in done.stdout
    assert "install git git-lfs" in " ".join(done.stdout.split())
