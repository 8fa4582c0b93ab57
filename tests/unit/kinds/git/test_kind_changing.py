"""Repositories that are there, brought to another revision by real git, and what is never overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.model.effects import Chmod, Edit, FileChange, Insertion, Patch, Run
from provisioner.model.errors import EffectError, ObserveError
from provisioner.model.plan import Action
from tests.gitserver import GitServer, git
from tests.unit.kinds.git.conftest import Project
from tests.unit.kinds.git.test_kind_cloning import one, only


@pytest.fixture
def commits(server: GitServer) -> tuple[str, str]:
    """Two commits: `v1` and, after it, `main`."""
    first = server.make("hw", {"a.txt": "1\n", "b.txt": "1\n"})
    server.tag("hw", "v1", "The first")
    second = server.commit("hw", {"a.txt": "2\n", "new.txt": "2\n"})
    server.tag("hw", "v2")
    return first, second


@pytest.mark.parametrize("depth", [None, 1])
@pytest.mark.parametrize("before", ["main", "v1", "v2"])
@pytest.mark.parametrize("kind", ["branch", "tag", "commit", "short", "other branch", "default"])
def test_from_any_revision_to_any_other(
    server: GitServer, project: Project, commits: tuple[str, str], depth: int | None, before: str, kind: str
) -> None:
    git(server.work("hw"), "branch", "dev", "v1")
    server.publish("hw")
    rev, content = {
        "branch": ("main", "2\n"),
        "tag": ("v1", "1\n"),
        "commit": (commits[0], "1\n"),
        "short": (commits[0][:9], "1\n"),
        "other branch": ("dev", "1\n"),
        "default": (None, None),
    }[kind]
    project.apply(one(server.url("hw"), rev=before, depth=depth))
    was = project.read("hw/a.txt")
    section = one(server.url("hw"), depth=depth, **({"rev": rev} if rev else {}))
    project.apply(section)
    assert project.read("hw/a.txt") == (content or was)
    assert project.git("hw", "status", "--porcelain") == ""
    assert project.settled(section)


def test_a_moved_tag_is_not_followed_until_it_is_asked_for_again(
    server: GitServer, project: Project, commits: tuple[str, str]
) -> None:
    section = one(server.url("hw"), rev="v1")
    project.apply(section)
    git(server.work("hw"), "tag", "--force", "v1", "main")
    server.publish("hw")
    assert project.settled(section)


def test_a_clone_that_is_right_needs_no_server(
    server: GitServer, project: Project, commits: tuple[str, str]
) -> None:
    project.apply(one(server.url("hw")))
    server.private.add("hw")
    section = one(server.url("hw"), rev=commits[0])
    project.apply(section)
    assert project.read("hw/a.txt") == "1\n"


def test_a_revision_that_is_not_there_is_blocked(
    server: GitServer, project: Project, commits: tuple[str, str]
) -> None:
    project.apply(one(server.url("hw")))
    action, reason = only(project, one(server.url("hw"), rev="v3"))
    assert (action, reason.partition(";")[0]) == (
        Action.BLOCKED,
        "the repository has no branch, tag or commit v3",
    )


# Edits


def test_an_edit_blocks_another_revision_and_nothing_else(
    server: GitServer, project: Project, commits: tuple[str, str]
) -> None:
    section = one(server.url("hw"))
    project.apply(section)
    (project.folder / "hw/b.txt").write_text("mine\n")
    (project.folder / "hw/build").write_text("made here\n")
    assert project.settled(section)
    action, reason = only(project, one(server.url("hw"), rev="v1"))
    assert action is Action.BLOCKED
    assert reason == (
        "b.txt was edited there, which another revision would overwrite; "
        f"keep the edits: git -C {project.folder}/hw stash"
    )
    project.git("hw", "stash")
    project.apply(one(server.url("hw"), rev="v1"))
    assert project.read("hw/a.txt") == "1\n"
    assert project.read("hw/build") == "made here\n"


def test_where_git_cannot_tell_what_was_edited_nothing_is_planned(
    server: GitServer, project: Project, commits: tuple[str, str]
) -> None:
    project.apply(one(server.url("hw")))
    (project.folder / "hw/.git/index").write_bytes(b"damaged")
    with pytest.raises(ObserveError, match=r"git cannot tell what was edited in .*/hw: .*index file"):
        project.plan(one(server.url("hw"), rev=commits[0]))


@pytest.mark.parametrize("ignored", [False, True])
def test_an_untracked_file_in_the_way_is_not_overwritten(
    server: GitServer, project: Project, commits: tuple[str, str], ignored: bool
) -> None:
    project.apply(one(server.url("hw"), rev="v1"))
    (project.folder / "hw/new.txt").write_text("mine\n")
    section = one(server.url("hw"), rev="v2")
    if ignored:
        (project.folder / "hw/.git/info/exclude").write_text("new.txt\n")
    action, reason = only(project, section)
    assert action is Action.BLOCKED
    assert reason.startswith("new.txt is not from the repository")
    assert project.read("hw/new.txt") == "mine\n"


def test_an_untracked_file_that_only_the_server_knows_of_is_not_overwritten(
    server: GitServer, project: Project, commits: tuple[str, str]
) -> None:
    project.apply(one(server.url("hw")))
    (project.folder / "hw/later.txt").write_text("mine\n")
    server.commit("hw", {"later.txt": "theirs\n"})
    server.tag("hw", "v3")
    with pytest.raises(EffectError) as raised:
        project.apply(one(server.url("hw"), rev="v3"))
    assert "move them away" in raised.value.hint
    assert project.read("hw/later.txt") == "mine\n"


PATCH = """\
--- a/a.txt
+++ b/a.txt
@@ -1 +1,2 @@
 2
+patched
"""


@pytest.mark.parametrize("change", ["edit", "patch", "patch of the folder", "mode"])
def test_what_other_entries_change_does_not_block_unless_the_user_changed_it_too(
    server: GitServer, project: Project, commits: tuple[str, str], change: str
) -> None:
    """They change it again after this; what somebody else did there is never lost."""
    project.apply(one(server.url("hw")))
    path = project.folder / "hw/a.txt"
    (project.folder / "fix.patch").write_text(PATCH)
    fix = (f"{project.folder}/fix.patch",)
    changes: dict[str, FileChange] = {
        "edit": Edit(path=str(path), changes=(Insertion(line="edited"),)),
        "patch": Patch(path=str(path), patches=fix),
        "patch of the folder": Patch(path=str(path.parent), patches=fix),
        "mode": Chmod(path=str(path.parent), mode=0o755, tree=True),
    }
    project.machine.perform(changes[change], lambda done, total, text: None)
    project.look(changes=(changes[change],), edited=(str(path),))
    section = one(server.url("hw"), rev="v1")
    kept = path.read_text()
    path.write_text(kept + "mine\n")
    action, reason = only(project, section)
    assert action is Action.BLOCKED
    assert "stash" in reason
    path.write_text(kept)
    project.apply(section)
    assert project.read("hw/a.txt") == "1\n"
    assert project.settled(section)


# Branches


def test_a_branch_is_only_told_to_be_behind(
    server: GitServer, project: Project, commits: tuple[str, str]
) -> None:
    section = one(server.url("hw"), rev="main")
    project.apply(section)
    server.commit("hw", {"a.txt": "3\n"})
    assert project.settled(section)
    project.look(deep=True)
    action, reason = only(project, section)
    assert action is Action.KEEP
    assert reason.endswith(f"take them: git -C {project.folder}/hw pull --ff-only")


@pytest.mark.parametrize("fields", [{}, {"rev": "main"}, {"rev": "main", "depth": 1}])
def test_a_branch_that_follows_takes_what_is_new(
    server: GitServer, project: Project, commits: tuple[str, str], fields: dict[str, object]
) -> None:
    section = one(server.url("hw"), update="ff", **fields)
    [step] = project.apply(section)
    assert step.warnings == ()
    assert only(project, section)[0] is Action.KEEP
    newest = server.commit("hw", {"a.txt": "3\n"})
    [step] = project.apply(section)
    assert step.changes[0].after == f"main at {newest[:12]}"
    assert project.read("hw/a.txt") == "3\n"
    assert only(project, section)[0] is Action.KEEP
    server.failures += [503]
    assert only(project, section)[0] is Action.KEEP


def test_commits_of_the_user_are_not_lost(
    server: GitServer, project: Project, commits: tuple[str, str]
) -> None:
    section = one(server.url("hw"), update="ff")
    project.apply(section)
    project.git("hw", "commit", "--quiet", "--allow-empty", "-m", "Mine")
    server.commit("hw", {"a.txt": "3\n"})
    action, reason = only(project, section)
    assert action is Action.BLOCKED
    assert "has commits that the server does not have" in reason


def test_edits_are_not_lost_when_a_branch_follows(
    server: GitServer, project: Project, commits: tuple[str, str]
) -> None:
    section = one(server.url("hw"), update="ff")
    project.apply(section)
    (project.folder / "hw/b.txt").write_text("mine\n")
    server.commit("hw", {"a.txt": "3\n"})
    assert only(project, section)[0] is Action.BLOCKED


# Interrupted


def kill_during_checkout(project: Project, rev: str) -> None:
    """What a checkout leaves that is killed when it has written the files: the old HEAD and index, a lock."""
    repository = project.folder / "hw"
    index, head = (repository / ".git/index").read_bytes(), project.git("hw", "rev-parse", "HEAD")
    project.git("hw", "checkout", "--quiet", "--detach", rev)
    (repository / ".git/index").write_bytes(index)
    (repository / ".git/HEAD").write_text(f"{head}\n")
    (repository / ".git/index.lock").write_bytes(b"")


@pytest.mark.parametrize("update", ["never", "ff"])
def test_an_interrupted_checkout_is_completed(
    server: GitServer, project: Project, commits: tuple[str, str], update: str
) -> None:
    project.apply(one(server.url("hw"), rev="v1"))
    kill_during_checkout(project, "v2")
    section = one(server.url("hw"), rev="v2" if update == "never" else "main", update=update)
    if update == "never":
        assert only(project, section)[0] is Action.BLOCKED
    project.look(suspects=frozenset({"git.hw"}))
    project.apply(section)
    project.look(suspects=frozenset())
    assert project.git("hw", "status", "--porcelain") == ""
    assert only(project, section)[0] is Action.KEEP


def test_an_edit_made_after_an_interrupted_checkout_is_not_lost(
    server: GitServer, project: Project, commits: tuple[str, str]
) -> None:
    project.apply(one(server.url("hw"), rev="v1"))
    kill_during_checkout(project, "v2")
    (project.folder / "hw/a.txt").write_text("mine\n")
    project.look(suspects=frozenset({"git.hw"}))
    action, reason = only(project, one(server.url("hw"), rev="v2"))
    assert action is Action.BLOCKED
    assert reason.startswith("a.txt was edited there")


def test_a_clone_that_was_cut_short_is_cleared_away(
    server: GitServer, project: Project, commits: tuple[str, str]
) -> None:
    section = one(server.url("hw"))
    for effect in project.plan(section)[0].effects[:2]:
        project.machine.perform(effect, lambda done, total, text: None)
    assert [path.name for path in project.folder.iterdir()] == [".hw.provisioner-clone"]
    git(project.folder, "clone", "--quiet", server.url("hw"), "hw")
    assert only(project, section) == (Action.UPDATE, "an interrupted run left something to clean up")
    project.apply(section)
    assert [path.name for path in project.folder.iterdir()] == ["hw"]
    assert project.settled(section)


# How git is started


def test_every_command_is_guarded(
    server: GitServer, project: Project, commits: tuple[str, str], tmp_path: Path
) -> None:
    project.apply(one(server.url("hw"), rev="v1", submodules=True))
    project.apply(one(server.url("hw"), rev="main", update="ff"))
    runs = [effect for effect in project.performed if isinstance(effect, Run)]
    for argv in [*(run.argv for run in runs), *project.machine.asked]:
        line = " ".join(argv)
        assert "-c core.hooksPath=/dev/null" in line
        assert "-c protocol.allow=never" in line
        assert "protocol.file" not in line
        assert "BatchMode=yes" in line
    assert all(("GIT_TERMINAL_PROMPT", "0") in run.env for run in runs)
