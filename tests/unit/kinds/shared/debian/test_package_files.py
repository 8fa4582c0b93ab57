"""Which file apt tells of."""

from __future__ import annotations

from provisioner.kinds.shared.debian.package_files import find_files
from tests.unit.kinds.shared.debian.pinned import ORDER, SHA, offering


def test_a_password_of_a_repository_is_not_held() -> None:
    told = f"'https://me:hunter22@x.org/tea_1%3a1.0_all.deb' tea_1%3a1.0_all.deb 5 SHA256:{SHA}"
    found = find_files({"tea": "1:1.0"}, ORDER, offering(told))
    assert found["tea"].version == "1:1.0"
    assert "hunter22" not in found["tea"].source
