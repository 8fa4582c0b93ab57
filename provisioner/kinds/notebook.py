"""The notebook's kernel itself: its extensions, where it looks for modules, where it works."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from provisioner.kinds.base import Entry, Kind
from provisioner.kinds.shared.checks import ModuleName
from provisioner.kinds.shared.fields import Section, SpecPath
from provisioner.kinds.shared.platform_advice import advice
from provisioner.machine.reader import Reader
from provisioner.model.effects import Chdir, Extension, LiveEffect, SearchPath
from provisioner.model.kernel import Kernel
from provisioner.model.plan import Action, Change, Step


class Notebook(Section):
    """The state of the kernel; ignored outside a notebook."""

    extensions: tuple[ModuleName, ...] = Field(
        (), description="IPython extensions to load.", examples=[["autoreload"]]
    )
    sys_path: tuple[SpecPath, ...] = Field(
        (), description="Folders in which modules are found, before others.", examples=[["src"]]
    )
    workdir: SpecPath | None = Field(None, description="The working directory.")


@dataclass(frozen=True)
class NotebookFacts:
    kernel: bool
    inside: bool
    """Whether we are the kernel."""
    extensions: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    folder: str = ""


def observe(config: Notebook, reader: Reader) -> NotebookFacts:
    kernel: Kernel | None = reader.kernel()
    if kernel is None or not kernel.inside:
        return NotebookFacts(kernel is not None, inside=False)
    return NotebookFacts(
        kernel=True,
        inside=True,
        extensions=tuple(name for name in config.extensions if is_loaded(name, kernel)),
        path=tuple(path for path in config.sys_path if path in kernel.path),
        folder=kernel.folder,
    )


def is_loaded(name: str, kernel: Kernel) -> bool:
    """IPython records its own extensions under their full names, or as they were named."""
    return name in kernel.extensions or f"IPython.extensions.{name}" in kernel.extensions


def plan(config: Notebook, facts: NotebookFacts) -> Iterator[Step]:
    """One step for each thing, so that an extension that fails does not stop the others."""
    wishes = list(wanted(config, facts))
    for address, before, after, effect in wishes:
        if not facts.kernel:
            change = Change(address, Action.KEEP, reason="not in a notebook")
        elif not facts.inside:
            change = Change(address, Action.BLOCKED, None, after, advice("kernel"))
        elif before == after:
            change = Change(address, Action.KEEP, after)
        else:
            change = Change(address, Action.UPDATE if before else Action.CREATE, before, after)
        yield Step(
            id=address,
            changes=(change,),
            effects=(effect,) if change.action in (Action.CREATE, Action.UPDATE) else (),
            lane="notebook",
        )


def wanted(config: Notebook, facts: NotebookFacts) -> Iterator[tuple[str, str | None, str, LiveEffect]]:
    """(address, what is, what should be, the effect), the search path first: extensions may need it."""
    for path in reversed(config.sys_path):
        found = "first" if path in facts.path else None
        yield f"notebook.sys_path {path}", found, "first", SearchPath(path=path)
    if config.workdir:
        yield "notebook.workdir", facts.folder or None, config.workdir, Chdir(path=config.workdir)
    for name in config.extensions:
        found = "loaded" if name in facts.extensions else None
        yield f"notebook.{name}", found, "loaded", Extension(name=name)


def entries(config: Notebook, folder: str) -> Iterator[Entry]:
    """The search path first, and the rest after it: extensions may need what it finds."""
    paths = config.sys_path
    for number, path in reversed([*enumerate(paths)]):
        only = Notebook(sys_path=(path,))
        yield Entry(
            address=f"notebook.sys_path {path}", config=only, place=("sys_path", number), uses=(path,)
        )
    searched = tuple(f"notebook.sys_path {path}" for path in paths)
    if config.workdir:
        yield Entry(
            address="notebook.workdir",
            config=Notebook(workdir=config.workdir),
            place=("workdir",),
            uses=(config.workdir,),
        )
    for number, name in enumerate(config.extensions):
        yield Entry(
            address=f"notebook.{name}",
            config=Notebook(extensions=(name,)),
            place=("extensions", number),
            behind=("pip", *searched),
        )


KIND = Kind(
    name="notebook",
    config=Annotated[
        Notebook,
        Field(
            description="The kernel of the notebook: extensions, folders for modules, the working directory.",
            examples=[{"extensions": ["autoreload"], "sys_path": ["src"]}],
        ),
    ],
    observe=observe,
    plan=plan,
    entries=entries,
)
