"""Commands as a spec writes them: words for a program, never text for a shell."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field

from provisioner.kinds.shared.variable_files import Setting, Settings
from provisioner.machine.reader import Reader

PROGRAMS = frozenset({"python", "python3", "pip", "pip3", "java", "javac", "git"})
"""Programs that kinds claim to make, as `program:java`."""

CommandVariables: TypeAlias = tuple[tuple[str, str | None], ...]
"""Variables to set, or to unset where the value is None, beside what is inherited."""

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


def environment(reader: Reader, own: Settings | None = None) -> CommandVariables:
    """The variables for a spec's command: what the spec sets them to, and over that the command's own."""
    values: dict[str, str | None] = {"PATH": search_path(reader)}
    for settings in (without_path(reader.context.variables), own or {}):
        for name, setting in settings.items():
            inherited = values[name] if name in values else reader.environ.get(name)
            values[name] = applied(setting, inherited)
    return tuple(values.items())


def path_of(variables: CommandVariables) -> str:
    """PATH of a command, which `environment` always sets."""
    return dict(variables)["PATH"] or ""


def without_path(variables: Iterable[tuple[str, Setting]]) -> Settings:
    return {name: setting for name, setting in variables if name != "PATH"}


def search_path(reader: Reader) -> str:
    """PATH for a spec's commands: what the spec puts in front, then the programs of its own interpreter."""
    setting = dict(reader.context.variables).get("PATH")
    others = setting if isinstance(setting, str) else reader.environ.get("PATH") or DEFAULT_PATH
    path = f"{posixpath.dirname(reader.context.python.executable)}:{others}"
    return in_front(setting, path) if isinstance(setting, tuple) else path


def applied(setting: Setting, inherited: str | None) -> str | None:
    return in_front(setting, inherited or "") if isinstance(setting, tuple) else setting


def in_front(folders: tuple[str, ...], path: str) -> str:
    """A list with some folders first, each once."""
    return ":".join((*folders, *(item for item in path.split(":") if item and item not in folders)))


def hint_for_missing(program: str) -> tuple[str, str]:
    """What a run says whose program is not there, as a regular expression, and what to do then."""
    way = f"Let `apt` install the package that has {program}, or write the program's whole path."
    if "/" in program:
        way = "Correct its path, or let another entry make it; what its first line names must be there, too."
    return rf"(?m)^{re.escape(program)}: (No such file or directory|not found)", way


def places(program: str, folder: str, path: str) -> tuple[str, ...]:
    """Every file that decides which program runs in `folder`: where PATH looks, and Debian's alternative."""
    if "/" in program:
        return (posixpath.normpath(posixpath.join(folder, program)),)
    folders = dict.fromkeys(entry for entry in path.split(":") if entry.startswith("/"))
    return tuple(posixpath.join(entry, program) for entry in (*folders, "/etc/alternatives"))
