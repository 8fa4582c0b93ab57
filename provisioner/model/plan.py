"""The parts of a plan, as values. Standard library only.

Every value is frozen and holds nothing but data, so that a plan survives JSON and what is shown is
what is run. Times are seconds, sizes are bytes, modes are permission bits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypeAlias

from provisioner.model.effects import FOREGROUND, Effect, Run

SIGNS = {"keep": "=", "create": "+", "update": "~", "remove": "-", "blocked": "!", "deferred": "?"}


class Action(Enum):
    """What a plan does with one thing."""

    KEEP = "keep"
    CREATE = "create"
    UPDATE = "update"
    REMOVE = "remove"
    BLOCKED = "blocked"
    DEFERRED = "deferred"

    @property
    def sign(self) -> str:
        return SIGNS[self.value]


@dataclass(frozen=True)
class Change:
    """One line of the diff: `pip.numpy`, from `before` to `after`.

    `reason` is for people and never decides anything. For BLOCKED it says why and names the way out.
    """

    address: str
    action: Action
    before: str | None = None
    after: str | None = None
    reason: str = ""
    transitive: bool = False
    """Not named by the file, but a dependency of something that is."""
    known_after: tuple[str, ...] = ()
    """For DEFERRED: the addresses of what must be done before this can be planned."""
    left_out: bool = False
    """For KEEP: whether nothing is done about it, since it needs what is optional and not here."""

    @property
    def right(self) -> bool:
        """Whether it is as the file says."""
        return self.action is Action.KEEP and not self.left_out


@dataclass(frozen=True, kw_only=True)
class Step:
    """A unit of execution: five apt packages, one call. Its id begins with its kind: `datasets.flowers`."""

    id: str
    changes: tuple[Change, ...]
    effects: tuple[Effect, ...] = ()
    after: tuple[str, ...] = ()
    """Steps, entries or kinds whose steps must have succeeded first."""
    behind: tuple[str, ...] = ()
    """Those that must have ended first, whether well or not."""
    entry: str = ""
    """The address of the entry that it is a step of."""
    replan: bool = False
    """Whether its entry is observed and planned again when all that it is `after` is done."""
    joined: str = ""
    """The entry whose step does part of its work, too, since both are one transaction; "" for none."""
    absent: tuple[str, ...] = ()
    """Paths that are optional, and not here: what lies below them is left out."""
    lane: str = ""
    """Steps of one lane never overlap; a step without a lane has one of its own."""
    retries: int = 4
    download: int = 0
    """Bytes expected from the network, as far as they are known."""
    warnings: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    """What the notebook's kernel has imported in another version than is installed."""

    @property
    def foreground(self) -> bool:
        return any(isinstance(effect, FOREGROUND) for effect in self.effects)

    @property
    def kind(self) -> str:
        return self.id.partition(".")[0]

    @property
    def blocked(self) -> bool:
        return any(change.action is Action.BLOCKED for change in self.changes)

    @property
    def pending(self) -> bool:
        """Whether there is anything to do here, or anything that is blocked."""
        return any(change.action is not Action.KEEP for change in self.changes)


@dataclass(frozen=True, kw_only=True)
class Check:
    """Something verified by running it after all changes; it changes nothing.

    A check that passed is not run again by `apply` while what it `watches` is unchanged.
    """

    address: str
    run: Run
    matches: str = ""
    """Regular expression that the output must contain."""
    reply: Literal["text", "json"] = "text"
    """`json`: the last line is `{"ok": bool, "message": str, "hint": str, "data": {...}}`."""
    watches: tuple[str, ...] = ()
    """Files and folders whose change makes an earlier verdict invalid."""
    on_failure: Literal["fail", "warn"] = "fail"
    framework: str = ""
    """The framework that is checked to compute, "torch"; "" for any other check."""


Named: TypeAlias = tuple[str, str | None]
"""The address of something that the file names, and what it is on a machine: a version, a sha256, "absent".
None where that could not be determined."""


@dataclass(frozen=True, kw_only=True)
class Against:
    """The image that a plan was made for, and how many of the spec's requirements it meets."""

    image: str
    kind: str = ""
    """Whose requirements these are; "" where no section names any."""
    asked: int = 0
    met: int = 0
    """Those that the image meets, and that stay as they are."""
    missing: int = 0
    """Those of which it has no version at all."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What must change for a machine to match its spec."""

    name: str
    spec: str
    """Path of the spec."""
    digest: str
    """sha256 of the spec's text."""
    steps: tuple[Step, ...]
    checks: tuple[Check, ...] = ()
    gates: tuple[str, ...] = ()
    """Kinds that must not be blocked before anything else may begin."""
    only: tuple[str, ...] = ()
    """The steps or kinds that were asked for; none means all."""
    skip: tuple[str, ...] = ()
    """The steps or kinds that were left out."""
    lock: str = ""
    """sha256 of the lock that is used; empty for none."""
    notes: tuple[str, ...] = ()
    """Notes to show before the changes."""
    named: tuple[Named, ...] = ()
    """Everything that the file names, and what it is on this machine."""
    against: Against | None = None
    """None for a plan for the machine that it was made on."""

    @property
    def changes(self) -> Iterator[Change]:
        return (change for step in self.steps for change in step.changes)

    @property
    def deferred(self) -> tuple[Change, ...]:
        """What is only known when something else is done."""
        return tuple(change for change in self.changes if change.action is Action.DEFERRED)

    @property
    def pending(self) -> bool:
        return any(step.pending for step in self.steps)

    @property
    def download(self) -> int:
        return sum(step.download for step in self.steps if step.pending and not step.blocked)


FINGERPRINT = 12
"""Hexadecimal digits of a fingerprint: enough to tell machines apart, few enough to read aloud."""


def fingerprint(plan: Plan) -> str:
    """A short hash of the machine's state: equal exactly when everything the file names is equal.

    "" where a part was left out or could not be determined: a partial one would mislead.
    """
    if plan.only or plan.skip or any(value is None for _, value in plan.named):
        return ""
    canonical = json.dumps(sorted(set(plan.named)), ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:FINGERPRINT]
