"""What an image comes with, and what may move it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import index as making
from tests.scene import format_change
from tests.unit.kinds.pip.conftest import Workplace, reasons

PROTECTED = "but it is protected because it came with the image"


@pytest.fixture
def image(place: Workplace) -> Workplace:
    """An interpreter that comes with numpy 2 and tensorflow, which needs old protobuf."""
    for version in ("1.26.4", "2.0.2", "2.1.0"):
        place.index.add("numpy", version)
    for version in ("4.0", "5.0", "6.0"):
        place.index.add("protobuf", version)
    place.index.add("tensorflow", "2.18.0", "numpy<2.1", "protobuf<6")
    place.apply({"packages": ["tensorflow", "numpy==2.0.2", "protobuf==5.0"]})
    return place


def test_guard_protects_what_others_would_change(image: Workplace) -> None:
    image.index.add("old", "1.0", "numpy<2")
    step = image.step({"packages": ["old"]})
    assert "! pip.numpy  2.0.2 -> 1.26.4" in [format_change(change) for change in step.changes]
    assert "needed by old (numpy<2)" in reasons(step)
    assert "name numpy in pip.packages" in reasons(step)
    assert "preinstalled: free" in reasons(step)
    free = {"packages": ["old"], "preinstalled": "free"}
    assert image.plan(free) == ["+ pip.old  (absent) -> 1.0", "~ pip.numpy  2.0.2 -> 1.26.4"]
    image.apply({"packages": ["old", "numpy"]})
    assert image.version("numpy") == "1.26.4"


def test_guard_prefers_a_version_that_changes_nothing(image: Workplace) -> None:
    image.index.add("tool", "1.0", "numpy")
    image.index.add("tool", "2.0", "numpy>=2.1")
    assert image.plan({"packages": ["tool"]}) == ["+ pip.tool  (absent) -> 1.0"]


def test_guard_keeps_what_protected_packages_need(image: Workplace) -> None:
    image.index.add("tool", "1.0", "protobuf>=4")
    image.index.add("tool", "2.0", "protobuf>=6")
    assert image.plan({"packages": ["tool"]}) == ["+ pip.tool  (absent) -> 1.0"]


def test_what_is_asked_for_may_break_what_protected_packages_need_with_a_warning(image: Workplace) -> None:
    image.index.add("tool", "2.0", "protobuf>=6")
    step = image.step({"packages": ["tool"]})
    assert "~ pip.protobuf  5.0 -> 6.0" in [format_change(change) for change in step.changes]
    assert "tensorflow 2.18.0 needs protobuf<6, which will be 6.0" in reasons(step)


def test_keep_protects_everything(image: Workplace) -> None:
    image.index.add("tool", "1.0", "protobuf<5")
    assert image.plan({"packages": ["tool"]}) == ["+ pip.tool  (absent) -> 1.0", "~ pip.protobuf  5.0 -> 4.0"]
    step = image.step({"packages": ["tool"], "preinstalled": "keep"})
    assert "! pip.protobuf  5.0 -> 4.0" in [format_change(change) for change in step.changes]


def test_the_torch_family_moves_together(place: Workplace) -> None:
    for torch, vision in (("2.8.0", "0.23.0"), ("2.9.0", "0.24.0")):
        place.index.add("nvidia-cublas", torch)
        place.index.add("torch", torch, f"nvidia-cublas=={torch}")
        place.index.add("torchvision", vision, f"torch=={torch}")
    place.apply({"packages": ["torch==2.8.0", "torchvision"]})
    assert place.plan({"packages": ["torch>=2.8"]}) == []
    assert place.plan({"packages": ["torch>=2.9"]}) == [
        "~ pip.torch  2.8.0 -> 2.9.0",
        "~ pip.nvidia-cublas  2.8.0 -> 2.9.0",
        "~ pip.torchvision  0.23.0 -> 0.24.0",
    ]
    place.apply({"packages": ["torch>=2.9"]})


def test_a_build_with_a_local_version_from_an_address_is_protected(place: Workplace, tmp_path: Path) -> None:
    """As on Colab's GPU image: torch @ https://..+cu128..whl, and the index offers another build."""
    special = tmp_path / "torch-2.8.0+cu128-py3-none-any.whl"
    special.write_bytes(making.wheel("torch", "2.8.0+cu128"))
    place.index.add("torch", "2.8.0")
    place.index.add("torch", "2.9.0")
    place.apply({"packages": [f"torch @ file://{special}"]})
    place.index.add("tool", "1.0", "torch>=2.8")
    assert place.plan({"packages": ["tool", "torch==2.8.0"]}) == ["+ pip.tool  (absent) -> 1.0"]
    place.apply({"packages": ["tool"]})
    assert place.version("torch") == "2.8.0+cu128"


def test_the_kernels_packages_and_what_colab_pins_are_protected(place: Workplace) -> None:
    for name in ("ipykernel", "pandas", "jupyter-client"):
        place.index.add(name, "1.0")
        place.index.add(name, "2.0")
    place.index.add("google-colab", "1.0.0", "pandas==1.0", "ipykernel==1.0")
    place.apply({"packages": ["google-colab", "jupyter_client==1.0"]})
    for name in ("ipykernel", "pandas", "jupyter-client"):
        place.index.add(f"wants-{name}", "1.0", f"{name}>=2")
        step = place.step({"packages": [f"wants-{name}"]})
        assert f"! pip.{name}  1.0 -> 2.0" in [format_change(change) for change in step.changes]
    step = place.step({"packages": ["pandas>=2"]})
    assert "google-colab 1.0.0 needs pandas==1.0, which will be 2.0" in reasons(step)


def test_what_an_image_broke_itself_is_told_and_left(image: Workplace) -> None:
    image.index.add("tool", "1.0", "numpy<2")
    image.apply({"packages": ["tool"], "no_deps": True})
    step = image.step({"packages": ["tool"]})
    assert not step.pending
    assert f"numpy 2.0.2: needed by tool (numpy<2), {PROTECTED}" in reasons(step)


def test_only_who_cannot_do_with_what_is_there_is_blamed(image: Workplace) -> None:
    image.index.add("anyone", "1.0", "numpy>=1.26")
    image.index.add("old", "1.0", "numpy==1.26.4")
    wanted = {"packages": ["anyone", "old"]}
    assert f"needed by old (numpy==1.26.4), {PROTECTED}" in reasons(image.step(wanted))
    free = image.step({**wanted, "preinstalled": "free"})
    assert "needed by old (numpy==1.26.4)" in reasons(free)
    assert "needed by anyone" not in reasons(free)


def test_what_is_there_for_a_build_alone_is_not_blamed(place: Workplace) -> None:
    """To build `built` it takes `a-backend`, which wants other tools than those that are there."""
    place.index.add("tools", "1.0")
    place.index.add("tools", "2.0")
    place.index.add("a-backend", "1.0", "tools>=2")
    place.index.add("top", "1.0", "tools>1.0")
    place.index.add_source("built", "1.0", builders=("a-backend",))
    place.apply({"packages": ["tools==1.0"]})
    step = place.step({"packages": ["built", "top"], "preinstalled": "free"})
    assert "~ pip.tools  1.0 -> 2.0" in [format_change(change) for change in step.changes]
    assert "needed by top (tools>1.0)" in reasons(step)
    assert "a-backend" not in reasons(step)
