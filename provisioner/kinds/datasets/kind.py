"""Files to download and, if asked, to unpack: complete or absent."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator

from provisioner.kinds.base import ABSENT, Entry, Kind, Lockable, Pinning
from provisioner.kinds.datasets import lock
from provisioner.kinds.datasets.facts import (
    PENDING,
    DatasetFacts,
    DatasetsFacts,
    download_path,
    observe,
    receipt_path,
    state,
)
from provisioner.kinds.datasets.pins import DatasetPins, Datasets, WantedDataset, wanted
from provisioner.kinds.datasets.preview import preview
from provisioner.kinds.datasets.section import Config, Dataset, format_of, paths
from provisioner.kinds.shared.fields import at_or_below_any
from provisioner.machine.download import receipt as receipts
from provisioner.machine.urls import file_name, local_path, origin, shown
from provisioner.model.effects import Effect, Fetch, Remove, Unpack
from provisioner.model.plan import Action, Change, Named, Step
from provisioner.model.units import format_size


def plan(
    config: Datasets, facts: DatasetsFacts, pinning: Pinning[DatasetPins] | None = None
) -> Iterable[Step]:
    return [step(name, dataset, facts[name]) for name, dataset in wanted(config, pinning).items()]


def step(name: str, dataset: WantedDataset, found: DatasetFacts) -> Step:
    """All that one dataset needs."""
    address = f"datasets.{name}"
    action, reason = state(dataset, found)
    before = describe(dataset, found)
    if action is Action.KEEP:
        return tidy(address, found, before, reason)
    size, source = size_of(dataset, found), source_of(dataset, found)
    after = f"from {origin(source)}" if size is None else f"{format_size(size)} from {origin(source)}"
    if action in PENDING and (obstacle := obstacle_to(dataset, found, size)):
        action, reason = Action.BLOCKED, obstacle
    change = Change(address, action, before, after, reason or prospects(found))
    if action is Action.BLOCKED:
        return Step(id=address, changes=(change,))
    remote = local_path(source) is None
    return Step(
        id=address,
        changes=(change,),
        effects=effects(dataset, found),
        download=max(0, (size or 0) - found.partial) if remote else 0,
        warnings=warnings(dataset),
    )


def tidy(address: str, found: DatasetFacts, before: str | None, reason: str) -> Step:
    """Nothing to download; but an interrupted run may have left something to clean up."""
    if not found.leftovers:
        return Step(id=address, changes=(Change(address, Action.KEEP, before, before, reason),))
    names = ", ".join(map(posixpath.basename, found.leftovers))
    change = Change(address, Action.UPDATE, before, before, f"an interrupted run left {names}, to be removed")
    clear = tuple(Remove(path=path, tree=True) for path in found.leftovers)
    return Step(id=address, changes=(change,), effects=clear)


def describe(dataset: WantedDataset, found: DatasetFacts) -> str | None:
    """What is there now; None for nothing of its own."""
    if not found.occupied or found.around or not found.stat:
        return None
    receipt, damage = found.receipt, found.damage
    if receipt is None:
        other = "unknown" if found.torn else "other data"
        return format_size(found.stat.size) if found.matching else other
    if not dataset.archive:
        return format_size(receipt.bytes if damage.found is None else damage.found)
    if damage.count:
        return f"{receipt.files - damage.count} of {receipt.files} files"
    return f"{receipt.files} files, {format_size(receipt.bytes)}"


def source_of(dataset: WantedDataset, found: DatasetFacts) -> str:
    """The first URL that has the file, as far as that could be determined."""
    return next((answer.url for answer in found.answers if not answer.error), dataset.url)


def size_of(dataset: WantedDataset, found: DatasetFacts) -> int | None:
    sizes = (answer.size for answer in found.answers if not answer.error and answer.size is not None)
    return next(sizes, dataset.size)


def obstacle_to(dataset: WantedDataset, found: DatasetFacts, size: int | None) -> str:
    """Why it is not available, and how to fix it; empty when it is."""
    if all(answer.error and not answer.transient for answer in found.answers):
        if found.awaited:
            return f"{found.awaited} is still to be made by another part of the file: apply that first"
        return f"{refusals(found)}; check the URL, or give another URL in `mirrors`"
    needed = (size or 0) * (2 if dataset.format else 1) - found.partial
    if needed > found.free:
        what = "the archive and its contents need" if dataset.format else "it needs"
        return (
            f"{what} {format_size(needed)}, and {format_size(found.free)} are free at {found.path}; "
            "free some space, or choose another `to`"
        )
    return ""


def refusals(found: DatasetFacts) -> str:
    """What every URL answers."""
    return "; ".join(
        f"{local_path(answer.url) or shown(answer.url)}: {answer.error}" for answer in found.answers
    )


def prospects(found: DatasetFacts) -> str:
    """What is known of the download beforehand: how much is done, or that no server could be asked."""
    if found.answers and all(answer.error for answer in found.answers):
        return refusals(found)
    return f"{format_size(found.partial)} already downloaded" if found.partial else ""


def warnings(dataset: WantedDataset) -> tuple[str, ...]:
    form = None if dataset.format else format_of(dataset.url)
    if form in {"zip", "tar"} and not format_of(dataset.to):
        return (f"{file_name(dataset.url)} stays packed; write unpack: true to unpack it",)
    return ()


def effects(dataset: WantedDataset, found: DatasetFacts) -> tuple[Effect, ...]:
    path = found.path
    download = download_path(dataset, path)
    record = download + receipts.SUFFIX if dataset.format else receipt_path(dataset, path)
    urls = tuple(answer.url for answer in found.answers)
    asked = None if dataset.url == urls[0] else dataset.url
    fetch = Fetch(urls=urls, path=download, sha256=dataset.sha256, receipt=record, asked=asked)
    if not dataset.format:
        return (fetch,)
    return (
        fetch,
        Unpack(
            archive=download,
            to=path,
            format=dataset.format,
            strip=dataset.strip,
            receipt=receipt_path(dataset, path),
            consume=True,
            keep=found.others.made,
            over=bool(found.around),
        ),
    )


def entries(config: Datasets, folder: str) -> Iterator[Entry]:
    for name, dataset in config.items():
        local = tuple(path for url in dataset.urls if (path := local_path(url)))
        yield Entry(
            address=f"datasets.{name}",
            config={name: dataset},
            place=(name,),
            makes=(dataset.destination,),
            reads=local,
            after=dataset.after,
            about=f"what is in {local[0]}" if local else "",
        )


def without(config: Datasets, absent: tuple[str, ...]) -> Datasets | None:
    """All of it, if it goes elsewhere and has another URL for what is not here."""
    return config if all(can_be_had(dataset, absent) for dataset in config.values()) else None


def can_be_had(dataset: Dataset, absent: tuple[str, ...]) -> bool:
    paths = map(local_path, dataset.urls)
    available = (path is None or not at_or_below_any(path, absent) for path in paths)
    return any(available) and not at_or_below_any(dataset.destination, absent)


def named(config: Datasets, facts: DatasetsFacts) -> Iterator[Named]:
    """The sha256 of what was downloaded, while it is whole."""
    for name in config:
        yield f"datasets.{name}", identity(facts[name])


def identity(found: DatasetFacts) -> str | None:
    """What is there; None where that would need reading all of it."""
    receipt = found.receipt
    if not found.occupied or found.around:
        return ABSENT
    if receipt is None:
        return f"sha256 {found.matching}" if found.matching else None
    whole = f"sha256 {receipt.sha256}" + (f", strip {receipt.strip}" if receipt.strip else "")
    return None if found.damage.count else whole


KIND = Kind(
    name="datasets",
    config=Config,
    observe=observe,
    plan=plan,
    named=named,
    entries=entries,
    without=without,
    paths=paths,
    preview=preview,
    lock=Lockable(
        pins=DatasetPins,
        observe=observe,
        plan=plan,
        check=lock.check,
        pin=lock.pin,
        contents=lock.contents,
        materials=lock.materials,
        inputs=lock.inputs,
    ),
)
