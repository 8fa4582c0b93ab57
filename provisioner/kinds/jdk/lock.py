"""How a section of Java is locked."""

from __future__ import annotations

from provisioner.kinds.base import LockContext
from provisioner.kinds.jdk.facts import JdkFacts
from provisioner.kinds.jdk.section import Jdk, at_locked_version, versions_of
from provisioner.kinds.shared.debian import lock
from provisioner.kinds.shared.debian.pins import DebianPinning, DebianPins, kept_pins
from provisioner.machine.reader import Reader
from provisioner.model.errors import LockError


def check(config: Jdk, pins: DebianPins) -> None:
    """Raises LockError when no JDK was locked."""
    if not versions_of(pins.known):
        raise LockError("the lock does not have the jdk", "Lock it again: colabenv lock")


def pin(
    config: Jdk, facts: JdkFacts, reader: Reader, context: LockContext, pinning: DebianPinning | None
) -> DebianPins:
    """The kit's own package, and what is coming with it. Raises LockError where a file is not known."""
    name = at_locked_version(config, kept_pins(pinning)).package(facts.version or 0)
    return lock.pin([name], facts.dpkg, facts.transaction, reader, context, pinning)
