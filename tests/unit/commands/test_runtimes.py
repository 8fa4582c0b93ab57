"""The command `runtimes`: what is printed of Colab's images, and what differs between two of them."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from provisioner import cli
from provisioner.render.runtimes import render_difference, render_images
from provisioner.render.terminal import coloured
from provisioner.runtimes import images as runtimes
from provisioner.runtimes.difference import difference
from tests import golden

DOCUMENT = Path(__file__).parents[3] / "docs" / "runtimes.md"
CONSOLE = re.compile(
    r"(?<=^```console\n)\$ colabenv (?P<words>.*)\n(?P<shown>(?:.*\n)*?)(?=```$)", re.MULTILINE
)

SPEC = """\
version: 1
name: course
runtime: {python: "3.12"}
jdk: 17
pip: {packages: ["numpy<2.1", torch, pandas]}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the current one, and a terminal of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert cli.main(["runtimes", *words]) == code
    captured = capsys.readouterr()
    return captured.err if code else captured.out


def test_the_list_fits_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys)
    golden.check("runtimes.txt", text)
    assert max(map(len, text.splitlines())) <= 80


def test_a_wide_terminal_takes_one_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    text = said(capsys)
    assert text.count("colab-2026.08-gpu") == 1
    assert len(text.splitlines()) == 1 + len(runtimes.names())


def test_the_narrowest_terminal_takes_a_column_at_a_time() -> None:
    text = render_images([runtimes.load("gpu")], width=1)
    assert text.count("colab-2026.08-gpu") == 10


def test_what_matters_to_a_spec(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "course.yaml").write_text(SPEC)
    text = said(capsys, "diff", "colab-2026.07-gpu", "colab-2026.08-gpu", "course.yaml")
    golden.check("runtimes-diff.txt", text)
    assert max(map(len, text.splitlines())) <= 80


def test_all_that_changed(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "diff", "2026.07-gpu", "2026.08-gpu")
    assert text.splitlines()[-1] == "268 changes."
    assert max(map(len, text.splitlines())) <= 80


def test_colour_adds_nothing_but_colour() -> None:
    old, new = runtimes.load("2026.07-tpu"), runtimes.load("2026.08-tpu")
    names = (old.name, new.name)
    text = render_difference(names, difference(old, new), paint=coloured)
    assert re.sub(r"\x1b\[[\d;]*m", "", text) == render_difference(names, difference(old, new))
    images = render_images([old, new], paint=coloured)
    assert re.sub(r"\x1b\[[\d;]*m", "", images) == render_images([old, new])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("2026.07-gpu", "2026.07-gpu"), "Nothing changed."),
        (("2026.07-gpu", "2026.07-gpu", "jdk.yaml"), "No change affects jdk.yaml."),
        (("2026.07-cpu", "2026.08-cpu", "env.yaml"), "No change affects env.yaml; 275 others do not."),
        (("2026.07-cpu", "2026.08-cpu", "numpy.yaml"), "2 changes affect numpy.yaml; 273 others do not."),
    ],
)
def test_the_last_line_sums_it_up(
    folder: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    for name, section in (("jdk", "jdk: 17"), ("env", "env: {A: b}"), ("numpy", "pip: {packages: [numpy]}")):
        (folder / f"{name}.yaml").write_text(f"version: 1\n{section}\n")
    assert said(capsys, "diff", *words).splitlines()[-1] == told


def test_what_could_not_be_read_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "colabenv.yaml").write_text("version: 1\npip: {requirements: [requirements.txt]}\n")
    (folder / "requirements.txt").write_text("numpy\nhttps://example.org/tool-1.0-py3-none-any.whl\n")
    text = said(capsys, "diff", "2026.07-cpu", "2026.08-cpu", "colabenv.yaml")
    assert "~ numpy  2.0.2 -> 2.1.3" in text
    assert "requirements.txt has lines that only uv can read" in " ".join(text.split())


def test_the_documents(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed: dict[str, Any] = json.loads(said(capsys, "--json"))
    assert listed["format"] == "provisioner.runtimes/1"
    assert [image["name"] for image in listed["images"]] == list(runtimes.names())
    assert listed["images"][-1]["versions"]["jdk"] == "21"

    (folder / "course.yaml").write_text(SPEC)
    for words in (("--json", "diff"), ("diff", "--json")):
        found: dict[str, Any] = json.loads(said(capsys, *words, "2026.07-gpu", "2026.08-gpu", "course.yaml"))
        assert found["format"] == "provisioner.runtimes-diff/1"
        assert (found["from"], found["to"]) == ("colab-2026.07-gpu", "colab-2026.08-gpu")
        assert (found["spec"], len(found["changes"]) + found["others"]) == ("course.yaml", 268)
        assert {
            "address": "pip.numpy",
            "action": "update",
            "before": "2.0.2",
            "after": "2.1.3",
            "reason": "the file asks for numpy<2.1",
            "transitive": False,
        } in found["changes"]


def test_what_is_not_known_is_answered_with_what_is_near(capsys: pytest.CaptureFixture[str]) -> None:
    assert "colab-2026.08-gpu" in said(capsys, "diff", "2026.07-gpu", "2026.8-gpu", code=1)
    assert "there is no file other.yaml" in said(
        capsys, "diff", "2026.07-gpu", "2026.08-gpu", "other.yaml", code=1
    )


def test_the_documentation_shows_what_is_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """UPDATE_GOLDEN=1 writes the page's examples anew."""
    page = DOCUMENT.read_text()
    (folder / "colabenv.yaml").write_text(page.partition("```yaml\n")[2].partition("```")[0])

    def run(found: re.Match[str]) -> str:
        assert cli.main(shlex.split(found["words"])) == 0
        return f"$ colabenv {found['words']}\n{capsys.readouterr().out}"

    shown = CONSOLE.sub(run, page)
    assert shown.count("$ colabenv") == 2
    if os.environ.get("UPDATE_GOLDEN"):
        DOCUMENT.write_text(shown)
    assert page == shown
