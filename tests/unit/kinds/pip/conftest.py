"""A spec's folder with a virtual environment, the real uv, and an index that a test controls."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from provisioner.facts.interpreter import resolve
from provisioner.kinds.pip.kind import KIND
from provisioner.kinds.pip.section import Pip
from provisioner.machine.delegate import Delegate
from provisioner.machine.local import LocalMachine
from provisioner.machine.reader import Completed
from provisioner.model.effects import Run
from provisioner.model.plan import Action, Step
from tests.index import Index
from tests.machines import local
from tests.scene import format_change


class Watched(Delegate[LocalMachine]):
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
            local(
                self.folder,
                resolve(config.venv, local(self.folder)),
                environ=self.environ,
                suspects=self.suspects,
                deep=self.deep,
                state=str(self.folder / "state"),
                home=str(self.folder),
            )
        )
        (step,) = KIND.plan(config, KIND.observe(config, self.machine))
        return step

    def plan(self, wanted: Mapping[str, object]) -> list[str]:
        """The changes but for what is right."""
        return [
            format_change(change) for change in self.step(wanted).changes if change.action is not Action.KEEP
        ]

    def perform(self, step: Step) -> None:
        assert not step.blocked, step.changes
        try:
            for effect in step.effects:
                self.machine.inner.perform(effect, lambda done, total, text: None)
        finally:
            self.machine.inner.log.close()

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


def reasons(step: Step) -> str:
    """All that a plan says beside its changes."""
    return "\n".join([*(change.reason for change in step.changes), *step.warnings])


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
def place(tmp_path: Path, cache: Path, empty_venv: Path) -> Workplace:
    shutil.copytree(empty_venv, tmp_path / "venv", symlinks=True)
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "UV_CACHE_DIR": str(cache),
        "UV_HTTP_RETRIES": "0",
    }
    return Workplace(tmp_path, Index(tmp_path / "index"), environ)


@pytest.fixture
def chain(place: Workplace) -> Workplace:
    place.index.add("top", "1.0", "bottom")
    place.index.add("bottom", "1.0")
    place.apply({"packages": ["top"]})
    return place
