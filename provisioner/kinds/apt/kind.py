"""Debian packages: one transaction, shown beforehand as apt itself simulates it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from provisioner.facts import dpkg as status
from provisioner.facts.dpkg import Dpkg
from provisioner.kinds.apt import repositories
from provisioner.kinds.apt.repositories import Repository
from provisioner.kinds.apt.requests import Choice, Deb, Package, Selection
from provisioner.kinds.apt.section import Apt, LockedApt, PreferringApt, hold, prefer
from provisioner.kinds.base import ABSENT, Contents, Entry, Kind, Lockable
from provisioner.kinds.base import LockContext as Ground
from provisioner.kinds.shared.debian import apt_get, package_lists, pins, simulation, transaction
from provisioner.kinds.shared.debian.apt_get import NOTHING, Order
from provisioner.kinds.shared.debian.pins import Pins
from provisioner.kinds.shared.debian.simulation import UNCHANGED, Simulation
from provisioner.machine.reader import Answer, Reader
from provisioner.machine.urls import local_path, shown
from provisioner.model.effects import Effect, Fetch, Remove
from provisioner.model.plan import Action, Change, Step

ANSWERS = "/var/cache/debconf/config.dat"


@dataclass(frozen=True)
class Facts:
    """What of the machine matters to a section."""

    dpkg: Dpkg | None
    """None where there is no dpkg, or no apt-get."""
    root: bool = True
    state: str = ""
    chosen: tuple[Package, ...] = ()
    """For each entry, the option that is there or will be."""
    repositories: Mapping[str, repositories.Found] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    """What debconf holds, by question."""
    order: Order = NOTHING
    """What is missing or to be removed; .deb files apart."""
    simulation: Simulation = UNCHANGED
    """What that would bring about."""
    repair: Simulation = UNCHANGED
    """What finishing earlier work would bring about."""
    servers: Mapping[str, Answer] = field(default_factory=dict)
    """What is said about each .deb file that is missing."""
    problems: tuple[str, ...] = ()
    """Why the package lists may be out of date."""


def observe(config: Apt, reader: Reader) -> Facts:
    """What is missing, and what apt would do about it. No program is run when nothing is missing."""
    everything = status.observe(reader)
    if everything is None or reader.which("apt-get") is None:
        return Facts(None)
    dpkg = everything.only((*config.names, *config.absent, *(item.package for item in config.debconf)))
    known = {item.name: repositories.observe(reader, item) for item in config.repositories}
    facts = Facts(
        dpkg,
        reader.context.root,
        reader.context.state,
        tuple(choice.found(dpkg) or choice.options(dpkg)[0] for choice in config.packages),
        known,
        read_answers(reader) if config.debconf else {},
    )
    pending = any(not known[item.name].right(item) for item in config.repositories)
    remove = tuple(name for name in map(dpkg.key, config.absent) if name in dpkg.packages)
    missing = any(not choice.found(dpkg) for choice in config.packages)
    if isinstance(config, LockedApt):
        missing = missing or bool(config.pins.missing(dpkg))
    renewed = config.renewed(dpkg, facts.chosen) if isinstance(config, PreferringApt) else ()
    debs = [deb for deb in config.debs if not deb.satisfied(dpkg)]
    if not (pending or remove or missing or renewed or debs or dpkg.halfway or dpkg.interrupted):
        return facts
    if pending:
        found, trial = repositories.try_out(reader, config.repositories, known)
    else:
        found, trial = package_lists.observe(reader, config.update), ()
    asking = Order(
        options=(*found.options, *trial),
        recommends=config.recommends,
        force=config.force,
        exact=isinstance(config, LockedApt),
    )
    chosen = tuple(
        choice.found(dpkg) or choose(reader, choice.options(dpkg), asking) for choice in config.packages
    )
    wanted = [option.word for option in chosen if not option.found(dpkg)]
    wanted += renewed
    if isinstance(config, LockedApt) and missing:
        wanted += [each.word for each in config.pins.missing(dpkg)]
    asking = replace(asking, install=tuple(dict.fromkeys(wanted)), remove=remove)
    foreseen = simulation.simulate(reader, asking, dpkg)
    if isinstance(config, PreferringApt):
        asking, foreseen = pins.keep_along(config.kept, asking, foreseen, reader, dpkg)
    if isinstance(config, LockedApt):
        named = {option.name for option in chosen}
        asking = replace(asking, along=pins.brought_along(asking, named, dpkg, reader))
        foreseen = pins.refuse_tampered(config.pins, foreseen, asking, reader)
    return replace(
        facts,
        chosen=chosen,
        order=replace(asking, options=found.options),
        simulation=foreseen,
        repair=simulation.repair(reader, asking, dpkg) if dpkg.halfway else UNCHANGED,
        servers={deb.url: ask_server(reader, deb.url) for deb in debs},
        problems=found.problems,
    )


def choose(reader: Reader, options: tuple[Package, ...], asking: Order) -> Package:
    """The first option that apt can install; the first of all when it can install none."""
    if len(options) == 1:
        return options[0]
    possible = (
        option for option in options if simulation.possible(reader, replace(asking, install=(option.word,)))
    )
    return next(possible, options[0])


def ask_server(reader: Reader, url: str) -> Answer:
    path = local_path(url)
    if path is None:
        return reader.head(url)
    stat = reader.stat(path)
    return Answer(url, 200, stat.size) if stat else Answer(url, 404, error="there is no such file")


def read_answers(reader: Reader) -> dict[str, str]:
    """debconf's database: stanzas with a Name and perhaps a Value. Source: debconf-devel(7)."""
    text = (reader.read(ANSWERS) or b"").decode(errors="replace")
    stanzas = (dict(re.findall(r"^(Name|Value): (.*)$", part, re.MULTILINE)) for part in text.split("\n\n"))
    return {stanza["Name"]: stanza["Value"] for stanza in stanzas if {"Name", "Value"} <= stanza.keys()}


def plan(config: Apt, facts: Facts) -> Iterable[Step]:
    """One step: repositories, answers, repairs, then a single transaction."""
    dpkg = facts.dpkg
    if dpkg is None:
        reason = "this machine has no apt; Debian, Ubuntu and Colab have it"
        yield Step(id="apt", changes=(Change("apt", Action.BLOCKED, reason=reason),))
        return
    moves = transaction.changes("apt", facts.order, facts.simulation, dpkg)
    debs = {deb.identity[0]: deb_change(deb, facts, dpkg) for deb in config.debs}
    packages = list(package_changes(config, facts, dpkg, moves))
    named = {change.address for change in packages}
    packages += [each for name, each in moves.items() if name not in debs and each.address not in named]
    if isinstance(config, LockedApt):
        packages = list(pins.keep_to(config.pins, named, packages))
    changes = [
        *(repository_change(item, facts) for item in config.repositories),
        *(answer_change(item, facts, dpkg) for item in config.debconf),
        *packages,
        *debs.values(),
    ]
    changes += transaction.repairs("apt", facts.order, facts.repair, dpkg, {*moves, *debs})
    if not facts.root:
        changes = transaction.without_root(changes, transaction.command(facts.order, dpkg))
    missing = [deb for deb in config.debs if not deb.satisfied(dpkg)]
    yield Step(
        id="apt",
        changes=tuple(changes),
        effects=effects(config, facts, dpkg, missing),
        lane="apt",
        download=facts.simulation.download + sum(facts.servers[deb.url].size or 0 for deb in missing),
        warnings=tuple(line for line in facts.problems if line not in {change.reason for change in changes}),
    )


def package_changes(config: Apt, facts: Facts, dpkg: Dpkg, moves: Mapping[str, Change]) -> Iterable[Change]:
    """One change for each entry and each absence, in the order of the file."""
    for choice, option in zip(config.packages, facts.chosen, strict=True):
        address, found = f"apt.{option.name}", option.found(dpkg)
        change = next((change for change in moves.values() if change.address == address), None)
        if found is not None:
            yield Change(address, Action.KEEP, found)
        elif change and option.name in facts.simulation.refused and len(choice.any_of) > 1:
            names = ", ".join(other.word for other in choice.any_of)
            reason = f"none of {names} can be installed: {change.reason}"
            yield replace(change, reason=reason)
        elif change:
            yield change
    for name in map(dpkg.key, config.absent):
        if name not in facts.order.remove:
            yield Change(f"apt.{name}", Action.KEEP, reason="not installed")


def repository_change(repository: Repository, facts: Facts) -> Change:
    found = facts.repositories[repository.name]
    where = " ".join((*repository.uris, *repository.suites))
    before = "other settings" if found.source or found.key_installed else None
    change = Change(f"apt.repositories.{repository.name}", Action.CREATE, before, where)
    problem = found.problem or next(
        (line for line in facts.problems if any(uri.rstrip("/") in line for uri in repository.uris)), ""
    )
    if found.right(repository):
        return replace(change, action=Action.KEEP, before=where, after=None)
    if problem:
        return replace(change, action=Action.BLOCKED, reason=problem)
    return replace(change, action=Action.UPDATE) if before else change


def answer_change(selection: Selection, facts: Facts, dpkg: Dpkg) -> Change:
    before = facts.answers.get(selection.question)
    change = Change(f"apt.debconf.{selection.question}", Action.KEEP, before, selection.value)
    if before == selection.value:
        return replace(change, after=None)
    reason = ""
    if dpkg.get(selection.package):
        reason = f"takes effect when {selection.package} is next configured, as by dpkg-reconfigure"
    return replace(change, action=Action.CREATE if before is None else Action.UPDATE, reason=reason)


def deb_change(deb: Deb, facts: Facts, dpkg: Dpkg) -> Change:
    name, version = deb.identity
    before = deb.installed(dpkg)
    change = Change(f"apt.{name}", Action.UPDATE if before else Action.CREATE, before, version)
    if deb.satisfied(dpkg):
        return replace(change, action=Action.KEEP, after=None)
    if error := facts.servers[deb.url].error:
        return replace(change, action=Action.BLOCKED, reason=f"{shown(deb.url)}: {error}")
    return replace(change, reason="what it depends on is known once it is there; nothing may go for it")


def effects(config: Apt, facts: Facts, dpkg: Dpkg, missing: list[Deb]) -> tuple[Effect, ...]:
    """In the order in which one makes the next possible."""
    done: list[Effect] = []
    for repository in config.repositories:
        done += repositories.effects(repository, facts.repositories[repository.name])
    answers = [item.line for item in config.debconf if facts.answers.get(item.question) != item.value]
    if answers:
        done.append(apt_get.preseed("".join(answers)))
    paths = [deb.path(facts.state) for deb in missing]
    for deb, path in zip(missing, paths, strict=True):
        done.append(Fetch(urls=(deb.url,), path=path, sha256=deb.sha256))
    done += transaction.effects(replace(facts.order, install=(*facts.order.install, *paths)), dpkg)
    if isinstance(config, LockedApt):
        done += pins.marked(facts.order)
    done += [Remove(path=path) for path in paths]
    return tuple(done)


def pin(config: Apt, facts: Facts, reader: Reader, ground: Ground) -> Pins:
    """What is there and what is coming; packages in files of their own have their sha256 in the spec."""
    installed = ((option.name, facts.dpkg and facts.dpkg.get(option.name)) for option in facts.chosen)
    there = {name: package.version for name, package in installed if package}
    coming = {move.name: move.after for move in facts.simulation.moves if move.after}
    known = config.kept if isinstance(config, PreferringApt) else Pins()
    found = pins.pin(there, coming, known, facts.order, reader, ground)
    unlocked = sorted({option.name for option in facts.chosen} - found.versions.keys())
    return found.model_copy(update={"unlocked": tuple(unlocked)})


def named(config: Apt, facts: Facts) -> Iterator[tuple[str, str]]:
    """The version of each package, and for a choice which of them it is."""
    dpkg = facts.dpkg or Dpkg({}, "")
    for choice in config.packages:
        yield f"apt.{choice.any_of[0].name}", installed(choice, dpkg)
    for name in (*(deb.identity[0] for deb in config.debs), *config.absent):
        yield f"apt.{name}", version_of(name, dpkg) or ABSENT
    for repository in config.repositories:
        found = facts.repositories.get(repository.name)
        there = "other settings" if found and (found.source or found.key_installed) else ABSENT
        where = " ".join((*repository.uris, *repository.suites, *repository.components))
        yield f"apt.repositories.{repository.name}", where if found and found.right(repository) else there
    for answer in config.debconf:
        yield f"apt.debconf.{answer.question}", facts.answers.get(answer.question, ABSENT)


def installed(choice: Choice, dpkg: Dpkg) -> str:
    """What there is of a choice: the version, with the name where it is not the first that is named."""
    options = choice.options(dpkg)
    if right := choice.found(dpkg):
        version = right.found(dpkg) or ""  # with its name, where another package provides it
        return version if right == options[0] or " " in version else f"{right.name} {version}"
    others = ((option.name, version_of(option.name, dpkg)) for option in options)
    there = [
        version if name == options[0].name else f"{name} {version}" for name, version in others if version
    ]
    return ", ".join(there) or ABSENT


def version_of(name: str, dpkg: Dpkg) -> str:
    """The version that dpkg has of a package, with its state where that is not whole; "" for none."""
    found = dpkg.packages.get(dpkg.key(name))
    return "" if found is None else found.version if found.installed else f"{found.version} {found.state}"


def shim(c, p):  # type: ignore
    return c if p is None else hold(c, p.pins) if p.exact else prefer(c, p.pins, p.upgrade)


KIND = Kind(
    name="apt",
    config=Apt,
    observe=observe,
    plan=plan,
    named=named,
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
