"""What a resource kind is: a value that says how to observe one section of the spec and how to plan it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from provisioner.machine import Reader
from provisioner.model import Check, Step

C = TypeVar("C")
F = TypeVar("F")


def no_checks(config: object, facts: object) -> Iterable[Check]:
    """Most kinds are proved by observing again."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[C, F]):
    """One key of the file. `plan` and `checks` are pure; `observe` reads and never writes."""

    name: str
    config: Any
    """The desired state: a type that pydantic validates, giving C."""
    observe: Callable[[C, Reader], F]
    """Raises ObserveError rather than guess."""
    plan: Callable[[C, F], Iterable[Step]]
    checks: Callable[[C, F], Iterable[Check]] = no_checks
    after: tuple[str, ...] = ()
    """Kinds whose steps must have succeeded first."""
    gate: bool = False
    """Whether nothing else may begin while this is blocked."""
