"""What came with a clone around a dataset: by the sha1 of its content in git's index."""

from __future__ import annotations

import hashlib

import pytest

from provisioner.kinds.datasets.around import LARGEST, came_with
from provisioner.machine.download.receipt import NO_OTHERS
from tests.fakes import FakeMachine


def sha1(content: bytes) -> bytes:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).digest()


def clone(**files: bytes) -> FakeMachine:
    """A machine with a clone in /work/t, which has these files checked out in its folder `models`."""
    machine = FakeMachine(made=("/work/t", "/work/t/models"))
    for name, content in files.items():
        machine.put(f"/work/t/models/{name}", content)
    machine.put("/work/t/.git/index", b"DIRC" + b"".join(map(sha1, files.values())) + sha1(b"../x"))
    return machine


def came(machine: FakeMachine) -> str:
    return came_with("/work/t/models", "/work/t/models", NO_OTHERS, machine)


def test_what_is_in_the_index_came_with_the_clone() -> None:
    machine = clone(keep=b"", readme=b"put them here")
    machine.put_link("/work/t/models/link", "../x")
    assert came(machine) == "/work/t"


@pytest.mark.parametrize("changed", [b"put them there", b""])
def test_a_changed_file_is_somebodys(changed: bytes) -> None:
    machine = clone(readme=b"put them here")
    machine.put("/work/t/models/readme", changed)
    assert came(machine) == ""


def test_a_link_that_leads_elsewhere_is_somebodys() -> None:
    machine = clone(keep=b"")
    machine.put_link("/work/t/models/link", "../y")
    assert came(machine) == ""


def test_a_large_file_is_not_read_just_to_plan() -> None:
    assert came(clone(weights=b"0" * LARGEST)) == "/work/t"
    assert came(clone(weights=b"0" * (LARGEST + 1))) == ""


def test_a_folder_without_an_index_explains_nothing() -> None:
    machine = clone(keep=b"")
    machine.drop("/work/t/.git/index")
    assert came(machine) == ""


def test_of_several_places_around_it_the_nearest_that_explains_it_counts() -> None:
    machine = clone(keep=b"")
    machine.made = ("/work", "/work/t", "/work/t/models")
    assert came(machine) == "/work/t"
    machine.put("/work/.git/index", machine.read("/work/t/.git/index") or b"")
    machine.drop("/work/t/.git/index")
    assert came(machine) == "/work"
