"""What is read from apt's own simulation, beyond what case files can say."""

from __future__ import annotations

from provisioner.kinds.shared.debian.simulation import nearest


def test_near_names_begin_alike() -> None:
    known = ["libgl1", "libgl1-mesa-dri", "libglib2.0-0", "mesa-utils", "libgtk"]
    assert nearest("libgl1-mesa-glx", known)[0] == "libgl1-mesa-dri"
    assert nearest("zzz", known) == []
