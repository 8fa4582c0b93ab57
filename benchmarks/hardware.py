"""What it costs to assert the hardware, side by side with what people start today to see it.

Three machines: this one, one without any accelerator, and one with a T4, which the tests' stand-in for
NVIDIA's library plays while the real pynvml asks it. Each is asked in a fresh interpreter, as a command meets
it: the first asking loads what it needs, the second is what a warm process pays. Beside them stand a bare
interpreter, the least that any tool started from a notebook costs, and nvidia-smi where there is one. All run
in turn, over and over, so that they share the same minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
sys.path.insert(0, str(REPOSITORY))

from tests import nvml  # noqa: E402

ASSERTION = """\
import json, os, pathlib, sys, time
from provisioner.machine import local
from provisioner.machine.accelerators.attached import accelerators
took = []
for _ in range(2):
    begun = time.perf_counter()
    found = accelerators(os.environ, pathlib.Path(sys.argv[1]))
    took.append(time.perf_counter() - begun)
frameworks = {"torch", "tensorflow", "jax"} & set(sys.modules)
print(json.dumps([*took, len(found.gpus), sorted(frameworks)]))
"""

BUDGET = 0.05
"""Seconds that the design allows the assertion."""


@dataclass(frozen=True)
class Rival:
    """A program that is started, and what it is told of its surroundings."""

    argv: tuple[str, ...]
    environ: dict[str, str]
    asserts: bool = False
    """Whether it times the assertion itself, instead of being timed as a whole."""


def put(root: Path, path: str, text: str = "") -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def play_t4(root: Path) -> dict[str, str] | None:
    """A machine with a T4 below `root`, and the variables that let a process meet it."""
    (root / "lib").mkdir()
    if nvml.compile_library(root / "lib") is None:
        return None
    for name in ("vendor", "device", "class"):
        text = {"vendor": "0x10de", "device": "0x1eb8", "class": "0x030200"}[name]
        put(root, f"sys/bus/pci/devices/0000:00:04.0/{name}", text)
    for node in ("nvidia0", "nvidiactl"):
        put(root, f"dev/{node}")
    put(
        root, "proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.82.07  Thu\n"
    )
    put(root, "scenario", "".join(f"{line}\n" for line in nvml.flatten(nvml.scenario("t4"))))
    return {"NVML_SCENARIO": str(root / "scenario"), "LD_LIBRARY_PATH": str(root / "lib")}


def rivals(scratch: Path) -> Iterator[tuple[str, Rival]]:
    python = sys.executable
    for name in ("none", "t4"):
        (scratch / name).mkdir()
    yield "bare python", Rival((python, "-c", "pass"), {})
    if smi := shutil.which("nvidia-smi"):
        yield "nvidia-smi", Rival((smi,), {})
    yield "import pynvml", Rival((python, "-c", "import pynvml"), {})
    yield "assertion, this machine", Rival((python, "-c", ASSERTION, "/"), {}, asserts=True)
    yield "assertion, nothing attached", Rival((python, "-c", ASSERTION, str(scratch / "none")), {}, True)
    if (environ := play_t4(scratch / "t4")) is not None:
        yield "assertion, a T4", Rival((python, "-c", ASSERTION, str(scratch / "t4")), environ, asserts=True)


def time_once(rival: Rival) -> list[float]:
    """Seconds: of the whole process, or of the first and the second assertion in it."""
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), **rival.environ}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    begun = time.perf_counter()
    done = subprocess.run(rival.argv, env=environ, capture_output=True, text=True, check=True)
    whole = time.perf_counter() - begun
    if not rival.asserts:
        return [whole]
    first, second, _, imported = json.loads(done.stdout)
    if imported:
        raise SystemExit("the assertion imported a framework")
    return [first, second]


def table(costs: dict[str, list[list[float]]]) -> Iterator[str]:
    bare = statistics.median(run[0] for run in costs["bare python"])
    yield "| what | ms, median | fastest | slowest | second time | against bare python |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for name, runs in costs.items():
        first = [run[0] * 1000 for run in runs]
        again = f"{statistics.median(run[1] for run in runs) * 1000:.2f}" if len(runs[0]) > 1 else ""
        median = statistics.median(first)
        spread = f"{median:.2f} | {min(first):.2f} | {max(first):.2f}"
        yield f"| {name} | {spread} | {again} | {median / bare / 1000:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as scratch:
        entrants = dict(rivals(Path(scratch)))
        for rival in entrants.values():
            time_once(rival)  # compiles what is imported, once for all
        costs: dict[str, list[list[float]]] = {name: [] for name in entrants}
        names = list(entrants)
        for number in range(rounds):
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                costs[name].append(time_once(entrants[name]))
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {rounds} rounds\n")
    print("\n".join(table(costs)))
    slowest = max(
        statistics.median(run[0] for run in costs[name]) for name in names if entrants[name].asserts
    )
    print(f"\nThe slowest assertion takes {slowest / BUDGET:.0%} of its budget of {BUDGET * 1000:.0f} ms.")


if __name__ == "__main__":
    main()
