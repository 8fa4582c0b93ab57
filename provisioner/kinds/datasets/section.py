"""What a spec may say of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from provisioner.kinds.shared import references
from provisioner.kinds.shared.checks import WEB, After, AnySha256, EntryName, check_url, scheme_of
from provisioner.kinds.shared.fields import Flag, Section, Size, Text, Whole, resolve
from provisioner.kinds.shared.references import Definition
from provisioner.machine.urls import file_name, file_url

Format = Literal["zip", "tar", "gz"]

ENDINGS: dict[str, Format] = {
    ".zip": "zip",
    ".tar": "tar",
    ".tar.gz": "tar",
    ".tgz": "tar",
    ".tar.bz2": "tar",
    ".tbz2": "tar",
    ".tar.xz": "tar",
    ".txz": "tar",
    ".gz": "gz",
}


def check_source(value: str, info: ValidationInfo) -> str:
    """An http, https or file URL; what has no scheme is a path."""
    if "://" not in value or not scheme_of(value):
        return file_url(resolve(value, info))
    return check_url(
        value, schemes=(*WEB, "file"), instead="write an http or https URL, or the path of a local file"
    )


def check_to(value: str, info: ValidationInfo) -> str:
    """An absolute path that still says by a slash at its end whether a folder is meant."""
    return resolve(value, info) + ("/" if value.endswith("/") else "")


Source = Annotated[str, Field(min_length=1), AfterValidator(check_source)]


class Dataset(Section):
    """One download."""

    url: Source = Field(
        description="Where the file is: http, https or file; or a path, which starts at the spec's folder.",
        examples=["https://example.org/flowers.tgz", "data/rows.csv"],
    )
    mirrors: tuple[Source, ...] = Field(
        (), description="Other URLs of the same file, tried in order when the first one fails."
    )
    sha256: AnySha256 | None = Field(
        None,
        description="sha256 of the file as it is downloaded. Without one, the report shows the line to add.",
    )
    unpack: Flag | Format = Field(
        False,
        description="Unpack the file: true when its name shows the format, else the format. "
        "`tar` covers every compression of it but zstd. A `gz` alone becomes one file.",
    )
    to: Annotated[Text, AfterValidator(check_to)] = Field(
        description="The file, or when unpacking the folder, to put the data into. "
        "A file goes into `to` when that is a folder or ends in a slash.",
        examples=["data/flowers", "data/"],
    )
    strip: Whole = Field(0, description="Leading folders to drop from the names in the archive.")
    size: Size | None = Field(
        None, description="Size of the file, for planning if the server does not report it."
    )

    after: After = ()

    @model_validator(mode="after")
    def unpacking_makes_sense(self) -> Dataset:
        if self.unpack is True and not format_of(self.url):
            raise ValueError("is to be unpacked, but its name shows no format; write unpack: zip, tar or gz")
        if self.strip and self.format in {None, "gz"}:
            raise ValueError("is not unpacked, and `strip` is for archives; write unpack: true")
        if self.to.endswith("/") and self.format in {None, "gz"} and not file_name(self.url):
            raise ValueError("has no file name in its URL; write the name in `to`")
        return self

    @property
    def format(self) -> Format | None:
        """How to unpack it; None for not at all."""
        if self.unpack is True:
            return format_of(self.url)
        return self.unpack or None

    @property
    def destination(self) -> str:
        """The path of the file or folder that it becomes, as far as the file alone tells."""
        if self.to.endswith("/") and self.format not in {"zip", "tar"}:
            name = file_name(self.url)
            return self.to + (name.removesuffix(".gz") if self.format else name)
        return self.to.rstrip("/") or "/"

    @property
    def urls(self) -> tuple[str, ...]:
        return (self.url, *self.mirrors)


def format_of(url: str) -> Format | None:
    """The format that a file's name shows."""
    name = file_name(url).lower()
    return next((ENDINGS[ending] for ending in ENDINGS if name.endswith(ending)), None)


def paths(section: object) -> dict[str, Definition]:
    """What each becomes."""
    return {f"datasets.{name}": partial(place, one) for name, one in references.raw_entries(section).items()}


def place(one: object, context: Mapping[str, object]) -> str:
    return Dataset.model_validate(one, context=context).destination


Config = Annotated[
    dict[EntryName, Dataset],
    Field(
        description="Data to download, and perhaps to unpack, by name.",
        examples=[{"flowers": {"url": "https://example.org/flowers.tgz", "unpack": True, "to": "data"}}],
    ),
]
