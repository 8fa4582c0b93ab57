"""Imports point one way. Whoever is told a module's name can tell what it may know of."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "provisioner"

LAYERS = (
    ("effects", "errors", "hardware", "kernels", "model", "parents", "recall", "redact"),
    ("fields", "versions", "parallel", "runtimes"),
    ("machine",),
    ("kind", "argv", "platforms", "gpus", "accelerator", "dataset", "dataset_pins"),
    ("lasting_text", "lasting", "leftover"),
    ("debian", "python", "probes"),
    ("kinds",),
    ("spec",),
    ("journal", "scheduler", "executor", "prover"),
    ("engine",),
    ("against",),
    ("lock",),
    ("export",),
    ("codec", "snapshot", "comparison", "render"),
    (
        "anonymous",
        "inventory",
        "starter",
        "doctor",
        "splice",
        "repository",
        "ipynb",
        "relevance",
        "catalogue",
    ),
    ("actions",),
    ("cli",),
    ("notebook",),
    ("__init__", "__main__"),
)
"""From the ground up: a module imports from its own line and those above it here."""

RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}

MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def imported(path: Path) -> Iterator[tuple[str, ...]]:
    """The modules of ours that a file imports, at its top or in a function, as parts of their names."""
    for node in ast.walk(ast.parse((PACKAGE / path).read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "provisioner":
            parts = tuple((node.module or "").split(".")[1:])
            yield from [parts] if parts else [(alias.name,) for alias in node.names]


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_point_one_way(path: Path) -> None:
    own = path.with_suffix("").parts
    for parts in imported(path):
        if parts[0] != "__version__":
            assert RANK[parts[0]] <= RANK[own[0]], f"{path} imports {'.'.join(parts)}"


@pytest.mark.parametrize("path", [path for path in MODULES if path.parts[0] == "kinds"], ids=str)
def test_kinds_never_import_kinds(path: Path) -> None:
    assert [parts for parts in imported(path) if parts[0] == "kinds"] == []


@pytest.mark.parametrize("path", [path for path in MODULES if path.parts[0] == "render"], ids=str)
def test_rendering_knows_values_only(path: Path) -> None:
    assert {parts[0] for parts in imported(path)} <= {
        "model",
        "hardware",
        "errors",
        "fields",
        "runtimes",
        "comparison",
        "render",
    }


@pytest.mark.parametrize("path", [path for path in MODULES if path.parts[0] == "probes"], ids=str)
def test_probes_stand_alone(path: Path) -> None:
    """They run where this package is not installed."""
    assert list(imported(path)) == []


def test_modules_are_small() -> None:
    sizes = {path: len((PACKAGE / path).read_text().splitlines()) for path in MODULES}
    assert {path: size for path, size in sizes.items() if size > 350} == {}


@pytest.mark.parametrize("name", LAYERS[0])
def test_the_ground_is_plain_python(name: str) -> None:
    """Nouns, effects and errors need nothing but the standard library."""
    tree = ast.parse((PACKAGE / f"{name}.py").read_text())
    froms = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    plain = {node.names[0].name for node in ast.walk(tree) if isinstance(node, ast.Import)}
    roots = {module.partition(".")[0] for module in froms | plain} - {"provisioner", "__future__"}
    assert roots <= sys.stdlib_module_names
