"""Removing what identifies the user from what is shown to others."""

from __future__ import annotations

import getpass
import re
from collections.abc import Mapping
from typing import TypeVar, cast

from provisioner.machine.reader import Reader
from provisioner.model.redaction import redactor

T = TypeVar("T")


class Anonymous:
    """Removes from text what could identify its user: secrets, the home folder, the names of users."""

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

    def within(self, value: T) -> T:
        """The same for every text in plain data, and for keys that are paths."""
        return cast("T", self._within(value))

    def _within(self, value: object) -> object:
        match value:
            case str():
                return self(value)
            case Mapping():
                return {self(key) if "/" in key else key: self._within(below) for key, below in value.items()}
            case list() | tuple():
                return [self._within(below) for below in value]
        return value
