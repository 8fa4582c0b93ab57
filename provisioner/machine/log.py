"""The full log of a run: every command and all that it said, with secrets taken out."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

SECRET_NAME = re.compile(
    r"(?:^|_)(?:TOKEN|PASSWORD|PASSWD|SECRET|APIKEY|KEY|CREDENTIALS?)(?:$|_)", re.IGNORECASE
)
USERINFO = re.compile(r"(?<=://)[^/\s@]+@")
SHORTEST_SECRET = 6
"""Characters: a shorter value would blot out ordinary text."""


def redactor(environ: Mapping[str, str]) -> Callable[[str], str]:
    """A function that blots out the values of secret variables, and the user part of URLs."""
    secrets = sorted(
        {
            value
            for name, value in environ.items()
            if SECRET_NAME.search(name) and len(value) >= SHORTEST_SECRET and not value.startswith("/")
        },
        key=len,
        reverse=True,
    )
    pattern = re.compile("|".join(map(re.escape, secrets))) if secrets else None

    def redact(text: str) -> str:
        text = USERINFO.sub("***@", text)
        return pattern.sub("***", text) if pattern else text

    return redact


class Log:
    """A text file in the state folder that is made when there is something to say. Safe in threads."""

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
    def written(self) -> bool:
        return self._file is not None

    def close(self) -> None:
        if self._file:
            self._file.close()
