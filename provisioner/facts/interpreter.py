"""Which Python a spec's packages go into, from files and from this process: no program is run."""

from __future__ import annotations

import posixpath
import re
import sys
import sysconfig

from provisioner.facts.paths import look_through
from provisioner.machine.reader import Interpreter, Reader
from provisioner.model.errors import ObserveError

DEFAULT_VENV = ".venv"
"""Beside the spec, when the running interpreter belongs to the system."""


def resolve(venv: str | None, reader: Reader) -> Interpreter:
    """The interpreter for a spec that asks for `venv`, or asks for none.

    Without `venv` it is the running one, unless only the system's package manager may change it
    (https://packaging.python.org/en/latest/specifications/externally-managed-environments/).
    """
    if venv is None and not externally_managed(reader):
        return running()
    return read_venv(posixpath.join(reader.context.folder, venv or DEFAULT_VENV), reader)


def externally_managed(reader: Reader) -> bool:
    """Whether only the system's package manager may install here."""
    outside_venv = sys.prefix == sys.base_prefix
    mark = posixpath.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")
    return outside_venv and look_through(mark, reader) is not None


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
    return posixpath.basename(entry.rstrip("/")) in ("site-packages", "dist-packages")


def read_venv(path: str, reader: Reader) -> Interpreter:
    """A virtual environment as in its pyvenv.cfg; one without a working Python has yet to be made."""
    executable = f"{path}/bin/python"
    try:
        settings = read_settings(f"{path}/pyvenv.cfg", reader)
        exists = bool(settings) and look_through(executable, reader) is not None
    except ObserveError:
        settings, exists = {}, False
    # `version` is what the standard library writes, `version_info` what virtualenv and uv write.
    version = settings.get("version_info") or settings.get("version") or ""
    match = re.match(r"\d+\.\d+\.\d+", version) if exists else None
    version = match[0] if match else running_version()
    short = version.rpartition(".")[0]
    folders = [f"{path}/lib/python{short}/site-packages"]
    if settings.get("include-system-site-packages", "").lower() == "true":
        folders += system_folders(posixpath.dirname(settings.get("home", "/usr/bin")), short, reader)
    return Interpreter(
        executable=executable,
        version=version,
        site_packages=tuple(folders),
        venv=path,
        exists=exists,
        maker=sys.executable,
        markers=None if version == running_version() else markers_of(version),
    )


def read_settings(file: str, reader: Reader) -> dict[str, str]:
    lines = (reader.read(file) or b"").decode("utf-8", errors="replace").splitlines()
    pairs = (line.partition("=") for line in lines)
    return {key.strip().lower(): value.strip() for key, equals, value in pairs if equals}


def system_folders(prefix: str, short: str, reader: Reader) -> list[str]:
    """Where a system interpreter below `prefix` looks for distributions, on Debian and elsewhere."""
    places = [
        f"{prefix}/local/lib/python{short}/dist-packages",
        f"{prefix}/lib/python{short}/site-packages",
        f"{prefix}/lib/python3/dist-packages",
    ]
    return [place for place in places if reader.list(place) is not None]


def markers_of(version: str) -> dict[str, str]:
    """The PEP 508 marker values that differ between CPythons of one machine."""
    return {
        "python_version": version.rpartition(".")[0],
        "python_full_version": version,
        "implementation_version": version,
    }
