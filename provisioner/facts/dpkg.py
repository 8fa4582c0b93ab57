"""What dpkg says is installed, read from its own files.

Source: dpkg(1), "PACKAGE STATES"; deb-control(5); the layout of /var/lib/dpkg is that of dpkg 1.13 to 1.22.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from provisioner.machine.reader import Reader

STATUS = "/var/lib/dpkg/status"
JOURNAL = "/var/lib/dpkg/updates"
"""Stanzas that an interrupted dpkg has not yet merged into STATUS."""

TAKEN_FOR_GRANTED = ("/usr/share/man/man1", "/usr/share/man/man7")
"""Folders that maintainer scripts need, as those of every JDK do, and that slim images leave out."""

HALFWAY = ("half-installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending")
"""States in which dpkg leaves a package when it is cut short or a maintainer script fails."""


@dataclass(frozen=True)
class DpkgPackage:
    """One stanza of dpkg's database, of a package that is installed or partly so."""

    name: str
    """With `:architecture` when that is not the machine's own."""
    version: str
    state: str
    """`installed`, or one of HALFWAY."""
    held: bool = False
    provides: str = ""
    """The field as it is written: "libglib2.0-0 (= 2.80.0-6), awk"."""

    @property
    def installed(self) -> bool:
        return self.state == "installed"


@dataclass(frozen=True)
class Dpkg:
    """The database as it is."""

    packages: Mapping[str, DpkgPackage]
    architecture: str
    """The machine's own: "amd64"."""
    interrupted: bool = False
    """Whether dpkg was killed and apt will refuse to work until its journal is merged."""
    lacking: tuple[str, ...] = ()
    """Those of TAKEN_FOR_GRANTED that are not there."""

    @property
    def halfway(self) -> tuple[DpkgPackage, ...]:
        return tuple(package for package in self.packages.values() if not package.installed)

    def key(self, name: str) -> str:
        """A name as `packages` and apt have it: the machine's own architecture is left out."""
        return name.removesuffix(f":{self.architecture}")

    def get(self, name: str) -> DpkgPackage | None:
        """A package that is installed; it may be named with its architecture."""
        found = self.packages.get(self.key(name))
        return found if found and found.installed else None

    def only(self, names: Collection[str]) -> Dpkg:
        """The part that matters to `names`: they, what provides them, and what must not be touched."""
        missing = [name for name in names if not self.get(name)]
        providers = {package.name for name in missing for package, _ in self.providers(name)}
        named = {self.key(name) for name in names} | providers
        packages = {
            name: package
            for name, package in self.packages.items()
            if name in named or package.held or not package.installed
        }
        return replace(self, packages=packages)

    def held(self, name: str) -> bool:
        found = self.packages.get(name)
        return found is not None and found.held

    def providers(self, name: str) -> tuple[tuple[DpkgPackage, str], ...]:
        """Installed packages that provide `name`, each with the version of what it provides, or ""."""
        pattern = re.compile(rf"(?:^|, ){re.escape(name)}(?::\S+)?(?: \(= ([^)]+)\))?(?:,|$)")
        return tuple(
            (package, found[1] or "")
            for package in self.packages.values()
            if package.installed and package.provides and (found := pattern.search(package.provides))
        )


def observe(reader: Reader) -> Dpkg | None:
    """The database of this machine, or None where there is no dpkg."""
    data = reader.read(STATUS)
    if data is None:
        return None
    journal = [name for name in reader.list(JOURNAL) or () if name.isdigit()]
    updates = [reader.read(f"{JOURNAL}/{name}") or b"" for name in journal]
    lacking = tuple(path for path in TAKEN_FOR_GRANTED if reader.stat(path) is None)
    return replace(parse((data, *updates)), interrupted=bool(journal), lacking=lacking)


def parse(texts: Iterable[bytes]) -> Dpkg:
    """The database from its parts; a later stanza replaces an earlier one of the same package."""
    stanzas = [read_stanza(text) for data in texts for text in data.decode(errors="replace").split("\n\n")]
    native = next((arch for name, arch, _ in stanzas if name == "dpkg"), "")
    packages = {}
    for name, architecture, package in stanzas:
        key = name if architecture in (native, "all", "") else f"{name}:{architecture}"
        packages[key] = DpkgPackage(key, *package) if package else None
    known = {name: package for name, package in packages.items() if package}
    return Dpkg(known, native)


def read_stanza(text: str) -> tuple[str, str, tuple[str, str, bool, str] | None]:
    """Name, architecture, and version, state, hold and provisions unless the package is gone.

    A database holds thousands of stanzas, so fields are looked for rather than all split.
    """
    name, architecture = field(text, "Package"), field(text, "Architecture")
    want, _, rest = field(text, "Status").partition(" ")
    state = rest.rpartition(" ")[2]
    if state != "installed" and state not in HALFWAY:
        return name, architecture, None
    return name, architecture, (field(text, "Version"), state, want == "hold", field(text, "Provides"))


def field(stanza: str, name: str) -> str:
    """One line of a stanza; empty when it is not there."""
    label = f"{name}: "
    if not stanza.startswith(label):
        label = "\n" + label
        start = stanza.find(label)
        if start < 0:
            return ""
    else:
        start = 0
    start += len(label)
    end = stanza.find("\n", start)
    return stanza[start:] if end < 0 else stanza[start:end]
