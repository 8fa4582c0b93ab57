"""The kind `pip` with the real uv, real virtual environments and an index that a test controls."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from provisioner.errors import EffectError, ObserveError, TransientError
from provisioner.interpreter import resolve
from provisioner.kinds.pip import KIND, Pip
from provisioner.machine import Completed
from provisioner.machine.local import LocalMachine
from provisioner.model import Action, Run, Step
from provisioner.resolution import find_uv
from tests import index as making
from tests.index import Index
from tests.scene import format_change


class Watched(LocalMachine):
    """A machine that counts the programs which observing starts."""

    asked: int = 0

    def ask(self, run: Run) -> Completed:
        self.asked += 1
        return super().ask(run)


@dataclass
class Workplace:
    """A spec's folder with a virtual environment and an index of its own."""

    folder: Path
    index: Index
    environ: dict[str, str] = field(default_factory=dict)
    suspects: frozenset[str] = frozenset()
    deep: bool = False
    machine: Watched = field(init=False)

    @property
    def site_packages(self) -> Path:
        return next(self.folder.glob("venv/lib/python*/site-packages"))

    def settle(self, wanted: Mapping[str, object]) -> Pip:
        given = {"venv": "venv", "index_url": self.index.url, **wanted}
        context = {"folder": str(self.folder), "home": str(self.folder)}
        config: Pip = TypeAdapter(KIND.config).validate_python(given, context=context)
        return config

    def step(self, wanted: Mapping[str, object]) -> Step:
        """Observe and plan."""
        config = self.settle(wanted)
        self.machine = Watched(
            str(self.folder),
            resolve(config.venv, str(self.folder)),
            environ=self.environ,
            suspects=self.suspects,
            deep=self.deep,
            state=str(self.folder / "state"),
            home=str(self.folder),
        )
        (step,) = KIND.plan(config, KIND.observe(config, self.machine))
        return step

    def plan(self, wanted: Mapping[str, object]) -> list[str]:
        """The changes but for what is right."""
        return [format_change(change) for change in self.step(wanted).changes if change.action is not Action.KEEP]

    def perform(self, step: Step) -> None:
        assert not step.blocked, step.changes
        try:
            for effect in step.effects:
                self.machine.perform(effect, lambda done, total, text: None)
        finally:
            self.machine.log.close()

    def apply(self, wanted: Mapping[str, object]) -> Step:
        """Observe, plan, apply; then nothing is left to do, which takes no process to see."""
        step = self.step(wanted)
        self.perform(step)
        self.suspects = frozenset()
        assert self.plan(wanted) == []
        assert self.machine.asked == 0
        return step

    def version(self, module: str) -> str:
        code = f"import {module}; print({module}.__version__)"
        return subprocess.check_output([self.folder / "venv/bin/python", "-c", code], text=True).strip()


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uv-cache")


@pytest.fixture(scope="session")
def empty_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work")
    place = Workplace(folder, Index(folder / "index"))
    place.index.root.mkdir()
    place.environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    place.perform(place.step({"packages": []}))
    return folder / "venv"


@pytest.fixture
def place(tmp_path: Path, cache: Path, empty_venv: Path) -> Iterator[Workplace]:
    shutil.copytree(empty_venv, tmp_path / "venv", symlinks=True)
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "UV_CACHE_DIR": str(cache), "UV_HTTP_RETRIES": "0"}
    yield Workplace(tmp_path, Index(tmp_path / "index"), environ)


def reasons(step: Step) -> str:
    return "\n".join([*(change.reason for change in step.changes), *step.warnings])


# What is missing comes, with what it needs; what is there stays


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
    assert place.plan({"packages": ["tool[all]"]}) == ["+ pip.engine  (absent) -> 1.0", "+ pip.oil  (absent) -> 1.0"]
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


# Where things come from


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
    assert place.plan({"packages": [f"tool @ file://{second}"]}) == [f"~ pip.tool  1.0 -> from file://{second}"]


def test_a_git_repository(place: Workplace, tmp_path: Path) -> None:
    source = making.write_project(tmp_path / "repo", making.project("tool", "1.0"))
    git = ("git", "-C", str(source), "-c", "user.name=a", "-c", "user.email=a@example.org")
    for words in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-qm", "x"), ("tag", "v1"), ("tag", "v2")):
        subprocess.run([*git, *words], check=True)
    commit = subprocess.check_output([*git, "rev-parse", "HEAD"], text=True).strip()
    wanted = {"packages": [f"tool @ git+file://{source}@v1"]}
    step = place.apply(wanted)
    assert step.after == ("apt",)
    assert place.plan({"packages": [f"tool @ git+file://{source}"]}) == []
    assert place.plan({"packages": [f"tool @ git+file://{source}@{commit}"]}) == []
    assert len(place.plan({"packages": [f"tool @ git+file://{source}@v2"]})) == 1


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


# Requirement and constraint files


def requirements(place: Workplace, text: str, name: str = "requirements.txt") -> str:
    (place.folder / name).write_text(text)
    return name


def test_requirement_files_as_pip_writes_them(place: Workplace) -> None:
    for name in ("one", "two", "three", "four"):
        place.index.add(name, "1.0")
        place.index.add(name, "2.0")
    requirements(place, "three\n", "more.txt")
    requirements(place, "three<2\n", "limits.txt")
    text = "# what we use\n--pre\none==1.0 \\\n  ; python_version > '3'  # old\ntwo[x] <2\n-r more.txt\n-c limits.txt\n"
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


# Breaking it by hand, and being cut short


@pytest.fixture
def chain(place: Workplace) -> Workplace:
    place.index.add("top", "1.0", "bottom")
    place.index.add("bottom", "1.0")
    place.apply({"packages": ["top"]})
    return place


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
    shutil.copytree(chain.site_packages / "bottom-1.0.dist-info", chain.site_packages / "bottom-0.9.dist-info")
    assert chain.plan({"packages": ["top"]}) != []
    chain.perform(chain.step({"packages": ["top"]}))
    assert chain.plan({"packages": ["top"]}) == []


def test_a_damaged_distribution_that_must_change_changes(chain: Workplace) -> None:
    chain.index.add("top", "2.0", "bottom>=2")
    chain.index.add("bottom", "2.0")
    (chain.site_packages / "bottom-1.0.dist-info" / "METADATA").unlink()
    assert chain.plan({"packages": ["top==2.0"]}) == ["~ pip.top  1.0 -> 2.0", "~ pip.bottom  1.0 -> 2.0"]
    chain.apply({"packages": ["top==2.0"]})


# What must go


def test_what_is_unwanted_goes(chain: Workplace) -> None:
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
    assert "top 1.0 needs bottom, which will be gone" in reasons(chain.step({"absent": ["bottom"]}))
    chain.index.add("strict", "1.0", "bottom<2")
    chain.apply({"packages": ["strict"]})
    chain.index.add("bottom", "2.0")
    assert "strict 1.0 needs bottom<2, which will be 2.0" in reasons(chain.step({"packages": ["bottom>=2"]}))


# What is preinstalled


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


def test_guard_holds_what_others_would_move(image: Workplace) -> None:
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


def test_guard_prefers_a_version_that_moves_nothing(image: Workplace) -> None:
    image.index.add("tool", "1.0", "numpy")
    image.index.add("tool", "2.0", "numpy>=2.1")
    assert image.plan({"packages": ["tool"]}) == ["+ pip.tool  (absent) -> 1.0"]


def test_guard_keeps_what_the_held_need(image: Workplace) -> None:
    image.index.add("tool", "1.0", "protobuf>=4")
    image.index.add("tool", "2.0", "protobuf>=6")
    assert image.plan({"packages": ["tool"]}) == ["+ pip.tool  (absent) -> 1.0"]


def test_what_is_asked_for_may_break_what_the_held_need_but_it_is_told(image: Workplace) -> None:
    image.index.add("tool", "2.0", "protobuf>=6")
    step = image.step({"packages": ["tool"]})
    assert "~ pip.protobuf  5.0 -> 6.0" in [format_change(change) for change in step.changes]
    assert "tensorflow 2.18.0 needs protobuf<6, which will be 6.0" in reasons(step)


def test_keep_holds_everything(image: Workplace) -> None:
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


def test_a_build_with_a_local_version_from_an_address_is_held(place: Workplace, tmp_path: Path) -> None:
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


def test_the_kernels_packages_and_what_colab_pins_are_held(place: Workplace) -> None:
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
    assert "numpy 2.0.2: needed by tool (numpy<2), but it is preinstalled and held" in reasons(step)


# What cannot be had


def test_an_unknown_package(place: Workplace) -> None:
    place.index.add("known", "1.0")
    step = place.step({"packages": ["known", "unknown-thing"]})
    assert [format_change(change) for change in step.changes][1:] == ["! pip.unknown-thing  (absent) -> unknown-thing"]
    assert "was not found" in reasons(step)
    assert "Check the spelling" in reasons(step)


def test_an_impossible_version(chain: Workplace) -> None:
    step = chain.step({"packages": ["top>=9"]})
    assert [format_change(change) for change in step.changes][1:] == ["! pip.top  1.0 -> top>=9"]
    assert "has been published" in reasons(step)


def test_no_build_for_this_python(place: Workplace) -> None:
    data = making.wheel("tool", "1.0")
    place.index.publish("tool", "tool-1.0-cp37-cp37m-manylinux1_x86_64.whl", data)
    step = place.step({"packages": ["tool"]})
    assert step.blocked
    assert "choose an earlier runtime" in reasons(step)


def test_no_network_is_not_no_package(place: Workplace) -> None:
    with pytest.raises(ObserveError, match="cannot reach") as caught:
        place.step({"packages": ["tool"], "index_url": "http://127.0.0.1:9/simple"})
    assert "network" in caught.value.hint


def test_no_network_is_needed_when_all_is_there(chain: Workplace) -> None:
    assert chain.plan({"packages": ["top"], "index_url": "http://127.0.0.1:9/simple"}) == []


def test_the_surroundings_do_not_count(place: Workplace) -> None:
    place.index.add("tool", "1.0")
    place.environ |= {
        "UV_CONSTRAINT": "/nowhere/constraints.txt",
        "UV_INDEX_URL": "http://127.0.0.1:9/simple",
        "UV_SYSTEM_PYTHON": "true",
        "UV_OFFLINE": "1",
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "VIRTUAL_ENV": "/nowhere",
        "PYTHONPATH": "/nowhere",
    }
    (place.folder / "uv.toml").write_text('[pip]\nno-index = true\n')
    place.apply({"packages": ["tool"]})


# The virtual environment


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
