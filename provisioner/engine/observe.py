"""What every entry finds on a machine, in rounds: each entry comes after what it waits for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from provisioner.engine.decide import (
    Decided,
    Facts,
    decide,
    is_left_out,
    kind_of,
    remaining,
    unseen,
)
from provisioner.engine.foresight import ForeseeingReader, Foretell
from provisioner.engine.selection import EVERYTHING, Selection
from provisioner.engine.threads import together
from provisioner.kinds import base
from provisioner.kinds.base import AnyJoint, Entry, Party
from provisioner.kinds.order import is_path
from provisioner.machine.reader import Reader
from provisioner.model.errors import ObserveError, Unforeseen
from provisioner.model.plan import Step
from provisioner.spec.spec import Spec

LOOKS = 16
"""Entries observed at once: they mostly wait for servers and programs."""


def observe(spec: Spec, reader: Reader, selection: Selection = EVERYTHING) -> Facts:
    """What every entry finds, but those that have to see what others will make."""
    facts: dict[str, object] = {}
    decided: dict[str, tuple[Step, ...]] = {}
    for entries in spec.order.levels:
        asked = [entry for entry in entries if selection.concerns(entry.address, spec.order.entries)]
        seen = [entry for entry in asked if entry.address not in facts and can_be_seen(entry, spec, decided)]
        groups = tuple(observed_together(seen, spec, decided, selection))
        works = [partial(look_at_all, group, spec, reader, decided) for group in groups]
        works += [
            partial(look_ahead, entry, spec, reader, decided)
            for entry in asked
            if entry.address not in facts and can_be_foreseen(entry, spec, decided)
        ]
        for found in together(works, LOOKS, reader.cancel):
            facts |= {address: each for address, each in found.items() if each is not None}
        decided |= {entry.address: tuple(decide(entry, spec, facts, decided)) for entry in asked}
    return facts


def observed_together(
    seen: list[Entry], spec: Spec, decided: Decided, selection: Selection
) -> Iterator[tuple[Entry, ...]]:
    """The entries to observe now, with those of later rounds that are observed together with them."""
    met: set[str] = set()
    for entry in seen:
        if entry.address not in met:
            group = (entry, *partners(entry, spec, decided, selection))
            met |= {each.address for each in group}
            yield group


def partners(entry: Entry, spec: Spec, decided: Decided, selection: Selection) -> Iterator[Entry]:
    """Those that are observed together with an entry, since nothing stands between them."""
    joint = joint_of(entry)
    if joint is None or not is_free(entry, set(), spec, decided, selection):
        return
    group = {entry.address}
    for other in spec.order.entries.values():
        theirs = joint_of(other)
        if theirs is None or theirs.observe != joint.observe or other.address in {*group, *decided}:
            continue
        if is_free(other, group, spec, decided, selection) and not is_left_out(other, spec, decided):
            group.add(other.address)
            yield other


def joint_of(entry: Entry) -> AnyJoint | None:
    """How an entry is observed together with others; None for one that is observed by itself."""
    return kind_of(entry).joint if entry.joint else None


def is_free(entry: Entry, group: set[str], spec: Spec, decided: Decided, selection: Selection) -> bool:
    """Whether an entry is asked for, and waits for none but a group, and none of the group for it."""
    needed = spec.order.needs[entry.address].keys() - group
    unknown = (other for other in needed - decided.keys() if selection.concerns(other, spec.order.entries))
    steps = (step for other in needed for step in decided.get(other, ()))
    return (
        selection.has(entry.address)
        and not any(unknown)
        and not any(step.pending or step.replan for step in steps)
        and group.isdisjoint(spec.order.waiting_for(entry.address))
    )


def look_at_all(
    group: tuple[Entry, ...], spec: Spec, reader: Reader, decided: Decided
) -> Mapping[str, object]:
    """What each of several entries finds, by their addresses."""
    joint = joint_of(group[0])
    if joint is None or len(group) == 1:
        return {entry.address: look_at(entry, spec, reader, decided) for entry in group}
    try:
        return joint.observe([party_of(entry, spec, decided) for entry in group], reader)
    except ObserveError as error:
        return {entry.address: error for entry in group}


def party_of(entry: Entry, spec: Spec, decided: Decided) -> Party:
    """An entry, as it is observed together with others."""
    kind, joint = kind_of(entry), joint_of(entry)
    config, pinning = remaining(entry, spec, decided), spec.pins.get(kind.name)
    begin = joint.begin if joint else partial(base.observe, kind)
    return Party(
        entry.address,
        begin=lambda reader: begin(config, reader, pinning),
        plan=lambda facts: base.plan(kind, config, facts, pinning),
    )


def look_at(entry: Entry, spec: Spec, reader: Reader, decided: Decided) -> object:
    """What an entry finds; an ObserveError for what could not be determined."""
    kind = kind_of(entry)
    try:
        return base.observe(kind, remaining(entry, spec, decided), reader, spec.pins.get(kind.name))
    except ObserveError as error:
        return error


def can_be_seen(entry: Entry, spec: Spec, decided: Decided) -> bool:
    """Whether an entry can be observed now, and anything of it remains."""
    return not unseen(entry, spec, decided) and not is_left_out(entry, spec, decided)


# Looking ahead


def foreseeing(spec: Spec, reader: Reader, decided: Decided) -> Reader:
    """A Reader that also tells what entries will make that have something to do."""
    pending = [
        entry
        for address, entry in spec.order.entries.items()
        if any(step.pending for step in decided.get(address, ()))
    ]
    hidden = dict.fromkeys((path for entry in pending for path in (*entry.reveals, *entry.edits)), untold)
    made = {
        path: tell
        for entry in pending
        for tell in (teller(entry, spec, decided),)
        for path in filter(is_path, entry.makes)
    }
    return ForeseeingReader(reader, {**made, **hidden})


def untold(reader: Reader, path: str) -> None:
    """Of what is mounted or edited nothing can be foreseen."""
    return


def teller(entry: Entry, spec: Spec, decided: Decided) -> Foretell:
    """What a kind can tell of an entry's files before they are there."""
    kind = kind_of(entry)
    if kind.preview is None:
        return untold
    return partial(kind.preview, remaining(entry, spec, decided), spec.pins.get(kind.name))


def can_be_foreseen(entry: Entry, spec: Spec, decided: Decided) -> bool:
    """Whether an entry that has to see what others will make may be planned on what they tell of it."""
    makers = unseen(entry, spec, decided)
    blocked = any(step.blocked for other in makers for step in decided[other])
    told = all(kind_of(spec.order.entries[other]).preview for other in makers)
    foresees = bool(makers) and kind_of(entry).foresees
    return foresees and told and not blocked and not is_left_out(entry, spec, decided)


def look_ahead(entry: Entry, spec: Spec, reader: Reader, decided: Decided) -> Mapping[str, object]:
    """What an entry will find, by its address; nothing where that cannot be foreseen."""
    found = look_at(entry, spec, foreseeing(spec, reader, decided), decided)
    return {} if isinstance(found, Unforeseen) else {entry.address: found}
