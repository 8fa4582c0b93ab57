"""What a lock holds of datasets: where each really came from, its size and its sha256."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Protocol

from pydantic import AfterValidator, Field, model_validator

from provisioner.kinds.base import Ground, Lockable
from provisioner.kinds.datasets.section import Dataset
from provisioner.kinds.shared.fields import Section, Sha256
from provisioner.machine.download.receipt import Receipt
from provisioner.machine.reader import Reader
from provisioner.machine.urls import is_below, local_path, shown
from provisioner.model.errors import LockError

Datasets = Mapping[str, Dataset]


def check_url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("is no http or https URL")
    return value


def check_path(value: str) -> str:
    if not is_below(value):
        raise ValueError("must be below the folder of the lock")
    return value


class PinnedDataset(Section):
    """One download: from a URL, after all redirections, or a file below the lock's own folder."""

    url: Annotated[str, AfterValidator(check_url)] | None = None
    via: Annotated[str, AfterValidator(check_url)] | None = None
    """The URL that the spec gave, where it led to another."""
    path: Annotated[str, AfterValidator(check_path)] | None = None
    size: Annotated[int, Field(ge=0)] | None = None
    sha256: Sha256

    @model_validator(mode="after")
    def is_somewhere(self) -> PinnedDataset:
        if (self.url is None) == (self.path is None):
            raise ValueError("needs either a url or a path")
        return self

    def fits(self, dataset: Dataset) -> bool:
        """Whether it is what the spec still asks for."""
        same = shown(dataset.url) == (self.via or self.url)
        return same and dataset.sha256 in (None, self.sha256)


def pinned(dataset: Dataset, url: str, size: int | None, sha256: str) -> PinnedDataset:
    asked = shown(dataset.url)
    return PinnedDataset(url=url, via=None if asked == url else asked, size=size, sha256=sha256)


SMALL = 16 << 20
"""Bytes of a local file that is hashed each time; that a larger one changed only `apply` sees."""

Pins = dict[str, PinnedDataset]


class HeldDataset(Dataset):
    """A dataset that must be exactly what was pinned."""

    pinned: str | None = None
    """The URL that it was then, after all redirections."""

    @property
    def urls(self) -> tuple[str, ...]:
        """That URL first, since the spec's own may lead elsewhere now; but it may have lost its signature."""
        told = () if self.pinned in (None, shown(self.url)) else (str(self.pinned),)
        return tuple(dict.fromkeys((*told, *super().urls)))


class FreshDataset(Dataset):
    """A dataset that is to be pinned as it is published now, whatever is here."""


class Found(Protocol):
    """What there is of a dataset."""

    @property
    def receipt(self) -> Receipt | None: ...


def pin(config: Datasets, facts: Mapping[str, Found], reader: Reader, ground: Ground) -> Pins:
    """Every dataset as it was downloaded here, or would be. Raises LockError when one cannot be had."""
    return {
        name: pin_one(name, dataset, facts[name].receipt, reader, ground)
        for name, dataset in sorted(config.items())
    }


def pin_one(
    name: str, dataset: Dataset, receipt: Receipt | None, reader: Reader, ground: Ground
) -> PinnedDataset:
    """What a dataset is: by what was downloaded here, by the sha256 in the spec, or by downloading it."""
    path = local_path(dataset.url)
    if path is not None:
        return pin_file(path, reader)
    if isinstance(dataset, HeldDataset) and dataset.pinned:
        return pinned(dataset, dataset.pinned, dataset.size, str(dataset.sha256))
    fresh = isinstance(dataset, FreshDataset)
    here = receipt and receipt.url in map(shown, dataset.urls) and dataset.sha256 in (None, receipt.sha256)
    if receipt and here and not fresh:
        return pinned(dataset, final(dataset.url, reader), receipt.size, receipt.sha256)
    if dataset.sha256:
        answer = reader.head(dataset.url)
        url = answer.final or shown(dataset.url)
        return pinned(dataset, url, answer.size or dataset.size, dataset.sha256)
    came = ground.download(name, dataset.urls)
    return pinned(dataset, came.url, came.size, came.sha256)


def pin_file(path: str, reader: Reader) -> PinnedDataset:
    sha256, stat = reader.hash(path), reader.stat(path)
    if sha256 is None or stat is None:
        raise LockError(f"there is no file {path}", "Check the path of the dataset.")
    below = posixpath.relpath(path, reader.context.folder)
    if not is_below(below):
        raise LockError(
            f"{path} lies outside the folder of the spec, where nobody else would find it",
            "Move it into that folder, or give its URL.",
        )
    return PinnedDataset(path=below, size=stat.size, sha256=sha256)


def final(url: str, reader: Reader) -> str:
    """Where a URL leads after all redirections, as far as the server tells now."""
    return reader.head(url).final or shown(url)


def hold(config: Datasets, pins: Pins) -> dict[str, Dataset]:
    """Datasets that must be exactly what was pinned. Raises LockError for one that was not."""
    if lacking := sorted(config.keys() - pins.keys()):
        raise LockError(f"the lock does not have datasets.{lacking[0]}", "Lock it again: colabenv lock")
    return {name: held(dataset, pins[name]) for name, dataset in config.items()}


def held(dataset: Dataset, pin: PinnedDataset) -> Dataset:
    told = {"sha256": pin.sha256, "size": pin.size, "pinned": pin.url}
    return HeldDataset.model_construct(**dict(dataset) | told)


def prefer(config: Datasets, pins: Pins | None, upgrade: frozenset[str] | None) -> dict[str, Dataset]:
    """What was pinned and still fits, but for what may be newer: that is looked at anew."""
    known = {} if upgrade is None or pins is None else pins
    fitting = {name: one for name, one in known.items() if name in config and one.fits(config[name])}
    kept = {name: held(each, fitting[name]) if name in fitting else each for name, each in config.items()}
    fresh = config.keys() if upgrade is None else config.keys() & upgrade
    return kept | {name: FreshDataset.model_construct(**dict(config[name])) for name in fresh}


def inputs(config: Datasets, reader: Reader) -> Iterator[str]:
    """Local files that are small enough to be read whenever the lock is looked at."""
    for dataset in config.values():
        path = local_path(dataset.url)
        stat = reader.stat(path) if path else None
        if path and stat and stat.size <= SMALL:
            yield path


LOCK: Lockable[Any, Any] = Lockable(pins=Pins, pin=pin, hold=hold, prefer=prefer, inputs=inputs)
