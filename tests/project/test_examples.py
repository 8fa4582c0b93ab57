"""The example notebooks: one is run in a real kernel, the other asks Colab for what its spec needs."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

from provisioner.commands.notebook.ipynb import BADGE, CELL
from tests.clock import PATIENCE

EXAMPLES = Path(__file__).parents[2] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the examples, for a kernel whose pip finds this very package and asks no index."""
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return tmp_path / "examples"


def run(path: Path) -> Any:
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=PATIENCE, resources={"metadata": {"path": path.parent}}
    ).execute()
    return notebook


def said(cell: Any) -> str:
    """All that a cell's outputs say as text."""
    return "".join(
        output.text if output.output_type == "stream" else output.data.get("text/plain", "")
        for output in cell.outputs
    )


def test_the_example_that_runs_anywhere(folder: Path) -> None:
    first = run(folder / "anywhere.ipynb")
    _, _, setup, table, _, verify = first.cells
    assert "+ data/blossoms.csv" in said(setup)
    assert "2 changed" in said(setup)
    assert said(table).splitlines()[0] == "plum      " + "*" * 21
    assert "Every part is verified" in said(verify)
    shown = [output for output in setup.outputs if output.output_type == "display_data"]
    assert all("<section" in output.data["text/html"] for output in shown)
    assert len(shown) == 3, "the plan, the bars, the report"

    again = run(folder / "anywhere.ipynb")
    assert "Nothing to do" in said(again.cells[2])


@pytest.mark.parametrize(
    "cell",
    [
        "%load_ext provisioner\n%colabenv apply broken.yaml",
        "import provisioner\nprovisioner.apply('broken.yaml')",
    ],
)
def test_a_failure_stops_run_all(folder: Path, cell: str) -> None:
    (folder / "broken.yaml").write_text("version: 1\nfiles: [{path: copy, source: nowhere}]\n")
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell), nbformat.v4.new_code_cell("open('reached', 'w')")]
    )
    nbformat.write(notebook, folder / "all.ipynb")
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="Not done: 1 blocked"):
        run(folder / "all.ipynb")
    assert not (folder / "reached").exists()


def test_the_example_for_a_t4_asks_for_one() -> None:
    notebook = nbformat.read(EXAMPLES / "colab-t4-flowers.ipynb", as_version=4)
    assert notebook.metadata["accelerator"] == "GPU"
    assert notebook.metadata["colab"] == {"gpuType": "T4"}
    assert "%colabenv apply colab-t4-flowers.yaml" in notebook.cells[2].source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_every_example_is_valid_clean_and_its_code_compiles(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert [cell.id for cell in notebook.cells if cell.id.startswith(CELL)] == [BADGE, CELL]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            if cell.id != CELL and not cell.source.startswith("!"):
                compile(cell.source, path.name, "exec")
