"""Users' code type-checks, and their mistakes are found: by mypy and by pyright, at their strictest."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import provisioner

FOLDER = Path(__file__).parents[2] / "typing_tests"

CACHE = FOLDER.parent / ".cache" / "mypy-users"

CHECKERS = {
    "mypy": ["-m", "mypy", "--strict", "--config-file=", "--no-error-summary", f"--cache-dir={CACHE}", "."],
    "pyright": ["-m", "pyright", "--pythonpath", sys.executable, "."],
}
"""As users run them: with none of this project's settings."""


@pytest.mark.parametrize("checker", CHECKERS)
def test_a_users_code_type_checks(checker: str) -> None:
    if importlib.util.find_spec(checker) is None:
        pytest.skip(f"{checker} is not installed: it is in the dependency group dev")
    command = [sys.executable, *CHECKERS[checker]]
    environ = {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    done = subprocess.run(command, cwd=FOLDER, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_public_name_is_used() -> None:
    words = set(re.findall(r"\w+", (FOLDER / "public_api.py").read_text()))
    errors = {name for name in provisioner.__all__ if name.endswith("Error")} | {"Interrupted"}
    assert set(provisioner.__all__) - words - errors == set()
