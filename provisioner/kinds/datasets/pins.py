"""The pins of datasets: where each came from, its size and sha256; and the state with pins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from provisioner.kinds.base import Pinning
from provisioner.kinds.datasets.section import Dataset, Format
from provisioner.kinds.shared.checks import check_url
from provisioner.kinds.shared.fields import Section, Sha256
from provisioner.machine.urls import is_below, shown

Datasets = Mapping[str, Dataset]

WebUrl = Annotated[str, AfterValidator(partial(check_url, instead="write an http or https URL"))]


def check_path(value: str) -> str:
    if not is_below(value):
        raise ValueError("must be below the folder of the lock")
    return value


class PinnedDataset(Section):
    """One download: from a URL, after all redirections, or a file below the lock's own folder."""

    url: WebUrl | None = None
    via: WebUrl | None = None
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


DatasetPins = dict[str, PinnedDataset]


def is_renewed(name: str, pinning: Pinning[DatasetPins] | None) -> bool:
    """Whether a dataset is resolved again, whatever was pinned or downloaded."""
    if pinning is None or pinning.exact:
        return False
    return pinning.upgrade is None or name in pinning.upgrade


def kept(config: Datasets, pinning: Pinning[DatasetPins] | None) -> DatasetPins:
    """The pins to use: all of them, or, when a lock is updated, those that still fit."""
    if pinning is None:
        return {}
    named = {name: pin for name, pin in pinning.pins.items() if name in config}
    if pinning.exact:
        return named
    return {
        name: pin for name, pin in named.items() if pin.fits(config[name]) and not is_renewed(name, pinning)
    }


@dataclass(frozen=True)
class WantedDataset:
    """The desired state of one dataset, from the spec, or from the lock where there is a pin; bytes."""

    url: str
    """The spec's own."""
    urls: tuple[str, ...]
    """Where to try, in this order."""
    to: str
    format: Format | None
    """How to unpack it; None for not at all."""
    strip: int
    sha256: str | None
    size: int | None

    @property
    def archive(self) -> bool:
        """Whether it becomes a folder."""
        return self.format in {"zip", "tar"}


def wanted(config: Datasets, pinning: Pinning[DatasetPins] | None) -> dict[str, WantedDataset]:
    """The desired state of each dataset."""
    pins = kept(config, pinning)
    return {name: want(dataset, pins.get(name)) for name, dataset in config.items()}


def want(dataset: Dataset, pin: PinnedDataset | None) -> WantedDataset:
    """What the spec says of a dataset, and what its pin says.

    The URL of the pin comes first, since the spec's own may lead elsewhere now; but it may need a signature
    that only the spec's own has.
    """
    urls = dataset.urls
    if pin and pin.url not in (None, shown(dataset.url)):
        urls = tuple(dict.fromkeys((str(pin.url), *urls)))
    return WantedDataset(
        url=dataset.url,
        urls=urls,
        to=dataset.to,
        format=dataset.format,
        strip=dataset.strip,
        sha256=pin.sha256 if pin else dataset.sha256,
        size=pin.size if pin else dataset.size,
    )
