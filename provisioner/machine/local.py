"""This machine, for real."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shlex
import shutil
import stat as statmodule
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from provisioner.machine import files
from provisioner.machine.environment import Environment
from provisioner.machine.log import Log
from provisioner.machine.mounts import mount_of
from provisioner.machine.process import Children, name_signal, progress_of_apt
from provisioner.machine.reader import Answer, Completed, Context, Interpreter, Progress, Reader, Stat
from provisioner.machine.signatures import free, state_folder
from provisioner.machine.urls import is_web
from provisioner.model.accelerators import Accelerators
from provisioner.model.effects import (
    Block,
    Chmod,
    Copy,
    Edit,
    Effect,
    Fetch,
    InstallKey,
    Link,
    Mkdir,
    Move,
    Patch,
    Remove,
    Run,
    SetKeys,
    Unpack,
    Write,
)
from provisioner.model.errors import EffectError, ObserveError, TransientError
from provisioner.model.kernel import Kernel
from provisioner.model.names import composed
from provisioner.model.redaction import redactor

TAIL = 12
"""Lines of a failed command's output that are shown."""

TYPES = {statmodule.S_IFREG: "file", statmodule.S_IFDIR: "folder", statmodule.S_IFLNK: "link"}

NO_SPACE = ("No space left on device", "The disk is full: free some space and run it again.")

DEAD = {errno.ENOTCONN, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH}
"""What the kernel says of a mount whose program or server is gone."""


def here(folder: str, *, spec: str = "", python: Interpreter | None = None, deep: bool = False) -> Context:
    """The context of a look at this machine for a spec in `folder`; by default about the running Python."""
    return Context(
        folder=folder,
        spec=spec,
        home=str(Path.home()),
        root=os.geteuid() == 0,
        state=state_folder(os.environ),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        python=python or Interpreter(sys.executable, "{}.{}.{}".format(*sys.version_info[:3]), ()),
        deep=deep,
    )


def unseen(what: str, path: str, error: OSError) -> ObserveError:
    """The error of a look at a path; where its mount is to blame, that is named."""
    if error.errno in DEAD and (mount := mount_of(path)) != "/":
        return ObserveError(
            f"cannot {what} {path}: what is mounted at {mount} does not answer ({error.strerror})",
            "Mount it again, and then run this again.",
        )
    return ObserveError(f"cannot {what} {path}: {error.strerror}")


class LocalMachine:
    """The Machine that this process runs on.

    `secrets` names variables whose values are kept out of the log, whatever their names.
    """

    def __init__(
        self, context: Context, environ: Mapping[str, str] | None = None, secrets: tuple[str, ...] = ()
    ) -> None:
        self.context = context
        self.environ = Environment(os.environ if environ is None else environ)
        self.secrets = secrets
        self.log = Log(context.state, redactor(self.environ.current, secrets))
        self._children = Children()
        self._attached: Accelerators | None = None
        self._asking = threading.Lock()
        self._pages: dict[str, bytes | None] = {}

    # Reader

    def read(self, path: str) -> bytes | None:
        if is_web(path):
            return self.read_page(path)
        try:
            return Path(path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise unseen("read", path, error) from error

    def stat(self, path: str) -> Stat | None:
        try:
            found = os.lstat(path)
            link = os.readlink(path) if statmodule.S_ISLNK(found.st_mode) else None
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise unseen("look at", path, error) from error
        kind = TYPES.get(statmodule.S_IFMT(found.st_mode), "other")
        return Stat(kind, statmodule.S_IMODE(found.st_mode), found.st_size, found.st_mtime_ns, link)

    def list(self, path: str) -> tuple[str, ...] | None:
        try:
            return tuple(sorted(os.listdir(path)))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise unseen("list", path, error) from error

    def read_page(self, url: str) -> bytes | None:
        """What a server has; it is asked once, so that all of a run is about the same content."""
        from provisioner.machine.download import pages

        if url not in self._pages:
            self._pages[url] = pages.read(url)
        return self._pages[url]

    def keep(self, name: str, data: bytes) -> str:
        path = self.context.kept(hashlib.sha256(data).hexdigest(), name)
        if self.read(path) != data:
            try:
                with files.replacing(path, None, sync=False) as file:
                    file.write(data)
            except OSError as error:
                raise ObserveError(f"cannot write {path}: {error.strerror}") from error
        return path

    def hash(self, path: str) -> str | None:
        if is_web(path):
            data = self.read(path)
            return None if data is None else hashlib.sha256(data).hexdigest()
        try:
            with Path(path).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise unseen("read", path, error) from error

    def which(self, program: str) -> str | None:
        return shutil.which(program, path=self.environ.get("PATH"))

    def free(self, path: str) -> int:
        try:
            return free(path)
        except OSError as error:
            raise unseen("look at", path, error) from error

    def ask(self, run: Run) -> Completed:
        return self._children.run(run, self.environ.current)

    def head(self, url: str) -> Answer:
        from provisioner.machine.download import fetch

        return fetch.head(url)

    def accelerators(self) -> Accelerators:
        from provisioner.machine.accelerators.attached import accelerators

        with self._asking:
            if self._attached is None:
                self._attached = accelerators(self.environ.current)
            return self._attached

    def kernel(self) -> Kernel | None:
        from provisioner.machine.kernel_state import look_from_outside

        return look_from_outside()

    # Machine

    def redact(self, text: str) -> str:
        return self.log.redact(text)

    def set_variable(self, name: str, value: str | None) -> None:
        """Set a variable for what we start from now on, or unset it; secret values are not logged."""
        self.environ.set(name, value)
        self.log.redact = redactor(self.environ.current, self.secrets)

    def perform(self, effect: Effect, tell: Progress) -> str:
        return PERFORMERS[type(effect)](self, effect, tell)

    def sleep(self, seconds: float) -> None:
        self._children.cancelled.wait(seconds)

    def cancel(self) -> None:
        self._children.cancel()

    @property
    def cancelled(self) -> bool:
        return self._children.cancelled.is_set()

    def refuse_unmade(self, effect: Run, tail: str) -> None:
        """Raise EffectError for a command that ended well, and did not make what it is to make."""
        if effect.creates and not is_there(effect.creates, self):
            program = os.path.basename(effect.argv[0])
            hint = f"Correct `creates`, or the command. The full log is {self.log.path}"
            raise EffectError(f"{program} ended with 0, but did not make {effect.creates}", hint, tail)

    def run(self, effect: Run, tell: Progress) -> str:
        """Run a program to its end, log its output, and say why it failed if it did."""
        program = os.path.basename(effect.argv[0])
        self.log.say(program, "$ " + shlex.join(effect.argv))
        tail: deque[str] = deque(maxlen=TAIL)

        def on_line(line: str) -> None:
            self.log.say(program, line)
            if line.strip():
                tail.append(self.log.redact(line.rstrip()))

        def on_status(line: str) -> None:
            if found := progress_of_apt(line):
                tell(found[0], 100, found[1])

        started = time.monotonic()
        completed = self._children.run(
            effect,
            self.environ.current,
            merge=True,
            on_line=on_line,
            on_status=on_status if effect.progress == "apt" else None,
        )
        self.log.say(program, f"exit {completed.code} after {time.monotonic() - started:.1f} s")
        if completed.code == 0 and not completed.timed_out:
            self.refuse_unmade(effect, "\n".join(tail))
            return ""
        output = completed.stdout + completed.stderr
        for pattern, remedy in effect.remedies:
            if re.search(pattern, output):
                mended = replace(effect, remedies=())
                self.run(replace(mended, argv=remedy, progress="", stdin=""), tell)
                return self.run(mended, tell)
        for pattern, other in effect.instead:
            if re.search(pattern, output):
                return self.run(replace(effect, argv=other, instead=()), tell)
        shown = "\n".join(tail) or completed.stderr
        hints = ((re.search(pattern, output), hint) for pattern, hint in (*effect.hints, NO_SPACE))
        hint = next(
            (match.expand(hint) for match, hint in hints if match), f"The full log is {self.log.path}"
        )
        if completed.timed_out:
            raise EffectError(f"{program} was stopped after {effect.timeout:.0f} s", hint, shown)
        message = f"{program} failed: {ending(completed.code)}"
        if any(re.search(pattern, output) for pattern in effect.transient):
            raise TransientError(message, hint, shown)
        raise EffectError(message, hint, shown)


def is_there(path: str, reader: Reader) -> bool:
    """Whether there is something at a path, by this name or by one that reads the same."""
    folder, name = os.path.split(path)
    names = () if name.isascii() else reader.list(folder) or ()
    return reader.stat(path) is not None or composed(name) in map(composed, names)


def ending(code: int) -> str:
    """How a process ended, as text."""
    return f"exit code {code}" if code >= 0 else f"killed by {name_signal(-code)}"


def perform_fetch(machine: LocalMachine, effect: Fetch, tell: Progress) -> str:
    from provisioner.machine.download import fetch

    return fetch.fetch(effect, tell, lambda: machine.cancelled)


def perform_unpack(machine: LocalMachine, effect: Unpack, tell: Progress) -> str:
    from provisioner.machine.download import unpack

    return unpack.unpack(effect, tell, lambda: machine.cancelled)


def perform_install_key(machine: LocalMachine, effect: InstallKey, tell: Progress) -> str:
    from provisioner.machine.download import openpgp_keys

    return openpgp_keys.install(effect, tell, lambda: machine.cancelled)


def perform_copy(machine: LocalMachine, effect: Copy, tell: Progress) -> str:
    if effect.tree:
        from provisioner.machine import trees

        trees.copy(effect, tell, lambda: machine.cancelled)
    else:
        files.copy(effect)
    return ""


def perform_move(machine: LocalMachine, effect: Move, tell: Progress) -> str:
    from provisioner.machine import trees

    trees.move(effect, lambda: machine.cancelled)
    return ""


def perform_chmod(machine: LocalMachine, effect: Chmod, tell: Progress) -> str:
    if effect.tree:
        from provisioner.machine import trees

        trees.chmod(effect)
    else:
        files.chmod(effect)
    return ""


def perform_edit(machine: LocalMachine, effect: Edit | SetKeys | Patch, tell: Progress) -> str:
    from provisioner.machine import file_edits

    match effect:
        case Edit():
            file_edits.edit(effect)
        case SetKeys():
            file_edits.set_keys(effect)
        case Patch():
            file_edits.patch(effect)
    return ""


def quiet(function: Callable[..., None]) -> Callable[..., str]:
    """A performer from a function without progress and without a note."""

    def perform(_machine: LocalMachine, effect: Effect, _tell: Progress) -> str:
        function(effect)
        return ""

    return perform


PERFORMERS: dict[type[Effect], Callable[..., str]] = {
    Run: LocalMachine.run,
    Fetch: perform_fetch,
    Unpack: perform_unpack,
    InstallKey: perform_install_key,
    Write: quiet(files.write),
    Block: quiet(files.block),
    Edit: perform_edit,
    SetKeys: perform_edit,
    Patch: perform_edit,
    Copy: perform_copy,
    Move: perform_move,
    Mkdir: quiet(files.mkdir),
    Chmod: perform_chmod,
    Link: quiet(files.link),
    Remove: quiet(files.remove),
}
