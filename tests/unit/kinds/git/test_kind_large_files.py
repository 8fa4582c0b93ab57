"""Git LFS: what is fetched, and how it is seen that something is yet to be.

The program is not on every machine, so a stand-in does what it does here; `tests/machine` has the real one.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from provisioner.model.errors import EffectError
from provisioner.model.plan import Action
from tests.gitserver import GitServer, git
from tests.unit.kinds.git.conftest import Project
from tests.unit.kinds.git.test_kind_cloning import one, only

STAND_IN = """\
#!{python}
import hashlib, json, os, shutil, subprocess, sys, urllib.request

def git(*words):
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout

def ask(url, data=None):
    return urllib.request.urlopen(url, data).read()

def fetch(path, batch):
    text = open(path).read()
    if text.startswith("version https://git-lfs"):
        objects = [{{"oid": text.split("sha256:")[1].split()[0], "size": 1}}]
        answer = ask(batch, json.dumps({{"operation": "download", "objects": objects}}).encode())
        href = json.loads(answer)["objects"][0]["actions"]["download"]["href"]
        open(path, "wb").write(ask(href))
        git("update-index", "-q", "--refresh", path)

match sys.argv[1:]:
    case ["install", "--local", "--skip-repo"]:
        git("config", "filter.lfs.clean", "git-lfs clean")
        git("config", "filter.lfs.smudge", "git-lfs smudge")
    case ["smudge"]:
        assert os.environ["GIT_LFS_SKIP_SMUDGE"] == "1"
        shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)
    case ["clean"]:
        data = sys.stdin.buffer.read()
        print("version https://git-lfs.github.com/spec/v1")
        print("oid sha256:" + hashlib.sha256(data).hexdigest())
        print("size", len(data))
    case ["pull", *options]:
        chosen = tuple(options[1].split(",")) if options else ""
        batch = git("config", "remote.origin.url").strip() + "/info/lfs/objects/batch"
        for path in git("ls-files", "-z").split("\\0")[:-1]:
            if path.startswith(chosen):
                fetch(path, batch)
"""


@pytest.fixture
def with_lfs(project: Project, tmp_path: Path) -> Project:
    program = tmp_path / "bin/git-lfs"
    program.parent.mkdir()
    program.write_text(STAND_IN.format(python=sys.executable))
    program.chmod(0o755)
    project.machine.set_variable("PATH", f"{program.parent}:{os.environ['PATH']}")
    return project


@pytest.fixture
def large(server: GitServer) -> str:
    """A repository with two large files, one of them in a folder, and a small one; its URL."""
    attributes = "*.bin filter=lfs diff=lfs merge=lfs -text\n"
    pointer = server.keep_large(b"large" * 1000)
    server.make(
        "hw", {".gitattributes": attributes, "a.txt": "small\n", "w/x.bin": pointer, "y.bin": pointer}
    )
    return server.url("hw")


def test_large_files_are_fetched(server: GitServer, with_lfs: Project, large: str) -> None:
    section = one(large, lfs=True)
    with_lfs.apply(section)
    assert with_lfs.read("hw/w/x.bin") == with_lfs.read("hw/y.bin") == "large" * 1000
    assert with_lfs.settled(section)


def test_pointers_that_were_left_are_found(server: GitServer, with_lfs: Project, large: str) -> None:
    with_lfs.apply(one(large))
    assert with_lfs.read("hw/y.bin").startswith("version https://git-lfs")
    assert "write lfs: true" in with_lfs.plan(one(large))[0].warnings[1]
    section = one(large, lfs=True)
    assert only(with_lfs, section) == (
        Action.UPDATE,
        "the contents of w/x.bin are yet to be fetched (and 1 more)",
    )
    with_lfs.apply(section)
    assert with_lfs.settled(section)


def test_only_what_is_checked_out_is_fetched(server: GitServer, with_lfs: Project, large: str) -> None:
    section = one(large, lfs=True, sparse=["w"])
    with_lfs.apply(section)
    assert with_lfs.read("hw/w/x.bin") == "large" * 1000
    assert not (with_lfs.folder / "hw/y.bin").exists()
    assert with_lfs.settled(section)


def test_without_the_program_it_is_said_what_to_do(
    server: GitServer, with_lfs: Project, large: str, tmp_path: Path
) -> None:
    (tmp_path / "bin/git-lfs").write_text("#!/bin/sh\necho \"git: 'lfs' is not a git command\"; exit 1\n")
    with pytest.raises(EffectError) as raised:
        with_lfs.apply(one(large, lfs=True))
    assert raised.value.hint == "Install git-lfs, or let apt install it."


def test_a_pointer_that_is_a_file_of_its_own_is_left_alone(server: GitServer, with_lfs: Project) -> None:
    """As in the tests of programs that read pointers."""
    files = {".gitattributes": "*.bin filter=lfs -text\n", "test/pointer.txt": server.keep_large(b"x")}
    server.make("hw", files)
    section = one(server.url("hw"), lfs=True)
    git(with_lfs.folder, "clone", "--quiet", server.url("hw"), "hw")
    assert only(with_lfs, section)[0] is Action.KEEP
