"""What apt would do: its own simulation, parsed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from provisioner.facts.dpkg import Dpkg
from provisioner.kinds.shared.debian.apt_get import NAMES_ONLY, AptOrder, name_of, question
from provisioner.machine.reader import Completed, Reader

ALLOWED = ("--allow-downgrades", "--allow-change-held-packages")
"""A simulation may do what we will refuse, so that the plan can say what it is."""

INSTALL = re.compile(r"^Inst (\S+)(?: \[(\S+)\])? \((\S+) .*\)", re.MULTILINE)
REMOVE = re.compile(r"^(?:Remv|Purg) (\S+)(?: \[(\S+)\])?", re.MULTILINE)
SELECTED = re.compile(r"^Note, selecting '(\S+)' instead of '(\S+)'", re.MULTILINE)
SIZE = re.compile(r"^'(?!file:).*' \S+ (\d+)", re.MULTILINE)

STUCK = "Unmet dependencies. Try 'apt --fix-broken install'"
"""What apt says to every order while something that is left halfway lacks its dependencies."""

HALFWAY = "its version is only known once the interrupted installation is repaired"
ON_THE_IMAGE = "which other packages change is only known on the image itself"

UNKNOWN = re.compile(r"^E: Unable to locate package (\S+)", re.MULTILINE)
NO_CANDIDATE = re.compile(r"^E: Package '(\S+)' has no installation candidate", re.MULTILINE)
NO_VERSION = re.compile(r"^E: Version '(\S+)' for '(\S+)' was not found", re.MULTILINE)
PROVIDED = r"^Package {name} is a virtual package provided by:\n((?:  .+\n)+)"
REPLACED = (
    r"^Package {name} is not available(?s:.*?)However the following packages replace it:\n((?:  .+\n)+)"
)


@dataclass(frozen=True)
class PackageMove:
    """One package that changes: None stands for absent."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Simulation:
    """What an order would bring about."""

    moves: tuple[PackageMove, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    """Names that apt cannot install, with the reason and what there is instead."""
    selected: Mapping[str, str] = field(default_factory=dict)
    """Names that only stand for another package, and that package."""
    trouble: str = ""
    """Why the rest as a whole cannot be done; empty when it can."""
    unknown: str = ""
    """Why nothing can be said of what is to be installed, although it may well be."""
    download: int = 0

    def find(self, name: str) -> PackageMove | None:
        wanted = self.selected.get(name, name)
        return next((move for move in self.moves if move.name == wanted), None)


UNCHANGED = Simulation()


def simulate(reader: Reader, order: AptOrder, dpkg: Dpkg) -> Simulation:
    """Ask apt, leaving out what it does not know so that the rest can be shown.

    Where holds make it impossible, what would be done without them is shown: it will be refused.
    """
    if reader.context.target_image:
        return Simulation(unknown=ON_THE_IMAGE)
    refused: dict[str, str] = {}
    while order.words:
        completed = ask(reader, order, "-s")
        known = refusals(reader, order, completed)
        left = tuple(word for word in order.install if name_of(word) not in known)
        if left == order.install:
            break
        refused |= known
        order = replace(order, install=left)
    else:
        return Simulation(refused=refused)
    if completed.code and not order.force and any(package.held for package in dpkg.packages.values()):
        completed = ask(reader, replace(order, force=True), "-s")
    return replace(read(completed, dpkg), refused=refused)


def sized(outcome: Simulation, order: AptOrder, reader: Reader) -> Simulation:
    """The same, with what there is to download."""
    if not any(move.after for move in outcome.moves):
        return outcome
    left = tuple(word for word in order.install if name_of(word) not in outcome.refused)
    return replace(outcome, download=download(reader, replace(order, install=left)))


def repair(reader: Reader, order: AptOrder, dpkg: Dpkg) -> Simulation:
    """What apt would do to finish what was left halfway."""
    return read(ask(reader, replace(order, install=(), remove=()), "-s", "--fix-broken"), dpkg)


def read(completed: Completed, dpkg: Dpkg) -> Simulation:
    if completed.code:
        complaint = trouble(completed)
        return Simulation(trouble=complaint, unknown=HALFWAY if STUCK in complaint else "")
    moves = [
        PackageMove(name, before or None, after) for name, before, after in INSTALL.findall(completed.stdout)
    ]
    moves += [PackageMove(name, before or None, None) for name, before in REMOVE.findall(completed.stdout)]
    return Simulation(
        moves=tuple(replace(move, name=dpkg.key(move.name)) for move in moves),
        selected={wanted: chosen for chosen, wanted in SELECTED.findall(completed.stdout)},
    )


def possible(reader: Reader, order: AptOrder) -> bool:
    """Whether apt can do it, or knows nothing against it until what was left halfway is finished."""
    if reader.context.target_image:
        return True
    completed = ask(reader, order, "-s")
    return completed.code == 0 or STUCK in completed.stderr


def ask(reader: Reader, order: AptOrder, *how: str) -> Completed:
    allowed = (*ALLOWED, order.permissions[0], *(["--ignore-hold"] if order.force else []))
    options = (*NAMES_ONLY, *order.sources, "-o", "Debug::NoLocking=true", *allowed)
    return reader.ask(question(("apt-get", *how, "-y", *options, "install", *order.words)))


def download(reader: Reader, order: AptOrder) -> int:
    """Bytes that apt would fetch; what lies in its cache already is not among them."""
    completed = ask(reader, order, "--print-uris", "-qq")
    return sum(map(int, SIZE.findall(completed.stdout)))


def trouble(completed: Completed) -> str:
    """What apt says is wrong: the dependencies that are not met, and its errors."""
    output = completed.stdout + completed.stderr
    _, _, unmet = output.partition("The following packages have unmet dependencies:\n")
    lines = [" ".join(line.split()) for line in unmet.splitlines() if line.startswith(" ")]
    lines += [line[3:] for line in output.splitlines() if line.startswith("E: ")]
    return "; ".join(lines) or f"apt-get ended with code {completed.code}"


def refusals(reader: Reader, order: AptOrder, completed: Completed) -> dict[str, str]:
    """Names that apt does not know or has no such version of, and what to write instead."""
    errors = completed.stderr
    unknown = UNKNOWN.findall(errors)
    reasons = unknown_names(reader, order, unknown) if unknown else {}
    for name in NO_CANDIDATE.findall(errors):
        reasons[name] = without_candidate(name, completed.stdout + errors)
    for version, name in NO_VERSION.findall(errors):
        offered = ", ".join(versions(reader, order, name))
        offers = f"available: {offered}" if offered else "no version is available"
        reasons[name] = f"no repository of this machine has version {version} of {name}; {offers}"
    return reasons


def unknown_names(reader: Reader, order: AptOrder, names: list[str]) -> dict[str, str]:
    completed = reader.ask(question(("apt-cache", *order.sources, "pkgnames")))
    everything = completed.stdout.split()
    reasons = {}
    for name in names:
        near = nearest(name, everything)
        hint = (
            f"similar names: {', '.join(near)}" if near else "check the name, or add the repository it is in"
        )
        reasons[name] = f"no repository of this machine has a package named {name}; {hint}"
    return reasons


def nearest(name: str, everything: list[str]) -> list[str]:
    """Up to three known names that look like `name`; comparing all of a hundred thousand is slow."""
    import difflib

    alike = [known for known in everything if known[:3] == name[:3]]
    return difflib.get_close_matches(name, alike, n=3, cutoff=0.7)


def without_candidate(name: str, output: str) -> str:
    for pattern, verb in ((PROVIDED, "is provided by"), (REPLACED, "was replaced by")):
        if found := re.search(pattern.format(name=re.escape(name)), output, re.MULTILINE):
            others = [line.split()[0] for line in found[1].splitlines()]
            return f"{name} is not a package itself; it {verb} {', '.join(others)}: name one of them"
    return f"other packages refer to {name}, but no repository of this machine has it"


def versions(reader: Reader, order: AptOrder, name: str) -> tuple[str, ...]:
    """The versions of a package that the lists offer, best first."""
    completed = reader.ask(question(("apt-cache", *order.sources, "madison", name)))
    return tuple(
        dict.fromkeys(line.split("|")[1].strip() for line in completed.stdout.splitlines() if "|" in line)
    )
