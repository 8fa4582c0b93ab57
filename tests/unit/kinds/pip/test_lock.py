"""PipPins of distributions with the real uv: what a lock holds of every source, and what comes of it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from provisioner.facts.interpreter import resolve
from provisioner.kinds.base import Download, LockContext, Pinning
from provisioner.kinds.pip.kind import KIND
from provisioner.kinds.shared.pylock import PipPins
from provisioner.machine.local import LocalMachine
from provisioner.model.errors import LockError
from provisioner.model.plan import Action, Step
from tests.index import Index, project, wheel, write_project
from tests.machines import local
from tests.scene import format_change
from tests.server import Server
from tests.unit.kinds.pip.conftest import Watched, Workplace, reasons


def no_download(name: str, urls: tuple[str, ...]) -> Download:
    raise AssertionError(urls)


def connect(place: Workplace) -> LocalMachine:
    folder = str(place.folder)
    return local(
        folder,
        resolve(f"{folder}/venv", local(folder)),
        environ=place.environ,
        state=f"{folder}/state",
        home=folder,
        suspects=place.suspects,
    )


def lock(
    place: Workplace,
    wanted: Mapping[str, object],
    previous: PipPins | None = None,
    upgrade: frozenset[str] | None = frozenset(),
) -> PipPins:
    """The pins as they are once they were written and read."""
    config, machine = place.settle(wanted), connect(place)
    pinning = Pinning(previous or PipPins(), exact=False, upgrade=upgrade)
    assert KIND.lock
    facts = KIND.lock.observe(config, machine, pinning)
    found = KIND.lock.pin(config, facts, machine, LockContext(None, no_download), pinning)
    adapter = TypeAdapter(PipPins)
    text = adapter.dump_json(found, by_alias=True)
    assert str(place.folder).encode() not in text.replace(str(place.index.root).encode(), b"")
    return adapter.validate_json(text)


def locked_step(place: Workplace, wanted: Mapping[str, object], pins: PipPins) -> Step:
    config, pinning = place.settle(wanted), Pinning(pins)
    assert KIND.lock
    (step,) = KIND.lock.plan(config, KIND.lock.observe(config, connect(place), pinning), pinning)
    return step


def changes(step: Step) -> list[str]:
    return [format_change(change) for change in step.changes if change.action is not Action.KEEP]


def apply_locked(place: Workplace, wanted: Mapping[str, object], pins: PipPins) -> list[str]:
    """What was changed; nothing is left to do."""
    step = locked_step(place, wanted, pins)
    place.machine = Watched(connect(place))
    place.perform(step)
    assert changes(locked_step(place, wanted, pins)) == []
    return changes(step)


def commit(repository: Path, files: Mapping[str, bytes]) -> str:
    """Commit files to the branch main, and return the commit."""
    git = ["git", "-C", str(repository), "-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    if not repository.exists():
        subprocess.run(["git", "init", "-q", "-b", "main", str(repository)], check=True)
    write_project(repository, files)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "A step"], check=True)
    return subprocess.check_output([*git, "rev-parse", "HEAD"], text=True).strip()


def test_a_branch_is_locked_as_the_commit_that_it_was(place: Workplace) -> None:
    repository = place.folder / "index" / "tool"
    place.index.root.mkdir()
    first = commit(repository, project("tool", "1.0"))
    wanted = {"packages": [f"tool @ git+file://{repository}@main"]}
    pins = lock(place, wanted)
    assert pins.packages[0].vcs
    assert pins.packages[0].vcs.commit_id == first
    (repository / "tool-1.0-py3-none-any.whl.source").unlink()
    second = commit(repository, project("tool", "2.0"))
    assert pins.packages[0].vcs.requested_revision == "main"
    assert lock(place, wanted, pins) == pins, "what was locked still fits"
    other = {"packages": [f"tool @ git+file://{repository}"]}
    assert lock(place, other, pins).packages[0].version == "2.0", "another is asked for"

    apply_locked(place, wanted, pins)
    assert place.version("tool") == "1.0"
    assert lock(place, wanted, pins) == pins
    assert lock(place, wanted, pins, None).packages[0].version == "2.0"
    newer = lock(place, wanted, pins, frozenset({"tool"}))
    assert newer.packages[0].vcs
    assert newer.packages[0].vcs.commit_id == second
    apply_locked(place, wanted, newer)
    assert place.version("tool") == "2.0"
    apply_locked(place, wanted, pins)
    assert place.version("tool") == "1.0"


def test_what_is_in_the_way_is_given_up_and_nothing_else(place: Workplace) -> None:
    for name, *requires in (("rose", "thorn>=1"), ("thorn",), ("lily",)):
        place.index.add(name, "1.0", *requires)
    old = lock(place, {"packages": ["rose", "lily"]})
    for name, *requires in (("rose", "thorn>=2"), ("thorn",), ("lily",)):
        place.index.add(name, "2.0", *requires)
    assert lock(place, {"packages": ["rose", "lily"]}, old) == old
    wanted = {"packages": ["rose>=2", "lily"]}
    assert lock(place, wanted, old).versions == {"rose": "2.0", "thorn": "2.0", "lily": "1.0"}
    upgraded = lock(place, {"packages": ["rose", "lily"]}, old, frozenset({"Rose"}))
    assert upgraded.versions == {"rose": "2.0", "thorn": "2.0", "lily": "1.0"}
    assert lock(place, {"packages": ["rose", "lily"]}, old, None).versions["lily"] == "2.0"


def test_a_version_that_is_no_longer_published_is_given_up(place: Workplace) -> None:
    place.index.add("lily", "1.0")
    place.index.add("moss", "1.0")
    old = lock(place, {"packages": ["lily", "moss"]})
    renewed = Index(place.index.root)
    renewed.add("lily", "2.0")
    place.index.add("moss", "2.0")
    found = lock(place, {"packages": ["lily", "moss"]}, old)
    assert found.versions == {"lily": "2.0", "moss": "1.0"}


def test_files_and_folders_of_the_spec_travel_with_it(place: Workplace) -> None:
    place.index.root.mkdir()
    (place.folder / "dist").mkdir()
    archive = place.folder / "dist" / "lily-1.0-py3-none-any.whl"
    archive.write_bytes(wheel("lily", "1.0"))
    write_project(place.folder / "tool", project("tool", "1.0"))
    write_project(place.folder / "own", project("own", "1.0"))
    wanted = {
        "packages": [f"lily @ file://{archive}", f"tool @ file://{place.folder}/tool"],
        "editable": ["own"],
    }
    pins = lock(place, wanted)
    assert pins.found == {"lily": "1.0", "tool": None, "own": None}
    found = {each.name: each for each in pins.packages}
    assert found["lily"].archive
    assert found["lily"].archive.path == "dist/lily-1.0-py3-none-any.whl"
    assert found["own"].directory
    assert (found["own"].directory.path, found["own"].directory.editable) == ("own", True)
    apply_locked(place, wanted, pins)
    assert lock(place, wanted) == pins
    subprocess.run([place.folder / "venv/bin/python", "-c", "import lily, tool"], check=True)


def test_a_file_of_the_spec_that_changed_is_refused(place: Workplace) -> None:
    place.index.root.mkdir()
    archive = place.folder / "lily-1.0-py3-none-any.whl"
    archive.write_bytes(wheel("lily", "1.0"))
    wanted = {"packages": [f"lily @ file://{archive}"]}
    pins = lock(place, wanted)
    archive.write_bytes(wheel("lily", "1.0", ("weed",)))
    step = locked_step(place, wanted, pins)
    place.machine = Watched(connect(place))
    with pytest.raises(Exception, match=r"(?i)hash mismatch|exit code") as caught:
        place.perform(step)
    assert "lily" in str(caught.value) + getattr(caught.value, "tail", "")
    assert not list(place.site_packages.glob("lily*"))


def test_what_is_outside_the_folder_cannot_be_locked(
    place: Workplace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place.index.root.mkdir()
    other = tmp_path_factory.mktemp("elsewhere")
    write_project(other, project("tool", "1.0"))
    with pytest.raises(LockError, match="outside the folder of the spec"):
        lock(place, {"packages": [f"tool @ file://{other}"]})
    parent = place.folder.parent
    write_project(parent, project("tool", "1.0"))
    with pytest.raises(LockError, match="outside the folder of the spec"):
        lock(place, {"editable": [".."]})


def test_a_source_archive_is_locked_by_its_hash(place: Workplace) -> None:
    place.index.add_source("moss", "1.0")
    wanted = {"packages": ["moss"]}
    pins = lock(place, wanted)
    assert pins.packages[0].sdist
    apply_locked(place, wanted, pins)
    assert place.version("moss") == "1.0"


def test_a_password_of_an_index_is_not_in_the_lock(place: Workplace, server: Server) -> None:
    place.index.add("lily", "1.0")
    for page in place.index.root.rglob("*.*"):
        path = page.relative_to(place.index.root)
        where = f"/{path.parent}/" if page.name == "index.html" else f"/{path}"
        server.put(where, page.read_bytes(), headers={"Content-Type": "text/html"})
    place.environ |= {
        "UV_INDEX_CORP_USERNAME": "somebody",
        "UV_INDEX_CORP_PASSWORD": "hunter22",
        "NO_PROXY": "127.0.0.1",
    }
    pins = lock(place, {"packages": ["lily"], "index_url": f"corp={server.base}/simple"})
    assert any("Authorization" in seen.headers or "authorization" in seen.headers for seen in server.seen)
    text = TypeAdapter(PipPins).dump_json(pins).decode()
    assert pins.packages[0].index == f"{server.base}/simple"
    assert "hunter22" not in text
    assert "somebody" not in text


def test_a_damaged_base_is_an_error(place: Workplace) -> None:
    place.index.add("lily", "1.0")
    wanted = {"packages": ["lily"]}
    place.apply(wanted)
    (info,) = place.site_packages.glob("lily-1.0.dist-info")
    (info / "INSTALLER").write_text("pip\n")
    pins = lock(place, wanted)
    assert not pins.packages
    assert pins.base[0].named
    (info / "METADATA").unlink()
    step = locked_step(place, wanted, pins)
    assert step.blocked
    assert "lily" in reasons(step)
