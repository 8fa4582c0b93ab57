"""Run commands in turn, over and over, and print what each run cost. Standard library only.

Reads {"rounds": int, "commands": {name: argv}} and prints {name: [[seconds, peak bytes], ...]}, both JSON.
A command that fails ends everything, with its output.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time


def measure(argv: list[str]) -> tuple[float, int]:
    """Seconds by the clock, and the largest resident size of the program or of any that it waited for."""
    with tempfile.TemporaryFile() as output:
        begin = time.perf_counter()
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            told = output.read().decode(errors="replace")
            raise SystemExit(f"{' '.join(argv)} ended with {process.returncode}\n{told}")
    return seconds, usage.ru_maxrss * 1024


def main() -> None:
    order = json.load(sys.stdin)
    runs: dict[str, list[tuple[float, int]]] = {name: [] for name in order["commands"]}
    names = list(runs)
    for number in range(order["rounds"]):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            runs[name].append(measure(order["commands"][name]))
    json.dump(runs, sys.stdout)


if __name__ == "__main__":
    main()
