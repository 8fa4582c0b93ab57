"""The resource kinds: ours, a room for each, and those that installed distributions add.

A kind is imported only when a spec has its key. The kinds of plugins are found through the entry-point group
`provisioner.kinds`, whose entries are named as the keys of the file; they come before `run` in a plan.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from provisioner.kinds.base import AnyKind, Kind
from provisioner.kinds.shared.removed_section import absent
from provisioner.model.errors import PluginError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ROOMS = {
    "runtime": "runtime",
    "accelerator": "accelerator.kind",
    "apt": "apt.kind",
    "jdk": "jdk.kind",
    "pip": "pip.kind",
    "drive": "drive",
    "secrets": "secrets",
    "inputs": "inputs",
    "git": "git.kind",
    "datasets": "datasets.kind",
    "files": "files.kind",
    "env": "env",
    "run": "run",
    "notebook": "notebook",
    "verify": "verify",
}
"""Every key of the file that is a kind of ours, in the order of a plan, and the module that defines it."""

NAMES = tuple(ROOMS)

BEFORE = "run"
"""The kind that the kinds of plugins come before: commands may need what they set up."""

RESERVED = ("version", "name")
"""Keys of the file that no kind can have."""

GROUP = "provisioner.kinds"

ABSENT: dict[str, Kind[None, Any]] = {name: absent(name) for name in ("jdk", "env")}
"""The kinds that clean up after a section that was removed from the file."""


def has(name: str) -> bool:
    """Whether there is a kind of that name."""
    return name in ROOMS or name in plugins()


def get(name: str) -> AnyKind:
    """The kind called `name`. Raises PluginError for a plugin's kind that cannot be used."""
    if name not in ROOMS:
        return plugged_in(name)
    kind: AnyKind = import_module(f"provisioner.kinds.{ROOMS[name]}").KIND
    return kind


def every() -> tuple[str, ...]:
    """The names of all kinds, in the order of a plan."""
    return in_order({*ROOMS, *plugins()})


def usable() -> tuple[tuple[AnyKind, ...], tuple[PluginError, ...]]:
    """All kinds that can be used, in the order of a plan, and what is wrong with the others."""
    kinds: list[AnyKind] = []
    errors: list[PluginError] = []
    try:
        names = every()
    except PluginError as error:
        names = NAMES
        errors.append(error)
    for name in names:
        try:
            kinds.append(get(name))
        except PluginError as error:
            errors.append(error)
    return tuple(kinds), tuple(errors)


def in_order(names: Collection[str]) -> tuple[str, ...]:
    """Names of kinds in the order of a plan."""
    others = tuple(sorted(name for name in names if name not in ROOMS))
    ours = tuple(ROOMS)
    at = ours.index(BEFORE)
    ordered = (*ours[:at], *others, *ours[at:])
    return tuple(name for name in ordered if name in names)


@cache
def plugins() -> Mapping[str, EntryPoint]:
    """The kinds of plugins by their names. Raises PluginError when a name is taken twice."""
    from importlib.metadata import entry_points

    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=GROUP):
        if entry.name in found or entry.name in ROOMS or entry.name in RESERVED:
            other = owner(found[entry.name]) if entry.name in found else "colab-provisioner itself"
            raise PluginError(
                f"{owner(entry)} adds a kind named {entry.name}, and so does {other}",
                f"Uninstall one of them: pip uninstall {owner(entry)}",
            )
        found[entry.name] = entry
    return found


def owner(entry: EntryPoint) -> str:
    """The distribution that an entry point comes from."""
    return entry.dist.name if entry.dist else "a distribution without a name"


@cache
def plugged_in(name: str) -> AnyKind:
    """A plugin's kind. Raises PluginError when it cannot be imported or is not a kind."""
    entry = plugins()[name]
    hint = f"Upgrade or uninstall it: pip uninstall {owner(entry)}"
    try:
        kind = entry.load()
    except Exception as error:
        raise PluginError(
            f"the kind {name} of {owner(entry)} cannot be loaded: {type(error).__name__}: {error}", hint
        ) from error
    if not isinstance(kind, Kind) or kind.name != name:
        raise PluginError(f"{owner(entry)} declares a kind named {name}, but {entry.value} is not one", hint)
    return kind


def packages() -> tuple[str, ...]:
    """The top packages whose code decides what is observed and planned, as far as it is imported."""
    others = plugins().values() if plugins.cache_info().currsize else ()
    return ("provisioner", *(entry.module.partition(".")[0] for entry in others))
