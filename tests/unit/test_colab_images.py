"""Installing this package on a Colab image must disturb nothing.

tests/data/colab-runtimes holds what each image came with. The resolver is shown an environment with just
those distributions and asked, with the real index, what installing this project would do there.
"""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import uv
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from provisioner.python.resolution import parse

PROJECT = Path(__file__).parents[2]
IMAGES = sorted((PROJECT / "tests" / "data" / "colab-runtimes").glob("*.json"))
PLATFORM = "x86_64-manylinux_2_35"
"""Ubuntu 22.04, which all these images are."""


@pytest.fixture(params=IMAGES, ids=lambda path: path.stem)
def image(request: pytest.FixtureRequest) -> dict[str, Any]:
    """An image's list; what came from a repository has no version there, and any will do."""
    found: dict[str, Any] = json.loads(request.param.read_text())
    found["pip"] = {name: version or "0" for name, version in found["pip"].items()}
    return found


def test_all_images_are_here() -> None:
    assert len(IMAGES) == 16


def test_every_floor_holds(image: dict[str, Any]) -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    installed = {canonicalize_name(name): version for name, version in image["pip"].items()}
    assert Requirement(f"python{project['requires-python']}").specifier.contains(image["python"])
    for requirement in map(Requirement, project["dependencies"]):
        version = installed.get(canonicalize_name(requirement.name))
        assert version is None or requirement.specifier.contains(version, prereleases=True), requirement


def test_installing_moves_nothing(image: dict[str, Any], tmp_path: Path) -> None:
    for name, version in image["pip"].items():
        info = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "RECORD").touch()
    words = ["pip", "install", "--dry-run", "--no-config", "--color", "never", "--target", str(tmp_path)]
    words += ["--python-version", image["python"], "--python-platform", PLATFORM, str(PROJECT)]
    completed = subprocess.run([uv.find_uv_bin(), *words], capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stderr
    moves = parse(completed.stderr).moves
    assert "colab-provisioner" in {move.name for move in moves}
    assert [move for move in moves if move.before is not None] == []
    listed = {canonicalize_name(name) for name in image["pip"]}
    assert {move.name for move in moves} & listed == set()
