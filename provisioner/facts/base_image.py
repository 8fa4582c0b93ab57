"""What a machine had before we changed it."""

from __future__ import annotations

from provisioner.facts.distributions import Distribution, Installed
from provisioner.facts.platforms import detect
from provisioner.machine.reader import Reader
from provisioner.runtimes import images
from provisioner.runtimes.images import Image


def is_base(one: Distribution, installed: Installed, image: Image | None) -> bool:
    """Whether something was there before: in a known image's list, from apt, or not installed by uv."""
    if one.by_apt:
        return True
    if image and one.name in image.distributions:
        return image.distributions[one.name] in (None, one.version)
    return (installed.reader.read(f"{one.path}/INSTALLER") or b"").strip() != b"uv"


SYSTEM = "/usr/local/lib"
"""Where Colab's images have their Python, whatever virtual environment a spec asks for."""


def image_of(reader: Reader) -> Image | None:
    """The known image that a machine started from; only Colab's own machines have one."""
    if reader.context.target_image:
        return images.load(reader.context.target_image)
    if detect(reader) != "colab":
        return None
    pythons = (name for name in reader.list(SYSTEM) or () if name.startswith("python3."))
    installed = Installed(reader, tuple(f"{SYSTEM}/{name}/dist-packages" for name in pythons))
    return images.recognise({name: one.version for name, one in installed.found.items()})
