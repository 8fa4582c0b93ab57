"""Apt's package lists: the machine's own while they are fresh, else a copy of ours.

Planning must leave the machine as it is and work without root, so what is stale is refreshed into a folder
in our state, and everything after, the installation too, reads that folder.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from provisioner.kinds.shared.debian.apt_get import NETWORK, question
from provisioner.machine.reader import Reader
from provisioner.model.errors import ObserveError

Update = Literal["auto", "always", "never"]

SYSTEM = "/var/lib/apt/lists"
SYSTEM_STAMP = "/var/lib/apt/periodic/update-success-stamp"
SOURCES = "/etc/apt/sources.list"
SOURCE_PARTS = "/etc/apt/sources.list.d"

FRESH = 3600
"""Seconds that lists are trusted for. Archives replace files several times a day, and then answer 404."""

LEAN = ("-o", "Acquire::Languages=none")
"""Translated descriptions are half the size of the lists, and nobody reads them here."""

COMPLAINTS = ("E: ", "W: Failed to fetch", "W: GPG error", "W: OpenPGP signature verification failed")
"""How the lines begin that say what an update could not do; apt 3 checks signatures by sqv, in its words."""

REFRESHING = threading.Lock()
"""Two kinds that find the lists stale at the same time refresh them once."""


@dataclass(frozen=True)
class PackageLists:
    """The package lists to read."""

    options: tuple[str, ...] = ()
    """apt's options for where they are."""
    problems: tuple[str, ...] = ()
    """Why they may be out of date."""
    trial: tuple[str, ...] = ()
    """apt's options for where it finds repositories that are yet to be added."""


def own_folder(reader: Reader) -> str:
    return f"{reader.context.state}/apt"


def own_options(reader: Reader) -> tuple[str, ...]:
    folder = own_folder(reader)
    settings = {
        "Dir::State::lists": f"{folder}/lists",
        "Dir::Cache::pkgcache": f"{folder}/pkgcache.bin",
        "Dir::Cache::srcpkgcache": f"{folder}/srcpkgcache.bin",
    }
    return tuple(word for name, value in settings.items() for word in ("-o", f"{name}={value}"))


def observe(reader: Reader, update: Update) -> PackageLists:
    """The lists to plan and install from, refreshed when `update` asks for it.

    Raises ObserveError when there are none and none can be had.
    """
    if reader.context.target_image:
        return PackageLists()
    with REFRESHING:
        changed = newest(reader, [SOURCES, SOURCE_PARTS, *sources(reader)])
        system = newest(reader, [SYSTEM, f"{SYSTEM}/partial", SYSTEM_STAMP]) if usable(reader, SYSTEM) else 0
        own = newest(reader, [f"{own_folder(reader)}/refreshed"])
        stale = max(system, own) < max(changed, time.time() - FRESH)
        if update == "always" or (update == "auto" and stale):
            return refresh(reader)
        return PackageLists(own_options(reader)) if own > system else PackageLists()


def refresh(reader: Reader, sources: tuple[str, ...] = ()) -> PackageLists:
    """Fetch our own lists anew; `sources` are options that name other sources than the machine's."""
    folder = own_folder(reader)
    options = own_options(reader)
    reader.ask(question(("mkdir", "-p", f"{folder}/lists/partial")))
    # flock: two plans may be made at once, and apt-get does not wait for the lock of its lists.
    command = ("flock", f"{folder}/lock", "apt-get", *NETWORK, *options, *sources, *LEAN, "update")
    completed = reader.ask(question(command, timeout=600))
    problems = complaints(completed.stdout + completed.stderr)
    if completed.code == 0 and not problems:
        reader.ask(question(("touch", f"{folder}/refreshed")))
    elif not problems:
        problems = (f"apt-get update ended with code {completed.code}",)
    if usable(reader, f"{folder}/lists"):
        return PackageLists(options, problems)
    if problems and not usable(reader, SYSTEM):
        raise ObserveError(
            f"apt's package lists cannot be fetched: {problems[0]}",
            "Check the network and /etc/apt/sources.list.",
        )
    return PackageLists((), problems)


def complaints(output: str) -> tuple[str, ...]:
    """What an update says went wrong; hooks that only root may run are no trouble of ours."""
    lines = (line for line in output.splitlines() if line.startswith(COMPLAINTS))
    ignored = ("E: Problem executing scripts", "E: Sub-process returned an error code")
    return tuple(dict.fromkeys(line[3:].strip() for line in lines if not line.startswith(ignored)))


def sources(reader: Reader) -> list[str]:
    return [f"{SOURCE_PARTS}/{name}" for name in reader.list(SOURCE_PARTS) or ()]


def usable(reader: Reader, folder: str) -> bool:
    return any("_Packages" in name for name in reader.list(folder) or ())


def newest(reader: Reader, paths: Iterable[str]) -> float:
    """When the latest of `paths` was changed, in seconds; 0 when none is there."""
    found = (reader.stat(path) for path in paths)
    return max((stat.mtime_ns / 1e9 for stat in found if stat), default=0)
