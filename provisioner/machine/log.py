"""The full log of a run: every command and its output, with secrets masked."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO


class Log:
    """A text file in the state folder, created with its first line. Safe in threads."""

    def __init__(self, state: str, redact: Callable[[str], str]) -> None:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        self.path = Path(state) / "logs" / f"{stamp}-{os.getpid()}.log"
        self.redact = redact
        self._lock = threading.Lock()
        self._file: IO[str] | None = None

    def say(self, who: str, line: str) -> None:
        with self._lock:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self.path.open("a", buffering=1)
            self._file.write(f"{time.strftime('%H:%M:%S')} {who}| {self.redact(line)}\n")

    @property
    def written_to(self) -> str:
        """The path of what was written; "" where nothing was."""
        return str(self.path) if self._file else ""

    def close(self) -> None:
        if self._file:
            self._file.close()
