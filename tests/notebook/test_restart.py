"""Real packages replaced under a live kernel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.notebook.kernels import ROOT, SETS, STANDIN, RunningKernel, kernel, make

LOAD = "%load_ext provisioner\n"
OLD, NEW = "2.0.2", "1.26.4"
CELL = f"%%colabenv apply\nversion: 1\npip: {{packages: [numpy=={NEW}]}}\n"
BUTTON = "application/vnd.colab-display-data+json"


@pytest.fixture(params=["colab", "current"])
def numpy_kernel(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningKernel]:
    """A kernel that has imported numpy, in an environment that may be changed."""
    venv = tmp_path / "venv"
    make(venv, *SETS[request.param], "-e", str(ROOT), f"numpy=={OLD}")
    shown_by = {"PYTHONPATH": str(STANDIN)} if request.param == "colab" else {}
    with kernel(venv, tmp_path, **shown_by) as running:
        assert running.run("import numpy\n" + LOAD).status == "ok"
        yield running


def test_a_restart_is_announced_and_then_all_is_right(
    numpy_kernel: RunningKernel, request: pytest.FixtureRequest
) -> None:
    planned = numpy_kernel.run(CELL.replace("apply", "plan")).text
    assert f"The notebook's kernel has imported numpy {OLD} already" in " ".join(planned.split())
    applied = numpy_kernel.run(CELL)
    assert applied.status == "ok", applied.error
    assert "RESTART     numpy" in applied.text
    assert "verified for the next kernel; this one needs a restart" in applied.text
    buttons = [bundle[BUTTON]["pip_warning"] for bundle in applied.displays if BUTTON in bundle]
    assert buttons == ([{"packages": ["numpy"]}] if "colab" in request.node.callspec.id else [])
    again = numpy_kernel.run(CELL)
    assert "Nothing to do: 1 already right" in again.text
    assert "RESTART     numpy" in again.text
    document = json.loads(numpy_kernel.run(CELL.replace("apply", "apply --json")).stdout)
    assert (document["ok"], document["restart"]) == (True, ["numpy"])
    numpy_kernel.restart()
    numpy_kernel.run("import numpy\n" + LOAD)
    after = numpy_kernel.run(CELL)
    assert "Nothing to do: 1 already right. Every part is verified. (" in after.text
    assert "RESTART" not in after.text
    assert numpy_kernel.run("print(numpy.__version__)").stdout == f"{NEW}\n"


def test_from_a_child_the_kernels_libraries_tell(numpy_kernel: RunningKernel, tmp_path: Path) -> None:
    (tmp_path / "colabenv.yaml").write_text(f"version: 1\npip: {{packages: [numpy=={NEW}]}}\n")
    told = numpy_kernel.run("!python -m provisioner apply; echo code $?").said
    assert "The notebook's kernel has imported numpy already" in " ".join(told.split())
    assert "RESTART     numpy" in told
    assert "code 0" in told
    again = numpy_kernel.run("!python -m provisioner apply").said
    assert "RESTART     numpy" in again
    numpy_kernel.restart()
    numpy_kernel.run("import numpy")
    assert "RESTART" not in numpy_kernel.run("!python -m provisioner apply").said


def test_the_kernel_restarts_itself(numpy_kernel: RunningKernel, tmp_path: Path) -> None:
    refused = numpy_kernel.run("!python -m provisioner apply --restart; echo code $?").said
    assert "%colabenv apply --restart" in refused
    assert "code 1" in refused
    restarting = numpy_kernel.run(CELL.replace("apply", "apply --restart"))
    assert "Restarting the kernel." in restarting.stdout
    numpy_kernel.wait_for_end()
    numpy_kernel.restart()
    numpy_kernel.run(LOAD)
    assert "Nothing to do: 1 already right. Every part" in numpy_kernel.run(CELL).text


def test_editable_packages_can_be_imported_at_once(numpy_kernel: RunningKernel, tmp_path: Path) -> None:
    (tmp_path / "ours" / "ours_editable").mkdir(parents=True)
    (tmp_path / "ours" / "ours_editable" / "__init__.py").write_text("answer = 42\n")
    (tmp_path / "ours" / "pyproject.toml").write_text(
        '[project]\nname = "ours-editable"\nversion = "1"\n[build-system]\nrequires = ["hatchling"]\n'
        'build-backend = "hatchling.build"\n'
    )
    applied = numpy_kernel.run("%%colabenv apply\nversion: 1\npip: {editable: [ours]}\n")
    assert applied.status == "ok", applied.error
    assert numpy_kernel.run("import ours_editable\nprint(ours_editable.answer)").stdout == "42\n"
