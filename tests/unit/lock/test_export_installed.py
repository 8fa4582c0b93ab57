"""uv and the newest pip install from an exported pylock.toml: what was locked, and no other file."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import uv

from provisioner import cli
from tests.index import Index, project, wheel, write_project
from tests.server import Server

UV = uv.find_uv_bin()

SPEC = """\
version: 1
name: orchard
pip:
  venv: venv
  index_url: {base}/simple
  packages:
    - apple
    - damson
    - "plum @ file://{folder}/fruit/plum-6.0-py3-none-any.whl"
    - "quince @ {base}/quince-4.0-py3-none-any.whl"
"""
HASHED = {"apple": "1.0", "core": "2.0", "damson": "3.0", "plum": "6.0", "quince": "4.0"}
"""From an index a wheel, what that needs, and a source archive; a wheel beside the spec; one at a URL."""

TREES = """\
    - "medlar @ git+file://{folder}/medlar"
    - "pear @ file://{folder}/pear"
"""
UNHASHED = {"medlar": "5.0", "pear": "7.0"}
"""A commit, and a folder beside the spec."""

Installer = Callable[[Path, Path], "subprocess.CompletedProcess[str]"]
"""Installs what a pylock.toml says for a Python."""


def ran(*argv: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def environment(folder: Path) -> Path:
    """The Python of a new virtual environment."""
    ran(UV, "venv", "--python", sys.executable, folder).check_returncode()
    return folder / "bin" / "python"


def by_uv(python: Path, pylock: Path) -> subprocess.CompletedProcess[str]:
    return ran(UV, "pip", "install", "--no-cache", "--python", python, "-r", pylock)


@pytest.fixture(scope="module")
def pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the newest pip there is."""
    python = environment(tmp_path_factory.mktemp("newest") / "venv")
    ran(UV, "pip", "install", "--python", python, "pip").check_returncode()
    return python


@pytest.fixture(params=["uv", "pip"])
def install(request: pytest.FixtureRequest) -> Installer:
    if request.param == "uv":
        return by_uv
    runs: Path = request.getfixturevalue("pip")

    def by_pip(python: Path, pylock: Path) -> subprocess.CompletedProcess[str]:
        return ran(runs, "-m", "pip", "--python", python, "install", "--no-cache-dir", "-r", pylock)

    return by_pip


@pytest.fixture
def orchard(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A spec's folder, which is the current one, and what the spec wants."""
    index = Index(tmp_path / "index")
    index.add("apple", "1.0", "core")
    index.add("core", "2.0")
    index.add_source("damson", "3.0")
    for file in index.root.glob("simple/*/*"):
        place = f"/{file.relative_to(index.root)}".removesuffix("index.html")
        kind = "text/html" if place.endswith("/") else "application/octet-stream"
        server.put(place, file.read_bytes(), headers={"Content-Type": kind})
    server.put("/quince-4.0-py3-none-any.whl", wheel("quince", "4.0"))

    folder = tmp_path / "orchard"
    (folder / "fruit").mkdir(parents=True)
    (folder / "fruit" / "plum-6.0-py3-none-any.whl").write_bytes(wheel("plum", "6.0"))
    (folder / "colabenv.yaml").write_text(SPEC.format(base=server.base, folder=folder))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    return folder


def exported(place: Path) -> Path:
    """The pylock of the spec that is here, in another folder."""
    place.mkdir(exist_ok=True)
    pylock = place / "pylock.orchard.toml"
    assert cli.main(["lock"]) == 0
    assert cli.main(["export", "pylock", "--out", str(pylock)]) == 0
    return pylock


def versions(python: Path) -> dict[str, str]:
    told = ran(UV, "pip", "list", "-q", "--format", "json", "--python", python)
    return {one["name"]: one["version"] for one in json.loads(told.stdout)}


def test_what_was_locked_is_installed_though_there_is_newer(
    orchard: Path, server: Server, install: Installer, tmp_path: Path
) -> None:
    pylock = exported(tmp_path / "elsewhere")
    newer = wheel("apple", "9.0")
    server.pages[
        "/simple/apple/"
    ].body += b'<a href="apple-9.0-py3-none-any.whl">apple-9.0-py3-none-any.whl</a>'
    server.put("/simple/apple/apple-9.0-py3-none-any.whl", newer)
    python = environment(tmp_path / "fresh")
    done = install(python, pylock)
    assert versions(python) == HASHED, done.stderr


def test_uv_takes_commits_and_folders_too(orchard: Path, server: Server, tmp_path: Path) -> None:
    for name, version in UNHASHED.items():
        write_project(orchard / name, project(name, version))
    author = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")
    for argv in (["init", "-q"], ["add", "."], [*author, "commit", "-q", "-m", "Ripen"]):
        subprocess.run(["git", *argv], cwd=orchard / "medlar", check=True)
    (orchard / "colabenv.yaml").write_text((SPEC + TREES).format(base=server.base, folder=orchard))
    python = environment(tmp_path / "fresh")
    done = by_uv(python, exported(tmp_path / "elsewhere"))
    assert versions(python) == HASHED | UNHASHED, done.stderr


def other_hash(_server: Server, pylock: Path) -> None:
    before = pylock.read_text()
    at = before.index("sha256 = ", before.index('"core"')) + len('sha256 = "')
    pylock.write_text(before[:at] + "0" * 64 + before[at + 64 :])


def other_file(server: Server, _pylock: Path) -> None:
    page = server.pages["/simple/core/core-2.0-py3-none-any.whl"]
    page.body = wheel("core", "2.0", extras={"other": ()})


@pytest.mark.parametrize("tamper", [other_hash, other_file])
def test_what_was_tampered_with_is_refused_and_nothing_installed(
    orchard: Path, server: Server, install: Installer, tamper: Callable[[Server, Path], None], tmp_path: Path
) -> None:
    pylock = exported(tmp_path / "elsewhere")
    tamper(server, pylock)
    python = environment(tmp_path / "fresh")
    done = install(python, pylock)
    assert done.returncode != 0
    assert "hash" in done.stderr.lower()
    assert "core" in done.stderr
    assert versions(python) == {}


def test_another_machine_is_refused(orchard: Path, install: Installer, tmp_path: Path) -> None:
    pylock = exported(tmp_path / "elsewhere")
    pylock.write_text(pylock.read_text().replace("sys_platform == 'linux'", "sys_platform == 'win32'"))
    python = environment(tmp_path / "fresh")
    assert install(python, pylock).returncode != 0
    assert versions(python) == {}


def test_a_lock_that_holds_nothing_installs_nothing(
    orchard: Path, install: Installer, tmp_path: Path
) -> None:
    (orchard / "colabenv.yaml").write_text("version: 1\nenv: {FRUIT: none}\n")
    python = environment(tmp_path / "fresh")
    done = install(python, exported(tmp_path / "elsewhere"))
    assert done.returncode == 0, done.stderr
    assert versions(python) == {}
