"""What a lock holds of datasets: where each really came from, its size and its sha256."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Annotated, Any, Protocol

from pydantic import AfterValidator, Field, model_validator

from provisioner.dataset import Dataset
from provisioner.errors import LockError
from provisioner.fields import Section
from provisioner.kind import Ground, Lockable
from provisioner.machine import Reader
from provisioner.machine.receipt import Receipt
from provisioner.machine.urls import local_path, shown

Datasets = Mapping[str, Dataset]


def check_url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("is no http or https URL")
    return value


def check_path(value: str) -> str:
    if posixpath.isabs(value) or value.startswith(".."):
        raise ValueError("must be below the folder of the lock")
    return value


class PinnedDataset(Section):
    """One download: from a URL, after all redirections, or a file below the lock's own folder."""

    url: Annotated[str, AfterValidator(check_url)] | None = None
    path: Annotated[str, AfterValidator(check_path)] | None = None
    size: Annotated[int, Field(ge=0)] | None = None
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]

    @model_validator(mode="after")
    def is_somewhere(self) -> PinnedDataset:
        if (self.url is None) == (self.path is None):
            raise ValueError("needs either a url or a path")
        return self


Pins = dict[str, PinnedDataset]


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
    if receipt and dataset.sha256 in (None, receipt.sha256):
        return PinnedDataset(url=final(dataset.url, reader), size=receipt.size, sha256=receipt.sha256)
    if dataset.sha256:
        answer = reader.head(dataset.url)
        url = answer.final or shown(dataset.url)
        return PinnedDataset(url=url, size=answer.size or dataset.size, sha256=dataset.sha256)
    came = ground.download(name, dataset.urls)
    return PinnedDataset(url=came.url, size=came.size, sha256=came.sha256)


def pin_file(path: str, reader: Reader) -> PinnedDataset:
    sha256, stat = reader.hash(path), reader.stat(path)
    if sha256 is None or stat is None:
        raise LockError(f"there is no file {path}", "Check the path of the dataset.")
    below = posixpath.relpath(path, reader.folder)
    if below.startswith(".."):
        raise LockError(
            f"{path} lies outside the folder of the spec, where nobody else would find it",
            "Move it into that folder, or give its URL.",
        )
    return PinnedDataset(path=below, size=stat.size, sha256=sha256)


def final(url: str, reader: Reader) -> str:
    """Where a URL leads after all redirections, as far as the server tells now."""
    return reader.head(url).final or shown(url)


def hold(config: Datasets, pins: Pins) -> dict[str, Dataset]:
    """Datasets that must be exactly what was pinned; where they come from is still the spec's to say."""
    return {
        name: dataset.model_copy(update={"sha256": pins[name].sha256, "size": pins[name].size})
        if name in pins
        else dataset
        for name, dataset in config.items()
    }


def prefer(config: Datasets, pins: Pins | None, upgrade: frozenset[str] | None) -> dict[str, Dataset]:
    if pins is None or upgrade is None:
        return dict(config)
    return hold(config, {name: one for name, one in pins.items() if name not in upgrade})


LOCK: Lockable[Any, Any] = Lockable(pins=Pins, pin=pin, hold=hold, prefer=prefer)
