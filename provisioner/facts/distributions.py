"""The distributions that an interpreter has, read from their folders: no process, no import of them.

Formats: https://packaging.python.org/en/latest/specifications/recording-installed-packages/ and, for what
Debian still ships, setuptools' egg-info.
"""

from __future__ import annotations

import base64
import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from provisioner.machine.reader import Reader
from provisioner.model.redaction import redact

ENTRY = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.]*?(?:-[\w.]+?)*?)(?:-(?P<version>\d[^-]*)(?:-py[\d.]+)?)?\.(?P<kind>dist-info|egg-info|egg-link)"
)
TOP_LEVEL = re.compile(rb'^"?([^/,"\n]+)', re.MULTILINE)
ONLY_EXTRA = re.compile(r"""\bextra\s*==\s*["']([^"']+)["']""")
BY_APT = "/python3/dist-packages"
"""End of the folder of Debian's own packages, which nothing but apt may change."""


@dataclass(frozen=True)
class PipRequirement:
    """A requirement in the form of PEP 508, parsed once. `str` is what was written."""

    text: str
    name: str
    """Canonical, as are the names of extras."""
    extras: frozenset[str] = frozenset()
    specifier: SpecifierSet = field(default_factory=SpecifierSet)
    marker: Marker | None = None
    url: str | None = None
    """Where it has to come from, if not from any index."""
    editable: str | None = None
    """The folder of the project that is to be installed in place."""

    def __str__(self) -> str:
        return self.text

    @property
    def shown(self) -> str:
        """As a plan may show it: the folder, the URL without credentials, or name and versions."""
        return self.editable or redact(self.url or f"{self.name}{self.specifier}")

    def accepts(self, version: str) -> bool:
        """Whether an installed version is accepted: pre-releases count, and `==2.1` takes `2.1+cu130`."""
        if not self.specifier:
            return True
        parsed = version_of(version)
        return parsed is not None and self.specifier.contains(parsed, prereleases=True)

    def at(self, url: str) -> PipRequirement:
        """The same distribution, for the same machines, from another URL."""
        extras = f"[{','.join(sorted(self.extras))}]" if self.extras else ""
        marker = f" ; {self.marker}" if self.marker else ""
        return replace(self, text=f"{self.name}{extras} @ {url}{marker}", url=url)


@lru_cache(maxsize=4096)
def parse_requirement(text: str) -> PipRequirement | None:
    """A requirement from its text; None for what is not a PEP 508 requirement."""
    try:
        parsed = Requirement(text)
    except InvalidRequirement:
        return None
    return PipRequirement(
        text=text,
        name=canonicalize_name(parsed.name),
        extras=frozenset(map(canonicalize_name, parsed.extras)),
        specifier=parsed.specifier,
        marker=parsed.marker,
        url=parsed.url,
    )


@dataclass(frozen=True)
class Distribution:
    """One installed distribution. `path` is its .dist-info or .egg-info, `folder` where that lies."""

    name: str
    version: str
    path: str
    folder: str

    @property
    def by_apt(self) -> bool:
        return self.folder.endswith(BY_APT)


@dataclass
class Installed:
    """What a reader finds in the folders of its interpreter; the first folder that has a name wins."""

    reader: Reader
    folders: tuple[str, ...] = ()
    """Where to look; the folders of the reader's interpreter unless others are given."""
    found: dict[str, Distribution] = field(default_factory=dict)
    twice: set[str] = field(default_factory=set)
    """Names that one folder has in two versions: an upgrade was interrupted."""
    _entries: dict[str, frozenset[str]] = field(default_factory=dict)
    _origins: dict[str, dict[str, object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for folder in self.folders or self.reader.context.python.site_packages:
            entries = self.reader.list(folder) or ()
            self._entries[folder] = frozenset(entries)
            here: dict[str, Distribution] = {}
            for entry in entries:
                if not entry.endswith(("-info", ".egg-link")) or not (match := ENTRY.fullmatch(entry)):
                    continue
                name = canonicalize_name(match["name"])
                path = f"{folder}/{entry}"
                if match["kind"] == "egg-link":
                    path = self._linked(path, match["name"])
                if name in here and match["kind"] == "dist-info" and here[name].path.endswith(".dist-info"):
                    self.twice.add(name)
                here[name] = Distribution(name, match["version"] or self._version(path), path, folder)
            self.found = here | self.found

    def get(self, name: str) -> Distribution | None:
        return self.found.get(name)

    def _linked(self, link: str, name: str) -> str:
        """The egg-info of a project that was installed by `setup.py develop`."""
        project = (self.reader.read(link) or b"").decode(errors="replace").partition("\n")[0].strip()
        return f"{project}/{name.replace('-', '_')}.egg-info"

    def _version(self, path: str) -> str:
        return next((value for key, value in headers(self._metadata(path) or "") if key == "version"), "")

    def _metadata(self, path: str) -> str | None:
        places = [f"{path}/METADATA"] if path.endswith(".dist-info") else [f"{path}/PKG-INFO", path]
        for place in places:
            data = self.reader.read(place)
            if data is not None:
                return data.decode("utf-8", errors="replace")
        return None

    def requires(
        self, distribution: Distribution, extras: frozenset[str] = frozenset()
    ) -> list[PipRequirement]:
        """What it needs, as far as it can matter when only `extras` are asked for.

        Lines that are not PEP 508 requirements are left out.
        """
        text = self._metadata(distribution.path) or ""
        lines = [value for key, value in headers(text) if key == "requires-dist"]
        if not distribution.path.endswith(".dist-info"):
            egg = self.reader.read(f"{distribution.path}/requires.txt") or b""
            lines += egg_requirements(egg.decode("utf-8", errors="replace"))
        return [found for line in lines if may_apply(line, extras) and (found := parse_requirement(line))]

    def origin(self, distribution: Distribution) -> dict[str, object]:
        """Its direct_url.json, or an empty mapping when it came from an index."""
        if distribution.path not in self._origins:
            data = self.reader.read(f"{distribution.path}/direct_url.json")
            try:
                loaded = json.loads(data) if data else {}
            except ValueError:
                loaded = {}
            self._origins[distribution.path] = loaded if isinstance(loaded, dict) else {}
        return self._origins[distribution.path]

    def partial(self) -> set[str]:
        """Names of distributions whose installation was not completed."""
        return {
            name
            for name, one in self.found.items()
            if one.path.endswith(".dist-info")
            and not all(self.reader.stat(f"{one.path}/{part}") for part in ("METADATA", "RECORD"))
        }

    def damage(self, distribution: Distribution, *, thorough: bool = False, hashes: bool = False) -> str:
        """What is wrong with a distribution, or "".

        The usual look finds missing metadata and missing top-level entries. A `thorough` one finds every
        missing or cut file, and with `hashes` every changed one.
        """
        if distribution.by_apt or not distribution.path.endswith(".dist-info"):
            return ""
        if distribution.name in self.twice:
            return "two versions of it are installed at once"
        if self.reader.stat(f"{distribution.path}/METADATA") is None:
            return "installed only in part: its METADATA is missing"
        record = self.reader.read(f"{distribution.path}/RECORD")
        if not record:
            return "installed only in part: its RECORD is missing"
        if thorough or hashes:
            return self._missing_file(distribution.folder, record, hashes=hashes)
        tops = {top.decode(errors="replace") for top in set(TOP_LEVEL.findall(record))}
        gone = tops - self._entries[distribution.folder] - {"..", "__pycache__"}
        return f"{min(gone)} is missing" if gone else ""

    def _missing_file(self, folder: str, record: bytes, *, hashes: bool) -> str:
        for path, digest, size in record_rows(record):
            place = path if path.startswith("/") else f"{folder}/{path}"
            found = self.reader.stat(place)
            if found is None or (size is not None and found.type == "file" and found.size != size):
                return f"installed only in part: {path} is {'missing' if found is None else 'incomplete'}"
            if hashes and digest and self.reader.hash(place) != digest:
                return f"{path} is not what was installed"
        return ""


def source(origin: dict[str, object]) -> str:
    """The origin of a distribution that is not from an index: its commit, hash or URL, but no local path.

    `origin` is its direct_url.json: https://packaging.python.org/en/latest/specifications/direct-url/
    """
    url = str(origin.get("url", ""))
    match origin:
        case {"vcs_info": {"vcs": str(vcs), "commit_id": str(commit)}}:
            return f"{vcs} {commit}"
        case {"archive_info": {"hashes": {"sha256": str(digest)}}}:
            return f"sha256 {digest}"
        case {"archive_info": {"hash": str(digest)}}:
            return digest.replace("=", " ")
        case {"dir_info": {"editable": True}}:
            return "editable"
    return "from a file" if url.startswith("file:") else redact(url)


def headers(text: str) -> Iterator[tuple[str, str]]:
    """The header lines of a METADATA file, names in lower case; the description below is not looked at."""
    head = re.split(r"\r?\n\r?\n", text, maxsplit=1)[0]
    for line in re.sub(r"\r?\n[ \t]+", " ", head).splitlines():
        key, colon, value = line.partition(":")
        if colon:
            yield key.strip().lower(), value.strip()


def may_apply(line: str, extras: frozenset[str]) -> bool:
    """False when a requirement's marker plainly asks for another extra: it need not be parsed then."""
    marker = line.partition(";")[2]
    if "extra" not in marker or " or " in marker:
        return True
    return all(canonicalize_name(extra) in extras for extra in ONLY_EXTRA.findall(marker))


def egg_requirements(text: str) -> Iterator[str]:
    """setuptools' requires.txt, `[extra:marker]` sections of requirements, as PEP 508 strings."""
    condition = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("["):
            extra, _, marker = line.strip("[]").partition(":")
            parts = [f"({marker})"] if marker else []
            parts += [f'extra == "{extra}"'] if extra else []
            condition = " and ".join(parts)
        else:
            yield f"{line} ; {condition}" if condition else line


def record_rows(record: bytes) -> Iterator[tuple[str, str, int | None]]:
    """(path, sha256 in hexadecimal or "", size or None) of every file that has to be there."""
    for row in csv.reader(record.decode("utf-8", errors="replace").splitlines()):
        path, digest, size = [*row, "", "", ""][:3]
        if not path or path.endswith(".pyc"):
            continue  # compiled files come and go
        yield path, hexadecimal(digest), int(size) if size.isdigit() else None


def hexadecimal(digest: str) -> str:
    """RECORD's unpadded base 64 as hexadecimal; "" for anything but sha256."""
    algorithm, _, text = digest.partition("=")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex() if algorithm == "sha256" else ""
    except ValueError:
        return ""


@lru_cache(maxsize=4096)
def version_of(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None
