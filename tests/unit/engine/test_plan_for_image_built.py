"""A slice of an image really built: what a plan against its list says is what an apply on it then does.

The real distributions in the list's versions, in a Python of the image's minor version, from the real index.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import uv

from provisioner.engine import provision
from provisioner.engine.plan_for_image import plan_against
from provisioner.model.plan import Action, Change
from provisioner.runtimes import images
from provisioner.runtimes.images import Image
from provisioner.spec.spec import parse

IMAGE = images.load("colab-2026.07-gpu")
SLICE = (
    "certifi",
    "charset-normalizer",
    "idna",
    "markdown-it-py",
    "mdurl",
    "numpy",
    "packaging",
    "pandas",
    "platformdirs",
    "pygments",
    "python-dateutil",
    "pytz",
    "requests",
    "rich",
    "six",
    "tqdm",
    "tzdata",
    "urllib3",
)
"""Small ones and numpy; all that each of them needs is among them."""

PACKAGES = ["numpy", "pandas>=2", "rich", "requests-cache==1.2.1", "tqdm!=4.67.3", "tabulate", "urllib3<3"]
"""Met and not met; one that is to change; one that needs some that are there and some that are not."""

SPEC = "version: 1\nname: slice\npip: {packages: %s%s}\n"


@pytest.fixture(scope="module")
def python() -> str:
    """A Python of the image's minor version on this machine."""
    short = IMAGE.python.rpartition(".")[0]
    found = [str(path) for path in Path.home().glob(f".pyenv/versions/{short}.*/bin/python")]
    for candidate in (*found, shutil.which(f"python{short}") or "/nowhere"):
        if os.path.exists(candidate) and answers(candidate):
            return candidate
    pytest.skip(f"there is no Python {short} on this machine")


def answers(python: str) -> bool:
    """Whether it really is a Python: version managers leave stand-ins for those that are switched off."""
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0


def run(*words: str) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PIP_"))}
    command = [uv.find_uv_bin(), "--no-config", *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout


def installed(python: Path) -> dict[str, str]:
    listed = json.loads(run("pip", "list", "--python", str(python), "--format", "json"))
    return {each["name"]: each["version"] for each in listed}


@pytest.fixture
def built(python: str, tmp_path: Path) -> Path:
    """The slice, installed."""
    run("venv", "--python", python, str(tmp_path / "venv"))
    versions = [f"{name}=={IMAGE.distributions[name]}" for name in SLICE]
    run("pip", "install", "--python", str(tmp_path / "venv"), "--no-deps", *versions)
    return tmp_path / "venv"


def cut(venv: Path) -> Image:
    """The image as it would be listed if it held no more than what was built."""
    version = run(
        "run",
        "--no-project",
        "--python",
        str(venv),
        "python",
        "-c",
        "import platform as p; print(p.python_version())",
    )
    return replace(
        IMAGE, python=version.strip(), pip={name: IMAGE.distributions[name] for name in SLICE}, apt={}
    )


def moves(changes: list[Change]) -> set[tuple[str, str, str | None, str | None]]:
    return {(c.address, c.action.value, c.before, c.after) for c in changes if c.address != "pip.venv"}


def test_what_was_planned_against_the_list_is_what_apply_does(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    before = installed(built / "bin/python")
    assert before == {name: IMAGE.distributions[name] for name in SLICE}
    there = parse(SPEC % (json.dumps(PACKAGES), ""), "colabenv.yaml", str(tmp_path))
    promised = plan_against(there, cut(built))
    assert not any(change.action is Action.BLOCKED for change in promised.changes)

    here = parse(SPEC % (json.dumps(PACKAGES), ", venv: venv"), "colabenv.yaml", str(tmp_path))
    report = provision.provision(here)
    assert report.ok, report.outcomes
    assert moves([*promised.changes]) == moves([*report.plan.changes])
    assert promised.against
    assert promised.against.met == 4

    after = {c.address.removeprefix("pip."): c.after or c.before for c in promised.changes}
    assert {"requests-cache", "cattrs", "tabulate", "tqdm"} <= after.keys()
    assert installed(built / "bin/python") == before | after
