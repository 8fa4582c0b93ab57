"""Kinds of other people: found where they are installed, used like ours, and refused in one clear message."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "examples" / "plugin"

Colabenv = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the example is installed into, as pip would do it."""
    folder = tmp_path_factory.mktemp("plugin")
    install = ["uv", "pip", "install", "-q", "--no-config", "--no-deps", "--target", str(folder), str(PLUGIN)]
    subprocess.run([sys.executable, "-m", *install], check=True)
    return folder


@pytest.fixture
def colabenv(tmp_path: Path) -> Colabenv:
    """The command in a process of its own, which finds what is in `paths` too."""

    def run(*argv: str, paths: tuple[Path, ...]) -> subprocess.CompletedProcess[str]:
        environ = {
            **os.environ,
            "HOME": str(tmp_path),
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "XDG_STATE_HOME": str(tmp_path / "state"),
        }
        command = [sys.executable, "-m", "provisioner", *argv]
        return subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True)

    return run


def promise(folder: Path, distribution: str, entry: str) -> Path:
    """Make a folder look as if a distribution were installed there that adds a kind."""
    info = folder / f"{distribution}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[provisioner.kinds]\n{entry}\n")
    return folder


def test_the_example_is_used_like_a_kind_of_ours(plugin: Path, colabenv: Colabenv, tmp_path: Path) -> None:
    spec = str(PLUGIN / "colabenv.yaml")
    (tmp_path / ".bash_aliases").write_text("alias mine=true\nalias ll=ls\n")
    planned = json.loads(colabenv("plan", "--json", spec, paths=(plugin,)).stdout)
    assert [(change["address"], change["action"]) for change in planned["changes"]] == [
        ("aliases.ll", "update"),
        ("aliases.gpu", "create"),
    ]
    applied = colabenv("apply", spec, paths=(plugin,))
    assert "2 changed, 0 already right. Every part is verified" in applied.stdout, applied.stderr
    assert (tmp_path / ".bash_aliases").read_text() == (
        "alias mine=true\nalias ll='ls -l'\n"
        "alias gpu='nvidia-smi --query-gpu=name,memory.used --format=csv'\n"
    )
    assert "Nothing to do: 2 already right" in colabenv("apply", spec, paths=(plugin,)).stdout
    assert colabenv("verify", spec, paths=(plugin,)).returncode == 0


def test_a_cached_report_depends_on_its_plugin(plugin: Path, colabenv: Colabenv, tmp_path: Path) -> None:
    """Other code may find other things, and so may no code."""
    spec = tmp_path / "colabenv.yaml"
    spec.write_text("version: 1\naliases: {ll: ls -l}\n")
    colabenv("apply", str(spec), paths=(plugin,))
    module = plugin / "colabenv_aliases.py"
    text = module.read_text()
    module.write_text(text.replace(".bash_aliases", ".aliases"))
    try:
        assert "1 changed" in colabenv("apply", str(spec), paths=(plugin,)).stdout
    finally:
        module.write_text(text)


def test_its_section_is_checked_and_in_the_schema(plugin: Path, colabenv: Colabenv, tmp_path: Path) -> None:
    spec = tmp_path / "colabenv.yaml"
    spec.write_text("version: 1\naliases: {ll: [ls, -l]}\n")
    refused = colabenv("validate", str(spec), paths=(plugin,))
    assert refused.returncode == 1
    assert f"{spec}:2:15: `aliases.ll` must be text" in refused.stderr
    schema = json.loads(colabenv("schema", paths=(plugin,)).stdout)
    assert "aliases" in schema["properties"]
    unknown = colabenv("validate", str(spec), paths=())
    assert "`aliases` is not a key of the file" in unknown.stderr


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (
            "aliases = other:KIND",
            ["a kind named aliases, and so does", "colabenv-aliases", "other-one"],
        ),
        ("pip = other:KIND", ["other-one adds a kind named pip, and so does colab-provisioner itself"]),
        ("name = other:KIND", ["other-one adds a kind named name, and so does colab-provisioner itself"]),
    ],
)
def test_two_of_one_name_are_an_error(
    plugin: Path, colabenv: Colabenv, tmp_path: Path, entry: str, told: list[str]
) -> None:
    other = promise(tmp_path / "other", "other-one", entry)
    clash = colabenv("plan", str(PLUGIN / "colabenv.yaml"), paths=(plugin, other))
    assert clash.returncode == 1
    assert clash.stderr.startswith("error: ")
    assert "Traceback" not in clash.stderr
    for words in told:
        assert words in clash.stderr
    assert "Uninstall one of them: pip uninstall " in clash.stderr


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("raise RuntimeError('what a day')", "cannot be loaded: RuntimeError: what a day"),
        ("import no_such_module", "cannot be loaded: ModuleNotFoundError: No module named 'no_such_module'"),
        ("", "cannot be loaded: AttributeError"),
        ("KIND = 1", "broken declares a kind named gardens, but bad:KIND is not one"),
    ],
)
def test_one_that_cannot_be_used_is_an_error(
    colabenv: Colabenv, tmp_path: Path, code: str, told: str
) -> None:
    folder = promise(tmp_path / "other", "broken", "gardens = bad:KIND")
    (folder / "bad.py").write_text(code)
    spec = tmp_path / "colabenv.yaml"
    spec.write_text("version: 1\ngardens: {}\n")
    failed = colabenv("validate", str(spec), paths=(folder,))
    assert failed.returncode == 1
    assert told in failed.stderr
    assert "Upgrade or uninstall it: pip uninstall broken" in failed.stderr
    spec.write_text("version: 1\nfiles: []\n")
    assert colabenv("validate", str(spec), paths=(folder,)).returncode == 0, (
        "whoever does not use it is not bothered"
    )
    spec.write_text("version: 1\nfils: []\n")
    assert "did you mean `files`" in colabenv("validate", str(spec), paths=(folder,)).stderr
    examined = colabenv("doctor", "--no-frameworks", paths=(folder,))
    assert told in examined.stdout, examined.stderr
