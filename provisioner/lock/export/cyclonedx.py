"""A lock as a bill of materials: CycloneDX 1.6 in JSON, by its official library.

Format: https://cyclonedx.org/docs/1.6/json/. Package URLs: https://github.com/package-url/purl-spec.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from pydantic import TypeAdapter

from provisioner.kinds import base, registry
from provisioner.kinds.base import Material
from provisioner.lock.document import Target
from provisioner.spec.spec import Spec
from provisioner.version import __version__

TOOL = "colab-provisioner"
ROOT = "spec"

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, f"pkg:pypi/{TOOL}")
"""Of serial numbers, which are made from what they are for: equal locks have equal bills."""

Notes = Mapping[str, object]
"""Our own properties of a component; None is left out."""


def text(spec: Spec, target: Target) -> str:
    """All that a target has, and what the spec depends on in its base; the same for equal locks."""
    components = {component.bom_ref.value: component for component in map(as_component, materials(target))}
    root = Component(
        type=ComponentType.APPLICATION,
        name=spec.name,
        version=target.spec.removeprefix("sha256:")[:12],
        bom_ref=ROOT,
        properties=properties(about_base(target)),
    )
    tool = Component(type=ComponentType.APPLICATION, name=TOOL, version=__version__)
    metadata = BomMetaData(component=root, tools=ToolRepository(components=[tool]))
    bom = Bom(serial_number=serial(spec, target), metadata=metadata, components=components.values())
    bom.register_dependency(root, components.values())
    return as_known(json.loads(JsonV1Dot6(bom).output_as_string()))


def as_known(bill: dict[str, Any]) -> str:
    """A bill's text without what the library adds that is not true or not known."""
    # The time that counts is that of the lock, which version control has.
    del bill["metadata"]["timestamp"]
    # A lock does not say what needs what, and a component without an entry may need anything.
    bill["dependencies"] = [each for each in bill["dependencies"] if each["ref"] == ROOT]
    return json.dumps(bill, indent=2) + "\n"


def serial(spec: Spec, target: Target) -> uuid.UUID:
    contents = TypeAdapter(Target).dump_json(target, by_alias=True).decode()
    return uuid.uuid5(NAMESPACE, f"{TOOL} {__version__}\n{spec.name}\n{contents}")


def about_base(target: Target) -> Notes:
    """The machine that the target is for, and its base."""
    brought = target.base.model_dump()
    return {
        "target": target.name,
        **target.machine.model_dump(),
        **{f"base:{key}": value for key, value in brought.items()},
    }


def materials(target: Target) -> Iterator[Material]:
    """All components of all kinds."""
    for name, pins in target.pins.items():
        if lock := registry.get(name).lock:
            yield from lock.materials(pins, target.machine.os)


def as_component(material: Material) -> Component:
    """A component that is named by its address. Of several files it is any one, so each has its own hash."""
    references = [
        ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(url), hashes=[sha256_of(digest)])
        for url, digest in material.files
        if url
    ]
    if material.repository:
        references.append(ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(material.repository)))
    return Component(
        type=ComponentType.DATA if material.data else ComponentType.LIBRARY,
        name=material.name,
        version=material.version,
        bom_ref=material.address,
        purl=as_purl(material.purl) if material.purl else None,
        hashes=[sha256_of(digest) for _, digest in material.files] if len(material.files) == 1 else [],
        external_references=references,
        properties=properties(material.notes),
    )


def as_purl(url: base.PackageUrl) -> PackageURL:
    return PackageURL(url.type, url.namespace, url.name, url.version, dict(url.qualifiers), url.subpath)


def sha256_of(digest: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=digest)


def properties(notes: Notes) -> list[Property]:
    return [
        Property(name=f"colabenv:{name}", value=str(value))
        for name, value in notes.items()
        if value is not None
    ]
