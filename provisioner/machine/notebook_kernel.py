"""The machine as a notebook's kernel sees it: all of it, and the kernel itself."""

from __future__ import annotations

import importlib
import os
import site
import sys
import threading
from collections.abc import Callable

from provisioner.machine import colab
from provisioner.machine.delegate import Delegate
from provisioner.machine.kernel_state import Shell, look_from_inside
from provisioner.machine.local import LocalMachine
from provisioner.machine.log import Log
from provisioner.machine.reader import Progress
from provisioner.model.effects import (
    Chdir,
    Effect,
    Export,
    Extension,
    Mount,
    Refresh,
    SearchPath,
    Secret,
    Upload,
)
from provisioner.model.errors import EffectError
from provisioner.model.kernel import Kernel

REPLACED: set[str] = set()
"""Distributions replaced after the kernel had imported them. It lives as long as the kernel does."""


class KernelMachine(Delegate[LocalMachine]):
    """The Machine of a process that is a notebook's kernel; `shell` is its IPython shell."""

    def __init__(self, inner: LocalMachine, shell: Shell) -> None:
        super().__init__(inner)
        self.shell = shell
        self.refused: dict[str, str] = {}
        """Secrets that could not be read, and why."""
        self._exporting = threading.Lock()

    @property
    def log(self) -> Log:
        return self.inner.log

    def kernel(self) -> Kernel:
        return look_from_inside(self.shell, frozenset(REPLACED), self.refused)

    def sleep(self, seconds: float) -> None:
        self.inner.sleep(seconds)

    def redact(self, text: str) -> str:
        return self.inner.redact(text)

    def perform(self, effect: Effect, tell: Progress) -> str:
        if performer := PERFORMERS.get(type(effect)):
            return performer(self, effect)
        return self.inner.perform(effect, tell)

    def mount(self, effect: Mount) -> str:
        colab.mount(effect.path)
        return ""

    def secret(self, effect: Secret) -> str:
        """Raises EffectError when a required secret is not available; a missing optional one is noted."""
        try:
            value = colab.secret(effect.name)
        except EffectError as error:
            if effect.required:
                raise
            self.refused[effect.variable] = error.message
            return f"{effect.variable} is not set: {error.message}"
        self.set_variable(effect.variable, value)
        return ""

    def upload(self, effect: Upload) -> str:
        colab.upload(effect.path, effect.mode)
        return ""

    def export(self, effect: Export) -> str:
        value = effect.value
        if isinstance(value, tuple):
            known = os.environ.get(effect.name, "").split(os.pathsep)
            value = os.pathsep.join([*value, *(item for item in known if item not in (*value, ""))])
        self.set_variable(effect.name, value)
        return ""

    def set_variable(self, name: str, value: str | None) -> None:
        """For the kernel, for what it starts, and for what we start."""
        with self._exporting:
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
            self.inner.set_variable(name, value)

    def refresh(self, effect: Refresh) -> str:
        REPLACED.update(effect.replaced)
        for folder in effect.folders:
            site.addsitedir(folder)
        importlib.invalidate_caches()
        return ""

    def search_path(self, effect: SearchPath) -> str:
        if effect.path in sys.path:
            sys.path.remove(effect.path)
        sys.path.insert(1 if sys.path[:1] == [""] else 0, effect.path)
        importlib.invalidate_caches()
        return ""

    def chdir(self, effect: Chdir) -> str:
        try:
            os.chdir(effect.path)
        except OSError as error:
            raise EffectError(f"cannot work in {effect.path}: {error.strerror}") from error
        return ""

    def extension(self, effect: Extension) -> str:
        """IPython returns the result as a word; what the extension itself raises is not ours."""
        try:
            said = self.shell.extension_manager.load_extension(effect.name)
        except Exception as error:
            what = f"the extension {effect.name} cannot be loaded: {type(error).__name__}: {error}"
            hint = "Check its name, and that pip.packages names its package."
            raise EffectError(what, hint if isinstance(error, ImportError) else "") from error
        if said == "no load function":
            raise EffectError(f"{effect.name} is not an IPython extension: it has no load_ipython_extension")
        return ""


PERFORMERS: dict[type, Callable[..., str]] = {
    Mount: KernelMachine.mount,
    Secret: KernelMachine.secret,
    Upload: KernelMachine.upload,
    Export: KernelMachine.export,
    Refresh: KernelMachine.refresh,
    SearchPath: KernelMachine.search_path,
    Chdir: KernelMachine.chdir,
    Extension: KernelMachine.extension,
}


def restart(shell: Shell) -> None:
    """End the kernel so that its server starts a new one: files and the Drive mount stay, memory is lost."""
    shell.kernel.do_shutdown(True)
