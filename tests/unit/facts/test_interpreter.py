"""Which interpreter is meant, from the files of real and of broken virtual environments."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import uv

from provisioner.facts import interpreter
from provisioner.facts.interpreter import externally_managed, read_venv, resolve, running
from tests.machines import local


def test_without_a_wish_it_is_the_running_one(tmp_path: Path) -> None:
    found = resolve(None, local(tmp_path))
    assert found == running()
    assert found.executable == sys.executable
    assert found.version == ".".join(map(str, sys.version_info[:3]))
    assert (found.venv is None) == (sys.prefix == sys.base_prefix)


def test_a_system_that_keeps_its_python_gets_a_venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    assert externally_managed(local(tmp_path))
    found = resolve(None, local("/work/spec"))
    assert (found.venv, found.executable, found.exists) == (
        "/work/spec/.venv",
        "/work/spec/.venv/bin/python",
        False,
    )
    monkeypatch.setattr(sys, "prefix", "/somewhere/venv")
    assert not externally_managed(local(tmp_path))


@pytest.mark.parametrize("tool", ["uv", "venv"])
@pytest.mark.parametrize("shared", [False, True])
def test_a_real_venv_is_read_as_it_sees_itself(tmp_path: Path, tool: str, shared: bool) -> None:
    path = tmp_path / "v"
    makers = {
        "uv": [uv.find_uv_bin(), "venv", "-q", "--no-config"],
        "venv": [sys.executable, "-m", "venv", "--without-pip"],
    }
    subprocess.run([*makers[tool], *(["--system-site-packages"] if shared else []), str(path)], check=True)
    found = resolve("v", local(tmp_path))
    code = (
        "import os, site, sys; "
        "print(sys.executable, '.'.join(map(str, sys.version_info[:3])), "
        "*filter(os.path.isdir, site.getsitepackages()))"
    )
    executable, version, own, *rest = subprocess.check_output(
        [path / "bin/python", "-I", "-c", code], text=True
    ).split()
    assert found.exists
    assert (found.executable, found.version) == (executable, version)
    assert found.site_packages[: 1 + len(rest)] == (own, *rest)
    assert (len(found.site_packages) > 1) is shared


@pytest.mark.parametrize("broken", ["absent", "pyvenv.cfg", "bin/python"])
def test_a_venv_that_cannot_work_has_yet_to_be_made(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "v"
    if broken != "absent":
        (path / "bin").mkdir(parents=True)
        (path / "bin" / "python").symlink_to(sys.executable if broken != "bin/python" else "/nowhere/python")
        if broken != "pyvenv.cfg":
            (path / "pyvenv.cfg").write_text("home = /nowhere\nversion = 3.9.1\n")
    found = read_venv(str(path), local(tmp_path))
    assert not found.exists
    assert found.version == running().version


def test_a_venv_behind_links_is_the_one_that_the_kernel_finds(tmp_path: Path) -> None:
    """`..` goes up from where a link led, not from where it stands."""
    home = tmp_path / "far" / "away" / "home"
    (home / "bin").mkdir(parents=True)
    (home / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.2\n")
    (home / "bin" / "python").symlink_to("../../../pythons/python3")
    (tmp_path / "far" / "pythons").mkdir()
    (tmp_path / "far" / "pythons" / "python3").touch()
    (tmp_path / "spec").mkdir()
    (tmp_path / "spec" / ".venv").symlink_to(home)
    assert (tmp_path / "spec/.venv/bin/python").exists()
    assert read_venv(f"{tmp_path}/spec/.venv", local(tmp_path)).exists


def test_a_venv_that_cannot_be_looked_at_has_yet_to_be_made(tmp_path: Path) -> None:
    """Who wants it says why; others need not know of it."""
    (tmp_path / "folder" / "pyvenv.cfg").mkdir(parents=True)
    (tmp_path / "circle").symlink_to("circle")
    for name in ("folder", "circle"):
        assert not read_venv(f"{tmp_path}/{name}", local(tmp_path)).exists


@pytest.mark.parametrize("line", ["version = 3.12.4", "version_info = 3.12.4.final.0", "Version_Info=3.12.4"])
def test_another_version_has_other_markers(tmp_path: Path, line: str) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    (tmp_path / "pyvenv.cfg").write_text(f"nonsense\n{line}\n")
    found = read_venv(str(tmp_path), local(tmp_path))
    assert found.version == "3.12.4"
    assert found.site_packages == (f"{tmp_path}/lib/python3.12/site-packages",)
    assert found.markers == {
        "python_version": "3.12",
        "python_full_version": "3.12.4",
        "implementation_version": "3.12.4",
    }


def test_debians_folders_are_known(tmp_path: Path) -> None:
    for place in ("local/lib/python3.11/dist-packages", "lib/python3/dist-packages"):
        (tmp_path / place).mkdir(parents=True)
    assert interpreter.system_folders(str(tmp_path), "3.11", local(tmp_path)) == [
        f"{tmp_path}/local/lib/python3.11/dist-packages",
        f"{tmp_path}/lib/python3/dist-packages",
    ]
