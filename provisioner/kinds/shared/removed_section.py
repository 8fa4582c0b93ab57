"""A section that was removed from the file: the persistent variables that it set are unset.

A removed section is a separate kind without variables. Every file without that section asks about it, so it
costs next to nothing: it reads two files that are usually not there. Only what says that it was written for
this spec is removed. What belongs to another spec stays, and so does what does not say where it belongs; and
a cell removes nothing, since one cell cannot be distinguished from another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from provisioner.kinds.base import Kind
from provisioner.kinds.shared import variable_files, variables
from provisioner.kinds.shared.variables import PersistentVariables, TextFile
from provisioner.machine.reader import Reader
from provisioner.model.plan import Step


def absent(name: str) -> Kind[None, PersistentVariables | None]:
    """The kind for the removed section called `name`. Its facts are None when there is nothing."""

    def observe(_: None, reader: Reader) -> PersistentVariables | None:
        line = variable_files.notice(reader.context.spec)
        begins = [(reader.read(path) or b"").startswith(line.encode()) for path in places(name, reader)]
        if not any(begins):
            return None
        found = variables.observe(name, reader)
        return replace(found, shell=of_spec(found.shell, line), kernel=of_spec(found.kernel, line))

    def plan(_: None, facts: PersistentVariables | None) -> Iterator[Step]:
        changes = variables.changes(name, {}, facts) if facts else ()
        if facts and changes:
            yield Step(id=name, changes=changes, effects=variables.effects({}, facts))

    return Kind(name=name, config=None, observe=observe, plan=plan)


def places(name: str, reader: Reader) -> tuple[str, ...]:
    return variables.places(name, reader) if reader.context.spec else ()


def of_spec(file: TextFile, line: str) -> TextFile:
    """The file if it was written for this spec; else as if there were none."""
    return file if (file.text or "").startswith(line) else replace(file, text=None)
