"""The files that hold persistent variables, a shell's and IPython's: written, and read back."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Mapping
from typing import TypeAlias

Setting: TypeAlias = str | tuple[str, ...] | None
"""A value; folders to put in front of a list like PATH; or None, which unsets."""

Settings: TypeAlias = Mapping[str, Setting]

NOTICE = "# Written by `provisioner apply` for {spec}; change that instead.\n"
WRITTEN_FOR = re.compile(re.escape(NOTICE).replace(r"\{spec\}", "(.*)"))
A_CELL = "a notebook's cell"

SHELL = """\
colabenv_first() {
    eval "colabenv_list=:\\${$1-}:"
    while case $colabenv_list in *":$2:"*) ;; *) false ;; esac; do
        colabenv_list=${colabenv_list%%":$2:"*}:${colabenv_list#*":$2:"}
    done
    colabenv_list=${colabenv_list#:}
    colabenv_list=${colabenv_list%:}
    export "$1=$2${colabenv_list:+:$colabenv_list}"
}
"""
"""Puts a folder first in a list, once however often it is read. POSIX, and starts no process."""

SHELL_BEGIN = "# settings\n"
SHELL_END = "# end of settings\nunset -f colabenv_first\nunset colabenv_list\n"

KERNEL = """\


def colabenv(settings):
    import os

    for name, wanted in settings.items():
        if wanted is None:
            os.environ.pop(name, None)
        elif isinstance(wanted, str):
            os.environ[name] = wanted
        else:
            known = [item for item in os.environ.get(name, "").split(":") if item not in (*wanted, "")]
            os.environ[name] = ":".join([*wanted, *known])


colabenv(settings)
del colabenv, settings
"""


def notice(spec: str) -> str:
    """The first line of a file that is written for the spec at `spec`, or for a cell when that is ""."""
    return NOTICE.format(spec=repr(spec) if spec else A_CELL)


def render_shell(settings: Settings, spec: str) -> str:
    lines = [line for name, value in sorted(settings.items()) for line in shell_lines(name, value)]
    return notice(spec) + SHELL + SHELL_BEGIN + "".join(f"{line}\n" for line in lines) + SHELL_END


def shell_lines(name: str, value: Setting) -> list[str]:
    if value is None:
        return [f"unset {name}"]
    if isinstance(value, str):
        return [f"export {name}={shlex.quote(value)}"]
    return [f"colabenv_first {name} {shlex.quote(item)}" for item in reversed(value)]


def parse_shell(text: str | None) -> dict[str, Setting]:
    """The settings in a shell file of ours; what cannot be read is not a setting."""
    body = (text or "").partition(SHELL_BEGIN)[2].rpartition(SHELL_END)[0]
    try:
        words = shlex.split(body)
    except ValueError:
        return {}
    settings: dict[str, Setting] = {}
    while words:
        match words:
            case ["unset", name, *words]:
                settings[name] = None
            case ["export", assignment, *words]:
                name, _, settings[name] = assignment.partition("=")
            case ["colabenv_first", name, item, *words]:
                known = settings.get(name)
                settings[name] = (item, *(known if isinstance(known, tuple) else ()))
            case _:
                return {}
    return settings


def render_kernel(settings: Settings, spec: str) -> str:
    items = "".join(f"    {name!r}: {value!r},\n" for name, value in sorted(settings.items()))
    return f"{notice(spec)}settings = {{\n{items}}}\n{KERNEL}"


def parse_kernel(text: str | None) -> dict[str, Setting]:
    """The settings in a start-up file of ours; what cannot be read is not a setting."""
    try:
        match ast.parse(text or "").body:
            case [ast.Assign(value=value), *_]:
                found = ast.literal_eval(value)
                return found if isinstance(found, dict) else {}
    except (SyntaxError, ValueError):
        pass
    return {}
