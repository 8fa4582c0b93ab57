"""What a spec may set a variable to, for later shells and kernels or for one command."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, ValidationInfo, model_validator

from provisioner.kinds.shared.fields import Section, SpecPath, from_home, home_path, resolved, uses_of
from provisioner.kinds.shared.references import NO_NAMES, expand
from provisioner.kinds.shared.variable_files import Setting

NEEDED = ("/usr/bin", "/bin")
"""Where a system's programs are; on newer ones both are the same folder."""

PREPEND = "write {prepend: [/opt/tool/bin]} to put folders in front of it"


def check_value(value: str | None, info: ValidationInfo) -> str | None:
    """A value with its references expanded; `~` at its beginning is the home folder, as to a shell."""
    if value is None:
        return None
    if "\0" in value:
        raise ValueError("cannot contain a null character")
    context = info.context or {}
    names = context.get("names", NO_NAMES)
    text, uses = expand(value, names, lambda token: instead(value, token))
    if value.startswith("~"):
        text = from_home(text, context.get("home", "/root"))
    return resolved(text, value, uses)


def instead(value: str, token: str) -> str:
    """What to write in place of a value with a shell's variable: mostly it stands for the rest of a list."""
    variable = re.compile(r"\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*\})")
    items = [item for item in value.split(":") if item]
    folders = [home_path(item) or item for item in items if not variable.fullmatch(item)]
    if len(items) > len(folders) > 0:
        return f"write {{prepend: [{', '.join(folders)}]}}"
    short = home_path(value)
    return f"write {short}" if short else f"write its value, or ${token} for a literal dollar"


def check_folder(folder: str) -> str:
    if ":" in folder:
        raise ValueError("contains a colon, which separates folders; write each folder as its own item")
    return folder


Folder = Annotated[SpecPath, AfterValidator(check_folder)]


class Variable(Section):
    """A variable: what to set it to, or which folders to put in front of its list."""

    value: Annotated[str | None, AfterValidator(check_value)] = Field(
        None,
        description="The value to set; null unsets the variable. `${drive.mount}` and the like stand for "
        "paths that the file defines.",
    )
    prepend: tuple[Folder, ...] = Field(
        (),
        min_length=1,
        description="Folders to put in front of the variable's list, in this order.",
        examples=[["/opt/tool/bin"]],
    )

    @model_validator(mode="after")
    def is_one_thing(self) -> Variable:
        if len(self.model_fields_set) != 1:
            raise ValueError("needs either a value or folders to prepend")
        return self

    @property
    def setting(self) -> Setting:
        return tuple(dict.fromkeys(self.prepend)) or self.value

    @property
    def uses(self) -> tuple[str, ...]:
        """The paths that it refers to."""
        return (*uses_of(self.value), *(path for folder in self.prepend for path in uses_of(folder)))


def read_shorthand(value: object) -> object:
    """`NAME: text` is short for `NAME: {value: text}`."""
    if isinstance(value, bool | float):
        raise ValueError("is not text; quote it, because a variable gets exactly what is written")  # noqa: TRY004
    if isinstance(value, int):
        value = str(value)
    return {"value": value} if value is None or isinstance(value, str) else value


Value = Annotated[
    Variable, BeforeValidator(read_shorthand, json_schema_input_type=str | int | None | Variable)
]

V = TypeVar("V", bound=Mapping[str, Variable])


def check_search_path(variables: V) -> V:
    """Variables that leave PATH with the system's own programs. Raises ValidationError at PATH."""
    path = variables.get("PATH")
    if path and not path.prepend and not has_programs(path.value):
        raise ValidationError.from_exception_data(
            "PATH",
            [
                {
                    "type": "value_error",
                    "loc": ("PATH",),
                    "input": path.value,
                    "ctx": {"error": loss(path.value)},
                }
            ],
        )
    return variables


def has_programs(path: str | None) -> bool:
    folders = {folder.rstrip("/") for folder in (path or "").split(":")}
    return not folders.isdisjoint(NEEDED)


def loss(path: str | None) -> ValueError:
    folders = ", ".join(folder for folder in (path or "").split(":") if folder)
    way = f"write {{prepend: [{folders}]}}" if folders else PREPEND
    return ValueError(f"would take {' and '.join(NEEDED)} off PATH; {way}")
