"""git's own files, read as git itself reads them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.kinds.git import gitconfig, index, repository
from provisioner.kinds.git.settings import check_key, normal_key
from provisioner.model.errors import ObserveError
from tests.fakes import FakeMachine
from tests.gitserver import GitServer, git
from tests.unit.kinds.git.conftest import Project


@pytest.mark.parametrize("version", [2, 3, 4])
def test_every_version_of_the_index(tmp_path: Path, version: int) -> None:
    git(tmp_path, "init", "--quiet")
    names = ["a", "a b/c", "deep/er/and/deeper", "größe", "x" * 200, "skipped/one", "z"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    git(tmp_path, "add", ".")
    git(tmp_path, "update-index", "--add", "--cacheinfo", f"160000,{'12' * 20},sub/module")
    git(tmp_path, "update-index", "--skip-worktree", "skipped/one")
    git(tmp_path, "update-index", "--index-version", str(version))
    found = index.parse((tmp_path / ".git/index").read_bytes())
    assert found is not None
    assert {each.path for each in found if not each.commit} == {*names} - {"skipped/one"}
    assert [(each.path, each.commit) for each in found if each.commit] == [("sub/module", "12" * 20)]
    assert next(each.size for each in found if each.path == "größe") == len("größe".encode())


@given(st.binary(max_size=200), st.integers(min_value=0, max_value=4))
def test_a_damaged_index_is_nothing_else_than_unreadable(noise: bytes, version: int) -> None:
    found = index.parse(b"DIRC" + version.to_bytes(4, "big") + noise)
    assert found is None or isinstance(found, tuple)


def test_an_index_in_two_parts_is_not_guessed_at(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "a").write_text("a")
    git(tmp_path, "add", ".")
    git(tmp_path, "update-index", "--split-index")
    assert index.parse((tmp_path / ".git/index").read_bytes()) is None


TRICKY = """\
; a comment
[core]
\tbare = false
\tLogAllRefUpdates
[remote "Ori\\"gin"] url = "https://example.org/a # b"   # the rest
\tfetch = +refs/heads/*:refs/remotes/origin/*
[User]
\tname =   Ann   Example  ; not this
\tEmail = ann\\
@example.org
\tnote = "a\\tb\\\\c" d
\tempty =
[old.Style]
\tx = 1
[core] bare = true
"""


def as_git_reads(path: Path) -> dict[str, tuple[str, ...]]:
    """All settings of a file, as git lists them."""
    text = subprocess.run(
        ["git", "config", "--file", str(path), "--list", "-z"], capture_output=True, check=True, text=True
    ).stdout
    found: dict[str, tuple[str, ...]] = {}
    for entry in text.split("\0")[:-1]:
        key, separator, value = entry.partition("\n")
        found[key] = (*found.get(key, ()), value if separator else "true")
    return found


def test_settings_are_read_as_git_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(TRICKY)
    assert gitconfig.parse(TRICKY) == as_git_reads(path)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=40))
def test_what_git_writes_is_read_back(tmp_path_factory: pytest.TempPathFactory, value: str) -> None:
    path = tmp_path_factory.mktemp("config") / "config"
    subprocess.run(["git", "config", "--file", str(path), "user.name", value], check=True)
    assert gitconfig.last(gitconfig.parse(path.read_text()), "user.name") == value


def test_keys_are_compared_as_git_compares_them() -> None:
    assert check_key("User.Name") == "user.name"
    assert check_key("credential.https://Example.org/A.Helper") == "credential.https://Example.org/A.helper"
    assert normal_key("Remote.Origin.URL") == "remote.Origin.url"


def test_a_linked_working_tree_and_a_loose_tag(server: GitServer, project: Project) -> None:
    commit = server.make("hw")
    git(project.folder, "clone", "--quiet", server.url("hw"), "hw")
    project.git("hw", "tag", "--annotate", "--message", "x", "v1")
    project.git("hw", "worktree", "add", "--quiet", "-b", "other", "../linked")
    linked = repository.find(str(project.folder / "linked"), project.machine)
    assert linked is not None
    assert (linked.head.branch, linked.head.commit) == ("other", commit)
    assert linked.tag("v1") == commit
    assert linked.url == server.url("hw")


def test_what_only_git_reads_says_so(tmp_path: Path) -> None:
    machine = FakeMachine()
    machine.put("/work/hw/.git/HEAD", "ref: refs/heads/.invalid\n")
    machine.put("/work/hw/.git/config", "[extensions]\n\trefStorage = reftable\n")
    with pytest.raises(ObserveError, match=r"`extensions\.refstorage` is reftable, which only git reads"):
        repository.find("/work/hw", machine)
    machine.put("/work/x/.git/HEAD", "ref: refs/heads/main\n")
    machine.put("/work/x/.git/index", b"DIRC\0\0\0\x09\0\0\0\0")
    found = repository.find("/work/x", machine)
    assert found is not None
    with pytest.raises(ObserveError, match="in a form that only git reads"):
        _ = found.files


def test_a_folder_without_a_repository() -> None:
    machine = FakeMachine()
    machine.put("/work/hw/a.txt")
    machine.make_folders("/work/x/.git")
    assert repository.find("/work/hw", machine) is None
    assert repository.find("/work/x", machine) is None
