"""Kill a piece of work before each of its calls to the file system in turn.

A piece of work is named `module:function`: a generator function of a folder, made for each life, and further
words. What it does before its only `yield` is preparation; what it does after may be its death.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

MOMENTS = {"open", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.utime", "shutil.rmtree"}
"""Audit events, raised just before the call."""


def at_each_moment(work: str, folder: Path, *words: str) -> list[Path]:
    """Let `work` die in as many lives as it has moments, and live in the last; return every life's folder."""
    argv = [sys.executable, "-m", "tests.killing", work, str(folder), *words]
    root = Path(__file__).parents[1]
    ended = subprocess.run(argv, cwd=root, stdout=subprocess.PIPE, text=True, check=True)
    return [folder / str(life) for life in range(1, int(ended.stdout) + 1)]


def main(work: str, folder: str, *words: str) -> None:
    module, _, name = work.partition(":")
    function = getattr(import_module(module), name)
    for life in range(1, 1000):
        own = Path(folder, str(life))
        child = os.fork()
        if not child:
            live(function(own, *words), str(own), life)
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
            assert status == 0, f"life {life} ended with {status}"
            print(life)
            return


def live(work: Iterator[None], folder: str, left: int) -> None:
    """Work until moment number `left` comes, or to the end."""
    next(work)

    def hook(event: str, args: tuple[object, ...]) -> None:
        nonlocal left
        if event in MOMENTS and str(args[0]).startswith(folder):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    next(work, None)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
