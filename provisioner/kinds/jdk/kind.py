"""A Java development kit: installed, the default `java` and `javac`, and JAVA_HOME.

Source: Debian's openjdk packages and update-alternatives(1); Ubuntu's are laid out alike.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Annotated

from pydantic import BeforeValidator, Field

from provisioner.facts.dpkg import Dpkg
from provisioner.kinds.base import ABSENT, Entry, Joint, Kind, Lockable
from provisioner.kinds.jdk.facts import PROGRAMS, JdkFacts, begin, observe
from provisioner.kinds.jdk.lock import check, pin
from provisioner.kinds.jdk.section import (
    ARCHITECTURES,
    Jdk,
    at_locked_version,
    home,
    java_home,
    paths,
    read_shorthand,
)
from provisioner.kinds.shared import variables
from provisioner.kinds.shared.debian import transaction
from provisioner.kinds.shared.debian.apt_get import ENVIRONMENT, SCRUB
from provisioner.kinds.shared.debian.joint import together
from provisioner.kinds.shared.debian.lock import contents, materials
from provisioner.kinds.shared.debian.pins import DebianPinning, DebianPins, exact_pins, kept_pins
from provisioner.kinds.shared.debian.reconcile import block_unlocked
from provisioner.machine.reader import Reader
from provisioner.model.effects import Effect, Run
from provisioner.model.plan import Action, Change, Check, Step
from provisioner.runtimes.difference import Concern, Concerns


def plan(config: Jdk, facts: JdkFacts, pinning: DebianPinning | None = None) -> Iterable[Step]:
    """One step: the packages, then the alternatives, then JAVA_HOME."""
    config = at_locked_version(config, kept_pins(pinning))
    changes: list[Change] = []
    effects: list[Effect] = []
    if facts.dpkg is None:
        changes.append(transaction.without_apt("jdk"))
    elif facts.version is None:
        changes.append(no_version(config, facts))
    else:
        changes += system_changes(config, config.package(facts.version), facts, facts.dpkg, pinning)
        effects += transaction.effects(facts.transaction, facts.dpkg)
        effects += default_effects(config, facts)
        settings = {"JAVA_HOME": facts.home} if config.default else {}
        changes += variables.changes("jdk", settings, facts.variables)
        effects += variables.effects(settings, facts.variables)
    yield Step(
        id="jdk",
        changes=tuple(changes),
        effects=tuple(effects),
        lane="apt",
        joined=facts.transaction.carrier,
        download=facts.transaction.simulation.download,
        warnings=facts.problems,
    )


def no_version(config: Jdk, facts: JdkFacts) -> Change:
    """No version that is wanted can be had."""
    offered = ", ".join(map(str, facts.offered))
    offer = (
        f"it offers {offered}: write one of these"
        if offered
        else "it offers none: add a repository that does"
    )
    reason = f"apt here has no JDK {config.version}; {offer}"
    return Change("jdk", Action.BLOCKED, None, config.version, reason)


def system_changes(
    config: Jdk, package: str, facts: JdkFacts, dpkg: Dpkg, pinning: DebianPinning | None
) -> list[Change]:
    """What only root may change: the packages and the alternatives."""
    packages = package_changes(package, facts, dpkg)
    pins = exact_pins(pinning)
    if pins is not None:
        packages = list(block_unlocked(pins, {f"jdk.{package}"}, packages))
    changes = [*packages, *(default_changes(facts) if config.default else ())]
    return changes if facts.root else transaction.without_root(changes, command(facts, dpkg))


def package_changes(name: str, facts: JdkFacts, dpkg: Dpkg) -> list[Change]:
    """The kit's own package, and what changes with it."""
    package = dpkg.get(name)
    if package and not facts.transaction.order.words:
        return [Change(f"jdk.{name}", Action.KEEP, package.version)]
    moves = transaction.changes("jdk", facts.transaction, dpkg)
    return [*moves.values(), *transaction.repairs("jdk", facts.transaction, dpkg, moves)]


def default_changes(facts: JdkFacts) -> list[Change]:
    """The alternatives of PROGRAMS, in their order."""
    return [
        default_change(program, link, path)
        for program, link, path in zip(PROGRAMS, facts.links, facts.programs, strict=True)
    ]


def default_change(program: str, link: str | None, wanted: str) -> Change:
    change = Change(f"jdk.{program}", Action.UPDATE if link else Action.CREATE, link, wanted)
    return replace(change, action=Action.KEEP, after=None) if link == wanted else change


def default_effects(config: Jdk, facts: JdkFacts) -> Iterator[Run]:
    """What makes the kit the default, where it is not."""
    for program, link, path in zip(PROGRAMS, facts.links, facts.programs, strict=True):
        if config.default and link != path:
            yield set_default(program, path)


def set_default(program: str, path: str) -> Run:
    hint = (r"not registered", f"`update-alternatives --display {program}` shows what there is.")
    argv = ("update-alternatives", "--set", program, path)
    return Run(argv=argv, env=ENVIRONMENT, scrub=SCRUB, timeout=60, hints=(hint,))


def command(facts: JdkFacts, dpkg: Dpkg) -> str:
    """What a person types to have the same."""
    setting = " && ".join(
        f"sudo update-alternatives --set {program} {path}"
        for program, path in zip(PROGRAMS, facts.programs, strict=True)
    )
    return transaction.command(facts.transaction.order, dpkg) or setting


def checks(config: Jdk, facts: JdkFacts) -> Iterable[Check]:
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


def named(config: Jdk, facts: JdkFacts) -> Iterator[tuple[str, str]]:
    """The package and its version, and whether it is the default."""
    name = config.package(facts.version or 0)
    package = facts.dpkg.get(name) if facts.dpkg else None
    yield "jdk", f"{name} {package.version}" if package else ABSENT
    if config.default:
        for program, link, path in zip(PROGRAMS, facts.links, facts.programs, strict=True):
            yield f"jdk.{program}", "the default" if link == path else link or ABSENT
        words = {facts.home: "its folder"} if package else {}
        yield "jdk.JAVA_HOME", variables.persisted("JAVA_HOME", facts.variables, words)


def entries(config: Jdk, folder: str) -> Iterator[Entry]:
    """A repository that the file adds may have the kit."""
    yield Entry(
        address="jdk",
        config=config,
        makes=("program:java", "program:javac", *homes(config)),
        reads=("apt:repositories",),
        behind=("apt",),
        joint=True,
        about="what the repositories that `apt` adds have",
    )


def homes(config: Jdk) -> Iterator[str]:
    """The kit's folder, on whichever processor."""
    for architecture in dict.fromkeys(ARCHITECTURES.values()):
        if config.only:
            yield home(config.only, architecture)


def concerns(config: Jdk, reader: Reader) -> Concerns:
    """Its packages; their versions begin with Java's own."""

    def will_do(version: str) -> bool:
        return config.fits(int(re.split(r"\D", version)[0]))

    return Concerns(
        (
            Concern("runtime.os"),
            Concern("apt.openjdk-*"),
            Concern("apt.openjdk-*-jdk*", f"jdk {config.version}", will_do),
        )
    )


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
    concerns=concerns,
    joint=Joint(begin, together),
    entries=entries,
    paths=paths,
    variables=java_home,
    lock=Lockable(
        pins=DebianPins,
        observe=observe,
        plan=plan,
        check=check,
        pin=pin,
        contents=contents,
        materials=materials,
    ),
)
