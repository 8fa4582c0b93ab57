"""A machine that records everything it is asked: what a no-op report depends on."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Mapping
from dataclasses import replace

from provisioner.machine.delegate import Delegate
from provisioner.machine.environment import TracedEnvironment
from provisioner.machine.reader import Answer, Completed, Context, Interpreter, Reader, Stat
from provisioner.machine.signatures import SIGNS, Note
from provisioner.machine.urls import is_web
from provisioner.model.accelerators import Accelerators
from provisioner.model.effects import Run
from provisioner.model.kernel import Kernel

NOTHING = Accelerators()


class TracedReader(Delegate[Reader]):
    """One look at `inner`, which records what it looks at, each with its signature from before the look."""

    def __init__(self, inner: Reader, context: Context, secrets: Collection[str] = ()) -> None:
        super().__init__(inner)
        self._context = context
        self.notes: dict[Note, object] = {}
        self.complete = True
        """False once something was read that has no signature, such as a program's output."""
        self.began = time.time()
        """In seconds since the epoch."""
        self._environ = TracedEnvironment(inner.environ, self.notes, secrets)

    @property
    def context(self) -> Context:
        return self._context

    @property
    def environ(self) -> Mapping[str, str]:
        return self._environ

    def about(self, python: Interpreter) -> TracedReader:
        """The same look, about an interpreter that it found."""
        self._context = replace(self._context, python=python)
        self.note("of", python.executable)
        return self

    def as_root(self) -> TracedReader:
        """The same look, as if we were root, to plan what only root may do."""
        self._context = replace(self._context, root=True)
        return self

    def note(self, how: str, what: str) -> None:
        if (how, what) not in self.notes:
            self.notes[how, what] = SIGNS[how](what)

    def note_content(self, path: str) -> None:
        """Record what is read of this machine; what a server has, has no signature."""
        if is_web(path):
            self.complete = False
        else:
            self.note("of", path)

    def note_modules(self, packages: Collection[str]) -> None:
        """Record our own code as far as it is imported, and that of other `packages`."""
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] in packages and getattr(module, "__file__", None):
                self.note("of", str(module.__file__))

    def renew(self, known: Collection[Note]) -> None:
        """Sign again what was recorded since the notes were `known`: checks may have changed it."""
        for how, what in self.notes.keys() - known:
            self.notes[how, what] = SIGNS[how](what)

    def read(self, path: str) -> bytes | None:
        self.note_content(path)
        return super().read(path)

    def stat(self, path: str) -> Stat | None:
        self.note("at", path)
        return super().stat(path)

    def list(self, path: str) -> tuple[str, ...] | None:
        self.note("of", path)
        return super().list(path)

    def hash(self, path: str) -> str | None:
        self.note_content(path)
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
        found = super().kernel()
        if found and found.inside:
            self.complete = False  # there is no signature of a kernel's memory
        return found
