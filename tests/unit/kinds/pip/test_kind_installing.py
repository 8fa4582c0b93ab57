"""What is missing comes, with what it needs; what is there stays; and what must be absent is removed."""

from __future__ import annotations

import shutil
from pathlib import Path

from provisioner.kinds.pip.uv import find_uv
from tests.scene import format_change
from tests.unit.kinds.pip.conftest import Workplace, reasons


def test_all_that_comes_is_shown_and_then_there(place: Workplace) -> None:
    place.index.add("top", "1.0", "middle>=2")
    place.index.add("middle", "2.1", "bottom")
    place.index.add("bottom", "0.3")
    wanted = {"packages": ["top"]}
    step = place.apply(wanted)
    assert [format_change(change) for change in step.changes if change.address != "pip.venv"] == [
        "+ pip.top  (absent) -> 1.0",
        "+ pip.bottom  (absent) -> 0.3",
        "+ pip.middle  (absent) -> 2.1",
    ]
    assert "needed by top (middle>=2)" in reasons(step)
    assert place.version("bottom") == "0.3"
    assert [format_change(change) for change in place.step(wanted).changes][1:] == ["= pip.top  1.0"]


def test_what_is_met_is_not_touched_although_there_is_newer(place: Workplace) -> None:
    place.index.add("tool", "1.0")
    place.apply({"packages": ["tool"]})
    place.index.add("tool", "2.0")
    assert place.plan({"packages": ["tool>=1"]}) == []
    assert place.plan({"packages": ["tool>=2"]}) == ["~ pip.tool  1.0 -> 2.0"]


def test_extras_and_what_they_need_count(place: Workplace) -> None:
    place.index.add("tool", "1.0", extras={"fast": ("engine",), "all": ("tool[fast]",)})
    place.index.add("engine", "1.0", "oil")
    place.index.add("oil", "1.0")
    place.apply({"packages": ["tool"]})
    assert place.plan({"packages": ["tool[all]"]}) == [
        "+ pip.engine  (absent) -> 1.0",
        "+ pip.oil  (absent) -> 1.0",
    ]
    place.apply({"packages": ["tool[all]"]})
    shutil.rmtree(place.site_packages / "oil-1.0.dist-info")
    assert place.plan({"packages": ["tool[all]"]}) == ["+ pip.oil  (absent) -> 1.0"]


def test_markers_decide_what_counts(place: Workplace) -> None:
    place.index.add("tool", "1.0", "never ; python_version < '3'")
    wanted = {"packages": ["tool", "nothing; sys_platform == 'win32'"]}
    place.apply(wanted)
    assert [change.address for change in place.step(wanted).changes] == ["pip.venv", "pip.tool"]


def test_without_dependencies(place: Workplace) -> None:
    place.index.add("top", "1.0", "bottom")
    assert place.plan({"packages": ["top"], "no_deps": True}) == ["+ pip.top  (absent) -> 1.0"]
    place.apply({"packages": ["top"], "no_deps": True})


def test_prereleases_when_asked_for(place: Workplace) -> None:
    place.index.add("tool", "1.0")
    place.index.add("tool", "2.0rc1")
    assert place.plan({"packages": ["tool"]}) == ["+ pip.tool  (absent) -> 1.0"]
    assert place.plan({"packages": ["tool"], "pre": True}) == ["+ pip.tool  (absent) -> 2.0rc1"]
    place.apply({"packages": ["tool"], "pre": True})


def test_a_cycle_ends(place: Workplace) -> None:
    place.index.add("hen", "1.0", "egg")
    place.index.add("egg", "1.0", "hen")
    place.apply({"packages": ["hen"]})


def test_what_was_shown_is_what_is_run(place: Workplace) -> None:
    place.index.add("top", "1.0", "bottom")
    place.index.add("bottom", "1.0")
    step = place.step({"packages": ["top"]})
    place.index.add("top", "2.0", "bottom")
    place.index.add("bottom", "2.0")
    place.perform(step)
    assert (place.version("top"), place.version("bottom")) == ("1.0", "1.0")


def test_what_must_be_absent_is_removed(chain: Workplace) -> None:
    wanted = {"absent": ["Top", "never-there"]}
    assert chain.plan(wanted) == ["- pip.top  1.0 -> (absent)"]
    chain.apply(wanted)


def test_what_is_needed_does_not_go(chain: Workplace) -> None:
    step = chain.step({"packages": ["top"], "absent": ["bottom"]})
    assert step.blocked
    assert "top needs it" in reasons(step)


def test_what_would_come_back_does_not_go(place: Workplace) -> None:
    place.index.add("top", "1.0", "bottom")
    place.index.add("bottom", "1.0")
    place.apply({"packages": ["bottom"]})
    step = place.step({"packages": ["top"], "absent": ["bottom"]})
    assert step.blocked
    assert "top needs it" in reasons(step)


def test_those_who_lose_what_they_need_are_told(chain: Workplace) -> None:
    assert "top 1.0 needs bottom, which will be removed" in reasons(chain.step({"absent": ["bottom"]}))
    chain.index.add("strict", "1.0", "bottom<2")
    chain.apply({"packages": ["strict"]})
    chain.index.add("bottom", "2.0")
    assert "strict 1.0 needs bottom<2, which will be 2.0" in reasons(chain.step({"packages": ["bottom>=2"]}))


def test_a_virtual_environment_is_made(place: Workplace) -> None:
    place.index.add("tool", "1.0")
    shutil.rmtree(place.folder / "venv")
    step = place.step({"packages": ["tool"]})
    assert [change.address for change in step.changes] == ["pip.venv", "pip.tool"]
    assert not (place.folder / "venv").exists()
    place.apply({"packages": ["tool"]})
    assert place.version("tool") == "1.0"


def test_half_a_virtual_environment_is_finished(place: Workplace) -> None:
    place.index.add("tool", "1.0")
    (place.folder / "venv" / "pyvenv.cfg").unlink()
    (place.folder / "venv" / "mine.txt").write_text("keep me")
    place.apply({"packages": ["tool"]})
    assert (place.folder / "venv" / "mine.txt").exists()


def test_uv_is_found_with_us(place: Workplace) -> None:
    place.step({})
    assert Path(find_uv(place.machine)).is_file()
