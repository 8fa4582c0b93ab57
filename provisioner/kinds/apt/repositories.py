"""Third-party repositories: deb822 sources, each with a keyring that holds its own key and no other.

Source: sources.list(5). A new repository is tried out in folders of our own before the plan is made, so
that the plan shows what it brings and a broken one never reaches /etc/apt, where it would break every apt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from provisioner.kinds.apt.requests import check_filled
from provisioner.kinds.shared.checks import LOCAL, WEB, check_name, check_no_credentials, check_url
from provisioner.kinds.shared.debian import package_lists
from provisioner.kinds.shared.debian.apt_get import NETWORK, question
from provisioner.kinds.shared.debian.package_lists import PackageLists, own_folder
from provisioner.kinds.shared.fields import Section, resolve
from provisioner.kinds.shared.references import refuse_variables
from provisioner.machine.download import openpgp
from provisioner.machine.reader import Reader
from provisioner.model.effects import Effect, InstallKey, Write

KEYRINGS = "/etc/apt/keyrings"
HELPER = "/usr/lib/apt/apt-helper"

FINGERPRINT = re.compile(r"[0-9A-F]{40}")


def check_uri(value: str) -> str:
    """A URL that apt can fetch from, without a password."""
    url = check_url(value, schemes=(*WEB, *LOCAL), instead="write http://, https:// or file:/", without="[]")
    return check_no_credentials(url, "put it into /etc/apt/auth.conf.d instead")


def check_fingerprint(value: str) -> str:
    """The fingerprint of a key, in capitals and without spaces."""
    return check_name(
        "".join(value.split()).upper(),
        FINGERPRINT,
        "is not a key's fingerprint; write its 40 hexadecimal digits, as `gpg --show-keys` does",
    )


def check_key(value: str, info: ValidationInfo) -> str:
    """A URL and armoured text stay as they are; anything else is a path."""
    if re.match(r"https?://\S+$", value):
        refuse_variables(value, "write the whole URL, and %24 for a dollar")
        return value
    if openpgp.BEGIN.decode() in value:
        return value
    if "\n" in value or "://" in value:
        raise ValueError("is not a key; write its https:// URL, its path, or the armoured text itself")
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
        description="The key that signs it: an https URL, a path, or the armoured text."
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
    def place(self) -> str:
        """Where it is, as a plan shows it."""
        return " ".join((*self.uris, *self.suites))

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
class RepositoryState:
    """One repository as it stands."""

    source: str | None
    """What its file says; None where there is no such file."""
    key: str | None
    """The armoured key that is to be trusted; None when it cannot be had."""
    key_installed: bool
    problem: str = ""
    """Why it cannot be added."""

    @property
    def before(self) -> str | None:
        """What a plan says of one that is not as wanted; None where there is nothing of it."""
        return "other settings" if self.source or self.key_installed else None

    def is_right(self, repository: Repository) -> bool:
        """Whether it is as wanted."""
        return self.key_installed and self.source == repository.text(repository.keyring)


def observe(reader: Reader, repository: Repository) -> RepositoryState:
    """Its source as it is, and its key: the installed one when it is right, else the one it names."""
    data = reader.read(repository.source_path)
    source = None if data is None else data.decode(errors="replace")
    installed = reader.read(repository.keyring)
    if installed and fingerprints(installed) == (repository.fingerprint,):
        return RepositoryState(source, installed.decode(), key_installed=True)
    if reader.context.target_image and repository.key.startswith("http"):
        return RepositoryState(source, None, key_installed=False)
    try:
        offered = fetch_key(reader, repository)
        key = openpgp.armor(openpgp.extract(offered, repository.fingerprint))
    except ValueError as error:
        where = "the key" if openpgp.BEGIN.decode() in repository.key else repository.key
        return RepositoryState(source, None, key_installed=False, problem=f"{where} {error}")
    return RepositoryState(source, key, key_installed=False)


def fingerprints(data: bytes) -> tuple[str, ...]:
    """The fingerprints of the keys in a file; none of what is not a keyring."""
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
        raise ValueError("does not exist")
    return data


def try_out(
    reader: Reader, repositories: tuple[Repository, ...], states: Mapping[str, RepositoryState]
) -> PackageLists:
    """Package lists as they will be with the repositories added."""
    if reader.context.target_image:
        return PackageLists()
    folder = f"{own_folder(reader)}/trial"
    for command in (
        ("rm", "-rf", folder),
        ("mkdir", "-p", folder),
        ("cp", "-rT", package_lists.SOURCE_PARTS, folder),
    ):
        reader.ask(question(command))
    for repository in repositories:
        put_on_trial(repository, states[repository.name], folder, reader)
    options = ("-o", f"Dir::Etc::SourceParts={folder}")
    return replace(package_lists.refresh(reader, options), trial=options)


def put_on_trial(repository: Repository, state: RepositoryState, folder: str, reader: Reader) -> None:
    """Put a repository whose key can be had among the sources in a folder of our own."""
    if state.key is None:
        return
    keyring = repository.keyring
    if not state.key_installed:
        keyring = f"{folder}/{repository.name}.asc"
        keep(reader, keyring, state.key)
    keep(reader, f"{folder}/{repository.name}.sources", repository.text(keyring))


def keep(reader: Reader, path: str, text: str) -> None:
    """Put a text among our own caches. Should that fail, apt says what it misses."""
    reader.ask(question(("tee", path), stdin=text))


def effects(repository: Repository, state: RepositoryState) -> tuple[Effect, ...]:
    """What adds it. The plan holds the key that was checked, and its fingerprint is checked once more."""
    wanted: list[Effect] = []
    if not state.key_installed:
        key = InstallKey(path=repository.keyring, fingerprint=repository.fingerprint, text=state.key)
        wanted.append(key)
    if not state.is_right(repository):
        wanted.append(Write(path=repository.source_path, text=repository.text(repository.keyring)))
    return tuple(wanted)
