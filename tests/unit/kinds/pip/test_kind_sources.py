"""Where distributions come from: indexes, addresses, repositories, projects, and files that list them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from provisioner.model.errors import EffectError, TransientError
from tests import index as making
from tests.index import Index
from tests.scene import format_change
from tests.unit.kinds.pip.conftest import Workplace, reasons


def test_more_indexes_and_folders_of_wheels(place: Workplace, tmp_path: Path) -> None:
    other = Index(tmp_path / "other")
    other.add("tool", "1.0", "lonely")
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "lonely-1.0-py3-none-any.whl").write_bytes(making.wheel("lonely", "1.0"))
    place.index.root.mkdir()
    place.apply({"packages": ["tool"], "extra_index_urls": [f"other={other.url}"], "find_links": ["wheels"]})


def test_the_first_index_wins_unless_all_may(place: Workplace, tmp_path: Path) -> None:
    other = Index(tmp_path / "other")
    other.add("tool", "1.0")
    place.index.add("tool", "2.0")
    wanted = {"packages": ["tool"], "extra_index_urls": [other.url]}
    assert place.plan(wanted) == ["+ pip.tool  (absent) -> 1.0"]
    assert place.plan(wanted | {"index_strategy": "unsafe-best-match"}) == ["+ pip.tool  (absent) -> 2.0"]


def test_a_wheel_by_its_address(place: Workplace) -> None:
    first = place.index.add("tool", "1.0")
    second = place.index.add("tool", "2.0")
    wanted = {"packages": [f"tool @ file://{first}"]}
    step = place.apply(wanted)
    assert step.after == ()
    assert place.version("tool") == "1.0"
    assert place.plan({"packages": ["tool"]}) == []
    assert place.plan({"packages": [f"tool @ file://{second}"]}) == [
        f"~ pip.tool  1.0 -> from file://{second}"
    ]


def test_a_git_repository(place: Workplace, tmp_path: Path) -> None:
    source = making.write_project(tmp_path / "repo", making.project("tool", "1.0"))
    git = ("git", "-C", str(source), "-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    for tag in ("v0", "v1"):
        (source / "tag.txt").write_text(tag)
        for words in (("add", "."), ("commit", "-qm", tag), ("tag", tag)):
            subprocess.run([*git, *words], check=True)
    commit = subprocess.check_output([*git, "rev-parse", "HEAD"], text=True).strip()
    wanted = {"packages": [f"tool @ git+file://{source}@v1"]}
    step = place.apply(wanted)
    assert step.after == ("apt",)
    assert place.plan({"packages": [f"tool @ git+file://{source}"]}) == []
    assert place.plan({"packages": [f"tool @ git+file://{source}@{commit}"]}) == []
    assert len(place.plan({"packages": [f"tool @ git+file://{source}@v0"]})) == 1


def test_a_project_in_place(place: Workplace, tmp_path: Path) -> None:
    place.index.add("bottom", "1.0")
    making.write_project(tmp_path / "tool", making.project("my.tool", "1.0", ("bottom",)))
    step = place.apply({"editable": ["tool"]})
    assert [change.address for change in step.changes][1:] == ["pip.my-tool", "pip.bottom"]
    assert step.after == ("apt",)
    place.apply({"requirements": [requirements(place, "-e ./tool\n")]})


def test_a_source_archive_waits_for_apt(place: Workplace, tmp_path: Path) -> None:
    place.index.add_source("tool", "1.0", "bottom")
    place.index.add("bottom", "1.0")
    assert place.apply({"packages": ["tool"]}).after == ("apt",)


def test_what_cannot_be_built_yet_is_planned_all_the_same(place: Workplace, tmp_path: Path) -> None:
    header = tmp_path / "header.h"
    before = f"if not pathlib.Path({str(header)!r}).exists(): sys.exit('header.h: no such file')"
    place.index.add_source("tool", "1.0", "bottom", before=before)
    place.index.add("bottom", "1.0")
    step = place.step({"packages": ["tool"]})
    assert "+ pip.tool  (absent) -> tool" in [format_change(change) for change in step.changes]
    assert "header.h: no such file" in reasons(step)
    assert step.after == ("apt",)
    with pytest.raises(EffectError) as caught:
        place.perform(step)
    assert "compilers and headers" in caught.value.hint
    header.touch()
    place.apply({"packages": ["tool"]})


def requirements(place: Workplace, text: str, name: str = "requirements.txt") -> str:
    (place.folder / name).write_text(text)
    return name


def test_requirement_files_as_pip_writes_them(place: Workplace) -> None:
    for name in ("one", "two", "three", "four"):
        place.index.add(name, "1.0")
        place.index.add(name, "2.0")
    requirements(place, "three\n", "more.txt")
    requirements(place, "three<2\n", "limits.txt")
    text = (
        "# what we use\n--prefer-binary\none==1.0 ; python_version > '3'  # old\n"
        "two[x] <2\n-r more.txt\n-c limits.txt\n"
    )
    wanted = {"requirements": [requirements(place, text)], "packages": ["four"]}
    assert place.plan(wanted) == [
        "+ pip.four  (absent) -> 2.0",
        "+ pip.one  (absent) -> 1.0",
        "+ pip.two  (absent) -> 1.0",
        "+ pip.three  (absent) -> 1.0",
    ]
    place.apply(wanted)
    requirements(place, "two<1\n", "limits.txt")
    assert place.step(wanted).blocked


def test_constraints_count_for_what_is_there(place: Workplace) -> None:
    for version in ("1.0", "2.0"):
        place.index.add("bottom", version)
    place.index.add("top", "1.0", "bottom")
    place.apply({"packages": ["top"]})
    limits = {"constraints": [requirements(place, "bottom<2\nunrelated==9\n", "limits.txt")]}
    assert place.plan({"packages": ["top"], **limits}) == ["~ pip.bottom  2.0 -> 1.0"]
    place.apply({"packages": ["top"], **limits})


def test_a_line_that_only_uv_can_judge(place: Workplace) -> None:
    wheel = place.index.add("tool", "1.0")
    wanted = {"requirements": [requirements(place, f"{wheel}\n")]}
    assert place.plan(wanted) == [f"+ pip.tool  (absent) -> from file://{wheel}"]
    place.perform(place.step(wanted))
    assert place.plan(wanted) == []
    assert place.machine.asked == 1
    assert "= pip.requirements.txt" in [format_change(change) for change in place.step(wanted).changes]
    (place.folder / "requirements.txt").write_text("./nowhere\n")
    assert "check the path" in reasons(place.step(wanted)).lower()


def test_hashes_are_checked(place: Workplace) -> None:
    place.index.add("tool", "1.0")
    wanted = {"requirements": [requirements(place, f"tool==1.0 --hash=sha256:{'0' * 64}\n")]}
    with pytest.raises(EffectError) as caught:
        place.perform(place.step(wanted))
    assert not isinstance(caught.value, TransientError)
    assert "made for" in caught.value.hint


def test_a_missing_requirements_file_is_told(place: Workplace) -> None:
    place.index.add("tool", "1.0")
    step = place.step({"requirements": ["nowhere.txt"], "packages": ["tool"]})
    assert [format_change(change) for change in step.changes][1:] == ["! pip.nowhere.txt"]
    assert "There is no file" in reasons(step)
    assert place.machine.asked == 0
