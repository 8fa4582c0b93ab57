"""What apt would do for a section, and what of the machine matters to that."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from provisioner.facts.dpkg import Dpkg
from provisioner.kinds.apt import repositories
from provisioner.kinds.apt.repositories import Repository, RepositoryState
from provisioner.kinds.apt.requests import Choice, Deb, Package
from provisioner.kinds.apt.section import Apt, locked_choices
from provisioner.kinds.shared.debian import joint, simulation
from provisioner.kinds.shared.debian.apt_get import AptOrder, installed_packages
from provisioner.kinds.shared.debian.joint import AptWish, Work
from provisioner.kinds.shared.debian.package_lists import PackageLists
from provisioner.kinds.shared.debian.pins import (
    DebianPinning,
    DebianPins,
    all_names,
    exact_pins,
    kept_pins,
    renewed,
)
from provisioner.kinds.shared.debian.transaction import NO_TRANSACTION, AptTransaction
from provisioner.machine.reader import Answer, Reader
from provisioner.machine.urls import local_path

ANSWERS = "/var/cache/debconf/config.dat"


@dataclass(frozen=True)
class AptFacts:
    """What of the machine matters to a section."""

    dpkg: Dpkg | None
    """None where there is no dpkg, or no apt-get."""
    root: bool = True
    state: str = ""
    chosen: tuple[Package, ...] = ()
    """For each entry, the option that is there or will be."""
    repositories: Mapping[str, RepositoryState] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    """What debconf holds, by question."""
    transaction: AptTransaction = NO_TRANSACTION
    """What is missing or to be removed, .deb files apart, and what apt would do about it."""
    servers: Mapping[str, Answer] = field(default_factory=dict)
    """What is said about each .deb file that is missing."""
    problems: tuple[str, ...] = ()
    """Why the package lists may be out of date."""


@dataclass(frozen=True)
class AptWork:
    """What is not as a section wants it."""

    repositories: tuple[Repository, ...] = ()
    packages: tuple[Package, ...] = ()
    """Of each choice of which no option is there, the first."""
    besides: tuple[str, ...] = ()
    """What a lock wants besides, as apt-get is told."""
    remove: tuple[str, ...] = ()
    debs: tuple[Deb, ...] = ()
    repair: bool = False
    """Whether earlier work is unfinished."""


NO_WORK = AptWork()


def observe(config: Apt, reader: Reader, pinning: DebianPinning | None = None) -> AptFacts:
    """What is missing, and what apt would do about it. No program is run when nothing is missing."""
    return joint.alone(begin(config, reader, pinning), reader)


def begin(config: Apt, reader: Reader, pinning: DebianPinning | None) -> AptFacts | Work[AptFacts]:
    """What is missing, and what is to be asked of apt if anything is."""
    everything = installed_packages(reader)
    if everything is None:
        return AptFacts(None)
    dpkg = everything.only(names_that_matter(config, pinning))
    choices = locked_choices(config, kept_pins(pinning))
    facts = look(config, choices, dpkg, reader)
    work = find_work(config, facts, dpkg, pinning)
    if work == NO_WORK:
        return facts

    def wish(lists: PackageLists) -> AptWish[AptFacts]:
        order = order_for(config, lists, pinning)
        chosen = tuple(
            choice.installed(dpkg) or choose(reader, choice.options(dpkg), order) for choice in choices
        )
        known = replace(
            facts,
            chosen=chosen,
            servers={deb.url: ask_server(reader, deb.url) for deb in work.debs},
            problems=lists.problems,
        )
        return AptWish(
            order=replace(order, install=words_for(chosen, work, dpkg), remove=work.remove),
            named=frozenset(option.name for option in chosen),
            dpkg=dpkg,
            pinning=pinning,
            facts=lambda transaction: replace(known, transaction=transaction),
        )

    def try_out() -> PackageLists:
        return repositories.try_out(reader, config.repositories, facts.repositories)

    return Work(wish=wish, update=config.update, try_out=try_out if work.repositories else None)


def names_that_matter(config: Apt, pinning: DebianPinning | None) -> tuple[str, ...]:
    """The packages that the section or its pins are about: to install, to remove, to give answers for."""
    asking = (answer.package for answer in config.debconf)
    return (*config.names, *config.absent, *asking, *all_names(pinning))


def look(config: Apt, choices: tuple[Choice, ...], dpkg: Dpkg, reader: Reader) -> AptFacts:
    """What can be seen without asking apt."""
    return AptFacts(
        dpkg,
        root=reader.context.root,
        state=reader.context.state,
        chosen=tuple(choice.installed(dpkg) or choice.options(dpkg)[0] for choice in choices),
        repositories={each.name: repositories.observe(reader, each) for each in config.repositories},
        answers=read_answers(reader) if config.debconf else {},
    )


def find_work(config: Apt, facts: AptFacts, dpkg: Dpkg, pinning: DebianPinning | None) -> AptWork:
    """What of all that is wanted is not so yet."""
    pins = exact_pins(pinning) or DebianPins()
    named = [(option.name, option.word) for option in facts.chosen]
    pinned = tuple(each.word for each in pins.missing(dpkg))
    return AptWork(
        repositories=tuple(
            each for each in config.repositories if not facts.repositories[each.name].is_right(each)
        ),
        packages=tuple(option for option in facts.chosen if not option.installed(dpkg)),
        besides=(*pinned, *renewed(pinning, named, dpkg)),
        remove=tuple(name for name in map(dpkg.key, config.absent) if name in dpkg.packages),
        debs=tuple(deb for deb in config.debs if not deb.satisfied(dpkg)),
        repair=dpkg.interrupted or bool(dpkg.halfway),
    )


def order_for(config: Apt, lists: PackageLists, pinning: DebianPinning | None) -> AptOrder:
    """An order of nothing yet, as the section wants all to be ordered."""
    return AptOrder(
        options=lists.options,
        trial=lists.trial,
        recommends=config.recommends,
        force=config.force,
        exact=exact_pins(pinning) is not None,
    )


def words_for(chosen: tuple[Package, ...], work: AptWork, dpkg: Dpkg) -> tuple[str, ...]:
    """What apt-get is told to install: what is missing of what is named, and what a lock wants besides."""
    missing = (option.word for option in chosen if not option.installed(dpkg))
    return tuple(dict.fromkeys((*missing, *work.besides)))


def choose(reader: Reader, options: tuple[Package, ...], order: AptOrder) -> Package:
    """The first option that apt can install; the first of all when it can install none."""
    if len(options) == 1:
        return options[0]
    possible = (
        option for option in options if simulation.possible(reader, replace(order, install=(option.word,)))
    )
    return next(possible, options[0])


def ask_server(reader: Reader, url: str) -> Answer:
    """What a server says of a file, or the file itself where it is one of this machine."""
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
