"""Chains on this machine: one apply does everything, a second has nothing to do."""

from __future__ import annotations

from pathlib import Path

import pytest

import provisioner
from provisioner.model.plan import Action
from provisioner.model.report import Status
from provisioner.render.text import render_report
from tests.archives import files, tar
from tests.gitserver import git
from tests.index import Index, project
from tests.scene import format_change

SETTINGS = b"colour = blue\n"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A spec's folder with an archive of a source tree, and an index with what that needs."""
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "UV_CACHE_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home" / name))
    Index(tmp_path / "index").add("seven", "7.0")
    tree = {
        **project("lathe", "1.2", ("seven",)),
        "requirements.txt": b"seven==7.0\n",
        "etc/settings.ini": SETTINGS,
    }
    folder = tmp_path / "desk"
    folder.mkdir()
    members = files({f"lathe-1.2/{name}": data for name, data in tree.items()})
    (folder / "lathe.tar.gz").write_bytes(tar(*members, mode="w:gz"))
    return folder


def write(folder: Path, text: str) -> Path:
    path = folder / "colabenv.yaml"
    path.write_text(f"version: 1\n{text}")
    return path


def settle(spec: Path) -> provisioner.Report:
    """Apply once, and see that nothing is left for a second time."""
    first = provisioner.apply(spec)
    assert {outcome.status for outcome in first.outcomes} <= {Status.DONE, Status.KEPT}
    assert first.fingerprint
    made = provisioner.plan(spec)
    assert {change.action for change in made.changes} == {Action.KEEP}
    second = provisioner.apply(spec)
    assert not second.changed
    assert second.fingerprint == first.fingerprint
    assert "Nothing to do" in render_report(second)
    assert provisioner.verify(spec, deep=True).ok
    return first


def unwrapped(error: Exception) -> str:
    return " ".join(str(error).split())


LATHE = "datasets:\n  lathe: {url: lathe.tar.gz, unpack: true, strip: 1, to: lathe}\n"


def test_files_go_into_an_archive_and_over_its_own(desk: Path) -> None:
    spec = write(
        desk,
        f"{LATHE}files:\n- {{path: lathe/conf/site.xml, content: <x/>}}\n"
        "- {path: lathe/requirements.txt, content: mine}\n",
    )
    settle(spec)
    assert (desk / "lathe/requirements.txt").read_text() == "mine"
    (desk / "lathe/requirements.txt").write_text("theirs")
    assert [format_change(change) for change in provisioner.plan(spec, only="files").changes] == [
        "= files.lathe/conf/site.xml  file",
        "~ files.lathe/requirements.txt  file -> file",
    ]
    (desk / "lathe/etc/settings.ini").unlink()
    settle(spec)
    assert (desk / "lathe/etc/settings.ini").read_bytes() == SETTINGS


def test_pip_installs_what_an_archive_brings(desk: Path) -> None:
    index = (desk.parent / "index/simple").as_uri()
    spec = write(
        desk,
        f"{LATHE}pip:\n  requirements: [lathe/requirements.txt]\n  editable: [lathe]\n  venv: .venv\n"
        f"  index_url: {index}\nnotebook: {{sys_path: [lathe], workdir: lathe}}\n",
    )
    shown = {change.address: change for change in provisioner.plan(spec).changes}
    assert shown["datasets.lathe"].action is Action.CREATE
    report = settle(spec)
    assert {"pip.seven", "pip.lathe"} <= {change.address for change in report.plan.changes}
    assert [*desk.glob(".venv/lib/python*/site-packages/seven/__init__.py")]


def test_what_lies_on_an_optional_drive_is_left_out_also_when_planned_on_the_way(desk: Path) -> None:
    index = (desk.parent / "index/simple").as_uri()
    spec = write(
        desk,
        f"{LATHE}drive: {{mount: {desk}/drive, required: false, links: {{models: MyDrive/models}}}}\n"
        f"files:\n- {{path: a, source: models/a}}\n- {{path: lathe/b, source: {desk}/drive/MyDrive/b}}\n"
        f"pip:\n  requirements: [{desk}/drive/MyDrive/r.txt, lathe/requirements.txt]\n  venv: .venv\n"
        f"  index_url: {index}\n",
    )
    report = settle(spec)
    assert {"pip.seven", "files.a"} <= {change.address for change in report.plan.changes}
    assert not (desk / "lathe/b").exists()


def test_commands_change_what_an_archive_brought(desk: Path) -> None:
    change = "open('built.ini', 'w').write(open('etc/settings.ini').read() * 2)"
    spec = write(
        desk,
        f"{LATHE}files:\n- {{path: lathe/etc/more.ini, content: more}}\n"
        "- {path: copy.ini, source: lathe/built.ini}\n"
        f'run:\n- {{name: build, command: [python3, -c, "{change}"], cwd: lathe, creates: lathe/built.ini}}\n'
        "- {name: ask, command: [cp, built.ini, asked.ini], cwd: lathe, unless: [test, -e, asked.ini]}\n",
    )
    report = settle(spec)
    assert (desk / "copy.ini").read_bytes() == SETTINGS * 2
    assert [step.id for step in report.plan.steps] == [
        *("datasets.lathe", "files.lathe/etc/more.ini", "files.copy.ini", "run.build", "run.ask")
    ]


def test_a_part_that_turns_out_to_be_blocked_says_so_once(desk: Path) -> None:
    spec = write(
        desk, f"{LATHE}files:\n- {{path: copy, source: lathe/no.ini}}\n- {{path: own, content: x}}\n"
    )
    with pytest.raises(provisioner.NotDone) as caught:
        provisioner.apply(spec)
    assert unwrapped(caught.value).count("no.ini does not exist") == 1
    assert (desk / "own").read_text() == "x"
    (desk / "lathe/no.ini").write_text("now it does")
    settle(spec)


def test_an_archive_may_have_another_form_of_names_than_the_file(desk: Path) -> None:
    """Archives made by macOS have letters decomposed."""
    text = (
        "datasets: {d: {url: a.tar, unpack: true, to: data}}\n"
        'files: [{path: "data/Donn\u00e9es/cl\u00e9.txt", content: mine},'
        ' {path: copy.txt, source: "data/Donn\u00e9es/other.txt"}]\n'
    )
    folder = "Donne\u0301es"
    for number in ("1", "2"):
        members = files({f"{folder}/cle\u0301.txt": b"theirs", f"{folder}/other.txt": number.encode()})
        (desk / f"{number}.tar").write_bytes(tar(*members))
        settle(write(desk, text.replace("a.tar", f"{number}.tar")))
        assert {path.name for path in (desk / "data" / folder).iterdir()} == {"cle\u0301.txt", "other.txt"}
        assert (desk / "data" / folder / "cle\u0301.txt").read_text() == "mine"
        assert (desk / "copy.txt").read_text() == number
    assert [path.name for path in (desk / "data").glob("D*")] == [folder]


MODELS = {"models/.gitkeep": b"", "models/weights.bin": b"see the release page", "code.py": b"1"}


@pytest.fixture
def source(desk: Path, request: pytest.FixtureRequest) -> str:
    """What brings a tree that already has something where the weights go."""
    (desk / "weights.tar").write_bytes(tar(*files({"weights.bin": b"weights", "more/x": b"more"})))
    (desk / "raw.bin").write_bytes(b"raw weights")
    (desk / "t.tar").write_bytes(tar(*files(MODELS)))
    if request.param == "an archive":
        return "datasets:\n  t: {url: t.tar, unpack: true, to: t}\n"
    repository = desk / "repository"
    (repository / "models").mkdir(parents=True)
    for name, data in MODELS.items():
        (repository / name).write_bytes(data)
    git(repository, "init", "--quiet")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "models")
    return "git: {repos: {t: {url: repository, to: t}}}\ndatasets:\n"


WEIGHTS = "  w: {url: weights.tar, unpack: true, to: t/models}\n"


@pytest.mark.parametrize("source", ["an archive", "a clone"], indirect=True)
@pytest.mark.parametrize("first", ["", "outer"])
def test_an_archive_goes_over_what_came_with_what_is_around_it(desk: Path, source: str, first: str) -> None:
    if first:
        provisioner.apply(write(desk, source.removesuffix("datasets:\n")))
    settle(write(desk, source + WEIGHTS))
    assert (desk / "t/models/weights.bin").read_bytes() == b"weights"
    assert (desk / "t/models/.gitkeep").exists()


@pytest.mark.parametrize("source", ["an archive", "a clone"], indirect=True)
@pytest.mark.parametrize("first", ["", "outer"])
def test_a_file_goes_over_one_that_came_with_what_is_around_it(desk: Path, source: str, first: str) -> None:
    if first:
        provisioner.apply(write(desk, source.removesuffix("datasets:\n")))
    settle(write(desk, source + "  w: {url: raw.bin, to: t/models/weights.bin}\n"))
    assert (desk / "t/models/weights.bin").read_bytes() == b"raw weights"


@pytest.mark.parametrize("source", ["an archive", "a clone"], indirect=True)
@pytest.mark.parametrize("mine", ["weights.bin", "mine.bin"])
def test_what_people_put_there_is_never_replaced(desk: Path, source: str, mine: str) -> None:
    provisioner.apply(write(desk, source.removesuffix("datasets:\n")))
    (desk / "t/models" / mine).write_text("mine")
    with pytest.raises(provisioner.NotDone) as caught:
        provisioner.apply(write(desk, source + WEIGHTS))
    assert "t/models already exists and was not downloaded" in unwrapped(caught.value)
    assert (desk / "t/models" / mine).read_text() == "mine"


PATCH = """--- a/settings.ini
+++ /dev/null
@@ -1 +0,0 @@
-colour = blue
--- a/shape.ini
+++ b/shape.ini
@@ -1 +1 @@
-round
+square
"""


@pytest.mark.parametrize(
    ("maker", "folder"),
    [
        ("datasets:\n  t: {url: tree.tar, unpack: true, to: tree}\nfiles:\n", "tree"),
        ("datasets:\n  t: {url: tree.tar, unpack: true, to: tree/inner}\nfiles:\n", "tree/inner"),
        ("files:\n- {path: tree, copy: original}\n", "tree"),
    ],
)
def test_what_a_patch_removes_is_missed_by_nobody_and_all_else_is(
    desk: Path, maker: str, folder: str
) -> None:
    tree = {"etc/settings.ini": SETTINGS, "etc/shape.ini": b"round\n", "etc/other.ini": b"x"}
    (desk / "tree.tar").write_bytes(tar(*files(tree)))
    for name, data in tree.items():
        (desk / "original" / name).parent.mkdir(parents=True, exist_ok=True)
        (desk / "original" / name).write_bytes(data)
    (desk / "fix.patch").write_text(PATCH)
    spec = write(desk, f"{maker}- {{path: {folder}/etc, patch: fix.patch}}\n")
    settle(spec)
    etc, patched = desk / folder / "etc", {"shape.ini": "square\n", "other.ini": "x"}
    assert {path.name: path.read_text() for path in etc.iterdir()} == patched
    (etc / "other.ini").unlink()
    assert provisioner.plan(spec).pending
    settle(spec)
    assert {path.name: path.read_text() for path in etc.iterdir()} == patched


def test_another_revision_keeps_what_a_user_wrote_and_takes_our_own_changes_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    hub = tmp_path / "hub"
    hub.mkdir()
    git(hub, "init", "--quiet", "--initial-branch=main")
    for name in ("one", "two"):
        (hub / "conf.yml").write_text(f"workers: 1\nname: {name}\n")
        git(hub, "add", "--all")
        git(hub, "commit", "--quiet", "--message", name)
        git(hub, "tag", name)
    conf = tmp_path / "tool" / "conf.yml"

    def spec(rev: str, workers: int = 2) -> provisioner.Spec:
        text = f"version: 1\ngit: {{repos: {{tool: {{url: hub, rev: {rev}}}}}}}\n"
        text += f"files: [{{path: tool/conf.yml, set: {{workers: {workers}}}}}]\n"
        return provisioner.parse(text, folder=tmp_path)

    provisioner.apply(spec("one"))
    ours = conf.read_text()
    conf.write_text(ours + "mine: 3\n")
    report = provisioner.apply(spec("two"), check=False)
    assert [change.action.value for change in report.plan.changes if change.address == "git.tool"] == [
        "blocked"
    ]
    assert conf.read_text() == ours + "mine: 3\n"
    conf.write_text(ours)
    provisioner.apply(spec("two"))
    assert conf.read_text() == "workers: 2\nname: two\n"
    provisioner.apply(spec("one", workers=3))
    assert conf.read_text() == "workers: 3\nname: one\n"
    provisioner.apply(spec("two"))
    assert not provisioner.plan(spec("two")).pending
