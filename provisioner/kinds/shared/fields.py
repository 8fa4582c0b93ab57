"""Field types that the sections of a spec share."""

from __future__ import annotations

import os
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from provisioner.model.units import parse_size


class Section(BaseModel):
    """Base of every mapping in a spec: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Resolved(str):
    """An absolute path that remembers how the file wrote it, which says the same on every machine."""

    __slots__ = ("written",)
    written: str


def as_written(path: str) -> str:
    """A path as the spec writes it; one from another source stays as it is."""
    return path.written if isinstance(path, Resolved) else path


def resolve(value: str, info: ValidationInfo) -> str:
    """An absolute, normal path; what is relative starts at the spec's folder, `~` at the user's home."""
    written = os.path.normpath(value)
    context = info.context or {}
    home, folder = context.get("home", "/root"), context.get("folder", "/")
    if "\0" in value:
        raise ValueError("a path cannot contain a null character")
    if value == "~" or value.startswith("~/"):
        value = home + value[1:]
    resolved = Resolved(os.path.normpath(os.path.join(folder, value)))
    resolved.written = written
    return resolved


Text = Annotated[str, Field(min_length=1)]
Flag = Annotated[bool, Field(strict=True)]
Whole = Annotated[int, Field(strict=True, ge=0)]
Size = Annotated[int, BeforeValidator(parse_size, json_schema_input_type=int | str), Field(ge=0)]
SpecPath = Annotated[str, Field(min_length=1), AfterValidator(resolve)]
Mode = Annotated[str, Field(pattern=r"^0?[0-7]{3}$", description="Permission bits in octal, quoted.")]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
"""As a program writes it; what people write may be in capitals."""

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
