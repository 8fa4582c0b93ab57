"""Colab's images as they were: what each runtime version came with, known offline.

Source: the lists in https://github.com/googlecolab/backend-info, in tables beside this file.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from provisioner.model.errors import ProvisionerError
from provisioner.runtimes import tables

PREFIX = "colab-"
ENOUGH = 0.9
"""The share of an image's distributions by which a machine is recognised: users install and upgrade some."""
TELLING = ("numpy", "torch", "tensorflow", "jax")
JDK = re.compile(r"openjdk-(\d+)-jdk(?:-headless)?")


@dataclass(frozen=True)
class Image:
    """What one image of one runtime version came with."""

    runtime: str
    """ "2026.07", as Colab's menu of runtime versions shows it."""
    image: str
    """ "cpu", "gpu" or "tpu"."""
    commit: str
    """Of backend-info, where the lists are."""
    date: str
    """Of that commit, "2026-07-14"."""
    os: str
    """ "Ubuntu 22.04.5 LTS"."""
    python: str
    """ "3.12.13"."""
    pip: Mapping[str, str | None] = field(hash=False, repr=False)
    """Versions by the names that `pip freeze` gives; None for what came from a repository."""
    apt: Mapping[str, str] = field(hash=False, repr=False)
    """Versions by the names that dpkg gives."""

    @property
    def name(self) -> str:
        return f"{PREFIX}{self.runtime}-{self.image}"

    @property
    def distributions(self) -> dict[str, str | None]:
        """The pip list by canonical names."""
        return {canonical(name): version for name, version in self.pip.items()}

    @property
    def telling(self) -> dict[str, str | None]:
        """The versions that notebooks depend on most; None for what is absent. Of Java, the major one."""
        found = self.distributions
        java = [int(match[1]) for match in map(JDK.fullmatch, self.apt) if match]
        return {name: found.get(name) for name in TELLING} | {"jdk": str(max(java)) if java else None}


@cache
def canonical(name: str) -> str:
    """A distribution's name as PEP 503 normalises it. The packaging library takes long to import."""
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def names() -> tuple[str, ...]:
    """The names of all images, oldest first: "colab-2026.07-gpu"."""
    return tuple(f"{PREFIX}{runtime}-{image}" for runtime, image, *_ in tables.rows("images.tsv")[1:])


@cache
def load(name: str) -> Image:
    """The image of that name; "2026.07-gpu" is enough, and "gpu" is the newest GPU image.

    Raises ProvisionerError when there is none, with similar names.
    """
    of_its_sort = [known for known in names() if known.rpartition("-")[2] == name]
    full = next(reversed(of_its_sort), name if name.startswith(PREFIX) else PREFIX + name)
    if full not in names():
        near = difflib.get_close_matches(full, names(), n=3) or names()[-3:]
        raise ProvisionerError(
            f"there is no Colab image named {name}",
            f"Similar: {', '.join(near)}. `colabenv runtimes` lists them all.",
        )
    heading = full.removeprefix(PREFIX)
    runtime, image, commit, date, os, python = tables.rows("images.tsv")[1 + names().index(full)]
    pip, apt = (tables.column(tables.rows(file), heading) for file in ("pip.tsv", "apt.tsv"))
    installed = {package: version for package, version in apt.items() if version}
    return Image(runtime, image, commit, date, os, python, pip, installed)


def recognise(distributions: Mapping[str, str]) -> Image | None:
    """The image that a machine started from: the one most of whose pip list is still installed there.

    `distributions` are versions by canonical names. None when no image is similar enough.
    """

    def kept(image: Image) -> int:
        listed = image.distributions.items()
        return sum(
            name in distributions and version in (None, distributions[name]) for name, version in listed
        )

    images = [load(name) for name in names()]
    near = [image for image in images if kept(image) >= ENOUGH * len(image.pip)]
    return max(near, key=kept, default=None)
