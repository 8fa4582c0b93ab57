"""The lock as values, and as the text that people review: TOML in a fixed order."""

from __future__ import annotations

import posixpath
import tomllib
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from provisioner.kinds import registry
from provisioner.kinds.base import Contents, LockedEntry
from provisioner.kinds.shared.fields import Section, Text
from provisioner.lock import toml
from provisioner.machine import files
from provisioner.model.errors import LockError
from provisioner.version import __version__

FORMAT: Final = "provisioner.lock/1"
TOOL = f"colab-provisioner {__version__}"
SUFFIX = ".lock"

TABLES = 4
"""How deep tables are nested: targets, kinds, packages. What is deeper is written on one line."""

HEADING = "# Made by `colabenv lock`, to be reviewed and not edited. `colabenv apply --locked` installs it.\n"

MEND = "Restore it from version control, or delete it and make a new one: colabenv lock"

MOST_BYTES = 16 << 20
MOST_DOTS = 20
"""Of a key: each is a table within a table."""

Digest = Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$")]


def check_printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("contains unprintable characters")
    return value


Printable = Annotated[Text, AfterValidator(check_printable)]
"""Text that is shown to people as it is."""


class Where(Section):
    """The machine that a target was made for."""

    runtime: Printable | None = None
    """The name of one of Colab's known images."""
    os: Printable
    python: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+[\w+]*$")]
    glibc: Printable | None = None
    architecture: Printable
    accelerator: Literal["gpu", "tpu", "cpu"]
    driver: Printable | None = None
    cuda: Printable | None = None

    @property
    def series(self) -> str:
        """The Python that wheels are made for: "3.12"."""
        return self.python.rpartition(".")[0]


class Base(Section):
    """What was installed before: a fingerprint and the numbers."""

    fingerprint: Digest
    distributions: Annotated[int, Field(ge=0)]
    packages: Annotated[int, Field(ge=0)]


class PinsError(ValueError):
    """What is wrong in the pins of a kind."""

    def __init__(self, kind: str, error: ValidationError) -> None:
        super().__init__(kind)
        self.kind = kind
        self.error = error


class Target(Section):
    """One machine, and what the spec resolved to on it: by kind, as that kind pins it."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    spec: Digest
    """Of the spec at that time."""
    machine: Where
    base: Base

    @model_validator(mode="after")
    def holds_pins(self) -> Target:
        for name, pins in (self.model_extra or {}).items():
            lock = registry.get(name).lock if registry.has(name) else None
            if lock is None:
                raise ValueError(f"contains {name}, which cannot be locked")
            try:
                self.model_extra[name] = TypeAdapter(lock.pins).validate_python(pins)  # type: ignore[index]
            except ValidationError as error:
                raise PinsError(name, error) from None
        return self

    @property
    def pins(self) -> dict[str, object]:
        return dict(self.model_extra or {})

    @property
    def contents(self) -> dict[str, Contents]:
        """What the pins of each kind have."""
        locks = {kind: registry.get(kind).lock for kind in self.pins}
        return {kind: lock.contents(self.pins[kind]) for kind, lock in locks.items() if lock}

    @property
    def entries(self) -> dict[str, LockedEntry]:
        """All its entries, by address."""
        return {
            f"{kind}.{entry.name}": entry for kind, found in self.contents.items() for entry in found.entries
        }

    @property
    def unlocked(self) -> tuple[str, ...]:
        """The addresses of what could not be locked."""
        return tuple(f"{kind}.{name}" for kind, found in self.contents.items() for name in found.unlocked)

    @property
    def on_top(self) -> set[str]:
        """Names of distributions and packages that come on top of the base."""
        return {name for found in self.contents.values() for name in found.on_top}


class Lock(Section):
    format: Literal["provisioner.lock/1"] = FORMAT
    tool: Text = TOOL
    targets: tuple[Target, ...] = ()

    @model_validator(mode="after")
    def has_each_target_once(self) -> Lock:
        names = [target.name for target in self.targets]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"has two targets named {twice[0]}")
        return self

    def find(self, name: str) -> Target | None:
        return next((target for target in self.targets if target.name == name), None)

    def put(self, *made: Target) -> Lock:
        """This lock with these targets, which replace those of the same names."""
        known = {target.name: target for target in (*self.targets, *made)}
        return Lock(targets=tuple(known[name] for name in sorted(known)))


def path_of(spec: str) -> str:
    """Where the lock of a spec is: colabenv.lock beside colabenv.yaml."""
    return posixpath.splitext(spec)[0] + SUFFIX


def text(lock: Lock) -> str:
    """The text of a lock; the same for equal locks."""
    values = TypeAdapter(Lock).dump_python(lock, mode="json", by_alias=True)
    return f"{HEADING}\n{toml.text(values, TABLES)}"


def load(path: str) -> Lock | None:
    """The lock at a path, or None. Raises LockError when it cannot be read."""
    try:
        document = tomllib.loads(checked(files.read_regular(path, MOST_BYTES + 1)))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LockError(f"{path} cannot be read: {error.strerror}", MEND) from None
    except (ValueError, RecursionError) as error:
        raise LockError(f"{path} is damaged: {plain(str(error))}", MEND) from None
    found = document.get("format")
    if found != FORMAT:
        what = f"has the format {plain(str(found))}" if found else "is not a lock of colabenv"
        raise LockError(f"{path} {what}, and this is {TOOL} for {FORMAT}", MEND)
    try:
        return Lock.model_validate(document)
    except ValidationError as error:
        place, what = fault(error)
        raise LockError(f"{path} is damaged: {plain(place)}: {plain(what)}", MEND) from None


def checked(data: bytes) -> str:
    """The text of a lock. Raises ValueError for what is not one, before a parser spends long on it."""
    text = data.decode("utf-8")
    lines = text.splitlines()
    if merged := [number for number, line in enumerate(lines, 1) if line.startswith("<<<<<<<")]:
        raise ValueError(f"line {merged[0]} is a merge conflict marker")
    if len(data) > MOST_BYTES or any(line.partition("=")[0].count(".") > MOST_DOTS for line in lines):
        raise ValueError("it is too large for a lock")
    return text


def fault(error: ValidationError) -> tuple[str, str]:
    """The place and the message of the first problem, in pins too."""
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"]))
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, PinsError):
        inner, what = fault(cause.error)
        return f"{place}.{cause.kind}.{inner}", what
    return place, first["msg"].removeprefix("Value error, ")


def plain(text: str) -> str:
    """Untrusted text without terminal control characters."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
