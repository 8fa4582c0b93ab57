"""A Reader that delegates every call: special readers wrap another, and override what differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

from provisioner.machine.reader import Answer, Completed, Context, Reader, Stat
from provisioner.model.accelerators import Accelerators
from provisioner.model.effects import Run
from provisioner.model.kernel import Kernel

R = TypeVar("R", bound=Reader)


class Delegate(Generic[R]):
    """Delegates every call to `inner`."""

    def __init__(self, inner: R) -> None:
        self.inner = inner

    @property
    def context(self) -> Context:
        return self.inner.context

    @property
    def environ(self) -> Mapping[str, str]:
        return self.inner.environ

    def read(self, path: str) -> bytes | None:
        return self.inner.read(path)

    def stat(self, path: str) -> Stat | None:
        return self.inner.stat(path)

    def list(self, path: str) -> tuple[str, ...] | None:
        return self.inner.list(path)

    def hash(self, path: str) -> str | None:
        return self.inner.hash(path)

    def keep(self, name: str, data: bytes) -> str:
        return self.inner.keep(name, data)

    def which(self, program: str) -> str | None:
        return self.inner.which(program)

    def free(self, path: str) -> int:
        return self.inner.free(path)

    def ask(self, run: Run) -> Completed:
        return self.inner.ask(run)

    def head(self, url: str) -> Answer:
        return self.inner.head(url)

    def accelerators(self) -> Accelerators:
        return self.inner.accelerators()

    def kernel(self) -> Kernel | None:
        return self.inner.kernel()

    def cancel(self) -> None:
        self.inner.cancel()
