"""Which distributions a notebook's kernel has imported, and which of them have been replaced since.

A kernel keeps what it has imported until it is restarted, whatever is installed meanwhile.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass

from provisioner.facts.distributions import Distribution, Installed, version_of
from provisioner.machine.reader import Reader
from provisioner.model.kernel import Kernel


@dataclass(frozen=True)
class ImportedDistribution:
    """A distribution that a kernel has imported modules of."""

    name: str
    version: str = ""
    """What its module says; "" where it says nothing, or cannot be asked."""
    stale: bool = False
    """Whether something else is installed now."""


def find_imported(
    reader: Reader, installed: Installed, names: Iterable[str]
) -> tuple[ImportedDistribution, ...]:
    """What the kernel has imported of the distributions called `names`; nothing where there is no kernel."""
    kernel = reader.kernel()
    if kernel is None:
        return ()
    found = (installed.get(name) for name in sorted(names))
    return tuple(filter(None, (look(reader, kernel, each) for each in found if each)))


def look(reader: Reader, kernel: Kernel, distribution: Distribution) -> ImportedDistribution | None:
    """What the kernel has imported of one distribution, or None for nothing."""
    record = reader.read(f"{distribution.path}/RECORD")
    if record is None:
        return None
    rows = record.decode(errors="replace").splitlines()
    files = {posixpath.join(distribution.folder, row.partition(",")[0].strip('"')) for row in rows}
    folders = packages(files, distribution.folder)
    imported = sorted((file for file in kernel.modules if file in files or file.startswith(folders)), key=len)
    if not imported:
        return None
    version = next(filter(None, (kernel.modules[file] for file in imported)), "")
    deleted = any(file in files or file.startswith(folders) for file in kernel.deleted)
    same = bool(version) and version_of(version) == version_of(distribution.version)
    other = bool(version) and not same and changed_since(kernel, distribution, reader)
    replaced = distribution.name in kernel.replaced and not same
    return ImportedDistribution(distribution.name, version, stale=deleted or other or replaced)


def packages(files: set[str], folder: str) -> tuple[str, ...]:
    """The folders that are a distribution's alone: regular packages, in which no other one has files."""
    inits = (file.removeprefix(folder + "/") for file in files if file.endswith("/__init__.py"))
    return tuple(f"{folder}/{posixpath.dirname(init)}/" for init in inits if init.count("/") == 1)


def changed_since(kernel: Kernel, distribution: Distribution, reader: Reader) -> bool:
    """Whether it was installed after the kernel began; if not, a module merely says its own version."""
    found = reader.stat(f"{distribution.path}/RECORD")
    return found is not None and found.mtime_ns >= kernel.started_ns
