"""How a section of Debian packages is locked: what it came to on a machine, and what pins hold."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from provisioner.facts import dpkg as database
from provisioner.facts.dpkg import Dpkg
from provisioner.kinds.base import Contents, LockContext, LockedEntry, Material, PackageUrl
from provisioner.kinds.shared.debian.apt_get import question
from provisioner.kinds.shared.debian.package_files import find_files
from provisioner.kinds.shared.debian.pins import (
    BasePackage,
    DebianPinning,
    DebianPins,
    PinnedPackage,
    kept_pins,
)
from provisioner.kinds.shared.debian.reconcile import look_up_automatic
from provisioner.kinds.shared.debian.transaction import AptTransaction
from provisioner.machine.reader import Reader
from provisioner.machine.urls import file_name
from provisioner.model.errors import LockError

HISTORY = "/var/log/apt/history.log"
INSTALLED = re.compile(r"^Install: (.*)$", re.MULTILINE)
CHANGED = re.compile(r"^(?:Upgrade|Downgrade): (.*)$", re.MULTILINE)
HISTORY_ITEM = re.compile(r"(\S+) \([^()]+\)")

SYSTEM = re.compile(r"(?P<vendor>\w+)\D*(?P<release>\d+(?:\.\d\d)?)?")
"""Vendor and release in "Debian GNU/Linux 12 (bookworm)" and in "Ubuntu 22.04.5 LTS"."""

ARCHITECTURE = re.compile(r"_([^_]+)\.deb")


# What a section came to


def pin(
    names: Collection[str],
    dpkg: Dpkg | None,
    transaction: AptTransaction,
    reader: Reader,
    context: LockContext,
    pinning: DebianPinning | None,
) -> DebianPins:
    """The pins for the packages `names`, which a section names, and for all that comes with them.

    What the repositories have no more stays as it was locked earlier, and so does all of a machine that is
    not here. Raises LockError when no repository tells which file a package is that would be installed.
    """
    if transaction.share:
        transaction = transaction.share.alone
    versions = installed_versions(names, dpkg)
    image = context.image.apt if context.image else {}
    ours = {name: version for name, version in versions.items() if name not in image}
    transitive = {
        name: version for name, version in installed_with(ours, reader).items() if name not in image
    }
    earlier = kept_pins(pinning)
    kept = {name: version for name, version in earlier.versions.items() if name in transitive}
    coming = {move.name: move.after for move in transaction.simulation.moves if move.after}
    wanted = {**transitive, **kept, **ours, **coming}
    files = still_locked(earlier, wanted, reader) | find_files(wanted, transaction.order, reader)
    refuse_unknown(coming, files)
    base = {name: version for name, version in versions.items() if name not in files}
    return DebianPins(
        packages=tuple(files[name] for name in sorted(files)),
        base=tuple(BasePackage(name=name, version=base[name]) for name in sorted(base)),
        unlocked=tuple(sorted({*names} - files.keys() - base.keys())),
    )


def installed_versions(names: Collection[str], dpkg: Dpkg | None) -> dict[str, str]:
    """Of the packages of these names, those that are installed, each with its version."""
    packages = ((name, dpkg and dpkg.get(name)) for name in names)
    return {name: package.version for name, package in packages if package}


def still_locked(earlier: DebianPins, wanted: Mapping[str, str], reader: Reader) -> dict[str, PinnedPackage]:
    """The files of an earlier lock that are wanted still, by the names of their packages."""
    return {
        each.name: each
        for each in earlier.packages
        if reader.context.target_image or wanted.get(each.name) == each.version
    }


def refuse_unknown(coming: Mapping[str, str], files: Collection[str]) -> None:
    """Raise LockError for a package that would be installed, and whose file no repository tells of."""
    if unknown := sorted(coming.keys() - {*files}):
        name = unknown[0]
        raise LockError(
            f"no repository says which file {name} {coming[name]} is, so it cannot be locked",
            "Refresh the package lists: apt-get update.",
        )


def installed_with(names: Collection[str], reader: Reader) -> dict[str, str]:
    """What `names` need and what came or moved with them in one transaction of apt's, with its version.

    What came is left out when somebody asked for it too.
    """
    dpkg = database.observe(reader)
    if dpkg is None or not names:
        return {}
    history = (reader.read(HISTORY) or b"").decode(errors="replace")
    automatic = look_up_automatic(reader)
    together: set[str] = set()
    for transaction in history.split("\n\n"):
        came, moved = (names_in(pattern, transaction, dpkg) for pattern in (INSTALLED, CHANGED))
        if came & {*names}:
            together |= came & automatic | moved
    if together:
        together &= needed(names, dpkg, reader)
    return installed_versions(sorted(together - {*names}), dpkg)


def names_in(pattern: re.Pattern[str], transaction: str, dpkg: Dpkg) -> set[str]:
    """The packages on the lines of apt's history that match a pattern."""
    lines = pattern.findall(transaction)
    return {dpkg.key(name) for line in lines for name in HISTORY_ITEM.findall(line)}


def needed(names: Collection[str], dpkg: Dpkg, reader: Reader) -> set[str]:
    """What installed packages lead to by what they need and recommend."""
    others = [f"--no-{kind}" for kind in ("suggests", "conflicts", "breaks", "replaces", "enhances")]
    answer = reader.ask(question(("apt-cache", "depends", "--recurse", "--installed", *others, *names)))
    return {dpkg.key(line) for line in answer.stdout.splitlines() if line[:1].isalnum()}


# What pins hold


def contents(pins: DebianPins) -> Contents:
    """The packages on top of the base, each with the sha256 of its file."""
    return Contents(
        entries=tuple(LockedEntry(each.name, each.version, (each.sha256,)) for each in pins.packages),
        unlocked=pins.unlocked,
        on_top=frozenset(each.name for each in pins.packages),
    )


def materials(pins: DebianPins, system: str) -> Iterator[Material]:
    """Every package, under `apt` whichever section it is for, since two sections may share it."""
    for each in pins.packages:
        yield Material(
            address=f"apt.{each.name}",
            name=each.name,
            version=each.version,
            purl=package_url(each.name, each.version, system, file_name(each.source)),
            files=((each.source, each.sha256),),
            notes={"size": each.size},
        )
    for brought in pins.base:
        yield Material(
            address=f"apt.{brought.name}",
            name=brought.name,
            version=brought.version,
            purl=package_url(brought.name, brought.version, system),
            notes={"brought-by": "base"},
        )
    for name in pins.unlocked:
        yield Material(
            address=f"apt.{name}",
            name=name,
            version=None,
            purl=package_url(name, None, system),
            notes={"version": "any"},
        )


def package_url(name: str, version: str | None, system: str, file: str = "") -> PackageUrl:
    """The package URL of a Debian package, given the name of the operating system and of its file."""
    match = SYSTEM.match(system)
    vendor = match["vendor"].lower() if match else "debian"
    release = match["release"] if match else None
    made_for = ARCHITECTURE.search(file)
    qualifiers = {
        "arch": made_for[1] if made_for else "",
        "distro": f"{vendor}-{release}" if release else "",
    }
    return PackageUrl(
        type="deb",
        namespace=vendor,
        name=name.partition(":")[0],
        version=version,
        qualifiers={key: value for key, value in qualifiers.items() if value},
    )
