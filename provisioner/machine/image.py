"""A Reader of one of Colab's images, which is not this machine: what its lists say, and the spec's folder.

Programs cannot be run there. The one exception is uv, which resolves for another Python and platform when it
is given what is installed: a folder of ours with only names and versions.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from provisioner.machine import image_files
from provisioner.machine.download import receipt
from provisioner.machine.reader import Answer, Completed, Context, Interpreter, Reader, Stat
from provisioner.machine.urls import is_web
from provisioner.model.accelerators import Accelerators
from provisioner.model.effects import Run
from provisioner.model.errors import ObserveError
from provisioner.model.kernel import Kernel
from provisioner.runtimes.images import Image

MEMORY = int(12.7 * 1024**3)
"""Bytes that Colab's smallest machines have; no list says which one an image will run on."""

ROOM = 30 * 1024**3
"""Bytes: somewhat less than the smallest disk has free beside the image. No list says, and what is reported
to fit should fit."""

LEFT = re.compile(rf".*{re.escape(receipt.SUFFIX)}|\..*\.provisioner-.*|.*\.part")
"""What an apply here leaves beside its datasets."""

NOTHING = Accelerators()


@dataclass
class ImageReader:
    """A Reader of an image. `here` is this machine, whose spec's folder, uv and network are used.

    The kernel is that of a notebook on such a machine, which may mount Drive and fetch secrets.
    """

    image: Image
    here: Reader
    python: Interpreter
    attached: Accelerators = NOTHING
    made: frozenset[str] = frozenset()
    """What the spec itself makes in its folder. It may exist here after an apply, but not on the image."""
    ensured: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    """What the spec edits, which others make."""

    @cached_property
    def context(self) -> Context:
        """No spec was ever applied there."""
        return Context(
            folder=self.here.context.folder,
            home=image_files.HOME,
            root=True,
            made=tuple(sorted(self.made)),
            ensured=self.ensured,
            edited=self.edited,
            state=self.here.context.state,
            memory=MEMORY,
            python=self.python,
            target_image=self.image.name,
        )

    @cached_property
    def environ(self) -> Mapping[str, str]:
        return image_files.environment(self.image)

    @cached_property
    def files(self) -> dict[str, str]:
        """The image's files, by path."""
        python = image_files.interpreter(self.image, self.context.state)
        return image_files.files(self.image, *python.site_packages)

    @cached_property
    def links(self) -> dict[str, str]:
        return image_files.links(self.image)

    @cached_property
    def folders(self) -> dict[str, tuple[str, ...]]:
        """The names in each of the image's folders, by path."""
        known: dict[str, set[str]] = {self.context.home: set(), image_files.FOLDER: set()}
        for path in (*self.files, *self.links, *list(known)):
            while path != "/":
                above, name = posixpath.split(path)
                known.setdefault(above, set()).add(name)
                path = above
        return {path: tuple(sorted(names)) for path, names in known.items()}

    def is_real(self, path: str) -> bool:
        """Whether a path is in the spec's folder, and not the result of an earlier apply."""
        if path != self.context.folder and not path.startswith(self.context.folder.rstrip("/") + "/"):
            return False
        if path in self.made or LEFT.fullmatch(posixpath.basename(path)):
            return False
        if self.here.stat(receipt.beside(path)):
            return False
        while path != self.context.folder:
            if self.here.stat(receipt.inside(path)):
                return False
            path = posixpath.dirname(path)
        return True

    def read(self, path: str) -> bytes | None:
        if path in self.files:
            return self.files[path].encode()
        return self.here.read(path) if is_web(path) or self.is_real(path) or self.is_kept(path) else None

    def is_kept(self, path: str) -> bool:
        """Whether a path is one of `keep`, which are our own wherever we are."""
        return path.startswith(f"{self.context.state}/kept/")

    def stat(self, path: str) -> Stat | None:
        if path in self.files:
            return Stat("file", 0o644, len(self.files[path]), 0)
        if path in self.links:
            return Stat("link", 0o777, 0, 0, self.links[path])
        if path in self.folders:
            return Stat("folder", 0o755, 0, 0)
        return self.here.stat(path) if self.is_real(path) else None

    def list(self, path: str) -> tuple[str, ...] | None:
        if path in self.folders:
            return self.folders[path]
        names = self.here.list(path) if self.is_real(path) else None
        return None if names is None else tuple(n for n in names if self.is_real(posixpath.join(path, n)))

    def hash(self, path: str) -> str | None:
        data = self.read(path)
        return None if data is None else hashlib.sha256(data).hexdigest()

    def keep(self, name: str, data: bytes) -> str:
        return self.here.keep(name, data)

    def which(self, program: str) -> str | None:
        """Only apt-get is looked for: other programs cannot be run here."""
        return "/usr/bin/apt-get" if program == "apt-get" and "apt" in self.image.apt else None

    def free(self, path: str) -> int:
        return ROOM

    def ask(self, run: Run) -> Completed:
        program = posixpath.basename(run.argv[0])
        if program == "git":
            return self.here.ask(run)  # only servers are asked: no clone is there yet
        if program != "uv":
            raise ObserveError(f"{program} cannot be run on {self.image.name}, which is not this machine")
        self.show()
        return self.here.ask(run)

    def show(self) -> None:
        """Make the folder that shows uv what the image has: a cache of ours, made once for each list."""
        place = Path(self.python.shown)
        if not self.python.exists or place.exists():
            return
        fresh = place.with_name(f"{place.name}.{os.getpid()}")
        try:
            for path, text in image_files.distributions(self.image).items():
                file = fresh / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            fresh.rename(place)
        except OSError as error:
            if place.exists():
                return  # another plan was quicker
            raise ObserveError(f"cannot write {error.filename}: {error.strerror}") from error
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def head(self, url: str) -> Answer:
        return self.here.head(url)

    def accelerators(self) -> Accelerators:
        return self.attached

    def kernel(self) -> Kernel | None:
        return Kernel(folder=image_files.FOLDER)

    def cancel(self) -> None:
        self.here.cancel()
