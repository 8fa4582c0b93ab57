"""What an apply began and ended, so that the next one knows what was interrupted. One apply at a time."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from provisioner.model.errors import ProvisionerError


class Journal:
    """A file in the state folder: a line when a step begins, a line when it ends, each on disk at once.

    It is emptied when a run ends cleanly, so that it only ever has what a crash left behind.
    """

    def __init__(self, state: str) -> None:
        self.path = Path(state) / "journal.jsonl"
        self._file: IO[str] | None = None

    def suspects(self) -> frozenset[str]:
        """Steps that began and never ended. A line that was cut off by the crash is ignored."""
        begun: set[str] = set()
        try:
            lines = self.path.read_text().splitlines()
        except OSError:
            return frozenset()
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if entry["event"] == "begin":
                begun.add(entry["step"])
            else:
                begun.discard(entry["step"])
        return frozenset(begun)

    @contextlib.contextmanager
    def exclusive(self, waiting: Callable[[], None]) -> Iterator[Journal]:
        """Lock the journal for one apply; `waiting` is called when another has it, and then we wait.

        The system releases the lock when its holder dies, however it dies.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = (self.path.parent / "lock").open("a")
            self._file = self.path.open("a", buffering=1)
        except OSError as error:
            raise ProvisionerError(
                f"cannot write to the state folder {self.path.parent}: {error.strerror}",
                "Set XDG_STATE_HOME to a folder that you may write to.",
            ) from error
        with lock, self._file:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield self

    def begin(self, step: str) -> None:
        self._append({"event": "begin", "step": step})

    def end(self, step: str) -> None:
        self._append({"event": "end", "step": step})

    def clear(self) -> None:
        """Empty the journal: the run ended cleanly, or its suspects were found to be right."""
        os.truncate(self.path, 0)

    def _append(self, entry: dict[str, str]) -> None:
        assert self._file, "the journal is written only while it is locked"  # noqa: S101
        self._file.write(json.dumps(entry) + "\n")
        os.fsync(self._file.fileno())
