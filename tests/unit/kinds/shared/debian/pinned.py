"""Debian packages as a lock holds them, and a machine whose apt knows of their files."""

from __future__ import annotations

from typing import Any

from provisioner.kinds.shared.debian.apt_get import AptOrder
from provisioner.machine.reader import Completed
from tests.fakes import FakeMachine

SHA = "ab" * 32
ORDER = AptOrder(install=("tea=1.0",), exact=True)


def package(name: str, version: str = "1.0", sha256: str = SHA) -> dict[str, Any]:
    source = f"https://example.org/{name}_{version}_all.deb"
    return {"name": name, "version": version, "source": source, "size": 5, "sha256": sha256}


def offering(*told: str) -> FakeMachine:
    """A machine whose apt-get says these lines of files."""
    machine = FakeMachine()
    machine.programs["apt-get"] = lambda _machine, _run: Completed(
        0, "".join(f"{line}\n" for line in told), ""
    )
    return machine
