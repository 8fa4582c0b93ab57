"""What differs between two images, and what of that is kept."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.runtimes import images
from provisioner.runtimes.difference import UNKNOWN, Concern, affecting, difference

IMAGE = images.load("2026.07-gpu")
NAMES = st.sampled_from(["numpy", "torch-xla", "jax", "gateway"])
PIP = st.dictionaries(NAMES, st.one_of(st.none(), st.sampled_from(["1.0", "2.0"])))
APT = st.dictionaries(NAMES, st.sampled_from(["1.0-1", "2:2.0-1"]))


@given(PIP, PIP, APT, APT)
def test_a_difference_leads_from_one_image_to_the_other(
    pip: dict[str, str | None], later: dict[str, str | None], apt: dict[str, str], renewed: dict[str, str]
) -> None:
    old, new = replace(IMAGE, pip=pip, apt=apt), replace(IMAGE, pip=later, apt=renewed, python="3.14.0")
    moved = {"runtime.python": old.python} | {f"apt.{name}": version for name, version in apt.items()}
    moved |= {f"pip.{name}": version or UNKNOWN for name, version in pip.items()}
    for change in difference(old, new):
        assert moved.pop(change.address, None) == change.before
        if change.after is not None:
            moved[change.address] = change.after
    assert moved == {"runtime.python": "3.14.0"} | {f"apt.{n}": v for n, v in renewed.items()} | {
        f"pip.{name}": version or UNKNOWN for name, version in later.items()
    }


def test_another_spelling_is_no_difference() -> None:
    spelt = [replace(IMAGE, pip={name: "2.8.0"}) for name in ("torch-xla", "torch_xla", "Torch.XLA")]
    assert [difference(old, new) for old, new in pairwise(spelt)] == [(), ()]


OLD = replace(
    IMAGE, pip={"numpy": "2.0.2", "keras": "3.1", "gateway": None}, apt={"jdk-17": "17.0", "jdk-11": "11.0"}
)
NEW = replace(
    IMAGE, pip={"numpy": "2.1.3", "nvidia-nccl-cu13": "2.31", "gateway": "1.0"}, apt={"jdk-17": "17.0"}
)


@pytest.mark.parametrize(
    ("concern", "told"),
    [
        (Concern("pip.numpy"), {"pip.numpy": ""}),
        (Concern("pip.numpy", "numpy", lambda _: True), {"pip.numpy": ""}),
        (
            Concern("pip.numpy", "numpy<2.1", lambda version: version < "2.1"),
            {"pip.numpy": "the file asks for numpy<2.1"},
        ),
        (Concern("pip.numpy", "numpy<2", lambda _: False), {"pip.numpy": ""}),
        (Concern("pip.keras", "keras"), {"pip.keras": "the file asks for keras"}),
        (Concern("pip.keras"), {"pip.keras": ""}),
        (Concern("pip.nvidia-*"), {"pip.nvidia-nccl-cu13": ""}),
        (
            Concern("pip.gateway", "gateway==2", lambda _: False),
            {"pip.gateway": "the file asks for gateway==2"},
        ),
        (
            Concern("apt.jdk-*", "jdk 11", lambda version: version < "12"),
            {"apt.jdk-11": "the file asks for jdk 11"},
        ),
        (Concern("apt.jdk-*", "jdk >=11"), {"apt.jdk-11": ""}),
        (Concern("pip.num"), {}),
        (Concern("apt.numpy"), {}),
    ],
)
def test_only_what_is_of_concern_is_kept_and_says_what_is_missed(
    concern: Concern, told: dict[str, str]
) -> None:
    assert {change.address: change.reason for change in affecting(OLD, NEW, [concern])} == told
