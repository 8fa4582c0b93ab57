"""A stand-in for NVIDIA's management library, and the machines it can play.

`scenarios/` holds machines as JSON: `driver`, `cuda` as NVML counts it (12080), and `gpus`, each with `name`,
`mib`, and where it matters `used`, `capability`, `uuid`, `mode`, `errors`, `reasons`, `mig` with `slices`,
`processes`, and `fail`: functions with the code they answer, or "hang".
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SCENARIOS = sorted(path.stem for path in (HERE / "scenarios").glob("*.json"))
LIBRARY = "libnvidia-ml.so.1"

Scenario = dict[str, Any]


def scenario(name: str) -> Scenario:
    found: Scenario = json.loads((HERE / "scenarios" / f"{name}.json").read_text())
    return found


def flatten(value: Any, path: str = "") -> Iterator[str]:
    """A JSON document as lines `gpus.0.name=Tesla T4`, which take no parser to read."""
    match value:
        case dict() | list():
            pairs = value.items() if isinstance(value, dict) else enumerate(value)
            for key, below in pairs:
                yield from flatten(below, f"{path}.{key}" if path else str(key))
        case _:
            yield f"{path}={value}"


def compile_library(folder: Path, version: str = "") -> Path | None:
    """The stand-in, compiled into a folder; None where there is no compiler.

    With a `version`, the library's file is called by it, and its usual name is a link, as drivers do it.
    """
    compiler = shutil.which("cc")
    if not compiler:
        return None
    path = folder / (f"libnvidia-ml.so.{version}" if version else LIBRARY)
    warnings = ("-Wall", "-Wextra", "-Werror")
    subprocess.run(
        [compiler, *warnings, "-shared", "-fPIC", f"-Wl,-soname,{LIBRARY}", "-o", path, HERE / "nvml.c"],
        check=True,
    )
    if version:
        (folder / LIBRARY).symlink_to(path.name)
    return path
