"""Third-party repositories: deb822 sources, each with a keyring that holds its own key and no other.

Source: sources.list(5). A new repository is tried out in folders of our own before the plan is made, so
that the plan shows what it brings and a broken one never reaches /etc/apt, where it would break every apt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from provisioner.kinds.apt.requests import check_filled
from provisioner.kinds.shared.debian import package_lists
from provisioner.kinds.shared.debian.apt_get import NETWORK, question
from provisioner.kinds.shared.debian.package_lists import Lists, own_folder
from provisioner.kinds.shared.fields import Section, resolve
from provisioner.machine.download import openpgp
from provisioner.machine.reader import Reader
from provisioner.model.effects import Effect, InstallKey, Write

KEYRINGS = "/etc/apt/keyrings"
HELPER = "/usr/lib/apt/apt-helper"


def check_uri(value: str) -> str:
    if not re.fullmatch(r"(?:https?://|file:/|copy:/)[^\s\[\]]+", value):
        raise ValueError("is not a place apt can fetch from; write http://, https:// or file:/")
    if re.match(r"https?://[^/]*@", value):
        raise ValueError(
            "holds a password that everyone could read; put it into /etc/apt/auth.conf.d instead"
        )
    return value


def check_fingerprint(value: str) -> str:
    fingerprint = "".join(value.split()).upper()
    if not re.fullmatch(r"[0-9A-F]{40}", fingerprint):
        raise ValueError(
            "is not a key's fingerprint; write its 40 hexadecimal digits, as `gpg --show-keys` does"
        )
    return fingerprint


def check_key(value: str, info: ValidationInfo) -> str:
    """A URL and armoured text stay as they are; anything else is a path."""
    if re.match(r"https?://\S+$", value) or openpgp.BEGIN.decode() in value:
        return value
    if "\n" in value or "://" in value:
        raise ValueError("is no key; write its https:// address, its path, or the armoured text itself")
    return resolve(value, info)


Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+~/-]*$")]
Suite = Annotated[str, Field(pattern=r"^[A-Za-z0-9./][A-Za-z0-9._+~/-]*$")]


class Repository(Section):
    """A source of packages beyond the machine's own."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")] = Field(
        description="Names its file in /etc/apt/sources.list.d.", examples=["cran"]
    )
    uris: Annotated[tuple[Annotated[str, AfterValidator(check_uri)], ...], AfterValidator(check_filled)] = (
        Field(description="Where it is.", examples=[["https://packages.example.org/debian"]])
    )
    suites: Annotated[tuple[Suite, ...], AfterValidator(check_filled)] = Field(
        description="Its suites, or one path that ends with a slash.",
        examples=[["bookworm-cran40/"]],
    )
    components: tuple[Word, ...] = Field(
        default=(), description="Its components; none when the suite ends with a slash.", examples=[["main"]]
    )
    architectures: tuple[Word, ...] = Field(
        default=(), description="Fetch only these architectures.", examples=[["amd64"]]
    )
    key: Annotated[str, AfterValidator(check_key)] = Field(
        description="The key that signs it: an https address, a path, or the armoured text."
    )
    fingerprint: Annotated[str, AfterValidator(check_fingerprint)] = Field(
        description="The key's whole fingerprint, from a place that you trust."
    )

    @model_validator(mode="after")
    def check_components(self) -> Repository:
        flat = all(suite.endswith("/") for suite in self.suites)
        if flat and self.components:
            raise ValueError("a suite that ends with a slash has no components; remove `components`")
        if not flat and not self.components:
            raise ValueError("`components` is missing; write [main], or end the suite with a slash")
        return self

    @property
    def source_path(self) -> str:
        return f"{package_lists.SOURCE_PARTS}/{self.name}.sources"

    @property
    def keyring(self) -> str:
        return f"{KEYRINGS}/{self.name}.asc"

    def text(self, keyring: str) -> str:
        """The deb822 source that trusts only `keyring`."""
        fields = {
            "Types": ("deb",),
            "URIs": self.uris,
            "Suites": self.suites,
            "Components": self.components,
            "Architectures": self.architectures,
            "Signed-By": (keyring,),
        }
        return "".join(f"{name}: {' '.join(values)}\n" for name, values in fields.items() if values)


@dataclass(frozen=True)
class Found:
    """One repository as it stands: `source` is None where there is no such file."""

    source: str | None
    key: str | None
    """The armoured key that is to be trusted; None when it cannot be had."""
    key_installed: bool
    problem: str = ""
    """Why it cannot be added."""

    def right(self, repository: Repository) -> bool:
        return self.key_installed and self.source == repository.text(repository.keyring)


def observe(reader: Reader, repository: Repository) -> Found:
    """Its source as it is, and its key: the installed one when it is right, else the one it names."""
    data = reader.read(repository.source_path)
    source = None if data is None else data.decode(errors="replace")
    installed = reader.read(repository.keyring)
    if installed and fingerprints(installed) == (repository.fingerprint,):
        return Found(source, installed.decode(), key_installed=True)
    if reader.context.target_image and repository.key.startswith("http"):
        return Found(source, None, key_installed=False)
    try:
        offered = fetch_key(reader, repository)
        key = openpgp.armor(openpgp.extract(offered, repository.fingerprint))
    except ValueError as error:
        where = "the key" if openpgp.BEGIN.decode() in repository.key else repository.key
        return Found(source, None, key_installed=False, problem=f"{where} {error}")
    return Found(source, key, key_installed=False)


def fingerprints(data: bytes) -> tuple[str, ...]:
    try:
        return openpgp.fingerprints(data)
    except ValueError:
        return ()


def fetch_key(reader: Reader, repository: Repository) -> bytes:
    """The key file that a repository names. Raises ValueError when it cannot be had."""
    if openpgp.BEGIN.decode() in repository.key:
        return repository.key.encode()
    path = repository.key
    if path.startswith("http"):
        path = f"{own_folder(reader)}/keys/{repository.name}"
        reader.ask(question(("mkdir", "-p", f"{own_folder(reader)}/keys")))
        completed = reader.ask(question((HELPER, *NETWORK, "download-file", repository.key, path)))
        if completed.code:
            errors = [line[3:] for line in completed.stderr.splitlines() if line.startswith("E: ")]
            raise ValueError(f"cannot be fetched: {'; '.join(errors) or 'apt-helper failed'}")
    data = reader.read(path)
    if data is None:
        raise ValueError("is not there")
    return data


def try_out(
    reader: Reader, repositories: tuple[Repository, ...], found: Mapping[str, Found]
) -> tuple[Lists, tuple[str, ...]]:
    """Package lists as they will be with the repositories added, and the options that name their sources."""
    if reader.context.target_image:
        return Lists(), ()
    folder = f"{own_folder(reader)}/trial"
    for command in (
        ("rm", "-rf", folder),
        ("mkdir", "-p", folder),
        ("cp", "-rT", package_lists.SOURCE_PARTS, folder),
    ):
        reader.ask(question(command))
    for repository in repositories:
        state = found[repository.name]
        keyring = repository.keyring
        if state.key and not state.key_installed:
            keyring = f"{folder}/{repository.name}.asc"
            keep(reader, keyring, state.key)
        if state.key:
            keep(reader, f"{folder}/{repository.name}.sources", repository.text(keyring))
    options = ("-o", f"Dir::Etc::SourceParts={folder}")
    return package_lists.refresh(reader, options), options


def keep(reader: Reader, path: str, text: str) -> None:
    """Put a text among our own caches. Should that fail, apt says what it misses."""
    reader.ask(question(("tee", path), stdin=text))


def effects(repository: Repository, found: Found) -> tuple[Effect, ...]:
    """What adds it. The plan holds the key that was checked, and its fingerprint is checked once more."""
    wanted: list[Effect] = []
    if not found.key_installed:
        key = InstallKey(path=repository.keyring, fingerprint=repository.fingerprint, text=found.key)
        wanted.append(key)
    if not found.right(repository):
        wanted.append(Write(path=repository.source_path, text=repository.text(repository.keyring)))
    return tuple(wanted)
