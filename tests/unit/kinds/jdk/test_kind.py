"""The kind `jdk`, beyond what case files can say."""

from __future__ import annotations

import re

import pytest

from provisioner.kinds import registry
from tests import scene

INSTALLED = "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21.22\n"


@pytest.mark.parametrize(
    ("version", "java", "javac", "right"),
    [
        (17, 'openjdk version "17.0.15" 2025-04-15', "javac 17.0.15", True),
        (21, 'openjdk version "21" 2023-09-19', "javac 21", True),
        (25, 'openjdk version "25-ea" 2025-09-16', "javac 25-ea", True),
        (8, 'openjdk version "1.8.0_432"', "javac 1.8.0_432", True),
        (17, 'openjdk version "21.0.17" 2025-04-15', "javac 21.0.17", False),
        (1, 'openjdk version "17.0.15" 2025-04-15', "javac 17.0.15", False),
    ],
)
def test_java_proves_its_version(version: int, java: str, javac: str, right: bool) -> None:
    kind = registry.get("jdk")
    package = (
        f"Package: openjdk-{version}-jdk-headless\nStatus: install ok installed\nArchitecture: amd64\n"
        f"Version: {version}\n"
    )
    machine = scene.build(
        {"files": {"/var/lib/dpkg/status": f"{INSTALLED}\n{package}"}, "programs": {"apt-get": []}}
    )
    config = scene.validate("jdk", version, machine)
    checks = list(kind.checks(config, kind.observe(config, machine)))
    said = zip(checks, (java, javac), strict=True)
    assert [bool(re.search(check.matches, text)) for check, text in said] == [right, right]
