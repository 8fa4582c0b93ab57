"""This machine, with a note of everything it is asked about: what a conclusion rests on."""

from __future__ import annotations

import os
import sys
import sysconfig
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from provisioner.machine.local import LocalMachine
from provisioner.machine.reader import Answer, Completed, Stat
from provisioner.machine.signatures import SIGNS, Note
from provisioner.model.accelerators import Accelerators
from provisioner.model.effects import Run
from provisioner.model.kernel import Kernel
from provisioner.model.redaction import SECRET_VARIABLE

NOTHING = Accelerators()


class Environ(dict[str, str]):
    """Variables that note who asks for them; of a secret only that it is set, since notes are kept."""

    def __init__(
        self, variables: Mapping[str, str], notes: dict[Note, object], secrets: Collection[str]
    ) -> None:
        super().__init__(variables)
        self._notes = notes
        self._secrets = secrets

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        value = super().get(name)
        if name in self._secrets or SECRET_VARIABLE.search(name):
            self._notes.setdefault(("set", name), bool(value))
        else:
            self._notes.setdefault(("env", name), value)
        return super().get(name, default)


@dataclass
class TracedMachine(LocalMachine):
    """A LocalMachine that notes what observing looks at, each with its signature from before the look."""

    notes: dict[Note, object] = field(default_factory=dict)
    complete: bool = True
    """False once something was learnt that no signature can stand for: from a program, a server, a device."""
    began: float = 0.0
    """When the notes were begun, in seconds since the epoch."""

    def begin(self) -> None:
        """Forget the notes, and note what all rests on: our own code, and the interpreter asked about."""
        self.notes.clear()
        self.environ = Environ(self.environ, self.notes, self.secrets)
        self.complete = True
        self.began = time.time()
        for module in list(sys.modules.values()):
            if module.__name__.startswith("provisioner") and getattr(module, "__file__", None):
                self.note("of", str(module.__file__))
        self.note("of", os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED"))
        if self.python.venv:
            self.note("of", os.path.join(self.python.venv, "pyvenv.cfg"))
        self.note("of", self.python.executable)

    def note(self, how: str, what: str) -> None:
        if (how, what) not in self.notes:
            self.notes[how, what] = SIGNS[how](what)

    def renew(self, known: Collection[Note]) -> None:
        """Sign again what was noted since the notes were `known`: it may have changed as it was proved."""
        for how, what in self.notes.keys() - known:
            self.notes[how, what] = SIGNS[how](what)

    def read(self, path: str) -> bytes | None:
        self.note("of", path)
        return super().read(path)

    def stat(self, path: str) -> Stat | None:
        self.note("at", path)
        return super().stat(path)

    def list(self, path: str) -> tuple[str, ...] | None:
        self.note("of", path)
        return super().list(path)

    def hash(self, path: str) -> str | None:
        self.note("of", path)
        return super().hash(path)

    def which(self, program: str) -> str | None:
        self.note("program", program)
        return super().which(program)

    def free(self, path: str) -> int:
        self.note("room", path)
        return super().free(path)

    def ask(self, run: Run) -> Completed:
        self.complete = False
        return super().ask(run)

    def head(self, url: str) -> Answer:
        self.complete = False
        return super().head(url)

    def accelerators(self) -> Accelerators:
        self.note("devices", "")
        found = super().accelerators()
        if found != NOTHING:
            self.complete = False
        return found

    def kernel(self) -> Kernel | None:
        self.note("kernel", "")
        return super().kernel()
