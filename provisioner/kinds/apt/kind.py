"""Debian packages: one transaction, shown beforehand as apt itself simulates it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from provisioner.facts.dpkg import Dpkg
from provisioner.kinds.apt import repositories
from provisioner.kinds.apt.facts import AptFacts, begin, observe
from provisioner.kinds.apt.lock import check, pin
from provisioner.kinds.apt.repositories import Repository
from provisioner.kinds.apt.requests import Choice, Deb, Preseed
from provisioner.kinds.apt.section import Apt, locked_choices
from provisioner.kinds.base import ABSENT, Entry, Joint, Kind, Lockable
from provisioner.kinds.shared.debian import apt_get, transaction
from provisioner.kinds.shared.debian.joint import together
from provisioner.kinds.shared.debian.lock import contents, materials
from provisioner.kinds.shared.debian.pins import DebianPinning, DebianPins, exact_pins, kept_pins
from provisioner.kinds.shared.debian.reconcile import block_unlocked
from provisioner.machine.reader import Reader
from provisioner.machine.urls import local_path, shown
from provisioner.model.effects import Effect, Fetch, Remove
from provisioner.model.plan import Action, Change, Step
from provisioner.runtimes.difference import Concern, Concerns

# What a plan shows


def plan(config: Apt, facts: AptFacts, pinning: DebianPinning | None = None) -> Iterable[Step]:
    """One step: repositories, answers, repairs, then a single transaction."""
    dpkg = facts.dpkg
    if dpkg is None:
        yield Step(id="apt", changes=(transaction.without_apt("apt"),))
        return
    changes = [
        *(repository_change(each, facts) for each in config.repositories),
        *(answer_change(each, facts, dpkg) for each in config.debconf),
        *package_changes(config, facts, dpkg, pinning),
    ]
    if not facts.root:
        changes = transaction.without_root(changes, transaction.command(facts.transaction.order, dpkg))
    reasons = {change.reason for change in changes}
    debs = tuple(deb for deb in config.debs if not deb.satisfied(dpkg))
    yield Step(
        id="apt",
        changes=tuple(changes),
        effects=effects(config, facts, dpkg, debs),
        lane="apt",
        joined=facts.transaction.carrier,
        download=facts.transaction.simulation.download
        + sum(facts.servers[deb.url].size or 0 for deb in debs),
        warnings=tuple(line for line in facts.problems if line not in reasons),
    )


def repository_change(repository: Repository, facts: AptFacts) -> Change:
    """A repository, blocked where its key cannot be had or its lists cannot be read."""
    state = facts.repositories[repository.name]
    change = Change(f"apt.repositories.{repository.name}", Action.CREATE, state.before, repository.place)
    if state.is_right(repository):
        return replace(change, action=Action.KEEP, before=repository.place, after=None)
    if problem := state.problem or problem_of(repository, facts):
        return replace(change, action=Action.BLOCKED, reason=problem)
    return replace(change, action=Action.UPDATE) if state.before else change


def problem_of(repository: Repository, facts: AptFacts) -> str:
    """What an update of the package lists said of a repository; "" for nothing."""
    uris = [uri.rstrip("/") for uri in repository.uris]
    return next((line for line in facts.problems if any(uri in line for uri in uris)), "")


def answer_change(answer: Preseed, facts: AptFacts, dpkg: Dpkg) -> Change:
    """An answer to debconf, which a package that is installed already does not hear of at once."""
    before = facts.answers.get(answer.question)
    change = Change(f"apt.debconf.{answer.question}", Action.KEEP, before, answer.value)
    if before == answer.value:
        return replace(change, after=None)
    reason = ""
    if dpkg.get(answer.package):
        reason = f"takes effect when {answer.package} is next configured, as by dpkg-reconfigure"
    return replace(change, action=Action.CREATE if before is None else Action.UPDATE, reason=reason)


def package_changes(
    config: Apt, facts: AptFacts, dpkg: Dpkg, pinning: DebianPinning | None
) -> Iterator[Change]:
    """What is named, what changes with it, the .deb files, and then what is repaired."""
    moves = transaction.changes("apt", facts.transaction, dpkg)
    debs = {deb.identity[0]: deb_change(deb, facts, dpkg) for deb in config.debs}
    named = list(named_changes(config, facts, dpkg, moves, pinning))
    addresses = {change.address for change in named}
    others = [move for name, move in moves.items() if name not in debs and move.address not in addresses]
    pins = exact_pins(pinning)
    packages = [*named, *others]
    yield from packages if pins is None else block_unlocked(pins, addresses, packages)
    yield from debs.values()
    yield from transaction.repairs("apt", facts.transaction, dpkg, {*moves, *debs})


def named_changes(
    config: Apt,
    facts: AptFacts,
    dpkg: Dpkg,
    moves: Mapping[str, Change],
    pinning: DebianPinning | None,
) -> Iterator[Change]:
    """One change for each entry and each absence, in the order of the file."""
    refused = facts.transaction.simulation.refused
    for choice, option in zip(locked_choices(config, kept_pins(pinning)), facts.chosen, strict=True):
        address, version = f"apt.{option.name}", option.installed(dpkg)
        change = next((change for change in moves.values() if change.address == address), None)
        if version is not None:
            yield Change(address, Action.KEEP, version)
        elif change and option.name in refused and len(choice.any_of) > 1:
            names = ", ".join(other.word for other in choice.any_of)
            yield replace(change, reason=f"none of {names} can be installed: {change.reason}")
        elif change:
            yield change
    for name in map(dpkg.key, config.absent):
        if name not in facts.transaction.order.remove:
            yield Change(f"apt.{name}", Action.KEEP, reason="not installed")


def deb_change(deb: Deb, facts: AptFacts, dpkg: Dpkg) -> Change:
    """A package in a file of its own, which says what it needs once it is downloaded."""
    name, version = deb.identity
    before = deb.installed(dpkg)
    change = Change(f"apt.{name}", Action.UPDATE if before else Action.CREATE, before, version)
    if deb.satisfied(dpkg):
        return replace(change, action=Action.KEEP, after=None)
    if error := facts.servers[deb.url].error:
        return replace(change, action=Action.BLOCKED, reason=f"{shown(deb.url)}: {error}")
    return replace(
        change, reason="its dependencies are only known after the download; nothing is removed for it"
    )


# What carries it out


def effects(config: Apt, facts: AptFacts, dpkg: Dpkg, debs: tuple[Deb, ...]) -> tuple[Effect, ...]:
    """In the order in which one makes the next possible."""
    paths = tuple(deb.path(facts.state) for deb in debs)
    return (
        *repository_effects(config, facts),
        *answer_effects(config, facts),
        *(
            Fetch(urls=(deb.url,), path=path, sha256=deb.sha256)
            for deb, path in zip(debs, paths, strict=True)
        ),
        *transaction.effects(facts.transaction, dpkg, paths),
        *(Remove(path=path) for path in paths),
    )


def repository_effects(config: Apt, facts: AptFacts) -> Iterator[Effect]:
    """What adds those that are missing."""
    for repository in config.repositories:
        yield from repositories.effects(repository, facts.repositories[repository.name])


def answer_effects(config: Apt, facts: AptFacts) -> Iterator[Effect]:
    """One call for all answers that debconf does not have."""
    answers = [each.line for each in config.debconf if facts.answers.get(each.question) != each.value]
    if answers:
        yield apt_get.preseed("".join(answers))


# What is compared


def named(config: Apt, facts: AptFacts) -> Iterator[tuple[str, str]]:
    """The version of each package, and for a choice which of them it is."""
    dpkg = facts.dpkg or Dpkg({}, "")
    for choice in config.packages:
        yield f"apt.{choice.any_of[0].name}", state_of(choice, dpkg)
    for name in (*(deb.identity[0] for deb in config.debs), *config.absent):
        yield f"apt.{name}", version_of(name, dpkg) or ABSENT
    for repository in config.repositories:
        yield f"apt.repositories.{repository.name}", settings_of(repository, facts)
    for answer in config.debconf:
        yield f"apt.debconf.{answer.question}", facts.answers.get(answer.question, ABSENT)


def state_of(choice: Choice, dpkg: Dpkg) -> str:
    """What there is of a choice: the version, with the name where it is not the first that is named."""
    options = choice.options(dpkg)
    if right := choice.installed(dpkg):
        version = right.installed(dpkg) or ""  # with its name, where another package provides it
        return version if right == options[0] or " " in version else f"{right.name} {version}"
    versions = ((option.name, version_of(option.name, dpkg)) for option in options)
    others = [
        version if name == options[0].name else f"{name} {version}" for name, version in versions if version
    ]
    return ", ".join(others) or ABSENT


def version_of(name: str, dpkg: Dpkg) -> str:
    """The version that dpkg has of a package, with its state where that is not whole; "" for none."""
    package = dpkg.packages.get(dpkg.key(name))
    if package is None:
        return ""
    return package.version if package.installed else f"{package.version} {package.state}"


def settings_of(repository: Repository, facts: AptFacts) -> str:
    """What there is of a repository."""
    state = facts.repositories.get(repository.name)
    if state and state.is_right(repository):
        return " ".join((repository.place, *repository.components))
    return (state and state.before) or ABSENT


def entries(config: Apt, folder: str) -> Iterator[Entry]:
    """One for all, since apt changes all in one transaction."""
    yield Entry(
        address="apt",
        config=config,
        makes=("apt:repositories",) if config.repositories else (),
        reads=tuple(dict.fromkeys(own_files(config))),
        joint=True,
    )


def own_files(config: Apt) -> Iterator[str]:
    """Files and folders of this machine that keys, repositories and packages come from."""
    for repository in config.repositories:
        places = (local_path(uri) for uri in repository.uris)
        yield from (place for place in (repository.key, *places) if place and place.startswith("/"))
    yield from (path for deb in config.debs if (path := local_path(deb.url)))


def concerns(config: Apt, reader: Reader) -> Concerns:
    """The packages that are named; and the system and its libc, which all of them are made for."""
    others = (*config.absent, *(deb.identity[0] for deb in config.debs))
    return Concerns(
        (
            Concern("runtime.os"),
            Concern("apt.libc6"),
            *(concern for choice in config.packages for concern in concerns_of(choice)),
            *(Concern(f"apt.{name}") for name in others),
        )
    )


def concerns_of(choice: Choice) -> Iterator[Concern]:
    """One of several is not missed, as long as another may be there."""
    for option in choice.any_of:
        address = f"apt.{option.name.removesuffix(':amd64')}"
        yield Concern(address, option.word, option.matches) if len(choice.any_of) == 1 else Concern(address)


KIND = Kind(
    name="apt",
    config=Apt,
    observe=observe,
    plan=plan,
    named=named,
    concerns=concerns,
    entries=entries,
    joint=Joint(begin, together),
    listing="packages",
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
