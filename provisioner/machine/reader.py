"""The only door to the machine: `Reader` is all that observing receives, `Machine` all that applying does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from provisioner.model.accelerators import Accelerators
from provisioner.model.effects import Effect, FileChange, Run
from provisioner.model.kernel import Kernel
from provisioner.model.report import Event


@dataclass(frozen=True)
class Completed:
    """A program's end: `code` is negative for a signal; `timed_out` when it had to be killed."""

    code: int
    stdout: str
    stderr: str
    timed_out: bool = False


@dataclass(frozen=True)
class Stat:
    """What is at a path. A symbolic link is not followed: `link` is where it points."""

    type: str
    """"file", "folder", "link" or "other"."""
    mode: int
    size: int
    mtime_ns: int
    link: str | None = None


@dataclass(frozen=True)
class Interpreter:
    """The Python that packages are installed into."""

    executable: str
    version: str
    """Full version, as in "3.11.2"."""
    site_packages: tuple[str, ...]
    """Folders searched for installed distributions, first match wins."""
    venv: str | None = None
    """The virtual environment's folder, or None for a bare interpreter."""
    exists: bool = True
    """False for a virtual environment that has yet to be made."""
    maker: str = ""
    """The interpreter that it is made from; "" for any of that version."""
    markers: Mapping[str, str] | None = None
    """PEP 508 marker values; None means those of the running interpreter."""
    platform: str = ""
    """For another machine's interpreter, that machine's platform in uv's terms: "x86_64-manylinux_2_35"."""
    shown: str = ""
    """For such an interpreter, the folder here that shows uv what it has."""


@dataclass(frozen=True)
class Answer:
    """What a server says about a URL: its size in bytes if known, or why it does not serve it."""

    url: str
    status: int
    size: int | None = None
    error: str = ""
    """Empty when the URL is available."""
    transient: bool = False
    final: str = ""
    """Where it led after all redirections; "" where that must not be shown."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """The context of a look at a machine: for which spec, about which interpreter, and how thorough.

    Values that do not change during a look. Sizes are bytes, paths absolute.
    """

    folder: str
    """The spec's own folder."""
    spec: str = ""
    """The spec's file; "" where there is none, as for a notebook's cell."""
    home: str
    root: bool
    """Whether we may change what belongs to the system."""
    state: str
    """Our own folder for journal, logs and caches."""
    memory: int
    """What the machine has in all."""
    python: Interpreter
    """The interpreter that the spec is about."""
    target_image: str = ""
    """The name of an image that is not here, of which only its lists can be read; "" for this machine."""
    suspects: frozenset[str] = frozenset()
    """Steps that an earlier run began and never ended."""
    deep: bool = False
    """Whether to read contents where a cheaper look usually does."""
    made: tuple[str, ...] = ()
    """Paths that the spec's entries make. The innermost entry that names a path owns it."""
    ensured: tuple[str, ...] = ()
    """Folders that the spec's entries make where they are not there."""
    edited: tuple[str, ...] = ()
    """Paths that the spec's entries edit: others make them, and their contents may differ from that."""
    changes: tuple[FileChange, ...] = ()
    """What the spec's entries change in files that others make, in the order in which they do."""
    foreseen: tuple[str, ...] = ()
    """Paths that are still to be made: `read` foretells what will be at and below them, and no program sees
    it."""

    def is_foreseen(self, path: str) -> bool:
        """Whether a path is at or below one that is still to be made."""
        return any(path == place or path.startswith(place.rstrip("/") + "/") for place in self.foreseen)

    def kept(self, sha256: str, name: str) -> str:
        """Where `Reader.keep` puts a file with that content."""
        return f"{self.state}/kept/{sha256}/{name}"

    variables: tuple[tuple[str, str | tuple[str, ...] | None], ...] = ()
    """What the spec sets for its commands: a value, folders to put in front of a list, None to unset."""


class Reader(Protocol):
    """Reads a machine and never changes it.

    Paths are absolute and not followed when they are links, except by `read` and `hash`. None means absent;
    whatever else goes wrong raises ObserveError.
    """

    @property
    def context(self) -> Context: ...
    @property
    def environ(self) -> Mapping[str, str]: ...
    def read(self, path: str) -> bytes | None:
        """A file's content. The path may be an http or https URL: of a small file, and not of a web page."""

    def stat(self, path: str) -> Stat | None: ...
    def list(self, path: str) -> tuple[str, ...] | None: ...
    def hash(self, path: str) -> str | None:
        """The sha256 of what `read` gives, in hexadecimal."""

    def keep(self, name: str, data: bytes) -> str:
        """Put a small file among our own caches, for programs to read; returns `context.kept(...)` of it."""

    def which(self, program: str) -> str | None: ...
    def free(self, path: str) -> int:
        """Bytes that may still be written below `path`, which need not exist yet."""

    def ask(self, run: Run) -> Completed:
        """Run a program that changes nothing (but caches of our own)."""

    def head(self, url: str) -> Answer:
        """Ask a server about a URL without downloading it."""

    def accelerators(self) -> Accelerators: ...
    def kernel(self) -> Kernel | None:
        """The notebook's kernel that we are, or that started us; None where there is none."""

    def cancel(self) -> None:
        """Stop whatever is running, in every thread."""


Progress = Callable[[int, int, str], None]
"""Called with `(done, total, text)`: bytes for downloads, percent for apt."""

Tell = Callable[[Event], None]


class Machine(Reader, Protocol):
    """A Reader that can also be changed."""

    def perform(self, effect: Effect, tell: Progress) -> str:
        """Carry out one effect and return a note for the report, or "".

        Raises EffectError, TransientError or Interrupted.
        """

    def sleep(self, seconds: float) -> None: ...
    def redact(self, text: str) -> str:
        """`text` as it may be shown and kept: without the values of secret variables."""
