"""What files will hold that a dataset brings, as far as that can be known before it is there."""

from __future__ import annotations

import gzip
import io
import posixpath
import stat
import tarfile
import zipfile
import zlib
from lzma import LZMAError

from provisioner.facts.paths import as_stored
from provisioner.kinds.base import Pinning
from provisioner.kinds.datasets.facts import download_path
from provisioner.kinds.datasets.pins import DatasetPins, Datasets, WantedDataset, wanted
from provisioner.kinds.shared.fields import is_at_or_below
from provisioner.machine.download import receipt as receipts
from provisioner.machine.reader import Reader
from provisioner.machine.urls import local_path, shown
from provisioner.model.names import composed

LARGEST = 64 << 20
"""Bytes of an archive that is opened just to plan."""
MEMBER = 4 << 20
"""Bytes of a member that is read: what others read of a dataset to plan is text."""
UNPACKED = 1 << 30
"""Bytes of members that are passed over."""

DAMAGED = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, LZMAError),
    *(EOFError, OSError, RuntimeError, ValueError),
)
"""What Python raises for what is no archive; only unpacking says so."""


def preview(
    config: Datasets, pinning: Pinning[DatasetPins] | None, reader: Reader, path: str
) -> bytes | None:
    """What a file will hold, when its archive is a file of this machine, or it is a small one of a server."""
    for name, dataset in wanted(config, pinning).items():
        if is_at_or_below(path, config[name].destination):
            data = source(dataset, reader)
            inner = composed(posixpath.relpath(path, dataset.to)) if dataset.archive else ""
            return None if data is None else unpacked(data, dataset, inner)
    return None


def source(dataset: WantedDataset, reader: Reader) -> bytes | None:
    """What is downloaded, if that is here, or can be had at once."""
    local = local_path(dataset.url)
    here = as_stored(local, reader) if local else waiting(dataset, reader)
    if here is None:
        return None if dataset.format else checked(dataset.url, dataset, reader)
    found = reader.stat(here)
    return checked(here, dataset, reader) if found and found.size <= LARGEST else None


def waiting(dataset: WantedDataset, reader: Reader) -> str | None:
    """A whole download that an interrupted run left; None for none."""
    path = download_path(dataset, dataset.to.rstrip("/"))
    noted = receipts.load(reader.read(path + receipts.SUFFIX)) if dataset.format else None
    return path if noted and noted.url in map(shown, dataset.urls) else None


def checked(place: str, dataset: WantedDataset, reader: Reader) -> bytes | None:
    """What is at a path or URL; None where it is not what the spec means."""
    if dataset.sha256 and reader.hash(place) != dataset.sha256:
        return None
    return reader.read(place)


def unpacked(data: bytes, dataset: WantedDataset, name: str) -> bytes | None:
    """A file of an archive, or all of what is none; None where there is no such file in it."""
    try:
        match dataset.format:
            case "zip":
                return read_zip(data, name, dataset.strip)
            case "tar":
                return read_tar(data, name, dataset.strip)
            case "gz":
                with gzip.open(io.BytesIO(data)) as stream:
                    content = stream.read(MEMBER + 1)
                return content if len(content) <= MEMBER else None
            case None:
                return data
    except DAMAGED:
        return None


def read_zip(data: bytes, name: str, strip: int) -> bytes | None:
    """A file of a zip archive; the last of a name counts."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        found = [each for each in archive.infolist() if stripped(each.filename, strip) == name]
        if not found or found[-1].file_size > MEMBER or stat.S_ISLNK(found[-1].external_attr >> 16):
            return None
        return archive.read(found[-1])


def read_tar(data: bytes, name: str, strip: int) -> bytes | None:
    """A file of a tar archive; the last of a name counts."""
    found, passed = None, 0
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for each in archive:
            passed += each.size
            if passed > UNPACKED:
                return None
            if stripped(each.name, strip) == name:
                found = each
        if found is None or not found.isreg() or found.size > MEMBER:
            return None
        stream = archive.extractfile(found)
        return stream.read() if stream else None


def stripped(member: str, strip: int) -> str:
    """Where a member goes below the dataset's folder, as people read it; "" for one that `strip` drops."""
    return composed("/".join(posixpath.normpath(member).split("/")[strip:]))
