"""What a lock holds of Debian packages: each version, and the file that it is."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated

from pydantic import AfterValidator, Field

from provisioner.facts import dpkg as status
from provisioner.facts.dpkg import Dpkg
from provisioner.kinds.base import LockContext as Ground
from provisioner.kinds.shared.debian.apt_get import Order, question
from provisioner.kinds.shared.debian.names import PackageName
from provisioner.kinds.shared.debian.simulation import Simulation, simulate
from provisioner.kinds.shared.fields import Section, Sha256
from provisioner.kinds.shared.platform_advice import advice
from provisioner.machine.reader import Reader
from provisioner.machine.urls import shown
from provisioner.model.effects import Run
from provisioner.model.errors import LockError
from provisioner.model.plan import Action, Change

URI = re.compile(
    r"^'(?P<source>[^']+)' (?P<file>\S+) (?P<size>\d+) SHA256:(?P<sha256>[0-9a-f]{64})", re.MULTILINE
)
FILE = re.compile(r"(?P<name>[^_]+)_(?P<version>[^_]+)_[^_]+\.deb")
HISTORY = "/var/log/apt/history.log"
INSTALL = re.compile(r"^Install: (.*)$", re.MULTILINE)
CHANGE = re.compile(r"^(?:Upgrade|Downgrade): (.*)$", re.MULTILINE)
CHANGED = re.compile(r"(\S+) \([^()]+\)")
STATES = "/var/lib/apt/extended_states"
AUTOMATIC = re.compile(r"^Package: (\S+)\n(?:.+\n)*?Auto-Installed: 1$", re.MULTILINE)


def check_source(value: str) -> str:
    """apt has methods of its own beside https: copy, mirror+file, cdrom."""
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*:[^\s\x00-\x1f\x7f]+", value):
        raise ValueError("is not the address of a file")
    return value


ExactVersion = Annotated[str, Field(pattern=r"^[0-9][A-Za-z0-9.+~:-]*$")]


class PinnedPackage(Section):
    """One package, and its file as the repository had it."""

    name: PackageName
    version: ExactVersion
    source: Annotated[str, AfterValidator(check_source)]
    size: Annotated[int, Field(ge=0)]
    sha256: Sha256

    @property
    def word(self) -> str:
        return f"{self.name}={self.version}"

    def there(self, dpkg: Dpkg) -> bool:
        found = dpkg.get(self.name)
        return found is not None and found.version == self.version


class BasePackage(Section):
    """A package that the base brought and that the spec names."""

    name: PackageName
    version: ExactVersion


class Pins(Section):
    """All that a spec's packages came to on one base."""

    packages: tuple[PinnedPackage, ...] = ()
    """What comes on top of the base."""
    base: tuple[BasePackage, ...] = ()
    """What the base satisfies."""
    unlocked: tuple[PackageName, ...] = ()
    """What could not be looked up where the lock was made; any version will do."""

    @property
    def versions(self) -> dict[str, str]:
        on_top = {each.name: each.version for each in self.packages}
        return on_top | {each.name: each.version for each in self.base}

    def without(self, names: Collection[str]) -> Pins:
        return self.model_copy(
            update={"packages": tuple(one for one in self.packages if one.name not in names)}
        )

    def missing(self, dpkg: Dpkg) -> tuple[PinnedPackage, ...]:
        """What of all this is not installed, or in another version."""
        return tuple(each for each in self.packages if not each.there(dpkg))


# From a machine to pins


def keep_along(
    pins: Pins, order: Order, foreseen: Simulation, reader: Reader, dpkg: Dpkg
) -> tuple[Order, Simulation]:
    """The same order with what comes along in the versions that are pinned, as far as these can be had."""
    pinned = {each.name: each for each in pins.packages}
    moves = [move for move in foreseen.moves if move.name in pinned and move.after]
    words = {move.name: pinned[move.name].word for move in moves if move.after != pinned[move.name].version}
    if not words:
        return order, foreseen
    kept = replace(order, install=(*order.install, *words.values()))
    found = simulate(reader, kept, dpkg)
    if gone := words.keys() & found.refused.keys():
        return keep_along(pins.without(gone), order, foreseen, reader, dpkg)
    return (order, foreseen) if found.trouble else (kept, found)


def pin(
    there: Mapping[str, str],
    coming: Mapping[str, str],
    known: Pins,
    order: Order,
    reader: Reader,
    ground: Ground,
) -> Pins:
    """The pins for what is named and `there`, and for all that is `coming`, by names and versions.

    What the repositories have no more is as it was `known`, and of a machine that is not here, all of it.

    Raises LockError when no repository tells of a package that is coming.
    """
    image = ground.image.apt if ground.image else {}
    brought = {name for name in there if name in image}
    ours = {name: version for name, version in there.items() if name not in brought}
    along = installed_along(ours, reader)
    along = {name: version for name, version in along.items() if name not in image}
    kept = {name: version for name, version in known.versions.items() if name in along}
    versions = {**along, **kept, **ours, **coming}
    found = {
        each.name: each
        for each in known.packages
        if reader.context.target_image or versions.get(each.name) == each.version
    }
    found |= files(versions, order, reader)
    if lost := coming.keys() - found.keys():
        raise LockError(
            f"no repository says which file {min(lost)} {coming[min(lost)]} is, so it cannot be locked",
            "Refresh the package lists: apt-get update.",
        )
    return Pins(
        packages=tuple(found[name] for name in sorted(found)),
        base=tuple(
            BasePackage(name=name, version=there[name]) for name in sorted(there) if name not in found
        ),
    )


def installed_along(names: Collection[str], reader: Reader) -> dict[str, str]:
    """What `names` need and what came or moved with them in one transaction of apt's, with its version.

    What came is left out when somebody asked for it too.
    """
    dpkg = status.observe(reader)
    if dpkg is None or not names:
        return {}
    history = (reader.read(HISTORY) or b"").decode(errors="replace")
    automatic = look_up_automatic(reader)
    along: set[str] = set()
    for transaction in history.split("\n\n"):
        came, moved = (
            {dpkg.key(name) for line in pattern.findall(transaction) for name in CHANGED.findall(line)}
            for pattern in (INSTALL, CHANGE)
        )
        if came & {*names}:
            along |= came & automatic | moved
    if along:
        along &= needed(names, dpkg, reader)
    packages = ((name, dpkg.get(name)) for name in sorted(along - {*names}))
    return {name: package.version for name, package in packages if package}


def look_up_automatic(reader: Reader) -> set[str]:
    """The packages that are there for others only."""
    return set(AUTOMATIC.findall((reader.read(STATES) or b"").decode(errors="replace")))


def needed(names: Collection[str], dpkg: Dpkg, reader: Reader) -> set[str]:
    """What installed packages lead to by what they need and recommend."""
    others = [f"--no-{kind}" for kind in ("suggests", "conflicts", "breaks", "replaces", "enhances")]
    told = reader.ask(question(("apt-cache", "depends", "--recurse", "--installed", *others, *names)))
    return {dpkg.key(line) for line in told.stdout.splitlines() if line[:1].isalnum()}


def files(versions: Mapping[str, str], order: Order, reader: Reader) -> dict[str, PinnedPackage]:
    """The file of each package in that version, as far as the package lists tell."""
    if not versions:
        return {}
    found = {each.name: each for each in ask_files(versions, order, reader)}
    if not found and len(versions) > 1:
        for name, version in versions.items():
            found |= files({name: version}, order, reader)
    return found


def ask_files(versions: Mapping[str, str], order: Order, reader: Reader) -> Iterator[PinnedPackage]:
    """Nothing at all when one of them is unknown, as apt-get has it."""
    words = [f"{name}={version}" for name, version in versions.items()]
    told = reader.ask(question(("apt-get", *order.options, "download", "--print-uris", "-qq", *words)))
    short = {name.partition(":")[0]: name for name in versions}
    for match in URI.finditer(told.stdout):
        if file := FILE.fullmatch(match["file"]):
            name = short.get(file["name"], file["name"])
            yield PinnedPackage(
                name=name,
                version=versions[name],
                source=shown(match["source"]),
                size=int(match["size"]),
                sha256=match["sha256"],
            )


# From pins to a machine


def refuse_tampered(pins: Pins, foreseen: Simulation, order: Order, reader: Reader) -> Simulation:
    """A simulation that refuses what is not the file that was locked, and what may be another."""
    pinned = {each.word: each for each in pins.packages}
    due = {each.name: each for word in order.install if (each := pinned.get(word))}
    offered = files({name: each.version for name, each in due.items()}, order, reader)
    refused = {
        name: tampered(each, offered.get(name))
        for name, each in due.items()
        if name not in offered or offered[name].sha256 != each.sha256
    }
    return replace(foreseen, refused={**refused, **foreseen.refused})


def tampered(locked: PinnedPackage, offered: PinnedPackage | None) -> str:
    if offered is None:
        return f"no repository tells which file its {locked.name} {locked.version} is, as the lock does"
    return (
        f"the repository's {locked.name} {locked.version} is another file than the lock has: its sha256 was "
        f"{locked.sha256[:12]}... and is {offered.sha256[:12]}...; find out who changed it"
    )


def keep_to(pins: Pins, named: Collection[str], changes: Iterable[Change]) -> Iterator[Change]:
    """Changes of packages, those blocked that the lock does not foresee."""
    base = {each.name: each.version for each in pins.base}
    known = {*pins.versions, *pins.unlocked}
    open_ended = bool(pins.unlocked)
    for change in changes:
        name = change.address.partition(".")[2]
        change = replace(change, along=change.address not in named)
        if change.action not in (Action.CREATE, Action.UPDATE):
            yield change
        elif name in base:
            reason = f"the base had {name} {base[name]} when the lock was made; {advice('locked base')}"
            yield replace(change, action=Action.BLOCKED, reason=reason)
        elif name not in known and not (open_ended and change.along):
            reason = f"the lock does not have {name}: lock again"
            yield replace(change, action=Action.BLOCKED, reason=reason)
        else:
            yield change


def brought_along(order: Order, named: Collection[str], dpkg: Dpkg, reader: Reader) -> tuple[str, ...]:
    """What an order brings only along with what is named, or finds so."""
    automatic = look_up_automatic(reader)
    names = (word.partition("=")[0] for word in order.install)
    return tuple(name for name in names if name not in named and (name in automatic or not dpkg.get(name)))


def marked(order: Order) -> tuple[Run, ...]:
    """Let apt still take away with what is named what came along with it."""
    return (Run(argv=("apt-mark", "auto", *order.along), timeout=60),) if order.along else ()
