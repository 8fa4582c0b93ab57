"""Field types that the sections of a spec share."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from provisioner.kinds.shared.references import NO_NAMES, expand
from provisioner.model.units import parse_size


class Section(BaseModel):
    """Base of every mapping in a spec: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Resolved(str):
    """A text that remembers how the file wrote it, which says the same on every machine."""

    __slots__ = ("uses", "written")
    written: str
    uses: tuple[str, ...]
    """The paths that its references stand for."""


def resolved(text: str, written: str, uses: tuple[str, ...] = ()) -> Resolved:
    result = Resolved(text)
    result.written = written
    result.uses = uses
    return result


def as_written(text: str) -> str:
    """A path or value as the spec writes it; one from another source stays as it is."""
    return text.written if isinstance(text, Resolved) else text


def uses_of(text: str | None) -> tuple[str, ...]:
    """The paths that a value refers to."""
    return text.uses if isinstance(text, Resolved) else ()


def resolve(value: str, info: ValidationInfo) -> str:
    return absolute(value, info.context or {})


def absolute(value: str, context: Mapping[str, Any]) -> str:
    """An absolute, normal path; what is relative starts at the spec's folder, `~` at the user's home."""
    home, folder = context.get("home", "/root"), context.get("folder", "/")
    if "\0" in value:
        raise ValueError("a path cannot contain a null character")
    names = context.get("names", NO_NAMES)
    path, uses = expand(value, names, lambda token: whole_path(value, token))
    if uses and not value.startswith("${"):
        raise ValueError("has a reference in its middle; that is a whole path, so begin with it")
    path = from_home(path, home) if value.startswith("~") else path
    return resolved(os.path.normpath(os.path.join(folder, path)), os.path.normpath(value), uses)


def from_home(text: str, home: str) -> str:
    """A text that may begin with `~`, as a shell reads it."""
    return home + text[1:] if text == "~" or text.startswith("~/") else text


def whole_path(text: str, token: str) -> str:
    """What to write in place of a path with a shell's variable."""
    short = home_path(text)
    return f"write {short}" if short else f"write the path itself, or ${token} for a literal dollar"


def home_path(text: str) -> str:
    """A path that begins with the variable for the home folder, as YAML without it; else ""."""
    match = re.fullmatch(r"\$(?:HOME|\{HOME\})((?:/[^$]*)?)", text)
    return (f"~{match[1]}" if match[1] else '"~"') if match else ""


def is_at_or_below(path: str, place: str) -> bool:
    return path == place or path.startswith(place.rstrip("/") + "/")


def at_or_below_any(path: str, places: Iterable[str]) -> bool:
    return any(is_at_or_below(path, place) for place in places)


Text = Annotated[str, Field(min_length=1)]
Flag = Annotated[bool, Field(strict=True)]
Whole = Annotated[int, Field(strict=True, ge=0)]
Size = Annotated[int, BeforeValidator(parse_size, json_schema_input_type=int | str), Field(ge=0)]
SpecPath = Annotated[str, Field(min_length=1), AfterValidator(resolve)]
Mode = Annotated[str, Field(pattern=r"^0?[0-7]{3}$", description="Permission bits in octal, quoted.")]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
"""As a program writes it; what people write may be in capitals."""

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
