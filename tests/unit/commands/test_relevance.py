"""What of Colab's images matters to a spec, and what differs between two of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.commands.relevance import relevance
from provisioner.model.errors import ProvisionerError
from provisioner.runtimes import images
from provisioner.runtimes.difference import UNTOLD, Concern, difference, relevant
from provisioner.spec.spec import parse

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
    moved |= {f"pip.{name}": version or UNTOLD for name, version in pip.items()}
    for change in difference(old, new):
        assert moved.pop(change.address, None) == change.before
        if change.after is not None:
            moved[change.address] = change.after
    assert moved == {"runtime.python": "3.14.0"} | {f"apt.{n}": v for n, v in renewed.items()} | {
        f"pip.{name}": version or UNTOLD for name, version in later.items()
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
    assert {change.address: change.reason for change in relevant(OLD, NEW, [concern])} == told


def concerned(text: str, folder: Path) -> dict[str, str]:
    """Wishes by address, of a spec in a folder."""
    found = relevance(parse("version: 1\n" + text, "colabenv.yaml", str(folder)))
    return {concern.address: concern.wish for concern in found.concerns}


FAMILY = {f"pip.{name}": "" for name in ("torch", "torchvision", "torchaudio", "triton", "nvidia-*")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("env: {A: b}", {}),
        ("runtime: {disk_free: 5GiB}", {}),
        ("runtime: {python: '>=3.11', os: ubuntu}", {"runtime.python": "python >=3.11", "runtime.os": ""}),
        ("accelerator: {any_of: [T4], frameworks: [torch]}", FAMILY),
        ("jdk: 17", {"runtime.os": "", "apt.openjdk-*": "", "apt.openjdk-*-jdk*": "jdk 17"}),
        (
            "apt: {packages: ['ffmpeg:amd64', 'curl=7*', {any_of: [libgl1, libglx]}], absent: [vim]}",
            {
                "runtime.os": "",
                "apt.libc6": "",
                "apt.ffmpeg": "ffmpeg:amd64",
                "apt.curl": "curl=7*",
                "apt.libgl1": "",
                "apt.libglx": "",
                "apt.vim": "",
            },
        ),
        (
            f"apt: {{debs: [{{url: 'https://example.org/tool_1.0_amd64.deb', sha256: {'0' * 64}}}]}}",
            {"runtime.os": "", "apt.libc6": "", "apt.tool": ""},
        ),
        (
            "pip: {packages: ['NumPy<2.1', \"six; python_version < '3.13'\"], absent: [Keras]}",
            {"runtime.python": "", "pip.keras": "", "pip.numpy": "numpy<2.1", "pip.six": ""},
        ),
        (
            "pip: {packages: ['torch @ https://example.org/torch-2.9-py3-none-any.whl']}",
            {"runtime.python": "", **FAMILY},
        ),
        ("pip: {packages: [torch], absent: [keras], venv: .venv}", {"runtime.python": ""}),
    ],
)
def test_what_a_spec_is_concerned_with(text: str, expected: dict[str, str], tmp_path: Path) -> None:
    assert concerned(text, tmp_path) == expected


def test_requirements_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("xgboost>=2\n-r more.txt\n-c limits.txt\n")
    (tmp_path / "more.txt").write_text("pandas\n")
    (tmp_path / "limits.txt").write_text("scipy<2\n")
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'course'\n")
    assert concerned("pip: {requirements: [requirements.txt], editable: [.]}", tmp_path) == {
        "runtime.python": "",
        "pip.xgboost": "xgboost>=2",
        "pip.pandas": "pandas",
        "pip.scipy": "",
        "pip.course": str(tmp_path),
    }


def test_a_requirements_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProvisionerError, match=r"there is no file .*/lost\.txt"):
        concerned("pip: {requirements: [lost.txt]}", tmp_path)


@pytest.mark.parametrize(
    ("wanted", "missed"), [("17", True), (">=17", False), ("21", False), (">=11,<21", True)]
)
def test_java_is_judged_by_its_major_version(wanted: str, missed: bool, tmp_path: Path) -> None:
    concerns = relevance(parse(f"version: 1\njdk: '{wanted}'\n", "colabenv.yaml", str(tmp_path))).concerns
    changes = relevant(IMAGE, images.load("2026.08-gpu"), concerns)
    reasons = {change.address: change.reason for change in changes}
    assert reasons["apt.openjdk-17-jdk-headless"] == (f"the file asks for jdk {wanted}" if missed else "")
    assert reasons["apt.openjdk-21-jdk-headless"] == ""
