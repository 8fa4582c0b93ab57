"""A lock as a bill of materials: CycloneDX 1.6 in JSON, by the library of its makers.

Format: https://cyclonedx.org/docs/1.6/json/. Package URLs: https://github.com/package-url/purl-spec.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from pydantic import TypeAdapter

from provisioner.kinds.datasets import pins as dataset_pins
from provisioner.kinds.pip import pins as python_pins
from provisioner.kinds.pip.lock import PYPI
from provisioner.kinds.shared.debian import pins as debian_pins
from provisioner.lock.document import Target, Where
from provisioner.machine.urls import file_name
from provisioner.spec.spec import Spec
from provisioner.version import __version__

TOOL = "colab-provisioner"
ROOT = "spec"

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, f"pkg:pypi/{TOOL}")
"""Of serial numbers, which are made from what they are for: equal locks have equal bills."""

SYSTEM = re.compile(r"(?P<vendor>\w+)\D*(?P<release>\d+(?:\.\d\d)?)?")
"""Vendor and release in "Debian GNU/Linux 12 (bookworm)" and in "Ubuntu 22.04.5 LTS"."""

ARCHITECTURE = re.compile(r"_([^_]+)\.deb")

Notes = dict[str, object]
"""What a component is said to be in words of ours; None is not said."""

File = tuple[str | None, str]
"""Where a file is had from, if that has a URL, and its sha256 in hexadecimal."""


def text(spec: Spec, target: Target) -> str:
    """All that a target holds, and what of its base the spec rests on; the same for equal locks."""
    components = {component.bom_ref.value: component for component in materials(target)}
    root = Component(
        type=ComponentType.APPLICATION,
        name=spec.name,
        version=target.spec.removeprefix("sha256:")[:12],
        bom_ref=ROOT,
        properties=properties(ground(target)),
    )
    tool = Component(type=ComponentType.APPLICATION, name=TOOL, version=__version__)
    metadata = BomMetaData(component=root, tools=ToolRepository(components=[tool]))
    bom = Bom(serial_number=serial(spec, target), metadata=metadata, components=components.values())
    bom.register_dependency(root, components.values())
    return as_known(json.loads(JsonV1Dot6(bom).output_as_string()))


def as_known(bill: dict[str, Any]) -> str:
    """A bill's text without what the library adds to it, and what is not so, or not known."""
    # It was made whenever its lock was, and that is in version control.
    del bill["metadata"]["timestamp"]
    # A lock does not say what needs what, and one who has no entry there may need anything.
    bill["dependencies"] = [each for each in bill["dependencies"] if each["ref"] == ROOT]
    return json.dumps(bill, indent=2) + "\n"


def serial(spec: Spec, target: Target) -> uuid.UUID:
    held = TypeAdapter(Target).dump_json(target, by_alias=True).decode()
    return uuid.uuid5(NAMESPACE, f"{TOOL} {__version__}\n{spec.name}\n{held}")


def ground(target: Target) -> Notes:
    """What the rest lies upon."""
    base = target.base.model_dump()
    return {
        "target": target.name,
        **target.machine.model_dump(),
        **{f"base:{key}": base[key] for key in base},
    }


def materials(target: Target) -> Iterator[Component]:
    for kind, pins in target.pins.items():
        yield from KINDS[kind](pins, target.machine)


def distributions(pins: python_pins.Pins, _machine: Where) -> Iterator[Component]:
    for each in pins.packages:
        path = each.directory.path if each.directory else next((file.path for file in each.files), None)
        yield component(
            "pip",
            each.name,
            each.version,
            purl=distribution_url(each),
            files=[(file.url, file.hashes.sha256) for file in each.files],
            vcs=each.vcs.url if each.vcs else None,
            notes={"size": each.size or None, "path": path},
        )
    for brought in pins.base:
        purl = PackageURL("pypi", None, brought.name, brought.version)
        yield component("pip", brought.name, brought.version, purl=purl, notes=FROM_BASE)


def distribution_url(pinned: python_pins.Pinned) -> PackageURL | None:
    """None for a project of one's own, which is not what an index may have by that name."""
    qualifiers = {}
    if pinned.vcs:
        qualifiers["vcs_url"] = f"{pinned.vcs.type}+{pinned.vcs.url}@{pinned.vcs.commit_id}"
    elif pinned.archive and pinned.archive.url:
        qualifiers["download_url"] = pinned.archive.url
    elif pinned.index is None:
        return None
    elif pinned.index != PYPI:
        qualifiers["repository_url"] = pinned.index
    subpath = pinned.vcs.subdirectory if pinned.vcs else None
    return PackageURL("pypi", None, pinned.name, pinned.version, qualifiers, subpath)


def packages(pins: debian_pins.Pins, machine: Where) -> Iterator[Component]:
    """Those of apt and of the JDK, which are apt's too."""
    for each in pins.packages:
        yield component(
            "apt",
            each.name,
            each.version,
            purl=package_url(each.name, each.version, machine, file_name(each.source)),
            files=[(each.source, each.sha256)],
            notes={"size": each.size},
        )
    for brought in pins.base:
        purl = package_url(brought.name, brought.version, machine)
        yield component("apt", brought.name, brought.version, purl=purl, notes=FROM_BASE)
    for name in pins.unlocked:
        purl = package_url(name, None, machine)
        yield component("apt", name, None, purl=purl, notes={"version": "any"})


def package_url(name: str, version: str | None, machine: Where, file: str = "") -> PackageURL:
    system = SYSTEM.match(machine.os)
    vendor = system["vendor"].lower() if system else "debian"
    release = system["release"] if system else None
    made_for = ARCHITECTURE.search(file)
    qualifiers = {
        "arch": made_for[1] if made_for else None,
        "distro": f"{vendor}-{release}" if release else None,
    }
    told = {key: value for key, value in qualifiers.items() if value}
    return PackageURL("deb", vendor, name.partition(":")[0], version, told)


def datasets(pins: dataset_pins.Pins, _machine: Where) -> Iterator[Component]:
    for name, each in pins.items():
        yield component(
            "datasets",
            name,
            None,
            files=[(each.url, each.sha256)],
            notes={"size": each.size, "path": each.path},
            what=ComponentType.DATA,
        )


KINDS: Mapping[str, Callable[[Any, Where], Iterator[Component]]] = {
    "apt": packages,
    "jdk": packages,
    "pip": distributions,
    "datasets": datasets,
}
"""How each kind that can be locked is told."""

FROM_BASE: Notes = {"brought-by": "base"}


def component(
    kind: str,
    name: str,
    version: str | None,
    *,
    purl: PackageURL | None = None,
    files: list[File] | None = None,
    vcs: str | None = None,
    notes: Notes,
    what: ComponentType = ComponentType.LIBRARY,
) -> Component:
    """A component that is named by its address. Of several files it is any one, so each has its own hash."""
    found = files or []
    references = [
        ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(url), hashes=[sha256_of(digest)])
        for url, digest in found
        if url
    ]
    if vcs:
        references.append(ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(vcs)))
    return Component(
        type=what,
        name=name,
        version=version,
        bom_ref=f"{kind}.{name}",
        purl=purl,
        hashes=[sha256_of(digest) for _, digest in found] if len(found) == 1 else [],
        external_references=references,
        properties=properties(notes),
    )


def sha256_of(digest: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=digest)


def properties(notes: Notes) -> list[Property]:
    return [
        Property(name=f"colabenv:{name}", value=str(value))
        for name, value in notes.items()
        if value is not None
    ]
