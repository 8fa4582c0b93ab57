"""Taking out of what is shown to others who it is from."""

from __future__ import annotations

import getpass
import re
from typing import Any

from provisioner.machine.reader import Reader
from provisioner.model.redaction import redactor


class Anonymous:
    """Takes out of text what could tell who runs it: secrets, the home folder, the names of users."""

    def __init__(self, machine: Reader) -> None:
        self.blot = redactor(machine.environ)
        self.home = machine.context.home.rstrip("/")
        try:
            user = getpass.getuser()
        except (KeyError, OSError):  # a number without a name
            user = ""
        self.user = re.compile(rf"\b{re.escape(user)}\b") if len(user) > 2 and user != "root" else None

    def __call__(self, text: str) -> str:
        text = self.blot(text)
        if self.home:
            text = re.sub(rf"{re.escape(self.home)}(?![\w.-])", "~", text)
        text = re.sub(r"/(home|Users)/[^/\s:,'\"]+", r"/\1/USER", text)
        return self.user.sub("USER", text) if self.user else text

    def within(self, value: Any) -> Any:
        """The same for every text in a document, and for keys that are paths."""
        match value:
            case str():
                return self(value)
            case dict():
                return {self(key) if "/" in key else key: self.within(below) for key, below in value.items()}
            case list() | tuple():
                return [self.within(below) for below in value]
        return value
