"""A notebook's kernel: what it is like, and the effects that only it can have on itself. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Kernel:
    """The kernel that we run in, or that started us by `!`."""

    inside: bool = True
    """Whether this process is the kernel: only then can it be changed, and the Colab page be asked."""
    modules: Mapping[str, str] = field(default_factory=dict)
    """File of each module that it has imported -> the version that the module tells, or "".

    From outside only compiled modules are seen, and no version.
    """
    deleted: frozenset[str] = frozenset()
    """Libraries that it has mapped and that are no longer on disk: they were replaced."""
    replaced: frozenset[str] = frozenset()
    """Distributions that were replaced by us after this kernel had imported them."""
    started_ns: int = 0
    """When it was started, since the epoch."""
    extensions: tuple[str, ...] = ()
    """IPython extensions that it has loaded."""
    path: tuple[str, ...] = ()
    """Its sys.path."""
    folder: str = ""
    """Its working directory."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Secrets that were asked for in vain just now, and why."""


@dataclass(frozen=True, kw_only=True)
class Mount:
    """Let the user mount Google Drive at `path`."""

    path: str
    op: Literal["mount"] = "mount"


@dataclass(frozen=True, kw_only=True)
class Secret:
    """Put the value of a secret of Colab's into an environment variable of the kernel."""

    name: str
    variable: str
    required: bool = True
    op: Literal["secret"] = "secret"


@dataclass(frozen=True, kw_only=True)
class Upload:
    """Let the user choose a file in the browser; it is written to `path`."""

    path: str
    mode: int
    op: Literal["upload"] = "upload"


@dataclass(frozen=True, kw_only=True)
class Export:
    """Set an environment variable of the kernel; None unsets it, folders go in front of what it holds."""

    name: str
    value: str | tuple[str, ...] | None
    op: Literal["export"] = "export"


@dataclass(frozen=True, kw_only=True)
class Refresh:
    """Let the kernel find what was installed: forget import caches, read the .pth files of `folders`."""

    folders: tuple[str, ...]
    replaced: tuple[str, ...] = ()
    """Distributions that the kernel had imported before."""
    op: Literal["refresh"] = "refresh"


@dataclass(frozen=True, kw_only=True)
class SearchPath:
    """Put a folder in front of the kernel's sys.path."""

    path: str
    op: Literal["sys-path"] = "sys-path"


@dataclass(frozen=True, kw_only=True)
class Chdir:
    """Make a folder the kernel's working directory."""

    path: str
    op: Literal["chdir"] = "chdir"


@dataclass(frozen=True, kw_only=True)
class Extension:
    """Load an IPython extension."""

    name: str
    op: Literal["extension"] = "extension"


LiveEffect = Mount | Secret | Upload | Export | Refresh | SearchPath | Chdir | Extension

FOREGROUND = (Mount, Secret, Upload, Chdir, Extension)
"""What talks to the page or to IPython, which expect to be called in the kernel's main thread."""
