"""What of Colab's images a whole spec is concerned with."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.engine.concerns import concerns_of
from provisioner.model.errors import ProvisionerError
from provisioner.runtimes import images
from provisioner.runtimes.difference import affecting
from provisioner.spec.spec import parse

IMAGE = images.load("2026.07-gpu")


def concerned(text: str, folder: Path) -> dict[str, str]:
    """Wishes by address, of a spec in a folder."""
    found = concerns_of(parse("version: 1\n" + text, "colabenv.yaml", str(folder)))
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
    concerns = concerns_of(parse(f"version: 1\njdk: '{wanted}'\n", "colabenv.yaml", str(tmp_path))).concerns
    changes = affecting(IMAGE, images.load("2026.08-gpu"), concerns)
    reasons = {change.address: change.reason for change in changes}
    assert reasons["apt.openjdk-17-jdk-headless"] == (f"the file asks for jdk {wanted}" if missed else "")
    assert reasons["apt.openjdk-21-jdk-headless"] == ""
