"""How a section of apt is locked. Packages in files of their own have their sha256 in the spec."""

from __future__ import annotations

from provisioner.kinds.apt.facts import AptFacts
from provisioner.kinds.apt.section import Apt
from provisioner.kinds.base import LockContext
from provisioner.kinds.shared.debian import lock
from provisioner.kinds.shared.debian.pins import DebianPinning, DebianPins
from provisioner.machine.reader import Reader
from provisioner.model.errors import LockError


def check(config: Apt, pins: DebianPins) -> None:
    """Raises LockError for a choice of which no option was locked."""
    for choice in config.packages:
        names = {option.name for option in choice.any_of}
        if not pins.known & (names | {name.partition(":")[0] for name in names}):
            raise LockError(
                f"the lock does not have apt.{choice.any_of[0].name}", "Lock it again: colabenv lock"
            )


def pin(
    config: Apt, facts: AptFacts, reader: Reader, context: LockContext, pinning: DebianPinning | None
) -> DebianPins:
    """What is there and what is coming. Raises LockError where no repository tells which file it is."""
    names = [option.name for option in facts.chosen]
    return lock.pin(names, facts.dpkg, facts.transaction, reader, context, pinning)
