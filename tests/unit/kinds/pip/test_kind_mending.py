"""Breaking what is installed by hand, as a killed run would, and mending exactly that."""

from __future__ import annotations

import shutil

import pytest

from tests.unit.kinds.pip.conftest import Workplace, reasons


@pytest.mark.parametrize(
    ("gone", "reason"),
    [
        ("bottom", "bottom is missing"),
        ("bottom-1.0.dist-info/METADATA", "METADATA is missing"),
        ("bottom-1.0.dist-info/RECORD", "RECORD is missing"),
        ("top-1.0.dist-info/METADATA", "METADATA is missing"),
    ],
)
def test_what_is_broken_is_named_and_mended(chain: Workplace, gone: str, reason: str) -> None:
    path = chain.site_packages / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    name = gone.partition("-")[0]
    assert chain.plan({"packages": ["top"]}) == [f"~ pip.{name}  1.0 -> 1.0"]
    assert reason in reasons(chain.step({"packages": ["top"]}))
    chain.apply({"packages": ["top"]})
    assert path.exists()


def test_an_uninstalled_dependency_is_named_and_mended(chain: Workplace) -> None:
    shutil.rmtree(chain.site_packages / "bottom-1.0.dist-info")
    assert chain.plan({"packages": ["top"]}) == ["+ pip.bottom  (absent) -> 1.0"]
    chain.apply({"packages": ["top"]})


@pytest.mark.parametrize("how", ["missing", "cut"])
def test_after_a_killed_run_every_file_is_looked_at(chain: Workplace, how: str) -> None:
    data = chain.site_packages / "bottom" / "data.txt"
    data.unlink()
    if how == "cut":
        data.write_text("so")
    assert chain.plan({"packages": ["top"]}) == []
    chain.suspects = frozenset({"pip"})
    assert chain.plan({"packages": ["top"]}) == ["~ pip.bottom  1.0 -> 1.0"]
    assert "installed only in part: bottom/data.txt" in reasons(chain.step({"packages": ["top"]}))
    chain.apply({"packages": ["top"]})
    assert data.read_text().startswith("some data")


def test_a_suspect_that_nothing_leads_to_is_mended(chain: Workplace) -> None:
    chain.index.add("other", "1.0")
    chain.apply({"packages": ["other"]})
    (chain.site_packages / "other-1.0.dist-info" / "METADATA").unlink()
    assert chain.plan({"packages": ["top"]}) == []
    chain.suspects = frozenset({"pip"})
    assert chain.plan({"packages": ["top"]}) == ["~ pip.other  1.0 -> 1.0"]
    chain.apply({"packages": ["top"]})


def test_a_deep_look_finds_changed_contents(chain: Workplace) -> None:
    data = chain.site_packages / "bottom" / "data.txt"
    text = data.read_text()
    data.unlink()
    data.write_text(text.replace("some", "same"))
    assert chain.plan({"packages": ["top"]}) == []
    chain.deep = True
    assert chain.plan({"packages": ["top"]}) == ["~ pip.bottom  1.0 -> 1.0"]
    chain.apply({"packages": ["top"]})


def test_half_an_upgrade_is_finished(chain: Workplace) -> None:
    chain.index.add("bottom", "2.0")
    saved = shutil.copytree(chain.site_packages / "bottom-1.0.dist-info", chain.folder / "saved")
    chain.apply({"packages": ["top", "bottom==2.0"]})
    saved.rename(chain.site_packages / "bottom-1.0.dist-info")
    assert "two versions of it" in reasons(chain.step({"packages": ["top"]}))
    chain.apply({"packages": ["top"]})
    assert chain.version("bottom") in [path.name[7:10] for path in chain.site_packages.glob("bottom-*")]


def test_a_damaged_distribution_that_must_change_changes(chain: Workplace) -> None:
    chain.index.add("top", "2.0", "bottom>=2")
    chain.index.add("bottom", "2.0")
    (chain.site_packages / "bottom-1.0.dist-info" / "METADATA").unlink()
    assert chain.plan({"packages": ["top==2.0"]}) == ["~ pip.top  1.0 -> 2.0", "~ pip.bottom  1.0 -> 2.0"]
    chain.apply({"packages": ["top==2.0"]})
