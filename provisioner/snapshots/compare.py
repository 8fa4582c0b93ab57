"""Why it works for you and not for me: how two snapshots differ, most likely causes first. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TypeAlias

from provisioner.kinds import registry
from provisioner.kinds.shared.frameworks import STACK, matches
from provisioner.model import gpus
from provisioner.model.jsontypes import JsonObject
from provisioner.model.units import format_size
from provisioner.snapshots.snapshot import Snapshot

COMPARE_FORMAT = "provisioner.compare/1"

ABSENT = "absent"

ALL = 1_000_000

Values: TypeAlias = Mapping[str, str | None]


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same on two machines; None where that could not be determined."""

    name: str
    mine: str | None
    yours: str | None


@dataclass(frozen=True)
class Group:
    """What differs in one respect."""

    name: str
    why: str
    """Why it matters, in a few words."""
    differences: tuple[Difference, ...]
    brief: int = ALL
    """How many of them are shown by default."""


@dataclass(frozen=True)
class Comparison:
    """How two machines differ; groups are in order of likelihood, and none is empty."""

    labels: tuple[str, str]
    fingerprints: tuple[str | None, str | None]
    digests: tuple[str, str]
    """sha256 of the two specs' texts."""
    unknown: tuple[tuple[str, ...], tuple[str, ...]]
    """The addresses of what could not be determined, which is why there is no fingerprint."""
    groups: tuple[Group, ...]

    @property
    def same(self) -> bool | None:
        """Whether everything that the spec names is the same; None where that is not known."""
        mine, yours = self.fingerprints
        return mine == yours if mine and yours else None


def devices(snapshot: Snapshot) -> Values:
    attached = snapshot.machine.accelerators
    models = Counter(gpus.full_name(gpu) for gpu in attached.gpus)
    shown = [f"{count} x {name}" for name, count in sorted(models.items())]
    shown += [f"TPU {attached.tpu}, chips: {attached.chips}"] if attached.tpu else []
    memory = {gpu.memory_total for gpu in attached.gpus if gpu.memory_total}
    problem = {"problem": attached.problem.code} if attached.problem else {}
    # By the gigabyte: drivers reserve some of a device's memory, and not all the same amount.
    sizes = {"memory of each": ", ".join(format_size(size) for size in sorted(memory))} if memory else {}
    return {"devices": ", ".join(shown) or "none"} | sizes | problem


def driver(snapshot: Snapshot) -> Values:
    attached = snapshot.machine.accelerators
    found = {"NVIDIA driver": attached.driver, "newest CUDA it runs": attached.cuda}
    return {name: version for name, version in found.items() if version}


def python(snapshot: Snapshot) -> Values:
    return {"version": str(snapshot.machine.python.get("version", ""))}


def named(snapshot: Snapshot) -> Values:
    """What the spec names, except what has its own group."""
    return {
        address: value
        for address, value in snapshot.named.items()
        if listing_of(address.partition(".")[0]) != "machine"
    }


def listing_of(kind: str) -> str:
    """The part of a snapshot that a kind's things are in; snapshots of others may have kinds that we lack."""
    return registry.get(kind).listing if registry.has(kind) else ""


def stack(snapshot: Snapshot) -> Values:
    return {name: found for name, found in snapshot.distributions.items() if matches(name, STACK)}


def system(snapshot: Snapshot) -> Values:
    machine = snapshot.machine
    return {
        "platform": machine.platform,
        "image": machine.runtime or ABSENT,
        "os": machine.os,
        "glibc": machine.libc.removeprefix("glibc "),
        "kernel": machine.kernel,
        "architecture": machine.architecture,
        "CPUs": str(machine.cpus),
        "memory": format_size(machine.memory),
        "root": "yes" if machine.root else "no",
    }


def environment(snapshot: Snapshot) -> Values:
    return snapshot.environment


def distributions(snapshot: Snapshot) -> Values:
    return {name: found for name, found in snapshot.distributions.items() if not matches(name, STACK)}


def packages(snapshot: Snapshot) -> Values:
    return snapshot.packages


@dataclass(frozen=True)
class Topic:
    """A respect in which machines differ."""

    name: str
    why: str
    look: Callable[[Snapshot], Values]
    listing: str = ""
    """The part of a snapshot that it is about; what a spec names is in the group of the spec."""
    brief: int = ALL


TOPICS = (
    Topic("accelerator", "results, speed and memory depend on the model", devices),
    Topic("driver", "it decides which CUDA builds can run at all", driver),
    Topic("python", "wheels are built for one minor version each", python),
    Topic("named by the spec", "the file asks for these", named),
    Topic("frameworks", "built against each other: changing one can break the rest", stack, "distributions"),
    Topic("system", "wheels and programs load its libraries", system),
    Topic("environment", "frameworks read these when they start", environment),
    Topic("other distributions", "installed, but not named by the spec", distributions, "distributions", 10),
    Topic("other apt packages", "system libraries and programs", packages, "packages", 0),
)
"""From the most likely cause to the least likely."""


def compare(mine: Snapshot, yours: Snapshot, labels: tuple[str, str]) -> Comparison:
    """How two machines differ."""
    groups = (group(topic, mine, yours) for topic in TOPICS)
    return Comparison(
        labels=labels,
        fingerprints=(mine.fingerprint, yours.fingerprint),
        digests=(mine.digest, yours.digest),
        unknown=(unknown(mine), unknown(yours)),
        groups=tuple(found for found in groups if found.differences),
    )


def unknown(snapshot: Snapshot) -> tuple[str, ...]:
    return tuple(address for address, value in snapshot.named.items() if value is None)


def group(topic: Topic, mine: Snapshot, yours: Snapshot) -> Group:
    shown = names_listed(topic.listing, mine) | names_listed(topic.listing, yours)
    found = differences(topic.look(mine), topic.look(yours))
    return Group(topic.name, topic.why, tuple(each for each in found if each.name not in shown), topic.brief)


def names_listed(listing: str, snapshot: Snapshot) -> set[str]:
    """The names that a spec gives to what a part of a snapshot lists."""
    parts = (address.partition(".") for address in snapshot.named if listing)
    return {name for kind, _, name in parts if listing_of(kind) == listing}


def differences(mine: Values, yours: Values) -> Iterator[Difference]:
    """What differs, in my order, and then what only you have. What is not known may differ."""
    for name in dict.fromkeys((*mine, *yours)):
        left, right = mine.get(name, ABSENT), yours.get(name, ABSENT)
        if left != right or left is None:
            yield Difference(name, left, right)


def document(comparison: Comparison) -> JsonObject:
    """What `compare --json` prints: all of it."""
    return {
        "format": COMPARE_FORMAT,
        "machines": list(comparison.labels),
        "fingerprints": list(comparison.fingerprints),
        "same": comparison.same,
        "groups": [
            {"name": each.name, "why": each.why, "differences": [asdict(one) for one in each.differences]}
            for each in comparison.groups
        ],
    }
