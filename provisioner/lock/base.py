"""The machine that a lock is made on or for, and what was installed there before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection

from provisioner.facts import dpkg as debian
from provisioner.facts import system
from provisioner.facts.base_image import is_base
from provisioner.facts.distributions import Installed
from provisioner.facts.platforms import detect, operating_system, release
from provisioner.lock.document import Base, Where
from provisioner.machine.reader import Reader
from provisioner.runtimes.images import Image


def digest(value: object) -> str:
    """sha256 over JSON in one order."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def describe(reader: Reader, image: Image | None) -> Where:
    """The machine, as a lock describes it."""
    attached = reader.accelerators()
    return Where(
        runtime=image.name if image else None,
        os=operating_system(reader),
        python=reader.context.python.version,
        glibc=glibc(reader),
        architecture=(reader.context.python.markers or {}).get("platform_machine") or system.architecture(),
        accelerator=image.image if image else "gpu" if attached.gpus else "tpu" if attached.tpu else "cpu",
        driver=attached.driver or None,
        cuda=attached.cuda or None,
    )


def glibc(reader: Reader) -> str | None:
    """Its version, which says what wheels may be built for: as dpkg has it, or else as this process has."""
    dpkg = debian.observe(reader)
    libc = dpkg.get("libc6") if dpkg else None
    return libc.version.partition("-")[0] if libc else system.libc()[1] or None


def name_of(place: Where, reader: Reader) -> str:
    """The default name of a target: the same on machines that are alike."""
    if place.runtime:
        return place.runtime
    place_name: str = detect(reader)
    if place_name == "other":
        names = release(reader)
        place_name = "-".join(filter(None, (names.get("ID", "linux"), names.get("VERSION_ID"))))
    return f"{place_name}-python{place.series}-{place.architecture}-{place.accelerator}"


def installed_before(reader: Reader, on_top: Collection[str], image: Image | None) -> Base:
    """What was there before, by names and versions: all but what is `on_top`, and what uv installed. Of a
    known image it is what the image's lists have, whatever else was added to the machine.
    """
    installed = Installed(reader)
    distributions = {
        name: one.version
        for name, one in installed.found.items()
        if name not in on_top and is_base(one, installed, image)
    }
    dpkg = debian.observe(reader)
    known = dpkg.packages.items() if dpkg else ()
    packages = {name: one.version for name, one in known if name not in on_top}
    if image:
        listed = image.distributions
        distributions = {name: version for name, version in distributions.items() if listed.get(name)}
        packages = {name: version for name, version in packages.items() if name in image.apt}
    found = digest({"pip": distributions, "apt": packages})
    return Base(fingerprint=found, distributions=len(distributions), packages=len(packages))
