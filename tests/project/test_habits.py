"""What keeps the project in order besides code: workflows, the wheel, the ways of tests."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from uv import find_uv_bin

from provisioner import __version__

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = [path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml"]
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def jobs(path: Path) -> list[dict[str, Any]]:
    return list(read(path)["jobs"].values())


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(path) for step in job.get("steps", [])]


# Names


def subject(test: Path) -> Path | None:
    """The module or folder that a test is about: `test_<module>.py`, or `test_<module>_<aspect>.py`."""
    folder = ROOT / "provisioner" / test.relative_to(ROOT / "tests" / "unit").parent
    words = test.stem.split("_")[1:]
    names = ["_".join(words[:count]) for count in range(len(words), 0, -1)]
    places = (place for name in names for place in (folder / f"{name}.py", folder / name))
    return next((place for place in places if place.exists()), None)


def test_each_test_has_the_name_and_the_place_of_what_it_tests() -> None:
    tests = sorted((ROOT / "tests" / "unit").rglob("test_*.py"))
    astray = [str(test.relative_to(ROOT)) for test in tests if not subject(test)]
    assert astray == ["tests/unit/kinds/test_cases.py"], "only the runner of all kinds' cases has none"


# Workflows


def test_each_supported_python_is_tested() -> None:
    (job,) = jobs(ROOT / ".github" / "workflows" / "ci.yml")
    versions = [
        each.rpartition(" ")[2] for each in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d", each)
    ]
    assert job["strategy"]["matrix"]["python"] == versions
    assert PROJECT["requires-python"] == f">={versions[0]}"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_calls_what_is_there(path: Path) -> None:
    words = [word for step in steps(path) for word in step.get("run", "").split()]
    scripts = [ROOT / word for word in words if word.startswith("scripts/")]
    assert scripts
    assert [script for script in scripts if not os.access(script, os.X_OK)] == []
    called = [job["uses"] for job in jobs(path) if job.get("uses", "").startswith("./")]
    assert [name for name in called if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_do_no_more_than_it_must(path: Path) -> None:
    assert read(path)["permissions"] == {"contents": "read"}
    assert [job["permissions"] for job in jobs(path) if "permissions" in job] in ([], [{"id-token": "write"}])
    for step in steps(path):
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@(v\d+|release/v\d+)", step["uses"])
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_nothing_is_published_that_was_not_tested_and_checked() -> None:
    release = read(ROOT / ".github" / "workflows" / "release.yml")["jobs"]
    assert set(release["publish"]["needs"]) == {"test", "build"}
    assert release["publish"]["environment"] == "pypi"
    runs = [step["run"] for step in release["build"]["steps"] if "run" in step]
    assert runs[-1] == 'scripts/check-wheel dist "$GITHUB_REF_NAME"'


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_an_issue_form_is_one(path: Path) -> None:
    form = read(path)
    assert {"name", "description", "body"} <= form.keys()
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields)
    assert all(field["attributes"]["label"] for field in fields)


# The wheel


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the release workflow builds."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([find_uv_bin(), "build", "--quiet", "--out-dir", folder, ROOT], check=True)
    return folder


def check_wheel(dist: Path, tag: str) -> subprocess.CompletedProcess[str]:
    tools = f"{Path(find_uv_bin()).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, "PATH": tools, "UV_NO_CONFIG": "1", "UV_PYTHON": sys.executable}
    argv = [str(ROOT / "scripts" / "check-wheel"), str(dist), tag]
    return subprocess.run(argv, capture_output=True, text=True, check=False, env=environ)


def test_what_is_built_can_be_published(dist: Path) -> None:
    done = check_wheel(dist, f"v{__version__}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(f"is fit to be published as v{__version__}\n")


def test_a_tag_of_another_version_is_refused(dist: Path) -> None:
    done = check_wheel(dist, "v99.0")
    assert done.returncode == 1
    assert f"error: the tag is v99.0, and the wheel says: colab-provisioner {__version__}" in done.stdout


# The ways of tests


def test_another_python_that_is_not_there_is_skipped() -> None:
    done = subprocess.run(
        [ROOT / "scripts" / "test", "--python", "3.0"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "skipped: no Python 3.0 is installed here\n")


@pytest.mark.parametrize("word", ["deadline", "too_slow"])
def test_the_pace_of_properties_is_set_in_one_place(word: str) -> None:
    setters = [path for path in TESTS if re.search(rf"\b{word}\b", path.read_text())]
    assert setters == [ROOT / "tests" / "conftest.py", Path(__file__)]


def test_no_test_measures_how_long_something_takes() -> None:
    """Waiting until something has come, for PATIENCE at most, is no measuring."""
    measured = re.compile(r"(monotonic|perf_counter|process_time)(_ns)?\(\) - ")
    assert [path for path in TESTS if measured.search(path.read_text())] == []
