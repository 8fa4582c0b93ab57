"""What a lock holds of Debian packages."""

from __future__ import annotations

from provisioner.facts import dpkg as status
from provisioner.kinds.shared.debian.pins import DebianPins
from tests.fakes import FakeMachine
from tests.unit.kinds.shared.debian.pinned import package


def test_what_is_there_in_another_version_is_missing() -> None:
    pins = DebianPins.model_validate({"packages": [package("tea"), package("cup"), package("jug")]})
    text = "".join(
        f"Package: {name}\nStatus: install ok installed\nArchitecture: all\nVersion: {version}\n\n"
        for name, version in (("tea", "1.0"), ("cup", "0.9"))
    )
    machine = FakeMachine()
    machine.put("/var/lib/dpkg/status", text)
    dpkg = status.observe(machine)
    assert dpkg
    assert [each.word for each in pins.missing(dpkg)] == ["cup=1.0", "jug=1.0"]
