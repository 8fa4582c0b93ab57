"""What a machine has of the Python distributions that a section speaks of."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from provisioner.facts.distributions import Installed, source
from provisioner.kinds.pip.absent import Unwanted
from provisioner.kinds.pip.closure import Closure, Walker
from provisioner.kinds.pip.loaded import Loaded
from provisioner.kinds.pip.locked import Drift
from provisioner.kinds.pip.requirements import Asked
from provisioner.kinds.pip.resolve import Outcome
from provisioner.machine.reader import Interpreter, Reader

OURSELVES = "colab-provisioner"
"""Never taken for damaged: it runs, and where it was installed from a folder no index could mend it."""


LISTED = "what it lists"
"""What is wanted of a file that only uv can judge."""


@dataclass(frozen=True)
class Named:
    """Something that the spec names and how it is: a distribution, or a file that only uv can judge."""

    name: str
    wanted: str
    version: str | None = None
    """None when it is not installed."""
    met: bool = False
    source: str = ""
    """Where it came from, when from no index."""


@dataclass(frozen=True)
class Facts:
    folder: str
    python: Interpreter
    uv: str = ""
    """Path of uv; empty when there is nothing for it to do."""
    named: tuple[Named, ...] = ()
    damaged: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with distributions that are not whole."""
    unwanted: tuple[Unwanted, ...] = ()
    files_absent: tuple[str, ...] = ()
    outcome: Outcome | None = None
    """uv's word on what is not met; None when all is, or when it could not be asked."""
    conflicts: tuple[str, ...] = ()
    lost_gpus: tuple[str, ...] = ()
    """Builds that come and will not see this machine's GPU."""
    loaded: tuple[Loaded, ...] = ()
    """What the notebook's kernel has imported of all this."""
    inside: bool = False
    """Whether we are that kernel."""
    unlisted: tuple[str, ...] = ()
    """What cannot be known of a machine that is not here."""
    drifts: tuple[Drift, ...] = ()
    """What a lock rests on and is no longer so."""

    @property
    def due(self) -> list[Named]:
        """What has to change, whatever comes along with it."""
        names = {each.name for each in self.named}
        broken = [Named(name, "whole") for name in self.damaged if name not in names]
        return [each for each in self.named if not each.met] + broken


def find_damage(
    reader: Reader, installed: Installed, closure: Closure, absent: Iterable[str]
) -> dict[str, str]:
    """What is not whole of what the spec leads to, or of all there is after a run was cut short.

    Where the way ends early, uv goes on from there, and must not come upon what is only there in part.
    """
    suspect = "pip" in reader.context.suspects
    names = closure.reached.keys() | closure.unmet
    if closure.lacking:
        names |= installed.partial()
    looked_at = set(installed.found) if suspect else names & installed.found.keys()
    found = {
        name: installed.damage(installed.found[name], thorough=suspect, hashes=reader.context.deep)
        for name in sorted(looked_at - {*absent, OURSELVES})
    }
    return {name: what for name, what in found.items() if what}


def look_up(asked: Asked, walker: Walker, closure: Closure, damaged: Mapping[str, str]) -> Iterator[Named]:
    """Everything that the spec names and that applies here, once."""
    unmet = {lack.name for lack in closure.lacking if not lack.by} | damaged.keys()
    applying = {each.name: each for each in reversed(asked.wanted) if walker.applies(each.requirement)}
    for name, each in reversed(applying.items()):
        there = walker.installed.get(name)
        version, origin = (there.version, walker.installed.origin(there)) if there else (None, {})
        yield Named(name, str(each), version, name not in unmet, source(origin))
    for path in dict.fromkeys(asked.undecided):
        yield Named(posixpath.basename(path), LISTED)
