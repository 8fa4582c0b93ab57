"""What proving a framework costs, beside a bare `import` of it.

Each probe is asked to compute on the CPU, as the accelerator stage asks it, in an interpreter of its own; the
rounds alternate, so that both share the same minutes and the same caches. Needs no GPU.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
sys.path.insert(0, str(REPOSITORY))

from tests.frameworks import REQUIREMENTS, NotToBeHadError, interpreter  # noqa: E402

PROBES = REPOSITORY / "provisioner" / "kinds" / "accelerator" / "probes"


def seconds(argv: list[str]) -> float:
    """How long a process takes, which must succeed."""
    started = time.perf_counter()
    done = subprocess.run(argv, capture_output=True, text=True)
    took = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{argv}: {done.stderr[-2000:]}")
    if argv[1] != "-c" and not json.loads(done.stdout)["ok"]:
        raise SystemExit(done.stdout)
    return took


def row(framework: str, python: Path, rounds: int) -> str:
    """A line of the table."""
    probe = [str(python), str(PROBES / f"{framework}.py"), '{"device": "cpu"}']
    bare = [str(python), "-c", f"import {framework}"]
    seconds(bare)  # the first import reads the disk
    pairs = [(seconds(bare), seconds(probe)) for _ in range(rounds)]
    imports, probes = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(probe / bare for bare, probe in pairs)
    return f"| {REQUIREMENTS[framework]} | {imports:.2f} s | {probes:.2f} s | {ratio:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="runs of each command (default: 7)")
    rounds = parser.parse_args().rounds
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {rounds} rounds\n")
    print("| framework | bare import | probe | × import |\n| --- | ---: | ---: | ---: |")
    for framework in sorted(REQUIREMENTS):
        try:
            print(row(framework, interpreter(framework), rounds), flush=True)
        except NotToBeHadError as error:
            print(f"| {REQUIREMENTS[framework]} | not to be had: {error} | | |")


if __name__ == "__main__":
    main()
