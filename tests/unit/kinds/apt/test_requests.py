"""What a spec may ask of apt."""

from __future__ import annotations

from hypothesis import given

from provisioner.facts import dpkg as status
from provisioner.kinds.apt.requests import Package, read_package
from tests.unit.facts.test_dpkg import NAMES, VERSIONS


@given(name=NAMES, version=VERSIONS, other=VERSIONS)
def test_a_package_is_found_in_the_version_that_was_asked_for(name: str, version: str, other: str) -> None:
    text = f"Package: {name}\nStatus: install ok installed\nArchitecture: all\nVersion: {version}\n"
    dpkg = status.parse([text.encode()])
    assert Package(name=name).installed(dpkg) == version
    assert Package(name=name, version=version).installed(dpkg) == version
    assert Package(name=name, version=f"{version[:1]}*").installed(dpkg) == version
    assert (Package(name=name, version=other).installed(dpkg) is None) == (other != version)
    assert (Package(name=name, version=f"{other}*").installed(dpkg) is None) == (
        not version.startswith(other)
    )


@given(name=NAMES, version=VERSIONS)
def test_a_package_is_read_as_it_is_written(name: str, version: str) -> None:
    package = Package(name=name, version=version)
    assert Package.model_validate(read_package(package.word)) == package
    assert Package.model_validate(read_package(f" {name} = {version}")) == package
