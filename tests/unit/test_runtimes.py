"""Colab's images, known offline: the tables say what the public lists say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner import runtimes
from provisioner.errors import ProvisionerError
from provisioner.runtimes import tables

LISTS = sorted((Path(__file__).parents[1] / "data" / "colab-runtimes").glob("*.json"))


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_an_image_is_what_the_public_lists_say(path: Path) -> None:
    expected = json.loads(path.read_text())
    image = runtimes.load(f"colab-{path.stem}")
    assert {key: getattr(image, key) for key in expected} == expected


def test_images_are_known_by_name_oldest_first() -> None:
    assert runtimes.names() == tuple(f"colab-{path.stem}" for path in LISTS)
    assert [runtimes.load(name).name for name in runtimes.names()] == list(runtimes.names())
    assert runtimes.load("2026.07-gpu") == runtimes.load("colab-2026.07-gpu")
    assert runtimes.newest("tpu").name == "colab-2026.08-tpu"


@pytest.mark.parametrize(
    ("name", "near"),
    [("colab-2026.7-gpu", "colab-2026.07-gpu"), ("2026.08", "colab-2026.08"), ("x", "2026.08")],
)
def test_an_unknown_name_is_answered_with_near_ones(name: str, near: str) -> None:
    with pytest.raises(ProvisionerError, match=f"known as {name}") as caught:
        runtimes.load(name)
    assert near in caught.value.hint


def test_newest_knows_three_sorts_of_image() -> None:
    with pytest.raises(ProvisionerError, match="known as npu"):
        runtimes.newest("npu")


@pytest.mark.parametrize("name", runtimes.names())
def test_a_machine_is_recognised_although_it_was_changed(name: str) -> None:
    image = runtimes.load(name)
    found = {name: version or "0.1" for name, version in image.distributions.items()}
    assert runtimes.recognise(found) == image
    moved = dict.fromkeys([*found][:12], "99")
    assert runtimes.recognise({**found, **moved, "added-later": "1"}) == image


def test_another_machine_is_not_recognised() -> None:
    assert runtimes.recognise({}) is None
    half = list(runtimes.newest("cpu").distributions.items())[::2]
    assert runtimes.recognise({name: version or "0" for name, version in half}) is None


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
