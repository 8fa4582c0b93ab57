"""Installing this package on a Colab image must disturb nothing.

What each image came with is known offline. The resolver is shown an environment with just those
distributions and asked, with the real index, what installing this project would do there.
"""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest
import uv
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from provisioner.kinds.pip.uv import parse
from provisioner.runtimes import images
from provisioner.runtimes.images import Image

PROJECT = Path(__file__).parents[3]
PLATFORM = "x86_64-manylinux_2_35"
"""Ubuntu 22.04, which all these images are."""


@pytest.fixture(params=images.names())
def image(request: pytest.FixtureRequest) -> Image:
    return images.load(request.param)


def test_every_floor_holds(image: Image) -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert Requirement(f"python{project['requires-python']}").specifier.contains(image.python)
    for requirement in map(Requirement, project["dependencies"]):
        version = image.distributions.get(canonicalize_name(requirement.name))
        assert version is None or requirement.specifier.contains(version, prereleases=True), requirement


def test_installing_moves_nothing(image: Image, tmp_path: Path) -> None:
    for name, told in image.pip.items():
        version = told or "0"  # what came from a repository tells none, and any will do
        info = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "RECORD").touch()
    words = ["pip", "install", "--dry-run", "--no-config", "--color", "never", "--target", str(tmp_path)]
    words += ["--python-version", image.python, "--python-platform", PLATFORM, str(PROJECT)]
    completed = subprocess.run([uv.find_uv_bin(), *words], capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stderr
    moves = parse(completed.stderr).moves
    assert "colab-provisioner" in {move.name for move in moves}
    assert [move for move in moves if move.before is not None] == []
    assert {move.name for move in moves} & image.distributions.keys() == set()
