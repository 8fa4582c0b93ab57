"""How datasets are locked: by what was downloaded, by the sha256 in the spec, or by downloading them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from provisioner.kinds.base import SHOWN_DIGITS, Contents, LockContext, LockedEntry, Material, Pinning
from provisioner.kinds.datasets.facts import DatasetsFacts
from provisioner.kinds.datasets.pins import DatasetPins, Datasets, PinnedDataset, is_renewed, kept
from provisioner.kinds.datasets.section import Dataset
from provisioner.machine.download.receipt import Receipt
from provisioner.machine.reader import Reader
from provisioner.machine.urls import is_below, local_path, shown
from provisioner.model.errors import LockError

SMALL = 16 << 20
"""Bytes of a local file that is hashed each time; that a larger one changed only `apply` sees."""


def check(config: Datasets, pins: DatasetPins) -> None:
    """Raises LockError for a dataset that was not pinned."""
    if lacking := sorted(config.keys() - pins.keys()):
        raise LockError(f"the lock does not have datasets.{lacking[0]}", "Lock it again: colabenv lock")


def pin(
    config: Datasets,
    facts: DatasetsFacts,
    reader: Reader,
    context: LockContext,
    pinning: Pinning[DatasetPins] | None,
) -> DatasetPins:
    """Every dataset as it was downloaded here, or would be. Raises LockError when one is not available."""
    earlier = kept(config, pinning)
    downloaded = {name: None if is_renewed(name, pinning) else facts[name].receipt for name in config}
    return {
        name: pin_one(name, dataset, earlier.get(name), downloaded[name], reader, context)
        for name, dataset in sorted(config.items())
    }


def pin_one(
    name: str,
    dataset: Dataset,
    earlier: PinnedDataset | None,
    receipt: Receipt | None,
    reader: Reader,
    context: LockContext,
) -> PinnedDataset:
    """What to pin of a dataset: a local file, else its pin, or its download here, else what is published."""
    path = local_path(dataset.url)
    if path is not None:
        return pin_file(path, reader)
    if earlier and earlier.url:
        return pinned(dataset, earlier.url, earlier.size, earlier.sha256)
    if receipt and receipt.url in map(shown, dataset.urls) and dataset.sha256 in (None, receipt.sha256):
        return pinned(dataset, final(dataset.url, reader), receipt.size, receipt.sha256)
    if dataset.sha256:
        answer = reader.head(dataset.url)
        url = answer.final or shown(dataset.url)
        return pinned(dataset, url, answer.size or dataset.size, dataset.sha256)
    came = context.download(f"datasets.{name}", dataset.urls)
    return pinned(dataset, came.url, came.size, came.sha256)


def pinned(dataset: Dataset, url: str, size: int | None, sha256: str) -> PinnedDataset:
    asked = shown(dataset.url)
    return PinnedDataset(url=url, via=None if asked == url else asked, size=size, sha256=sha256)


def pin_file(path: str, reader: Reader) -> PinnedDataset:
    sha256, stat = reader.hash(path), reader.stat(path)
    if sha256 is None or stat is None:
        raise LockError(f"there is no file {path}", "Check the path of the dataset.")
    below = posixpath.relpath(path, reader.context.folder)
    if not is_below(below):
        raise LockError(
            f"{path} is outside the folder of the spec, so other machines do not have it",
            "Move it into that folder, or give its URL.",
        )
    return PinnedDataset(path=below, size=stat.size, sha256=sha256)


def final(url: str, reader: Reader) -> str:
    """Where a URL leads after all redirections, if the server answers."""
    return reader.head(url).final or shown(url)


def contents(pins: DatasetPins) -> Contents:
    """Data have no version, so the first digits of their sha256 are used."""
    return Contents(
        tuple(LockedEntry(name, one.sha256[:SHOWN_DIGITS], (one.sha256,)) for name, one in pins.items())
    )


def materials(pins: DatasetPins, _system: str) -> Iterator[Material]:
    for name, one in pins.items():
        yield Material(
            address=f"datasets.{name}",
            name=name,
            version=None,
            files=((one.url, one.sha256),),
            notes={"size": one.size, "path": one.path},
            data=True,
        )


def inputs(config: Datasets, reader: Reader) -> Iterator[str]:
    """Local files that are small enough to be read whenever the lock is looked at."""
    for dataset in config.values():
        path = local_path(dataset.url)
        stat = reader.stat(path) if path else None
        if path and stat and stat.size <= SMALL:
            yield path
