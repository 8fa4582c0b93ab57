"""Debian packages as a lock holds them, and a machine whose apt knows of their files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.facts import dpkg
from provisioner.kinds.base import Download, LockContext
from provisioner.kinds.shared.debian.apt_get import AptOrder
from provisioner.kinds.shared.debian.pins import DebianPins
from provisioner.machine.reader import Completed
from provisioner.model.effects import Run
from tests.fakes import FakeMachine

SHA = "ab" * 32
ORDER = AptOrder(install=("tea=1.0",), exact=True)


def package(name: str, version: str = "1.0", sha256: str = SHA) -> dict[str, Any]:
    source = f"https://example.org/{name}_{version}_all.deb"
    return {"name": name, "version": version, "source": source, "size": 5, "sha256": sha256}


def pins(*packages: str, base: tuple[str, ...] = (), unlocked: tuple[str, ...] = ()) -> DebianPins:
    """Pins of packages that are given as `name=version`."""
    return DebianPins.model_validate(
        {
            "packages": [package(*each.split("=")) for each in packages],
            "base": [dict(zip(("name", "version"), each.split("="), strict=True)) for each in base],
            "unlocked": unlocked,
        }
    )


def offering(*lines: str) -> FakeMachine:
    """A machine whose apt-get says these lines of files."""
    machine = FakeMachine()
    machine.programs["apt-get"] = lambda _machine, _run: Completed(
        0, "".join(f"{line}\n" for line in lines), ""
    )
    return machine


def status_of(installed: Mapping[str, str]) -> str:
    """dpkg's database with these versions."""
    return "\n".join(
        f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n"
        for name, version in {"dpkg": "1.21.22", **installed}.items()
    )


def debian(
    installed: Mapping[str, str],
    published: Mapping[str, tuple[str, ...]],
    needs: Mapping[str, tuple[str, ...]] | None = None,
) -> FakeMachine:
    """A machine with these packages, and an apt that knows the versions of others, the newest first.

    What is asked for and missing comes with what it `needs`, in the newest version where none is named.
    """
    machine = FakeMachine()
    machine.put(dpkg.STATUS, status_of(installed))
    for path in dpkg.TAKEN_FOR_GRANTED:
        machine.make_folders(path)

    def apt_get(_: FakeMachine, run: Run) -> Completed:
        if "download" in run.argv:
            return Completed(0, "".join(map(file_line, run.argv[run.argv.index("-qq") + 1 :])), "")
        if "--print-uris" in run.argv:
            return Completed(0, "", "")
        wanted = dict(word.partition("=")[::2] for word in run.argv[run.argv.index("install") + 1 :])
        wanted |= {
            need: "" for name in [*wanted] for need in (needs or {}).get(name, ()) if need not in wanted
        }
        lines = []
        for name, asked in wanted.items():
            version = asked or published[name][0]
            if version not in published[name]:
                return Completed(100, "", f"E: Version '{version}' for '{name}' was not found\n")
            before = f" [{installed[name]}]" if name in installed else ""
            if installed.get(name) != version:
                lines.append(f"Inst {name}{before} ({version} Debian [amd64])\n")
        return Completed(0, "".join(lines), "")

    def file_line(word: str) -> str:
        name, _, version = word.partition("=")
        if version not in published.get(name, ()):
            return ""
        file = f"{name}_{version}_amd64.deb"
        return f"'https://example.org/{file}' {file} 5 SHA256:{SHA}\n"

    def apt_cache(_: FakeMachine, run: Run) -> Completed:
        if "madison" in run.argv:
            versions = published.get(run.argv[-1], ())
            return Completed(0, "".join(f"{run.argv[-1]} | {each} | x\n" for each in versions), "")
        return Completed(0, "".join(f"{name}\n" for name in published), "")

    machine.programs |= {"apt-get": apt_get, "apt-cache": apt_cache}
    return machine


def no_download(address: str, urls: tuple[str, ...]) -> Download:
    """Debian packages are locked from what the package lists tell."""
    raise AssertionError(address)


CONTEXT = LockContext(None, no_download)
