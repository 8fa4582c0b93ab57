"""A Java development kit: installed, the default `java` and `javac`, and JAVA_HOME.

Source: Debian's openjdk packages and update-alternatives(1); Ubuntu's are laid out alike.
"""

from __future__ import annotations

import operator
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from provisioner.facts import dpkg as status
from provisioner.facts.dpkg import Dpkg, Package
from provisioner.kinds.base import ABSENT, Contents, Entry, Kind, Lockable
from provisioner.kinds.base import LockContext as Ground
from provisioner.kinds.shared import variables
from provisioner.kinds.shared.debian import package_lists as lists
from provisioner.kinds.shared.debian import pins, simulation, transaction
from provisioner.kinds.shared.debian.apt_get import ENVIRONMENT, NOTHING, SCRUB, Order, question
from provisioner.kinds.shared.debian.pins import Pins
from provisioner.kinds.shared.debian.simulation import UNCHANGED, Simulation
from provisioner.kinds.shared.fields import Flag, Section
from provisioner.kinds.shared.variables import PersistentVariables
from provisioner.machine.reader import Reader
from provisioner.model.effects import Effect, Run
from provisioner.model.errors import LockError
from provisioner.model.plan import Action, Change, Check, Step

COMPARE: dict[str, Callable[[int, int], bool]] = {
    "": operator.eq,
    "==": operator.eq,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
CLAUSE = re.compile(r"(==|>=|<=|>|<|)\s*(\d{1,3})")
PROGRAMS = ("java", "javac")
PACKAGE = re.compile(r"openjdk-(\d+)-jdk(-headless)?")


LONG_TERM = (8, 11, 17, 21, 25)
"""What Ubuntu's releases keep; of others each has those of its own time."""
ANY = range(8, 100)


def read_version(value: object) -> object:
    return str(value) if isinstance(value, int | float) else value


def check_version(value: str) -> str:
    if not all(CLAUSE.fullmatch(clause.strip()) for clause in value.split(",")):
        raise ValueError('is not a version of Java; write 17, or ">=17", or ">=17,<22"')
    return value


class Jdk(Section):
    """A Java development kit from the machine's own distribution."""

    version: Annotated[
        str,
        BeforeValidator(read_version, json_schema_input_type=int | str),
        AfterValidator(check_version),
    ] = Field(
        description="A major version, or a range of them, of which one that is installed is preferred, "
        "then the lowest that the distribution has.",
        examples=[17, ">=17"],
    )
    headless: Flag = Field(default=True, description="Leave out what needs a screen.")
    default: Flag = Field(default=True, description="Make it the default java and javac, and set JAVA_HOME.")
    distribution: Literal["openjdk"] = Field(default="openjdk", description="Whose build.")

    def fits(self, version: int) -> bool:
        clauses = (CLAUSE.fullmatch(clause.strip()) for clause in self.version.split(","))
        return all(COMPARE[found[1]](version, int(found[2])) for found in clauses if found)

    def package(self, version: int) -> str:
        return f"openjdk-{version}-jdk{'-headless' if self.headless else ''}"

    def accepts(self, version: int, package: Package | None) -> bool:
        """Whether the installed package of a version is what is wanted."""
        return package is not None

    def words(self, version: int, dpkg: Dpkg) -> tuple[str, ...]:
        """What apt-get is told to install."""
        return (self.package(version),)


class LockedJdk(Jdk):
    """A section that asks for exactly what a lock holds."""

    pins: Pins

    def accepts(self, version: int, package: Package | None) -> bool:
        return package is not None and package.version == self.pins.versions.get(
            package.name, package.version
        )

    def words(self, version: int, dpkg: Dpkg) -> tuple[str, ...]:
        name = self.package(version)
        exact = f"{name}={self.pins.versions[name]}" if name in self.pins.versions else name
        return tuple(dict.fromkeys((exact, *(each.word for each in self.pins.missing(dpkg)))))


def read_shorthand(value: object) -> object:
    return {"version": value} if isinstance(value, int | float | str) else value


@dataclass(frozen=True)
class Facts:
    """What of the machine matters to Java."""

    dpkg: Dpkg | None
    """None where there is no dpkg, or no apt-get."""
    lasting: PersistentVariables
    root: bool = True
    version: int | None = None
    """The one that is there or will be; None when none fits."""
    offered: tuple[int, ...] = ()
    """What apt could install, as far as that was asked."""
    links: tuple[str | None, ...] = (None, None)
    """Where the alternatives of PROGRAMS point."""
    order: Order = NOTHING
    simulation: Simulation = UNCHANGED
    repair: Simulation = UNCHANGED
    problems: tuple[str, ...] = ()

    @property
    def home(self) -> str:
        architecture = self.dpkg.architecture if self.dpkg else ""
        return f"/usr/lib/jvm/java-{self.version}-openjdk-{architecture}"

    @property
    def programs(self) -> tuple[str, ...]:
        """Where PROGRAMS are; Java 8 kept what is not for developers in a folder of its own."""
        inner = "jre/" if self.version == 8 else ""
        return f"{self.home}/{inner}bin/java", f"{self.home}/bin/javac"


def observe(config: Jdk, reader: Reader) -> Facts:
    """Which JDK is there, which is the default, and what apt would do for the one that is missing."""
    known = variables.observe("jdk", reader, ["JAVA_HOME"])
    everything = status.observe(reader)
    if everything is None or reader.which("apt-get") is None:
        return Facts(None, known)
    found = (reader.stat(f"/etc/alternatives/{program}") for program in PROGRAMS)
    links = tuple(stat.link if stat else None for stat in found)
    installed = [version for version in versions(everything.packages) if config.fits(version)]
    whole = [v for v in installed if config.accepts(v, everything.get(config.package(v)))]
    current = [version for version in whole if links[0] and f"/java-{version}-" in links[0]]
    dpkg = everything.only([config.package(version) for version in whole])
    facts = Facts(dpkg, known, reader.context.root, links=links)
    if whole:
        return replace(facts, version=min(current or whole))
    package_lists = lists.observe(reader, "auto")
    offered = ask_offers(config, reader, package_lists.options)
    facts = replace(facts, offered=offered, problems=package_lists.problems)
    fitting = [version for version in installed or offered if config.fits(version)]
    if not fitting:
        return facts
    version = min(fitting)
    order = Order(
        install=config.words(version, everything),
        options=package_lists.options,
        exact=isinstance(config, LockedJdk),
    )
    foreseen = simulation.simulate(reader, order, everything)
    if isinstance(config, LockedJdk):
        named = {config.package(version)}
        order = replace(order, along=pins.brought_along(order, named, everything, reader))
        foreseen = pins.refuse_tampered(config.pins, foreseen, order, reader)
    return replace(
        facts,
        dpkg=everything.only([simulation.name_of(word) for word in order.install]),
        version=version,
        order=order,
        simulation=foreseen,
        repair=simulation.repair(reader, order, everything) if everything.halfway else UNCHANGED,
    )


def ask_offers(config: Jdk, reader: Reader, options: tuple[str, ...]) -> tuple[int, ...]:
    """The major versions that apt offers; where it cannot be asked, the one to suppose."""
    if reader.context.target_image:
        return tuple(version for version in (*LONG_TERM, *ANY) if config.fits(version))[:1]
    names = reader.ask(question(("apt-cache", *options, "pkgnames", "openjdk-"))).stdout.split()
    return versions(name for name in names if PACKAGE.fullmatch(name))


def versions(names: Iterable[str]) -> tuple[int, ...]:
    """The major versions among the names of packages, in order."""
    found = (PACKAGE.fullmatch(name) for name in names)
    return tuple(sorted({int(match[1]) for match in found if match}))


def plan(config: Jdk, facts: Facts) -> Iterable[Step]:
    """One step: the packages, then the alternatives, then JAVA_HOME."""
    changes = list(package_changes(config, facts))
    effects: list[Effect] = []
    if facts.dpkg and facts.version:
        effects += transaction.effects(facts.order, facts.dpkg)
        if isinstance(config, LockedJdk):
            named = f"jdk.{config.package(facts.version)}"
            changes = list(pins.keep_to(config.pins, {named}, changes))
            effects += pins.marked(facts.order)
        if config.default:
            defaults = [
                default_change(*default)
                for default in zip(PROGRAMS, facts.links, facts.programs, strict=True)
            ]
            changes += defaults
            effects += [
                set_default(program, path)
                for program, path, change in zip(PROGRAMS, facts.programs, defaults, strict=True)
                if change.action is not Action.KEEP
            ]
        if not facts.root:
            changes = transaction.without_root(changes, command(facts, facts.dpkg))
        settings = {"JAVA_HOME": facts.home} if config.default else {}
        changes += variables.changes("jdk", settings, facts.lasting)
        effects += variables.effects(settings, facts.lasting)
    yield Step(
        id="jdk",
        changes=tuple(changes),
        effects=tuple(effects),
        lane="apt",
        download=facts.simulation.download,
        warnings=facts.problems,
    )


def package_changes(config: Jdk, facts: Facts) -> Iterable[Change]:
    if facts.dpkg is None:
        reason = "this machine has no apt; Debian, Ubuntu and Colab have it"
        return [Change("jdk", Action.BLOCKED, reason=reason)]
    if facts.version is None:
        there = ", ".join(map(str, facts.offered))
        offer = (
            f"it offers {there}: write one of these"
            if there
            else "it offers none: add a repository that does"
        )
        return [
            Change(
                "jdk", Action.BLOCKED, None, config.version, f"apt here has no JDK {config.version}; {offer}"
            )
        ]
    name = config.package(facts.version)
    if found := facts.dpkg.get(name):
        return [Change(f"jdk.{name}", Action.KEEP, found.version)]
    told = transaction.changes("jdk", facts.order, facts.simulation, facts.dpkg)
    return [
        *told.values(),
        *transaction.repairs("jdk", facts.order, facts.repair, facts.dpkg, told),
    ]


def default_change(program: str, link: str | None, wanted: str) -> Change:
    change = Change(f"jdk.{program}", Action.UPDATE if link else Action.CREATE, link, wanted)
    return replace(change, action=Action.KEEP, after=None) if link == wanted else change


def set_default(program: str, path: str) -> Run:
    hint = (r"not registered", f"`update-alternatives --display {program}` shows what there is.")
    argv = ("update-alternatives", "--set", program, path)
    return Run(argv=argv, env=ENVIRONMENT, scrub=SCRUB, timeout=60, hints=(hint,))


def command(facts: Facts, dpkg: Dpkg) -> str:
    """What a person types to have the same."""
    setting = " && ".join(
        f"sudo update-alternatives --set {program} {path}"
        for program, path in zip(PROGRAMS, facts.programs, strict=True)
    )
    return transaction.command(facts.order, dpkg) or setting


def checks(config: Jdk, facts: Facts) -> Iterable[Check]:
    """Both programs say the version; where they are not the default, they are asked by their path."""
    if facts.version is None:
        return
    number = f"1\\.{facts.version}" if facts.version <= 8 else str(facts.version)
    for program, path, pattern in zip(
        PROGRAMS, facts.programs, (rf'version "{number}\b', rf"javac {number}\b"), strict=True
    ):
        yield Check(
            address=f"jdk.{program}",
            run=Run(argv=(program if config.default else path, "-version"), timeout=60),
            matches=pattern,
            watches=(f"/usr/bin/{program}", f"/etc/alternatives/{program}", path, posixpath.dirname(path)),
        )


def pin(config: Jdk, facts: Facts, reader: Reader, ground: Ground) -> Pins:
    """The kit's own package, and what is coming along with it."""
    name = config.package(facts.version or 0)
    package = facts.dpkg and facts.dpkg.get(name)
    there = {name: package.version} if package else {}
    coming = {move.name: move.after for move in facts.simulation.moves if move.after}
    known = config.pins if isinstance(config, LockedJdk) else Pins()
    found = pins.pin(there, coming, known, facts.order, reader, ground)
    return found if name in found.versions else found.model_copy(update={"unlocked": (name,)})


def kits(held: Pins) -> tuple[int, ...]:
    return versions((*held.versions, *held.unlocked))


def hold(config: Jdk, held: Pins) -> Jdk:
    """The version of Java that was locked, whatever range the file gives. Raises LockError where none was."""
    if not kits(held):
        raise LockError("the lock does not have the jdk", "Lock it again: colabenv lock")
    return LockedJdk(**dict(config) | {"version": str(kits(held)[0]), "pins": held})


def prefer(config: Jdk, held: Pins | None, upgrade: frozenset[str] | None) -> Jdk:
    """The same version of Java while it is wanted; its package as it was locked, unless it is named."""
    left = Pins() if held is None or upgrade is None else held.without(upgrade)
    fitting = kits(left) and config.fits(kits(left)[0])
    return hold(config, left) if fitting else config


def named(config: Jdk, facts: Facts) -> Iterator[tuple[str, str]]:
    """The package and its version, and whether it is the default."""
    package = config.package(facts.version or 0)
    found = facts.dpkg.get(package) if facts.dpkg else None
    yield "jdk", f"{package} {found.version}" if found else ABSENT
    if config.default:
        for program, link, path in zip(PROGRAMS, facts.links, facts.programs, strict=True):
            yield f"jdk.{program}", "the default" if link == path else link or ABSENT
        home = {facts.home: "its folder"} if found else {}
        yield "jdk.JAVA_HOME", variables.persisted("JAVA_HOME", facts.lasting, home)


def shim(c, p):  # type: ignore
    return c if p is None else hold(c, p.pins) if p.exact else prefer(c, p.pins, p.upgrade)


KIND = Kind(
    name="jdk",
    config=Annotated[
        Jdk,
        BeforeValidator(read_shorthand, json_schema_input_type=int | str | Jdk),
        Field(description="A Java development kit: its version, or a mapping.", examples=[17, ">=17"]),
    ],
    observe=observe,
    plan=plan,
    checks=checks,
    named=named,
    after=("apt",),
    lock=Lockable(
        pins=Pins,
        observe=lambda c, r, p: observe(shim(c, p), r),
        plan=lambda c, f, p: plan(shim(c, p), f),
        check=lambda c, pins: (hold(c, pins), None)[1],
        pin=lambda c, f, r, g, p: pin(shim(c, p), f, r, g),
        contents=lambda pins: Contents(
            tuple(Entry(e.name, e.version, (e.sha256,)) for e in pins.packages),
            pins.unlocked,
            frozenset(e.name for e in pins.packages),
        ),
        materials=lambda pins, os: (),
    ),
)
