"""Colab's images, known offline: the tables say what the public lists say."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.model.errors import ProvisionerError
from provisioner.runtimes import images, tables
from provisioner.runtimes.images import Image

PUBLISHED = {
    "colab-2025.07-cpu": (636, 1340, "c08ac1fa8f4c6759"),
    "colab-2025.07-tpu": (281, 1281, "9180cf1c30820ae7"),
    "colab-2025.10-cpu": (671, 1341, "1d59a8f1eeb25e56"),
    "colab-2025.10-tpu": (288, 1282, "fe3f2e1db8197351"),
    "colab-2026.01-cpu": (662, 1077, "d9f19bf1088cc00e"),
    "colab-2026.01-gpu": (719, 1136, "74b044f026264a27"),
    "colab-2026.01-tpu": (306, 1077, "ff9f0fda3ac66f4e"),
    "colab-2026.04-cpu": (668, 1077, "6cd00d5d7bac3886"),
    "colab-2026.04-gpu": (729, 1136, "1329e803ea242405"),
    "colab-2026.04-tpu": (311, 1077, "301d8efc46ef095b"),
    "colab-2026.07-cpu": (643, 1078, "a0f4ee60b07abea3"),
    "colab-2026.07-gpu": (704, 1137, "258723ddc26c3fdb"),
    "colab-2026.07-tpu": (314, 1078, "c591d269f925c679"),
    "colab-2026.08-cpu": (641, 1079, "e7a0504d9f068cf0"),
    "colab-2026.08-gpu": (703, 1138, "761b17d83e061b1f"),
    "colab-2026.08-tpu": (316, 1079, "afd8832418c00371"),
}
"""How many lines the pip and apt lists have, and a digest of both, made from the lists themselves."""

TOLD = {
    "2025.07": ("3.11.13", "2.0.2", "2.6.0", "0.5.2", "2.18.0"),
    "2025.10": ("3.12.12", "2.0.2", "2.8.0", "0.5.3", "2.19.0"),
    "2026.01": ("3.12.12", "2.0.2", "2.9.0", "0.7.2", "2.19.0"),
    "2026.04": ("3.12.13", "2.0.2", "2.10.0", "0.7.2", "2.19.0"),
    "2026.07": ("3.12.13", "2.0.2", "2.11.0", "0.7.2", "2.20.0"),
}
"""What the README of backend-info says of the past runtimes: Python, numpy, PyTorch, Jax, TensorFlow."""


def digest(image: Image) -> str:
    lines = (
        f"{name} {version}\n" for held in (image.pip, image.apt) for name, version in sorted(held.items())
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


@pytest.mark.parametrize("name", PUBLISHED)
def test_an_image_holds_what_the_public_lists_say(name: str) -> None:
    image = images.load(name)
    assert (len(image.pip), len(image.apt), digest(image)) == PUBLISHED[name]


@pytest.mark.parametrize("runtime", TOLD)
def test_the_telling_versions_are_those_that_colab_announced(runtime: str) -> None:
    image = images.load(f"{runtime}-cpu")
    told = image.telling
    torch = (told["torch"] or "").partition("+")[0]
    assert (image.python, told["numpy"], torch, told["jax"], told["tensorflow"]) == TOLD[runtime]
    assert images.load(f"{runtime}-tpu").telling["tensorflow"] is None


def test_what_is_known_of_an_image_besides_its_lists() -> None:
    image = images.load("colab-2026.08-gpu")
    assert (image.runtime, image.image, image.name) == ("2026.08", "gpu", "colab-2026.08-gpu")
    assert (image.commit, image.date) == ("a724079", "2026-08-19")
    assert (image.os, image.python) == ("Ubuntu 22.04.5 LTS", "3.13.15")
    assert image.pip["jupyter_kernel_gateway"] is None
    assert image.distributions["torch"] == "2.11.0+cu128"
    assert image.telling["jdk"] == "21"


def test_images_are_known_by_name_oldest_first() -> None:
    assert images.names() == tuple(PUBLISHED)
    assert [images.load(name).name for name in images.names()] == list(images.names())
    assert images.load("2026.07-gpu") == images.load("colab-2026.07-gpu")
    assert images.load("tpu").name == "colab-2026.08-tpu"


@pytest.mark.parametrize(
    ("name", "near"),
    [("colab-2026.7-gpu", "colab-2026.07-gpu"), ("2026.08", "colab-2026.08"), ("x", "2026.08")],
)
def test_an_unknown_name_is_answered_with_near_ones(name: str, near: str) -> None:
    with pytest.raises(ProvisionerError, match=f"named {name}") as caught:
        images.load(name)
    assert near in caught.value.hint


def test_newest_knows_three_sorts_of_image() -> None:
    with pytest.raises(ProvisionerError, match="named npu"):
        images.load("npu")


@pytest.mark.parametrize("name", images.names())
def test_a_machine_is_recognised_although_it_was_changed(name: str) -> None:
    image = images.load(name)
    found = {name: version or "0.1" for name, version in image.distributions.items()}
    assert images.recognise(found) == image
    moved = dict.fromkeys([*found][:12], "99")
    assert images.recognise({**found, **moved, "added-later": "1"}) == image


def test_another_machine_is_not_recognised() -> None:
    assert images.recognise({}) is None
    half = list(images.load("cpu").distributions.items())[::2]
    assert images.recognise({name: version or "0" for name, version in half}) is None


VERSIONS = st.one_of(st.none(), st.sampled_from(["1.0", "2:1.0-1", "2.6.0+cu124"]))
HOLDING = st.dictionaries(
    st.sampled_from(["2026.04-cpu", "2026.07-cpu", "2026.07-gpu", "2026.08-cpu"]),
    st.dictionaries(st.sampled_from(["numpy", "NumPy", "torch_xla", "gateway"]), VERSIONS),
    min_size=1,
)


@given(HOLDING)
def test_a_table_gives_back_what_was_put_in(holding: dict[str, dict[str, str | None]]) -> None:
    text = "".join("\t".join(row) + "\n" for row in tables.lists(holding))
    found = [*tables.cells(text)]
    assert {heading: tables.column(found, heading) for heading in holding} == holding
