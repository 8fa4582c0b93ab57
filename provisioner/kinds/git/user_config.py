"""The user's global git configuration: read from its files, and changed by git itself."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from provisioner.kinds.base import ABSENT
from provisioner.kinds.git import command, gitconfig
from provisioner.machine.reader import Reader
from provisioner.model.effects import Run
from provisioner.model.plan import Action, Change, Named, Step

KEY = "config"
"""Where facts and plans have it; no repository can have that name."""


@dataclass(frozen=True)
class UserConfig:
    """The values of each key that is wanted, in the order in which git reads them."""

    values: Mapping[str, tuple[str, ...]]


def observe(wanted: Mapping[str, str], reader: Reader) -> UserConfig:
    """Read both files that git calls global; the second counts more. `include` is not followed."""
    home = reader.context.home
    base = reader.environ.get("XDG_CONFIG_HOME") or posixpath.join(home, ".config")
    files = (posixpath.join(base, "git", "config"), posixpath.join(home, ".gitconfig"))
    parsed = [gitconfig.parse((reader.read(path) or b"").decode(errors="replace")) for path in files]
    return UserConfig({key: tuple(value for each in parsed for value in each.get(key, ())) for key in wanted})


def plan(wanted: Mapping[str, str], found: UserConfig) -> Step:
    changes = tuple(compare(key, value, found.values[key]) for key, value in wanted.items())
    effects = tuple(
        set_value(key, wanted[key])
        for key, change in zip(wanted, changes, strict=True)
        if change.action is not Action.KEEP
    )
    return Step(id=f"git.{KEY}", changes=changes, effects=effects, lane="git config")


def compare(key: str, value: str, found: tuple[str, ...]) -> Change:
    """One setting. git uses all helpers, so those of the user's stay; of other settings the last counts."""
    address = f"git.{KEY}.{key}"
    if is_set(key, value, found):
        return Change(address, Action.KEEP, value)
    if not found:
        return Change(address, Action.CREATE, None, value)
    if is_list(key):
        return Change(address, Action.UPDATE, ", ".join(found), ", ".join((*found, value)))
    return Change(address, Action.UPDATE, found[-1], value)


def is_list(key: str) -> bool:
    return key.endswith(".helper")


def is_set(key: str, value: str, found: tuple[str, ...]) -> bool:
    return value in found if is_list(key) else found[-1:] == (value,)


def set_value(key: str, value: str) -> Run:
    """Have git write it, which keeps everything else in the file."""
    how = "--add" if is_list(key) else "--replace-all"
    return Run(
        argv=("git", "config", "--global", how, key, value),
        env=command.ENVIRONMENT,
        scrub=command.SCRUB,
        timeout=60,
        hints=((r"could not lock config file (\S+):", r"Remove \1.lock when no git is at work."),),
    )


def named(wanted: Mapping[str, str], found: UserConfig) -> Iterator[Named]:
    """The value of each setting; the last where there are several."""
    for key, value in wanted.items():
        values = found.values[key]
        yield f"git.{KEY}.{key}", value if is_set(key, value, values) else values[-1] if values else ABSENT
