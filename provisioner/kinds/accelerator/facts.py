"""What is attached to a machine, and which of the frameworks that the file names are installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from provisioner.facts import platforms
from provisioner.facts.distributions import Installed
from provisioner.facts.platforms import Platform
from provisioner.kinds.accelerator.section import FRAMEWORKS, Accelerator
from provisioner.machine.reader import Reader
from provisioner.model.accelerators import Accelerators


@dataclass(frozen=True)
class AcceleratorFacts:
    """What is attached, and the frameworks that could compute on it."""

    platform: Platform
    attached: Accelerators
    python: str
    installed: tuple[str, ...]
    """Folders that change when a framework is installed or removed."""
    loader_path: str
    """LD_LIBRARY_PATH."""
    target_image: str = ""
    """The name of an image that is not here, whose driver cannot be asked; "" for this machine."""
    frameworks: Mapping[str, str] = field(default_factory=dict)
    """Those that the file names, as far as they are installed: "2.20.0", or "tensorflow-cpu 2.20.0"."""


def observe(config: Accelerator, reader: Reader) -> AcceleratorFacts:
    return AcceleratorFacts(
        platform=platforms.detect(reader),
        attached=reader.accelerators(),
        python=reader.context.python.executable,
        installed=reader.context.python.site_packages,
        loader_path=reader.environ.get("LD_LIBRARY_PATH", ""),
        target_image=reader.context.target_image,
        frameworks=versions(config.frameworks, reader) if config.frameworks else {},
    )


def versions(frameworks: Iterable[str], reader: Reader) -> dict[str, str]:
    """What is installed of each framework, and under which name where it has another."""
    installed = Installed(reader)
    return {
        name: found.version if found.name == name else f"{found.name} {found.version}"
        for name in frameworks
        for found in [next(filter(None, map(installed.get, FRAMEWORKS[name])), None)]
        if found
    }
