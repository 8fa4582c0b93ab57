"""Commands as a spec writes them: words for a program, never text for a shell."""

from __future__ import annotations

import posixpath
import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from provisioner.machine.reader import Reader

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def check_words(value: object) -> object:
    """A list of words; whole numbers are words too."""
    if isinstance(value, str):
        listed = ", ".join(value.split())
        raise ValueError(f"is one string, which no shell will split; write a list: [{listed}]")  # noqa: TRY004
    return value


def check_word(value: object) -> object:
    if isinstance(value, bool | float):
        raise ValueError("is not text; quote it, because a program gets exactly what is written")  # noqa: TRY004
    if isinstance(value, str) and "\0" in value:
        raise ValueError("cannot contain a null character")
    return str(value) if isinstance(value, int) else value


CommandWord = Annotated[str, BeforeValidator(check_word, json_schema_input_type=str | int)]

Argv = Annotated[
    tuple[CommandWord, ...],
    Field(min_length=1),
    BeforeValidator(check_words, json_schema_input_type=list[str | int]),
]


def search_path(reader: Reader) -> str:
    """PATH for a spec's commands: the programs of its own interpreter come first."""
    return (
        f"{posixpath.dirname(reader.context.python.executable)}:{reader.environ.get('PATH') or DEFAULT_PATH}"
    )


def hint_for_missing(program: str) -> tuple[str, str]:
    """What a run says whose program is not there, as a regular expression, and what to do then."""
    return (
        rf"(?m)^{re.escape(program)}: (No such file or directory|not found)",
        f"Let `apt` install the package that has {program}, or write the program's whole path.",
    )


def places(program: str, folder: str, path: str) -> tuple[str, ...]:
    """Every file that decides which program runs in `folder`: where PATH looks, and Debian's alternative."""
    if "/" in program:
        return (posixpath.normpath(posixpath.join(folder, program)),)
    folders = dict.fromkeys(entry for entry in path.split(":") if entry.startswith("/"))
    return tuple(posixpath.join(entry, program) for entry in (*folders, "/etc/alternatives"))
