"""What a resource kind is: a value that says how to observe one section of the spec and how to plan it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from provisioner.machine.reader import Reader
from provisioner.model.plan import Check, Named, Step
from provisioner.runtimes.images import Image

C = TypeVar("C")
F = TypeVar("F")


@dataclass(frozen=True)
class Download:
    """A file as it came: `url` after all redirections, sha256 in hexadecimal, size in bytes."""

    url: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Ground:
    """What a lock is made on."""

    image: Image | None
    """The known image that the machine began as."""
    download: Callable[[str, tuple[str, ...]], Download]
    """Fetches a named file from one of several URLs, to learn what it is. Raises LockError."""


def no_inputs(config: object, reader: Reader) -> Iterable[str]:
    """Most sections say themselves all that they want."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Lockable(Generic[C, F]):
    """How a kind is locked. Its pins are a type of its own that pydantic validates, since locks travel."""

    pins: Any
    pin: Callable[[C, F, Reader, Ground], Any]
    """What a section came to, of which all changes can be made. Raises LockError for what cannot be held."""
    hold: Callable[[C, Any], C]
    """The section that asks for exactly what the pins are. Pure."""
    prefer: Callable[[C, Any, frozenset[str] | None], C]
    """The section that keeps to earlier pins (or None) but for the names given; None names all. Pure."""
    inputs: Callable[[C, Reader], Iterable[str]] = no_inputs
    """Paths of the files that are a part of what is wanted."""


ABSENT = "absent"
"""What is said of a named thing that is not there."""


def no_checks(config: object, facts: object) -> Iterable[Check]:
    """Most kinds are proved by observing again."""
    return ()


def nothing_named(config: object, facts: object) -> Iterable[Named]:
    """For kinds whose things do not outlast a process, or are proved by running them."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[C, F]):
    """One key of the file. `plan`, `checks` and `named` are pure; `observe` reads and never writes."""

    name: str
    config: Any
    """The desired state: a type that pydantic validates, giving C."""
    observe: Callable[[C, Reader], F]
    """Raises ObserveError rather than guess."""
    plan: Callable[[C, F], Iterable[Step]]
    checks: Callable[[C, F], Iterable[Check]] = no_checks
    named: Callable[[C, F], Iterable[Named]] = nothing_named
    """Everything the file names, each by its address, and what it is here: a version, a sha256, ABSENT;
    None where only reading more than planning needs would tell.

    The same on two machines exactly when the thing is the same: no paths of the machine, no times, no sizes
    of what is free, and of what is secret only that it is set.
    """
    after: tuple[str, ...] = ()
    """Kinds whose steps must have succeeded first."""
    gate: bool = False
    """Whether nothing else may begin while this is blocked."""
    lock: Lockable[C, F] | None = None
    """None for a kind whose section says all that there is to say."""
