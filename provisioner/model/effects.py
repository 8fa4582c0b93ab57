"""Everything that a step can do to a machine, as data: programs are argv tuples, never text for a shell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Run:
    """Run a program without a shell. Its output goes to the log; its standard input is `stdin` or nothing."""

    argv: tuple[str, ...]
    stdin: str = ""
    cwd: str | None = None
    env: tuple[tuple[str, str | None], ...] = ()
    """Variables to set; None unsets."""
    scrub: str = ""
    """Regular expression: inherited variables whose whole name matches are not passed on."""
    timeout: float = 3600.0
    transient: tuple[str, ...] = ()
    """Regular expressions: output of failures that another try may fix."""
    hints: tuple[tuple[str, str], ...] = ()
    """(regular expression over the output, what to do next): the first that matches is shown."""
    remedies: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(regular expression over a failure's output, a command that may fix it): then it runs once more."""
    instead: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(regular expression over a failure's output, another command): that runs in its place."""
    progress: Literal["", "apt"] = ""
    """How to follow it: `apt` passes a status descriptor to apt-get."""
    creates: str = ""
    """A path that is there once it has ended well; "" where that is not known."""
    op: Literal["run"] = "run"


@dataclass(frozen=True, kw_only=True)
class Write:
    """Write a text file, atomically; folders above it are made."""

    path: str
    text: str
    mode: int | None = None
    """None keeps the mode of a file that is there, and is 0o644 for a new one."""
    op: Literal["write"] = "write"


@dataclass(frozen=True, kw_only=True)
class Block:
    """Put a block of lines into a text file of the user's, whose contents must not be in a plan.

    It replaces the block with the same first and last line, or is appended.
    """

    path: str
    text: str
    op: Literal["block"] = "block"


@dataclass(frozen=True, kw_only=True)
class Replacement:
    """Text to find exactly `count` times outside of what replaces it."""

    find: str
    replace: str
    count: int = 1
    op: Literal["replace"] = "replace"


@dataclass(frozen=True, kw_only=True)
class Insertion:
    """A whole line that must be there, else is put after the line `after`, or at the end."""

    line: str
    after: str | None = None
    op: Literal["insert"] = "insert"


TextChange = Replacement | Insertion


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Change a text file, in this order, whose contents must not be in a plan. What is done is left alone."""

    path: str
    changes: tuple[TextChange, ...]
    mode: int | None = None
    op: Literal["edit"] = "edit"


SettingsFormat = Literal["yaml", "json", "toml", "ini"]


@dataclass(frozen=True, kw_only=True)
class SetKeys:
    """Set keys of a file with settings, and leave the rest of it as it is. An absent file is made."""

    path: str
    format: SettingsFormat
    keys: tuple[tuple[tuple[str, ...], str], ...]
    """Each key as the way to it, and its value as JSON."""
    mode: int | None = None
    op: Literal["set"] = "set"


@dataclass(frozen=True, kw_only=True)
class Patch:
    """Apply unified diffs, files of this machine, to a file or a folder, as far as they are not applied."""

    path: str
    patches: tuple[str, ...]
    strip: int = 1
    """Leading folders to drop from the names in the diffs."""
    op: Literal["patch"] = "patch"


@dataclass(frozen=True, kw_only=True)
class Copy:
    """Copy a local file, atomically.

    With `tree`, a file or a folder with all that differs below it, times included; nothing is removed.
    `keep` are paths below `path` that are left alone.
    """

    source: str
    path: str
    mode: int | None = None
    tree: bool = False
    keep: tuple[str, ...] = ()
    op: Literal["copy"] = "copy"


@dataclass(frozen=True, kw_only=True)
class Move:
    """Move a file or a folder to where nothing is."""

    source: str
    path: str
    op: Literal["move"] = "move"


@dataclass(frozen=True, kw_only=True)
class Mkdir:
    """Make a folder and those above it."""

    path: str
    mode: int | None = None
    op: Literal["mkdir"] = "mkdir"


@dataclass(frozen=True, kw_only=True)
class Chmod:
    """Change permission bits; with `tree`, of everything in a folder, which gets an x for each r.

    `keep` are paths below `path` that are left alone.
    """

    path: str
    mode: int
    tree: bool = False
    keep: tuple[str, ...] = ()
    op: Literal["chmod"] = "chmod"


@dataclass(frozen=True, kw_only=True)
class Link:
    """Make `path` a symbolic link to `target`, replacing a link but nothing else."""

    path: str
    target: str
    op: Literal["link"] = "link"


@dataclass(frozen=True, kw_only=True)
class Remove:
    """Remove a file, a link, or (when `tree`) a folder with its contents. What is absent is ignored."""

    path: str
    tree: bool = False
    op: Literal["remove"] = "remove"


@dataclass(frozen=True, kw_only=True)
class Fetch:
    """Download one of `urls` (http, https, file; tried in order) to `path`, through a part file beside it.

    With `receipt`, a JSON file is written that lets a later run see that the file is complete; it names the
    URL `asked` for, by default the one that served the file.
    """

    urls: tuple[str, ...]
    path: str
    sha256: str | None = None
    receipt: str | None = None
    asked: str | None = None
    op: Literal["fetch"] = "fetch"


@dataclass(frozen=True, kw_only=True)
class Unpack:
    """Unpack `archive` into a new folder that then replaces `to`.

    `consume` removes the archive afterwards. What is at the paths `keep`, relative to `to`, stays as it is.
    """

    archive: str
    to: str
    format: str
    strip: int = 0
    """Leading folders to drop from every member's name."""
    receipt: str | None = None
    consume: bool = False
    keep: tuple[str, ...] = ()
    over: bool = False
    """Whether what is there may be replaced, since it came with something else of the spec."""
    op: Literal["unpack"] = "unpack"


@dataclass(frozen=True, kw_only=True)
class InstallKey:
    """Put an OpenPGP public key at `path`, from `url` or `text`, when its fingerprint is the expected one."""

    path: str
    fingerprint: str
    url: str | None = None
    text: str | None = None
    op: Literal["install-key"] = "install-key"


@dataclass(frozen=True, kw_only=True)
class Mount:
    """Let the user mount Google Drive at `path`."""

    path: str
    op: Literal["mount"] = "mount"


@dataclass(frozen=True, kw_only=True)
class Secret:
    """Put the value of one of Colab's secrets into an environment variable of the kernel."""

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
    """Set an environment variable of the kernel; None unsets it, folders go in front of its value."""

    name: str
    value: str | tuple[str, ...] | None
    op: Literal["export"] = "export"


@dataclass(frozen=True, kw_only=True)
class Refresh:
    """Let the kernel find what was installed: clear import caches, read the .pth files of `folders`."""

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


FileChange = Edit | SetKeys | Patch | Chmod
"""A change to a file that others made."""


FOREGROUND = (Mount, Secret, Upload, Chdir, Extension)
"""What talks to the page or to IPython, which expect to be called in the kernel's main thread."""

FileEffect = Write | Block | Edit | SetKeys | Patch | Copy | Move | Mkdir | Chmod | Link | Remove

Effect = Run | FileEffect | Fetch | Unpack | InstallKey | LiveEffect
