"""A package index in a folder: tiny distributions, made on the spot, that a test adds and changes at will."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

BACKEND = """
import pathlib, sys, zipfile

HERE = pathlib.Path(__file__).parent

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
{before}
    source = next(HERE.glob("*.whl.source"))
    name = source.name.removesuffix(".source")
    (pathlib.Path(wheel_directory) / name).write_bytes(source.read_bytes())
    return name

build_editable = build_wheel
"""
"""A build backend that needs nothing: the wheel lies ready beside it. `before` runs first and may fail."""


def normal(name: str) -> str:
    return name.replace("-", "_").replace(".", "_").lower()


def metadata(
    name: str, version: str, requires: tuple[str, ...], extras: Mapping[str, tuple[str, ...]]
) -> str:
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", "Requires-Python: >=3.8"]
    lines += [f"Requires-Dist: {need}" for need in requires]
    for extra, needs in extras.items():
        lines += [f"Provides-Extra: {extra}"]
        lines += [f'Requires-Dist: {need} ; extra == "{extra}"' for need in needs]
    return "\n".join(lines) + "\n\nA description: with a colon.\n"


def wheel(
    name: str,
    version: str,
    requires: tuple[str, ...] = (),
    extras: Mapping[str, tuple[str, ...]] | None = None,
) -> bytes:
    """A wheel with one package, which tells its version."""
    module, info = normal(name), f"{normal(name)}-{version}.dist-info"
    files = {
        f"{module}/__init__.py": f"__version__ = {version!r}\n",
        f"{module}/data.txt": "some data\n" * 20,
        f"{info}/METADATA": metadata(name, version, requires, extras or {}),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(text.encode())}\n"
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0)), text)
    return buffer.getvalue()


def project(
    name: str,
    version: str,
    requires: tuple[str, ...] = (),
    *,
    before: str = "pass",
    static: bool = True,
    builders: tuple[str, ...] = (),
) -> dict[str, bytes]:
    """The files of a source tree. Unless `static`, what it needs is only known by building it.

    `builders` are needed to build it.
    """
    known = f'version = "{version}"\ndependencies = {list(requires)!r}' if static else ""
    known += "" if static else 'dynamic = ["version", "dependencies"]'
    pyproject = (
        f'[build-system]\nrequires = {list(builders)!r}\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        f'[project]\nname = "{name}"\n{known}\n'
    )
    built = f"{normal(name)}-{version}-py3-none-any.whl.source"
    return {
        "pyproject.toml": pyproject.encode(),
        "backend.py": BACKEND.format(before=f"    {before}").encode(),
        built: wheel(name, version, requires),
    }


def write_project(folder: Path, files: Mapping[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for path, data in files.items():
        (folder / path).write_bytes(data)
    return folder


@dataclass
class Index:
    """A PEP 503 index below `root`, at `url`."""

    root: Path
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"file://{self.root}/simple"

    def add(
        self,
        name: str,
        version: str,
        *requires: str,
        extras: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Path:
        """Publish a wheel and return where it lies."""
        data = wheel(name, version, requires, extras)
        return self.publish(name, f"{normal(name)}-{version}-py3-none-any.whl", data)

    def add_source(
        self, name: str, version: str, *requires: str, before: str = "pass", builders: tuple[str, ...] = ()
    ) -> Path:
        """Publish a source archive that cannot be understood without building it."""
        stem = f"{normal(name)}-{version}"
        contents = project(name, version, requires, before=before, static=False, builders=builders)
        contents["PKG-INFO"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for path, data in contents.items():
                member = tarfile.TarInfo(f"{stem}/{path}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        return self.publish(name, f"{stem}.tar.gz", buffer.getvalue())

    def publish(self, name: str, file: str, data: bytes) -> Path:
        slug = normal(name).replace("_", "-")
        folder = self.root / "simple" / slug
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(data)
        self.files.setdefault(slug, {})[file] = data
        links = "".join(
            f'<a href="{one}#sha256={hashlib.sha256(content).hexdigest()}">{one}</a>\n'
            for one, content in self.files[slug].items()
        )
        (folder / "index.html").write_text(f"<!DOCTYPE html><html><body>\n{links}</body></html>\n")
        return folder / file
