"""What a resource kind is: a value that says how to observe one section of the spec and how to plan it.

Whatever else the rest of the program asks about single kinds is an optional field here, so that nothing
outside `kinds/` has to know any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from provisioner.kinds.shared.references import Definition
from provisioner.kinds.shared.variable_files import Setting
from provisioner.machine.reader import Reader
from provisioner.model.accelerators import Accelerators
from provisioner.model.effects import FileChange
from provisioner.model.notebook import NotebookRequest
from provisioner.model.plan import Check, Named, Step
from provisioner.runtimes.difference import Concerns
from provisioner.runtimes.images import Image

C = TypeVar("C")
F = TypeVar("F")
P = TypeVar("P")

ABSENT = "absent"
"""The state of a named thing that is absent."""


# Locks


@dataclass(frozen=True)
class Pinning(Generic[P]):
    """How a section uses pins: exactly, or, when a lock is updated, wherever they still fit."""

    pins: P
    exact: bool = True
    """Whether only the pins are accepted."""
    upgrade: frozenset[str] | None = frozenset()
    """The upgrade strategy of what need not be exact: names to take the newest of; None means all."""


@dataclass(frozen=True)
class Download:
    """A downloaded file: `url` after all redirections, sha256 in hexadecimal, size in bytes."""

    url: str
    sha256: str
    size: int


@dataclass(frozen=True)
class LockContext:
    """What a lock is made with."""

    image: Image | None
    """The known image that the machine started from."""
    download: Callable[[str, tuple[str, ...]], Download]
    """Fetches the file of an address from one of several URLs, to hash it. Raises LockError."""


SHOWN_DIGITS = 12
"""Of a hash or a commit, where people read it."""


@dataclass(frozen=True)
class LockedEntry:
    """One locked thing, as the reviewer of a lock sees it."""

    name: str
    version: str
    files: tuple[str, ...] = ()
    """The sha256 of each of its files, in hexadecimal."""
    built: bool = False
    """Whether it has to be built from source."""


@dataclass(frozen=True)
class Contents:
    """What the pins of a kind have."""

    entries: tuple[LockedEntry, ...] = ()
    unlocked: tuple[str, ...] = ()
    """Names of what could not be locked."""
    on_top: frozenset[str] = frozenset()
    """Names of distributions and packages that come on top of the base."""


@dataclass(frozen=True)
class PackageUrl:
    """A package URL in its parts: https://github.com/package-url/purl-spec."""

    type: str
    name: str
    version: str | None = None
    namespace: str | None = None
    qualifiers: Mapping[str, str] = field(default_factory=dict)
    subpath: str | None = None


@dataclass(frozen=True, kw_only=True)
class Material:
    """One component of a bill of materials."""

    address: str
    """`pip.numpy`."""
    name: str
    version: str | None
    purl: PackageUrl | None = None
    files: tuple[tuple[str | None, str], ...] = ()
    """Where each of its files comes from, if that has a URL, and its sha256 in hexadecimal."""
    repository: str | None = None
    """The URL of the repository that it is built from."""
    notes: Mapping[str, object] = field(default_factory=dict)
    """Our own properties; None is left out."""
    data: bool = False
    """Whether it is data rather than a library."""


def no_inputs(config: object, reader: Reader) -> Iterable[str]:
    """Most sections name no files."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Lockable(Generic[C, F, P]):
    """How a kind is locked. All but `observe`, `pin` and `inputs` are pure."""

    pins: Any
    """The type of its pins, which pydantic validates, since locks travel; `{}` means no pins."""
    observe: Callable[[C, Reader, Pinning[P] | None], F]
    plan: Callable[[C, F, Pinning[P] | None], Iterable[Step]]
    check: Callable[[C, P], None]
    """Raises LockError when the pins lack what the section names."""
    pin: Callable[[C, F, Reader, LockContext, Pinning[P] | None], P]
    """What a section resolved to, given that all its changes can be made. Raises LockError."""
    contents: Callable[[P], Contents]
    materials: Callable[[P, str], Iterable[Material]]
    """All that is in a bill of materials, given the name of the operating system."""
    inputs: Callable[[C, Reader], Iterable[str]] = no_inputs
    """Paths and URLs of the files that are part of the desired state, but for what others make."""
    complete: bool = False
    """Whether exact pins tell all that a section must otherwise see of what others make."""


# Entries


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A part of a section that is observed, planned and carried out by itself: a dataset, a clone, a command.

    It says purely what it makes and what it needs, as claims: absolute paths, or names like `program:java`.
    Order follows from these (`kinds/order.py`). A claim that nobody makes has no effect.
    """

    address: str
    """`datasets.flowers`; the addresses of its steps and changes begin with it."""
    config: object
    """The section with this part alone."""
    place: tuple[str | int, ...] = ()
    """Where it is in the section, for messages."""
    makes: tuple[str, ...] = ()
    """What it brings into being; nothing else in the file may make the same."""
    ensures: tuple[str, ...] = ()
    """Folders that it makes where they are not there; others may make the same, and what is in them."""
    reveals: tuple[str, ...] = ()
    """Paths whose contents exist already, and can be seen once this is done: a mount."""
    edits: tuple[str, ...] = ()
    """Paths that it changes, and others make. It reads them, too."""
    changes: tuple[FileChange, ...] = ()
    """How it changes them, for those others to tell its changes from a user's."""
    reads: tuple[str, ...] = ()
    """What it must see before it can be planned."""
    uses: tuple[str, ...] = ()
    """What must be there when it is carried out, and can be planned without."""
    mentions: tuple[str, ...] = ()
    """What it seems to use; without effect where that would be a circle."""
    after: tuple[str, ...] = ()
    """Entries or kinds that must have succeeded first, for what no claim tells."""
    behind: tuple[str, ...] = ()
    """Entries or kinds that end before it begins, whether well or not, unless they wait for it; `*` means
    every other kind."""
    joint: bool = False
    """Whether it is observed together with others, as its kind's `joint` says."""
    about: str = ""
    """What is unknown of it until it can be planned: "what requirements.txt lists"."""


# Kinds


@dataclass(frozen=True)
class Examination:
    """What `doctor` gets from a kind about a machine, without a spec."""

    accelerators: Accelerators
    checks: tuple[Check, ...] = ()
    """The checks that what is there works."""
    versions: tuple[str, ...] = ()
    """What is installed of what it is about: "torch 2.8.0"."""


@dataclass(frozen=True)
class Party:
    """An entry that is observed together with others."""

    address: str
    begin: Callable[[Reader], object]
    """What its kind finds by itself. Raises ObserveError."""
    plan: Callable[[object], Iterable[Step]]
    """Its steps, given facts."""


@dataclass(frozen=True)
class Joint(Generic[C, P]):
    """How a kind is observed together with others that change the machine in one go, as apt does."""

    begin: Callable[[C, Reader, Pinning[P] | None], object]
    """What it finds by itself, for `observe` to go on from. Raises ObserveError."""
    observe: Callable[[Sequence[Party], Reader], Mapping[str, object]]
    """What each of several entries finds, by their addresses; an ObserveError where that fails. Kinds that
    have the same are observed together."""


def no_paths(section: object) -> Mapping[str, Definition]:
    """Most sections define no paths for others."""
    return {}


def nothing(*_: object) -> tuple[()]:
    """For kinds without a summary."""
    return ()


def no_environment(config: object) -> str | None:
    """Most kinds make no virtual environment."""
    return None


def no_concerns(config: object, reader: Reader) -> Concerns:
    """Most kinds are not affected by an image."""
    return Concerns()


def nothing_left(config: object, absent: tuple[str, ...]) -> None:
    """Most entries are about one thing."""
    return


def any_machine(config: object) -> NotebookRequest:
    """Most kinds run on whatever Colab gives."""
    return NotebookRequest()


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[C, F]):
    """One key of the file. All but `observe`, `concerns` and `examine`, which only read, are pure."""

    name: str
    config: Any
    """The desired state: a type that pydantic validates, giving C."""
    observe: Callable[[C, Reader], F]
    """Raises ObserveError rather than guess."""
    plan: Callable[[C, F], Iterable[Step]]
    checks: Callable[[C, F], Iterable[Check]] = nothing
    """What must be verified by running it; most kinds are verified by observing again."""
    named: Callable[[C, F], Iterable[Named]] = nothing
    """Everything the file names, each by its address, and what it is here: a version, a sha256, ABSENT; None
    where that would need reading more than planning does.

    The same on two machines exactly when the thing is the same: no paths of the machine, no times, no sizes
    of what is free, and of what is secret only that it is set. Nothing for what ends with a process.
    """
    after: tuple[str, ...] = ()
    """Kinds whose steps must have succeeded first."""
    gate: bool = False
    """Whether nothing else may begin while this is blocked."""
    lock: Lockable[C, F, Any] | None = None
    """None for a kind that cannot be locked."""

    joint: Joint[C, Any] | None = None
    """None for a kind that is always observed by itself."""
    entries: Callable[[C, str], Iterable[Entry]] | None = None
    """The parts of a section, given the spec's folder; None for one part that claims nothing. Where a kind
    that can be locked has several, its facts are mappings, which are merged."""
    without: Callable[[C, tuple[str, ...]], C | None] = nothing_left
    """What is left of an entry without all that lies at or below certain paths, since these are optional and
    not here; None for nothing."""
    preview: Callable[[C, Pinning[Any] | None, Reader, str], bytes | None] | None = None
    """What a file will hold that an entry is still to make, given pins and its path; None where that cannot
    be known without making it. None for a kind that never knows."""
    foresees: bool = False
    """Whether it may be planned on such contents: programs are asked about copies of them (`Reader.keep`)."""
    paths: Callable[[object], Mapping[str, Definition]] = no_paths
    """The paths that a section defines, by the names that `${NAME}` in the file gives them; of what the file
    says, before that is checked."""
    variables: Callable[[C, str], Iterable[tuple[str, Setting]]] = nothing
    """What a section sets variables to for the spec's commands, given the processor in Linux's words."""
    environment: Callable[[C], str | None] = no_environment
    """The virtual environment that the spec's packages go into, when this section chooses it."""
    secrets: Callable[[C], Iterable[str]] = nothing
    """Names of variables whose values must not be shown, whatever their names look like."""
    concerns: Callable[[C, Reader], Concerns] = no_concerns
    """What in one of Colab's images affects a section."""
    request: Callable[[C], NotebookRequest] = any_machine
    """What a notebook has to ask Colab for."""
    attached: Callable[[F], Accelerators] | None = None
    """The accelerators that were found, for the report."""
    attach: Callable[[C, tuple[Accelerators, ...]], Accelerators] | None = None
    """Which of the accelerators that Colab offers a machine would be given."""
    requirements: Callable[[F], Iterable[tuple[str, bool]]] = nothing
    """The address of each requirement, and whether the machine has any version of it."""
    examine: Callable[[Reader], Examination] | None = None
    listing: Literal["", "machine", "distributions", "packages"] = ""
    """The part of a snapshot that lists the same things, whether a spec names them or not."""


AnyKind: TypeAlias = Kind[Any, Any]
AnyLockable: TypeAlias = Lockable[Any, Any, Any]
AnyPinning: TypeAlias = Pinning[Any]
AnyJoint: TypeAlias = Joint[Any, Any]


def observe(kind: AnyKind, config: object, reader: Reader, pinning: AnyPinning | None) -> object:
    """What a kind finds for a section, which may have pins."""
    return (
        kind.lock.observe(config, reader, pinning) if kind.lock and pinning else kind.observe(config, reader)
    )


def plan(kind: AnyKind, config: object, facts: object, pinning: AnyPinning | None) -> Iterable[Step]:
    """The steps from what was found to what a section asks for, which may have pins."""
    return kind.lock.plan(config, facts, pinning) if kind.lock and pinning else kind.plan(config, facts)
