"""The programs that cloning needs, which apt brings where they are not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from provisioner.facts.dpkg import Dpkg
from provisioner.kinds.shared.debian import joint, transaction
from provisioner.kinds.shared.debian.apt_get import AptOrder, installed_packages
from provisioner.kinds.shared.debian.joint import AptWish, Work
from provisioner.kinds.shared.debian.package_lists import PackageLists
from provisioner.kinds.shared.debian.transaction import NO_TRANSACTION, AptTransaction
from provisioner.machine.reader import Reader
from provisioner.model.plan import Action, Change, Step

KEY = "packages"
"""Where facts have them; no repository can have that name."""

ADDRESS = f"git.{KEY}"

PROGRAMS = {"git": "git", "git-lfs": "git-lfs", "openssh-client": "ssh"}
"""The program of each package."""

CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
"""What Debian's package of that name makes, without which no https server is trusted."""


@dataclass(frozen=True)
class PackageFacts:
    """Which packages are there, and what apt would do for the others."""

    present: Mapping[str, str] = field(default_factory=dict)
    """Where each is, or its version."""
    missing: tuple[str, ...] = ()
    dpkg: Dpkg | None = None
    """None where nothing is missing, and where there is no apt."""
    root: bool = True
    transaction: AptTransaction = NO_TRANSACTION
    problems: tuple[str, ...] = ()
    """Why the package lists may be out of date."""


PackagesFound: TypeAlias = Mapping[str, PackageFacts]
"""By KEY, as part of a section's facts."""


def observe(packages: tuple[str, ...], reader: Reader) -> PackagesFound:
    """Look for programs, and only where one is missing for packages."""
    return joint.alone(begin(packages, reader), reader)


def begin(packages: tuple[str, ...], reader: Reader) -> PackagesFound | Work[PackagesFound]:
    """What is missing, and what is to be asked of apt if anything is."""
    present = {name: place for name in packages if (place := find(name, reader))}
    missing = tuple(name for name in packages if name not in present)
    if not missing:
        return {KEY: PackageFacts(present)}
    everything = installed_packages(reader)
    if everything is None:
        programs = tuple(name for name in missing if name in PROGRAMS)
        return {KEY: PackageFacts(present, programs)}
    installed = {name: found.version for name in missing if (found := everything.get(name))}
    missing = tuple(name for name in missing if name not in installed)
    present |= installed
    if not missing:
        return {KEY: PackageFacts(present)}
    dpkg = everything.only(missing)

    def wish(lists: PackageLists) -> AptWish[PackagesFound]:
        known = PackageFacts(present, missing, dpkg, reader.context.root, problems=lists.problems)
        return AptWish(
            order=AptOrder(install=missing, options=lists.options, trial=lists.trial),
            named=frozenset(missing),
            dpkg=dpkg,
            facts=lambda coming: {KEY: replace(known, transaction=coming)},
        )

    return Work(wish=wish)


def find(package: str, reader: Reader) -> str:
    """Where a package's program is; "" where it is not."""
    if package in PROGRAMS:
        return reader.which(PROGRAMS[package]) or ""
    return CERTIFICATES if reader.stat(CERTIFICATES) else ""


def plan(facts: PackageFacts) -> Step:
    """One transaction for all that is missing."""
    kept = [Change(f"{ADDRESS}.{name}", Action.KEEP, place) for name, place in facts.present.items()]
    if facts.dpkg is None:
        return Step(id=ADDRESS, changes=(*kept, *map(without_apt, facts.missing)), lane="apt")
    order = facts.transaction.order
    coming = list(moves(facts, facts.dpkg))
    if not facts.root:
        coming = transaction.without_root(coming, transaction.command(order, facts.dpkg))
    return Step(
        id=ADDRESS,
        changes=(*kept, *coming),
        effects=transaction.effects(facts.transaction, facts.dpkg),
        lane="apt",
        joined=facts.transaction.carrier,
        download=facts.transaction.simulation.download,
        warnings=facts.problems,
    )


def moves(facts: PackageFacts, dpkg: Dpkg) -> Iterator[Change]:
    """What becomes of every package."""
    changes = transaction.changes(ADDRESS, facts.transaction, dpkg)
    yield from changes.values()
    yield from transaction.repairs(ADDRESS, facts.transaction, dpkg, changes)


def without_apt(package: str) -> Change:
    """What is said where nothing can be installed."""
    reason = f"{PROGRAMS[package]} is not here, and this machine has no apt to install it with; install it"
    return Change(f"{ADDRESS}.{package}", Action.BLOCKED, reason=reason)
