"""A git server, and a machine that knows nothing of this one's user."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from provisioner.kinds.base import Pinning
from provisioner.kinds.git.kind import KIND, plan
from provisioner.kinds.git.observe import observe
from provisioner.kinds.git.pins import GitPins
from provisioner.kinds.git.section import Git
from provisioner.machine.local import LocalMachine
from provisioner.machine.reader import Completed
from provisioner.model.effects import Effect, Run
from provisioner.model.plan import Step
from tests.gitserver import GitServer, git, serving
from tests.machines import local


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with serving(tmp_path / "server") as running:
        (tmp_path / "server").mkdir()
        yield running


class Watched(LocalMachine):
    """A machine that notes every program that is asked something."""

    asked: list[tuple[str, ...]]

    def ask(self, run: Run) -> Completed:
        self.asked.append(run.argv)
        return super().ask(run)


@dataclass
class Project:
    """A folder with a spec, on a machine of its own."""

    folder: Path
    machine: Watched
    pins: GitPins | None = None
    performed: list[Effect] = field(default_factory=list)

    def look(self, **told: Any) -> None:
        """Look at the machine in another context from now on."""
        self.machine.context = replace(self.machine.context, **told)

    def config(self, section: object) -> Git:
        adapter: TypeAdapter[Git] = TypeAdapter(KIND.config)
        context = {"folder": str(self.folder), "home": self.machine.context.home}
        return adapter.validate_python(section, context=context)

    def plan(self, section: object) -> list[Step]:
        """What is planned for the repositories of a section."""
        config = replace(self.config(section), packages=())
        pinning = Pinning(self.pins) if self.pins is not None else None
        return list(plan(config, observe(config, self.machine, pinning), pinning))

    def apply(self, section: object) -> list[Step]:
        """Carry out what is planned; returns it."""
        steps = self.plan(section)
        for step in steps:
            for effect in step.effects if step.pending else ():
                self.performed.append(effect)
                self.machine.perform(effect, lambda done, total, text: None)
        return steps

    def settled(self, section: object) -> bool:
        """Whether nothing is left to do, which was seen without starting any program."""
        self.machine.asked.clear()
        return not any(step.pending for step in self.plan(section)) and not self.machine.asked

    def read(self, path: str) -> str:
        return (self.folder / path).read_text()

    def git(self, name: str, *words: str) -> str:
        return git(self.folder / name, *words)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    folder, home = tmp_path / "project", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
    plain = local(folder, environ=environ, home=str(home), state=str(tmp_path / "state"))
    machine = Watched(plain.context, environ)
    machine.asked = []
    yield Project(folder, machine)
    machine.log.close()
