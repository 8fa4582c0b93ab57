"""Which file a repository has for a version of a package, as apt tells it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from provisioner.kinds.shared.debian.apt_get import AptOrder, question
from provisioner.kinds.shared.debian.pins import PinnedPackage
from provisioner.machine.reader import Reader
from provisioner.machine.urls import shown

URI = re.compile(
    r"^'(?P<source>[^']+)' (?P<file>\S+) (?P<size>\d+) SHA256:(?P<sha256>[0-9a-f]{64})", re.MULTILINE
)
FILE = re.compile(r"(?P<name>[^_]+)_(?P<version>[^_]+)_[^_]+\.deb")


def find_files(versions: Mapping[str, str], order: AptOrder, reader: Reader) -> dict[str, PinnedPackage]:
    """The file of each package in that version, as far as the package lists tell."""
    if not versions:
        return {}
    files = {each.name: each for each in ask_files(versions, order, reader)}
    if not files and len(versions) > 1:
        for name, version in versions.items():
            files |= find_files({name: version}, order, reader)
    return files


def ask_files(versions: Mapping[str, str], order: AptOrder, reader: Reader) -> Iterator[PinnedPackage]:
    """Nothing at all when one of them is unknown, as apt-get has it."""
    words = [f"{name}={version}" for name, version in versions.items()]
    answer = reader.ask(question(("apt-get", *order.sources, "download", "--print-uris", "-qq", *words)))
    short = {name.partition(":")[0]: name for name in versions}
    for match in URI.finditer(answer.stdout):
        if file := FILE.fullmatch(match["file"]):
            name = short.get(file["name"], file["name"])
            yield PinnedPackage(
                name=name,
                version=versions[name],
                source=shown(match["source"]),
                size=int(match["size"]),
                sha256=match["sha256"],
            )
