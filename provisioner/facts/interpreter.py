"""Which Python a spec's packages go into, learnt from files and from this process: nothing is started."""

from __future__ import annotations

import re
import sys
import sysconfig
from pathlib import Path

from provisioner.machine.reader import Interpreter

DEFAULT_VENV = ".venv"
"""Beside the spec, when the running interpreter belongs to the system."""


def resolve(venv: str | None, folder: str) -> Interpreter:
    """The interpreter for a spec in `folder` that asks for `venv`, or asks for none.

    Without a wish it is the running one, unless its distributor keeps it to itself
    (https://packaging.python.org/en/latest/specifications/externally-managed-environments/).
    """
    if venv is None and not externally_managed():
        return running()
    return read_venv(Path(folder, venv or DEFAULT_VENV))


def externally_managed() -> bool:
    """Whether only the system's package manager may install here."""
    bare = sys.prefix == sys.base_prefix
    return bare and Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").exists()


def running() -> Interpreter:
    return Interpreter(
        executable=sys.executable,
        version=running_version(),
        site_packages=tuple(dict.fromkeys(filter(holds_distributions, sys.path))),
        venv=sys.prefix if sys.prefix != sys.base_prefix else None,
    )


def running_version() -> str:
    return "{}.{}.{}".format(*sys.version_info[:3])


def holds_distributions(entry: str) -> bool:
    """Colab and Debian install into dist-packages, everyone else into site-packages."""
    return Path(entry).name in ("site-packages", "dist-packages")


def read_venv(path: Path) -> Interpreter:
    """A virtual environment as its pyvenv.cfg tells it; one without a working Python has yet to be made."""
    settings = read_settings(path / "pyvenv.cfg")
    executable = path / "bin" / "python"
    exists = bool(settings) and executable.exists()
    # `version` is what the standard library writes, `version_info` what virtualenv and uv write.
    told = settings.get("version_info") or settings.get("version") or ""
    match = re.match(r"\d+\.\d+\.\d+", told) if exists else None
    version = match[0] if match else running_version()
    short = version.rpartition(".")[0]
    folders = [path / "lib" / f"python{short}" / "site-packages"]
    if settings.get("include-system-site-packages", "").lower() == "true":
        folders += system_folders(Path(settings.get("home", "/usr/bin")).parent, short)
    return Interpreter(
        executable=str(executable),
        version=version,
        site_packages=tuple(map(str, folders)),
        venv=str(path),
        exists=exists,
        maker=sys.executable,
        markers=None if version == running_version() else markers_of(version),
    )


def read_settings(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines)
    return {key.strip().lower(): value.strip() for key, equals, value in pairs if equals}


def system_folders(prefix: Path, short: str) -> list[Path]:
    """Where a bare interpreter below `prefix` looks for distributions, on Debian and elsewhere."""
    places = [
        prefix / "local" / "lib" / f"python{short}" / "dist-packages",
        prefix / "lib" / f"python{short}" / "site-packages",
        prefix / "lib" / "python3" / "dist-packages",
    ]
    return [place for place in places if place.is_dir()]


def markers_of(version: str) -> dict[str, str]:
    """The PEP 508 marker values that differ between CPythons of one machine."""
    return {
        "python_version": version.rpartition(".")[0],
        "python_full_version": version,
        "implementation_version": version,
    }
