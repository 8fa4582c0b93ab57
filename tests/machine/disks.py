"""The disks that machines begin with: made by mmdebstrap once a month, shared by all test processes."""

from __future__ import annotations

import fcntl
import hashlib
import inspect
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.machine.debian_root import BUNDLE, CACHE, REPOSITORY, UID, USER, VENV, Bind, call, running

PACKAGES = ("python3", "python3-venv", "python3-pip", "ca-certificates", "passwd")


@dataclass(frozen=True)
class Release:
    """A release of Debian, and what of it tests need to know."""

    name: str
    number: str
    python: str
    jdk: int
    later_jdk: int
    unknown_key: str
    """What apt says of a signature by a key that it does not have."""

    def __str__(self) -> str:
        return self.name


BOOKWORM = Release("bookworm", "12", "3.11", 17, 21, unknown_key="NO_PUBKEY")
TRIXIE = Release("trixie", "13", "3.13", 21, 25, unknown_key="Missing key")
RELEASES = (BOOKWORM, TRIXIE)


@dataclass
class Roots:
    """A release's cached disks, built once by whichever process comes first and kept while any uses them."""

    release: Release
    folder: Path = CACHE / "roots"
    held: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("pip", "uv"):
            (CACHE / name).mkdir(exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.held.close()

    @property
    def caches(self) -> tuple[Bind, ...]:
        """Downloads that all machines share."""
        return tuple(Bind(CACHE / name, f"/root/.cache/{name}", "rw") for name in ("pip", "uv"))

    def get(self, name: str, ingredients: Sequence[str], build: Callable[[Path], None]) -> Path:
        """The disk `name` made of `ingredients`; `build` makes it in an empty folder when there is none."""
        name = f"{name}-{self.release}"
        key = hashlib.sha256("\0".join(ingredients).encode()).hexdigest()[:12]
        disk = self.folder / f"{name}-{key}"
        self.held.enter_context(locked(self.folder / f"{disk.name}.used", fcntl.LOCK_SH))
        with locked(self.folder / "building", fcntl.LOCK_EX):
            if not disk.exists():
                draft = self.folder / f"{name}.draft"
                shutil.rmtree(draft, ignore_errors=True)
                self.prune(name, disk)
                draft.mkdir()
                build(draft)
                draft.rename(disk)
        return disk

    def prune(self, name: str, keep: Path) -> None:
        """Remove earlier disks of this name that no process uses."""
        old = [disk for disk in self.folder.glob(f"{name}-*") if disk.is_dir() and disk != keep]
        for disk in old:
            try:
                with locked(self.folder / f"{disk.name}.used", fcntl.LOCK_EX | fcntl.LOCK_NB) as path:
                    shutil.rmtree(disk.rename(self.folder / f"{name}.draft"))
                    path.unlink()
            except BlockingIOError:
                continue

    def fresh(self) -> Path:
        """A fresh Debian with only python3, pip and venv. Made anew each month, as the archive moves."""
        trust = host_bundle()
        suite = self.release.name
        recipe = [suite, *PACKAGES, inspect.getsource(Roots), time.strftime("%Y-%m", time.gmtime()), trust]

        def build(draft: Path) -> None:
            hook = f'chroot "$1" useradd --create-home --shell /bin/bash --uid {UID} {USER}'
            command = ["mmdebstrap", "--variant=apt", f"--include={','.join(PACKAGES)}"]
            call([*command, f"--customize-hook={hook}", suite, str(draft)])
            trust_also(draft, trust)

        return self.get("fresh", recipe, build)

    def installed(self) -> Path:
        """A fresh Debian with colab-provisioner and its dependencies in VENV, and apt's lists fetched.

        The package itself lies there as it was when the disk was made: show the current one over it. So it
        is not in its RECORD, lest it look damaged.
        """
        lower = self.fresh()
        recipe = [lower.name, (REPOSITORY / "pyproject.toml").read_text()]

        def build(draft: Path) -> None:
            call(["cp", "-a", "--reflink=auto", f"{lower}/.", str(draft)])
            wheels = draft / "tmp/wheels"
            call(
                [
                    sys.executable,
                    "-m",
                    "uv",
                    "build",
                    "--quiet",
                    "--wheel",
                    "--out-dir",
                    str(wheels),
                    str(REPOSITORY),
                ]
            )
            (wheel,) = wheels.glob("*.whl")
            with running(lower, [*self.caches, Bind(draft, "/mnt", "rw")]) as root:
                inside = ["chroot", "/mnt"]
                root.run(["cp", "/etc/resolv.conf", "/etc/hosts", "/mnt/etc/"])
                root.run([*inside, "apt-get", "update"])
                root.run([*inside, "python3", "-m", "venv", VENV])
                pip = [f"{VENV}/bin/pip", "install", "--no-cache-dir", f"/tmp/wheels/{wheel.name}"]
                root.run([*inside, *pip])
            shutil.rmtree(wheels)
            (record,) = (draft / VENV[1:]).glob("lib/python3*/site-packages/colab_provisioner-*/RECORD")
            lines = record.read_text().splitlines(keepends=True)
            record.write_text("".join(line for line in lines if not line.startswith("provisioner/")))

        return self.get("installed", recipe, build)


def package_folder(disk: Path) -> str:
    """Where an `installed` disk holds the package."""
    (found,) = disk.glob(f"{VENV[1:]}/lib/python3*/site-packages/provisioner")
    return "/" + str(found.relative_to(disk))


def snapshot(to: Path, lower: Path) -> Path:
    """Copy the package from the working tree and compile it by the root's own Python."""
    package = to / "provisioner"
    shutil.copytree(REPOSITORY / "provisioner", package, ignore=shutil.ignore_patterns("__pycache__"))
    with running(lower, [Bind(package, "/mnt", "rw")]) as root:
        compiling = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "/mnt"]
        root.run(["python3", *compiling])
    return package


def host_bundle() -> str:
    """The certificates that the host trusts, as PEM text; empty when it has no bundle of its own."""
    bundle = Path(os.environ.get("SSL_CERT_FILE") or BUNDLE)
    return bundle.read_text() if bundle.is_file() else ""


def trust_also(disk: Path, bundle: str) -> None:
    """Make a Debian trust what the host trusts beyond Debian's own list, as an administrator would."""
    pem = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL)
    known = {"".join(text.split()) for text in pem.findall((disk / BUNDLE[1:]).read_text())}
    extra = [text for text in pem.findall(bundle) if "".join(text.split()) not in known]
    folder = disk / "usr/local/share/ca-certificates"
    for number, text in enumerate(extra):
        (folder / f"host-{number}.crt").write_text(text)
    if extra:
        call(["chroot", str(disk), "update-ca-certificates"])


@contextmanager
def locked(path: Path, how: int) -> Iterator[Path]:
    """Hold a lock file; the kernel lets go of it when we die."""
    with path.open("w") as file:
        fcntl.flock(file, how)
        yield path
