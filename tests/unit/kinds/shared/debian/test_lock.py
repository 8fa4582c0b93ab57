"""What is locked of Debian packages, and what a review and a bill of materials say of that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provisioner.facts import dpkg as database
from provisioner.kinds.base import LockedEntry, PackageUrl, Pinning
from provisioner.kinds.shared.debian.lock import contents, materials, package_url, pin
from provisioner.kinds.shared.debian.simulation import PackageMove, Simulation
from provisioner.kinds.shared.debian.transaction import NO_TRANSACTION, AptTransaction
from provisioner.model.errors import LockError
from provisioner.runtimes import images
from tests.unit.kinds.shared.debian.pinned import CONTEXT, SHA, debian, pins


def bringing(*moves: PackageMove) -> AptTransaction:
    return AptTransaction(simulation=Simulation(moves=moves))


def test_what_is_there_and_what_is_coming_is_locked() -> None:
    machine = debian({"tea": "1.0"}, {"tea": ("1.0",), "cup": ("2.0",)})
    transaction = bringing(PackageMove("cup", None, "2.0"), PackageMove("mug", "1.0", None))
    locked = pin(["tea", "milk"], database.observe(machine), transaction, machine, CONTEXT, None)
    assert [each.word for each in locked.packages] == ["cup=2.0", "tea=1.0"]
    assert locked.unlocked == ("milk",)


def test_what_the_image_brought_is_of_the_base() -> None:
    image = images.load("2026.07-gpu")
    version = image.apt["libc6"]
    machine = debian({"libc6": version}, {})
    context = replace(CONTEXT, image=image)
    locked = pin(["libc6"], database.observe(machine), NO_TRANSACTION, machine, context, None)
    assert (locked.packages, locked.versions) == ((), {"libc6": version})


def test_what_the_repositories_have_no_more_stays_locked() -> None:
    machine = debian({"tea": "1.0"}, {"tea": ("2.0",)})
    earlier = Pinning(pins("tea=1.0", "cup=1.0"), exact=False)
    locked = pin(["tea"], database.observe(machine), NO_TRANSACTION, machine, CONTEXT, earlier)
    assert locked == pins("tea=1.0")


def test_what_no_repository_tells_of_cannot_be_locked() -> None:
    machine = debian({}, {})
    transaction = bringing(PackageMove("cup", None, "2.0"))
    with pytest.raises(LockError, match=r"no repository says which file cup 2\.0 is"):
        pin(["cup"], database.observe(machine), transaction, machine, CONTEXT, None)


def test_a_review_is_told_of_what_comes_on_top_of_the_base() -> None:
    found = contents(pins("tea=1.0", base=("cup=2.0",), unlocked=("milk",)))
    assert found.entries == (LockedEntry("tea", "1.0", (SHA,)),)
    assert found.unlocked == ("milk",)
    assert found.on_top == {"tea"}


def test_a_bill_of_materials_lists_the_base_too() -> None:
    found = {
        each.address: each
        for each in materials(pins("tea=1.0", base=("cup=2.0",), unlocked=("milk",)), "Ubuntu 24.04.2 LTS")
    }
    assert {address: each.version for address, each in found.items()} == {
        "apt.tea": "1.0",
        "apt.cup": "2.0",
        "apt.milk": None,
    }
    assert found["apt.tea"].files == (("https://example.org/tea_1.0_all.deb", SHA),)
    assert [each.notes for each in found.values()] == [
        {"size": 5},
        {"brought-by": "base"},
        {"version": "any"},
    ]
    assert found["apt.cup"].purl == PackageUrl(
        type="deb", namespace="ubuntu", name="cup", version="2.0", qualifiers={"distro": "ubuntu-24.04"}
    )


@pytest.mark.parametrize(
    ("system", "name", "file", "vendor", "qualifiers"),
    [
        (
            "Debian GNU/Linux 12 (bookworm)",
            "libc6:i386",
            "libc6_2.36-9_i386.deb",
            "debian",
            {"arch": "i386", "distro": "debian-12"},
        ),
        (
            "Ubuntu 24.04.2 LTS",
            "fonts",
            "fonts_1%3a1_all.deb",
            "ubuntu",
            {"arch": "all", "distro": "ubuntu-24.04"},
        ),
        ("Debian GNU/Linux trixie/sid", "tree", "", "debian", {}),
    ],
)
def test_a_package_is_named_with_its_system_and_architecture(
    system: str, name: str, file: str, vendor: str, qualifiers: dict[str, str]
) -> None:
    found = package_url(name, "1", system, file)
    assert found == PackageUrl(
        type="deb",
        namespace=vendor,
        name=name.removesuffix(":i386"),
        version="1",
        qualifiers=qualifiers,
    )
