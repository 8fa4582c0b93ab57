"""Repositories that are not there yet, cloned by real git from a real server."""

from __future__ import annotations

import shutil

import pytest

from provisioner.model.effects import Move, Run
from provisioner.model.errors import EffectError
from provisioner.model.plan import Action
from tests.gitserver import GitServer, git
from tests.unit.kinds.git.conftest import Project


def one(url: str, **fields: object) -> dict[str, object]:
    return {"repos": {"hw": {"url": url, **fields}}}


def only(project: Project, section: object) -> tuple[Action, str]:
    """What is planned for the one repository, and why."""
    [step] = project.plan(section)
    return step.changes[0].action, step.changes[0].reason


def test_the_default_branch_is_cloned_and_the_line_that_pins_it_is_said(
    server: GitServer, project: Project
) -> None:
    commit = server.make("hw", {"a.txt": "1\n"})
    section = one(server.url("hw"))
    [step] = project.apply(section)
    assert step.changes[0].after == f"main at {commit[:12]} from 127.0.0.1"
    assert f"write:\nrev: {commit}" in step.warnings[0]
    assert project.read("hw/a.txt") == "1\n"
    assert project.git("hw", "status", "--short", "--branch") == "## main...origin/main"
    assert project.settled(section)
    assert f"write:\nrev: {commit}" in project.plan(section)[0].warnings[0]


@pytest.mark.parametrize("message", ["", "The first release"])
@pytest.mark.parametrize("depth", [None, 1])
def test_a_tag_is_checked_out(server: GitServer, project: Project, message: str, depth: int | None) -> None:
    commit = server.make("hw", {"a.txt": "1\n"})
    server.tag("hw", "v1.0", message)
    server.commit("hw", {"a.txt": "2\n"})
    section = one(server.url("hw"), rev="v1.0", depth=depth)
    [step] = project.apply(section)
    assert (step.changes[0].after, step.warnings) == (f"v1.0 at {commit[:12]} from 127.0.0.1", ())
    assert project.read("hw/a.txt") == "1\n"
    assert project.settled(section)
    assert project.plan(section)[0].changes[0].before == f"v1.0 at {commit[:12]}"


def test_a_branch_is_checked_out(server: GitServer, project: Project) -> None:
    server.make("hw", {"a.txt": "1\n"})
    git(server.work("hw"), "checkout", "--quiet", "-b", "feature/x")
    commit = server.commit("hw", {"a.txt": "x\n"})
    section = one(server.url("hw"), rev="feature/x", to="src/tool")
    [step] = project.apply(section)
    assert f"rev: {commit}" in step.warnings[0]
    assert project.read("src/tool/a.txt") == "x\n"
    assert project.settled(section)


@pytest.mark.parametrize("modern", [True, False])
@pytest.mark.parametrize("depth", [None, 1])
@pytest.mark.parametrize("digits", [40, 10])
def test_a_commit_is_checked_out(
    server: GitServer, project: Project, modern: bool, depth: int | None, digits: int
) -> None:
    """Also from a server that gives away only what branches and tags name."""
    commit = server.make("hw", {"a.txt": "1\n"})
    server.commit("hw", {"a.txt": "2\n"})
    server.modern = modern
    section = one(server.url("hw"), rev=commit[:digits], depth=depth)
    [step] = project.apply(section)
    assert step.warnings == ()
    assert (project.read("hw/a.txt"), project.git("hw", "rev-parse", "HEAD")) == ("1\n", commit)
    whole = depth is None or digits < 40 or not modern
    assert project.git("hw", "rev-list", "--count", "--all") == ("2" if whole else "1")
    assert project.settled(section)


def test_what_only_a_ref_of_another_kind_leads_to(server: GitServer, project: Project) -> None:
    server.make("hw", {"a.txt": "1\n"})
    work = server.work("hw")
    git(work, "checkout", "--quiet", "--detach")
    commit = server.commit("hw", {"a.txt": "pull\n"})
    git(work, "update-ref", "refs/pull/7/head", "HEAD")
    git(work, "checkout", "--quiet", "main")
    server.publish("hw")
    for rev in ("refs/pull/7/head", commit):
        section = {"repos": {f"at-{len(rev)}": {"url": server.url("hw"), "rev": rev}}}
        project.apply(section)
        assert project.read(f"at-{len(rev)}/a.txt") == "pull\n"
        assert project.settled(section)


def test_a_tag_whose_name_could_be_a_commit(server: GitServer, project: Project) -> None:
    server.make("hw", {"a.txt": "1\n"})
    server.tag("hw", "20240131")
    server.commit("hw", {"a.txt": "2\n"})
    section = one(server.url("hw"), rev="20240131")
    project.apply(section)
    assert project.read("hw/a.txt") == "1\n"
    assert project.settled(section)


@pytest.mark.parametrize("modern", [True, False])
def test_only_what_sparse_names_is_checked_out(server: GitServer, project: Project, modern: bool) -> None:
    server.modern = modern
    server.make(
        "hw", {"docs/a b.txt": "1", "docs/in/c.txt": "2", "src/d.txt": "3", "e.txt": "4", "f.txt": "5"}
    )
    section = one(server.url("hw"), sparse=["docs", "e.txt"])
    project.apply(section)
    found = {str(p.relative_to(project.folder)) for p in project.folder.rglob("*.txt")}
    assert found == {"hw/docs/a b.txt", "hw/docs/in/c.txt", "hw/e.txt"}
    assert project.settled(section)
    wider = one(server.url("hw"), sparse=["docs/in", "src"])
    project.apply(wider)
    found = {str(p.relative_to(project.folder)) for p in project.folder.rglob("*.txt")}
    assert found == {"hw/docs/in/c.txt", "hw/src/d.txt"}
    assert project.settled(wider)
    everything = one(server.url("hw"))
    project.apply(everything)
    assert len(list(project.folder.rglob("*.txt"))) == 5
    assert project.settled(everything)
    project.apply(section)
    assert len(list(project.folder.rglob("*.txt"))) == 3
    assert project.settled(section)
    server.commit("hw", {"src/d.txt": "6"})
    server.tag("hw", "v1")
    elsewhere = one(server.url("hw"), rev="v1")
    project.apply(elsewhere)
    assert len(list(project.folder.rglob("*.txt"))) == 5
    assert project.settled(elsewhere)


def test_a_part_of_a_commit_without_its_history(server: GitServer, project: Project) -> None:
    commit = server.make("hw", {"docs/a.txt": "1", "src/b.txt": "2"})
    server.commit("hw", {"docs/a.txt": "3"})
    section = one(server.url("hw"), rev=commit, depth=1, sparse=["docs"])
    project.apply(section)
    assert [str(p.relative_to(project.folder)) for p in project.folder.rglob("*.txt")] == ["hw/docs/a.txt"]
    assert project.read("hw/docs/a.txt") == "1"
    assert project.settled(section)


def test_a_repository_in_the_folder_of_the_spec(server: GitServer, project: Project) -> None:
    server.make("hw", {"a.txt": "1\n"})
    git(project.folder, "clone", "--quiet", "--bare", str(server.work("hw")), "local/hw.git")
    section = one("local/hw.git", depth=1)
    project.apply(section)
    assert project.read("hw/a.txt") == "1\n"
    assert project.settled(section)


@pytest.mark.parametrize("rev", ["v1.1", "1.0", "mian"])
def test_a_revision_that_is_not_there_is_blocked_with_what_is(
    server: GitServer, project: Project, rev: str
) -> None:
    server.make("hw")
    server.tag("hw", "v1.0")
    action, reason = only(project, one(server.url("hw"), rev=rev))
    near = "main" if rev == "mian" else "v1.0"
    assert action is Action.BLOCKED
    assert reason == f"the repository has no branch, tag or commit {rev}; did you mean {near}?"


def test_a_commit_that_is_not_there_fails_with_a_hint(server: GitServer, project: Project) -> None:
    server.make("hw")
    with pytest.raises(EffectError) as raised:
        project.apply(one(server.url("hw"), rev="12" * 20))
    assert "rev" in raised.value.hint
    assert not (project.folder / "hw").exists()


def test_a_url_that_is_no_repository_is_blocked(server: GitServer, project: Project) -> None:
    assert only(project, one(server.url("nothing"))) == (
        Action.BLOCKED,
        f"there is no repository at {server.url('nothing')}; check the url",
    )
    (project.folder / "plain").mkdir()
    assert only(project, one("plain"))[0] is Action.BLOCKED


def test_an_empty_repository_is_blocked(server: GitServer, project: Project) -> None:
    server.make("other")
    git(server.root, "init", "--quiet", "--bare", "served/hw.git")
    assert only(project, one(server.url("hw"))) == (Action.BLOCKED, "the repository at 127.0.0.1 is empty")


def test_a_private_repository_is_blocked_with_what_to_do(server: GitServer, project: Project) -> None:
    server.make("hw")
    server.private.add("hw")
    action, reason = only(project, one(server.url("hw")))
    assert action is Action.BLOCKED
    assert "asks who you are" in reason
    assert "credential.helper" in reason


def test_the_users_credential_helper_is_used(server: GitServer, project: Project) -> None:
    server.make("hw", {"a.txt": "1\n"})
    server.private.add("hw")
    project.apply({"config": {"credential.helper": "store"}})
    secret = server.base.replace("http://", "http://ann:secret@")
    (project.folder.parent / "home/.git-credentials").write_text(f"{secret}\n")
    section = one(server.url("hw"))
    project.apply(section)
    assert project.read("hw/a.txt") == "1\n"
    assert project.settled(section)
    assert "secret" not in project.read("hw/.git/config")


def test_a_server_that_cannot_be_asked_just_now_blocks_nothing(server: GitServer, project: Project) -> None:
    server.make("hw", {"a.txt": "1\n"})
    section = one(server.url("hw"), rev="main")
    server.failures += [503]
    action, reason = only(project, section)
    assert action is Action.CREATE
    assert reason.startswith("the server could not be asked: ")
    server.failures += [503]
    project.apply(section)
    assert project.read("hw/a.txt") == "1\n"


def test_another_protocol_that_a_server_leads_to_is_not_followed(server: GitServer, project: Project) -> None:
    """A submodule could lead to any file of the machine."""
    server.make("inner")
    server.make("hw")
    git(server.work("hw"), "submodule", "--quiet", "add", str(server.work("inner")), "inner")
    server.commit("hw", {})
    with pytest.raises(EffectError) as raised:
        project.apply(one(server.url("hw"), submodules=True))
    assert "only https and ssh are followed" in raised.value.hint
    assert not (project.folder / "hw").exists()


def test_hooks_do_not_run(server: GitServer, project: Project) -> None:
    server.make("hw")
    templates = project.folder / "templates/hooks"
    templates.mkdir(parents=True)
    hook = templates / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {project.folder}/ran\n")
    hook.chmod(0o755)
    (project.folder.parent / "home/.gitconfig").write_text(f"[init]\n\ttemplateDir = {templates.parent}\n")
    project.apply(one(server.url("hw")))
    assert (project.folder / "hw/.git/hooks/post-checkout").exists()
    assert not (project.folder / "ran").exists()


# Submodules


def with_submodules(server: GitServer) -> None:
    """A repository in a repository in a repository."""
    for outer, inner in (("middle", "inner"), ("hw", "middle")):
        if outer == "middle":
            server.make("inner", {"i.txt": "inner\n"})
        server.make(outer)
        git(server.work(outer), "submodule", "--quiet", "add", server.url(inner), "deps/" + inner)
        server.commit(outer, {})


def test_submodules_are_checked_out_at_every_depth(server: GitServer, project: Project) -> None:
    with_submodules(server)
    section = one(server.url("hw"), submodules=True)
    project.apply(section)
    assert project.read("hw/deps/middle/deps/inner/i.txt") == "inner\n"
    assert project.settled(section)


def test_submodules_that_are_missing_or_elsewhere_are_mended(server: GitServer, project: Project) -> None:
    with_submodules(server)
    section = one(server.url("hw"), submodules=True)
    project.apply(one(server.url("hw")))
    assert only(project, section)[1] == "the submodule deps/middle is not checked out"
    project.apply(section)
    assert project.settled(section)
    server.commit("inner", {"i.txt": "newer\n"})
    inner = "hw/deps/middle/deps/inner"
    project.git(inner, "fetch", "--quiet")
    project.git(inner, "checkout", "--quiet", "--detach", "origin/main")
    assert only(project, section)[1].startswith("the submodule deps/middle/deps/inner is at ")
    project.apply(section)
    assert project.read(f"{inner}/i.txt") == "inner\n"
    assert project.settled(section)


def test_a_submodule_that_was_cloned_and_not_checked_out_is_finished(
    server: GitServer, project: Project
) -> None:
    """git was killed in between: HEAD is the default branch, there is no index, and there are no files."""
    with_submodules(server)
    section = one(server.url("hw"), submodules=True)
    project.apply(section)
    inner = project.folder / "hw/.git/modules/deps/middle/modules/deps/inner"
    (inner / "index").unlink()
    (inner / "HEAD").write_text("ref: refs/heads/main\n")
    (project.folder / "hw/deps/middle/deps/inner/i.txt").unlink()
    assert only(project, section)[1] == "the submodule deps/middle/deps/inner is not checked out"
    project.apply(section)
    assert project.read("hw/deps/middle/deps/inner/i.txt") == "inner\n"
    assert project.settled(section)


def test_work_in_a_submodule_is_not_taken_away(server: GitServer, project: Project) -> None:
    with_submodules(server)
    section = one(server.url("hw"), submodules=True)
    project.apply(section)
    project.git("hw/deps/middle", "checkout", "--quiet", "-b", "mine")
    project.git("hw/deps/middle", "commit", "--quiet", "--allow-empty", "-m", "Mine")
    action, reason = only(project, section)
    assert action is Action.BLOCKED
    assert "on the branch mine" in reason


# Where something is already


def test_an_empty_folder_is_taken(server: GitServer, project: Project) -> None:
    server.make("hw", {"a.txt": "1\n"})
    (project.folder / "hw").mkdir()
    section = one(server.url("hw"))
    project.apply(section)
    assert project.read("hw/a.txt") == "1\n"
    assert sorted(path.name for path in project.folder.iterdir()) == ["hw"]
    assert project.settled(section)


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("hw/notes.txt", "hw is not a clone and holds notes.txt"),
        ("hw", "hw is a file"),
    ],
)
def test_what_somebody_else_put_there_is_not_touched(
    server: GitServer, project: Project, what: str, reason: str
) -> None:
    server.make("hw")
    (project.folder / what).parent.mkdir(exist_ok=True)
    (project.folder / what).write_text("mine")
    action, said = only(project, one(server.url("hw")))
    assert action is Action.BLOCKED
    assert said == f"{project.folder}/{reason}; move it away, or choose another `to`"


def test_a_clone_of_another_repository_is_not_touched(server: GitServer, project: Project) -> None:
    server.make("hw")
    server.make("other")
    project.apply(one(server.url("other")))
    action, reason = only(project, one(server.url("hw")))
    assert action is Action.BLOCKED
    assert f"is a clone of {server.url('other')};" in reason
    assert reason.endswith(f"remote set-url origin {server.url('hw')}")


def test_a_clone_made_by_hand_is_taken_as_it_is(server: GitServer, project: Project) -> None:
    server.make("hw", {"a.txt": "1\n"})
    server.tag("hw", "v1", "With a message")
    git(project.folder, "clone", "--quiet", "--branch", "v1", f"{server.base}/hw.git/", "hw")
    assert project.settled(one(server.url("hw"), rev="v1"))


def nested(server: GitServer, project: Project) -> dict[str, object]:
    """A repository, and data that another entry has put where it will be."""
    server.make("hw", {"a.txt": "1\n", "data/readme.txt": "put data here\n"})
    (project.folder / "hw/data/big").mkdir(parents=True)
    (project.folder / "hw/data/big/rows.csv").write_text("rows")
    (project.folder / "hw/data/.big.colabenv.jsonl").write_text("a receipt")
    project.look(made=(f"{project.folder}/hw", f"{project.folder}/hw/data/big"))
    return one(server.url("hw"))


def test_what_other_entries_put_there_moves_into_the_clone(server: GitServer, project: Project) -> None:
    section = nested(server, project)
    project.apply(section)
    assert project.read("hw/data/big/rows.csv") == "rows"
    assert project.read("hw/data/readme.txt") == "put data here\n"
    assert sorted(path.name for path in project.folder.iterdir()) == ["hw"]
    assert project.settled(section)


@pytest.mark.parametrize("empty", [False, True])
def test_interrupted_after_any_effect_it_is_completed_by_the_next(
    server: GitServer, project: Project, empty: bool
) -> None:
    """Nothing that other entries made gets lost on the way."""
    section = nested(server, project)
    if empty:
        shutil.rmtree(project.folder / "hw/data")
    [step] = project.plan(section)
    steps = 0
    while (effects := project.plan(section)[0].effects) and steps < 40:
        # Each run gets one effect further than the last one did before it was killed.
        for effect in effects[: steps + 1]:
            project.machine.perform(effect, lambda done, total, text: None)
        steps += 1
    assert steps > len([effect for effect in step.effects if isinstance(effect, Move | Run)]) - 4
    assert empty or project.read("hw/data/big/rows.csv") == "rows"
    assert empty or project.read("hw/data/.big.colabenv.jsonl") == "a receipt"
    assert project.read("hw/a.txt") == "1\n"
    assert sorted(path.name for path in project.folder.iterdir()) == ["hw"]
    assert project.settled(section)
