"""Which Java a machine has, and what apt would do for the one that is wanted."""

from __future__ import annotations

from dataclasses import dataclass, replace

from provisioner.facts.dpkg import Dpkg
from provisioner.kinds.jdk.section import PACKAGE, Jdk, at_locked_version, home, versions_of
from provisioner.kinds.shared import variables
from provisioner.kinds.shared.debian import joint
from provisioner.kinds.shared.debian.apt_get import AptOrder, installed_packages, question
from provisioner.kinds.shared.debian.joint import AptWish, Work
from provisioner.kinds.shared.debian.package_lists import PackageLists
from provisioner.kinds.shared.debian.pins import (
    DebianPinning,
    DebianPins,
    all_names,
    exact_pins,
    kept_pins,
)
from provisioner.kinds.shared.debian.transaction import NO_TRANSACTION, AptTransaction
from provisioner.kinds.shared.variables import PersistentVariables
from provisioner.machine.reader import Reader

PROGRAMS = ("java", "javac")

LONG_TERM = (8, 11, 17, 21, 25)
"""What Ubuntu's releases keep; of others each has those of its own time."""
ANY = range(8, 100)


@dataclass(frozen=True)
class JdkFacts:
    """What of the machine matters to Java."""

    dpkg: Dpkg | None
    """None where there is no dpkg, or no apt-get."""
    variables: PersistentVariables
    root: bool = True
    version: int | None = None
    """The one that is there or will be; None when none fits."""
    offered: tuple[int, ...] = ()
    """What apt could install, as far as that was asked."""
    links: tuple[str | None, ...] = (None, None)
    """Where the alternatives of PROGRAMS point."""
    transaction: AptTransaction = NO_TRANSACTION
    problems: tuple[str, ...] = ()
    """Why the package lists may be out of date."""

    @property
    def home(self) -> str:
        """The folder of the JDK."""
        architecture = self.dpkg.architecture if self.dpkg else ""
        return home(self.version or 0, architecture)

    @property
    def programs(self) -> tuple[str, ...]:
        """Where PROGRAMS are; Java 8 kept what is not for developers in a folder of its own."""
        inner = "jre/" if self.version == 8 else ""
        return f"{self.home}/{inner}bin/java", f"{self.home}/bin/javac"


def observe(config: Jdk, reader: Reader, pinning: DebianPinning | None = None) -> JdkFacts:
    """Which JDK is there, which is the default, and what apt would do for the one that is missing."""
    return joint.alone(begin(config, reader, pinning), reader)


def begin(config: Jdk, reader: Reader, pinning: DebianPinning | None) -> JdkFacts | Work[JdkFacts]:
    """Which JDK is there, and what is to be asked of apt if none that is wanted."""
    settings = variables.observe("jdk", reader, ["JAVA_HOME"])
    everything = installed_packages(reader)
    if everything is None:
        return JdkFacts(None, settings)
    pins = kept_pins(pinning)
    config = at_locked_version(config, pins)
    present = tuple(version for version in versions_of(everything.packages) if config.fits(version))
    dpkg = everything.only((*map(config.package, present), *all_names(pinning)))
    facts = JdkFacts(dpkg, settings, reader.context.root, links=look_up_defaults(reader))
    if right := [version for version in present if is_right(config.package(version), dpkg, pins)]:
        return replace(facts, version=preferred(right, facts.links))

    def wish(lists: PackageLists) -> JdkFacts | AptWish[JdkFacts]:
        return lowest(config, replace(facts, problems=lists.problems), present, lists, dpkg, reader, pinning)

    return Work(wish=wish)


def look_up_defaults(reader: Reader) -> tuple[str | None, ...]:
    """Where the alternatives of PROGRAMS point."""
    stats = (reader.stat(f"/etc/alternatives/{program}") for program in PROGRAMS)
    return tuple(stat.link if stat else None for stat in stats)


def is_right(name: str, dpkg: Dpkg, pins: DebianPins) -> bool:
    """Whether a package is installed, and in the version that is pinned, if any is."""
    package = dpkg.get(name)
    return package is not None and package.version == pins.versions.get(name, package.version)


def preferred(versions: list[int], links: tuple[str | None, ...]) -> int:
    """The version that is the default, else the lowest."""
    default = [version for version in versions if links[0] and f"/java-{version}-" in links[0]]
    return min(default or versions)


def lowest(
    config: Jdk,
    facts: JdkFacts,
    present: tuple[int, ...],
    lists: PackageLists,
    dpkg: Dpkg,
    reader: Reader,
    pinning: DebianPinning | None,
) -> JdkFacts | AptWish[JdkFacts]:
    """The lowest version that fits: of those that are there in part, or on offer."""
    order = AptOrder(options=lists.options, trial=lists.trial, exact=exact_pins(pinning) is not None)
    facts = replace(facts, offered=ask_offers(config, reader, order.sources))
    fitting = [version for version in present or facts.offered if config.fits(version)]
    if not fitting:
        return facts
    name = config.package(min(fitting))
    known = replace(facts, version=min(fitting))
    return AptWish(
        order=replace(order, install=words_for(name, dpkg, pinning)),
        named=frozenset({name}),
        dpkg=dpkg,
        pinning=pinning,
        facts=lambda transaction: replace(known, transaction=transaction),
    )


def words_for(name: str, dpkg: Dpkg, pinning: DebianPinning | None) -> tuple[str, ...]:
    """What apt-get is told to install: the package, and with exact pins all that was locked with it."""
    version = kept_pins(pinning).versions.get(name)
    pins = exact_pins(pinning) or DebianPins()
    words = (f"{name}={version}" if version else name, *(each.word for each in pins.missing(dpkg)))
    return tuple(dict.fromkeys(words))


def ask_offers(config: Jdk, reader: Reader, sources: tuple[str, ...]) -> tuple[int, ...]:
    """The major versions that apt offers; where it cannot be asked, the one to suppose."""
    if reader.context.target_image:
        return tuple(version for version in (*LONG_TERM, *ANY) if config.fits(version))[:1]
    names = reader.ask(question(("apt-cache", *sources, "pkgnames", "openjdk-"))).stdout.split()
    return versions_of(name for name in names if PACKAGE.fullmatch(name))
