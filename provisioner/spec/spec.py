"""A spec: what `colabenv.yaml` says, checked. The document model is put together from the kinds."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from provisioner.facts import system
from provisioner.kinds import registry
from provisioner.kinds.base import AnyPinning, C, Kind
from provisioner.kinds.order import Conflict, Order, conflicts, entries_of, order_of
from provisioner.kinds.shared.references import Names
from provisioner.kinds.shared.variable_files import Setting
from provisioner.machine import files
from provisioner.model.errors import Problem, ProvisionerError, SpecError
from provisioner.spec import schema
from provisioner.spec.source import MAX_BYTES, Document, Mark, Node, clip, read

MOST_PROBLEMS = 100


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What a machine must be."""

    name: str
    path: str
    """Of the file, absolute."""
    kept: bool = False
    """Whether there is such a file: the text may be in a notebook's cell."""
    folder: str
    """The file's own, absolute: where its relative paths start."""
    digest: str
    """sha256 of the text."""
    text: str
    values: Mapping[str, object]
    """What the file says, unchanged."""
    sections: Mapping[str, object]
    """Desired state by kind, in the order of a plan; only what the file has."""
    lock: str = ""
    """sha256 of the lock that is used; empty for none."""
    architecture: str = ""
    """The processor that it is for, in Linux's words."""
    pins: Mapping[str, AnyPinning] = field(default_factory=dict)
    """By kind, its pins and how they are used."""
    sources: tuple[str, ...] = ()
    """Paths of the files that all this comes from."""
    notes: tuple[str, ...] = ()
    """Notes on that lock for readers of a plan."""

    @cached_property
    def order(self) -> Order:
        """The entries of all sections, and what each waits for."""
        return order_of(entries_of(self.sections, self.folder))

    @property
    def variables(self) -> tuple[tuple[str, Setting], ...]:
        """What the sections set variables to for the file's commands; of two, the later one counts."""
        found = (
            registry.get(name).variables(config, self.architecture) for name, config in self.sections.items()
        )
        return tuple(dict(pair for each in found for pair in each).items())

    def section(self, kind: Kind[C, Any]) -> C | None:
        """What the file says of a kind; None where it does not have that section."""
        return cast("C | None", self.sections.get(kind.name))


def load(path: str | PathLike[str], *, home: str | None = None) -> Spec:
    """Read and check the file at `path`; `home` is what `~` stands for, by default the user's own folder.

    Raises SpecError with all that is wrong in the file, or ProvisionerError when it cannot be read.
    """
    file = os.path.abspath(path)
    try:
        data = files.read(file, MAX_BYTES + 1)
    except FileNotFoundError:
        raise ProvisionerError(
            f"there is no file {path}", "run `colabenv init` to write one, or name another"
        ) from None
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise ProvisionerError(f"{path} cannot be read: {said}", "name a file that can be read") from None
    return replace(parse(data, str(path), os.path.dirname(file), home), kept=True)


def parse(
    text: str | bytes, filename: str, folder: str, home: str | None = None, architecture: str | None = None
) -> Spec:
    """Check the text of a spec in `folder`. `filename` is its name in errors; `architecture` is the processor
    that it is for, as Linux calls it, by default this machine's.

    Raises SpecError with all that is wrong.
    """
    document = read(text, filename)
    values = document.root.value
    if not isinstance(values, dict):
        what = "the file must be a mapping: keys with values, like `version: 1`"
        raise refusal(document, [document.problem(document.root.mark, (), what)])
    problems = list(header(document))
    architecture = architecture or system.architecture()
    home = home or os.path.expanduser("~")
    context: dict[str, object] = {"folder": folder, "home": home, "architecture": architecture}
    kinds = registry.in_order([key for key in values if is_kind(key)])
    if "${" in document.text:
        context["names"] = names(kinds, values, context)
    sections: dict[str, object] = {}
    for name in kinds:
        try:
            sections[name] = validate(document, name, context)
        except SpecError as error:
            problems += error.problems
    if problems or document.problems:
        raise refusal(document, problems)
    if clashes := [conflict_problem(document, each) for each in conflicts(entries_of(sections, folder))]:
        raise refusal(document, clashes)
    path = os.path.join(folder, os.path.basename(filename))
    return Spec(
        name=values.get("name") or default_name(folder),
        path=path,
        folder=folder,
        digest=hashlib.sha256(document.text.encode()).hexdigest(),
        text=document.text,
        architecture=architecture,
        values=values,
        sections=sections,
        sources=(path,),
    )


def is_kind(key: str) -> bool:
    """Whether a key of the file is a kind's. Plugins are looked for only where we do not know a key."""
    return key not in schema.HEADER and registry.has(key)


def names(kinds: Iterable[str], values: Mapping[str, object], context: Mapping[str, object]) -> Names:
    """The paths that the sections define for each other."""
    found = Names(
        {path: how for kind in kinds for path, how in registry.get(kind).paths(values[kind]).items()}
    )
    found.context = {**context, "names": found}
    return found


def validate(document: Document, name: str, context: dict[str, object]) -> object:
    """The desired state that one section describes. Raises SpecError with what is wrong in it."""
    kind = registry.get(name)
    mark, node = document.root.children[name]
    if node.value is None:
        keys = [f"`{key}`" for key in schema.keys(schema.of_kind(kind), ())]
        advice = f"remove it, or write keys like {', '.join(keys[:3])} below it" if keys else "remove it"
        raise SpecError(document.filename, (document.problem(mark, (name,), f"`{name}` is empty", advice),))
    try:
        return TypeAdapter(kind.config).validate_python(node.value, context=context)
    except ValidationError as error:
        from provisioner.spec.explain import explain

        raise SpecError(
            document.filename, tuple(explain(error, document, name, schema.of_kind(kind)))
        ) from None


def conflict_problem(document: Document, conflict: Conflict) -> Problem:
    """A conflict of entries, at the first of them, with the lines of the others."""
    paths = [(entry.address.partition(".")[0], *entry.place) for entry in conflict.entries]
    mark, *others = (document.find(path).mark for path in paths)
    return document.problem(mark, paths[0], conflict.message + in_lines(others), conflict.advice)


def in_lines(marks: Iterable[Mark]) -> str:
    """Where something is in the file, to follow a message: " (lines 3 and 5)"; "" for nowhere."""
    from provisioner.spec.explain import listing

    lines = [str(line) for line in dict.fromkeys(mark.line for mark in marks)]
    return f" (line{'s' if lines[1:] else ''} {listing(lines, 'and')})" if lines else ""


def header(document: Document) -> Iterator[Problem]:
    """What is wrong with the keys that are not kinds."""
    entries = document.root.children
    if "version" not in entries:
        message = "the file does not give its format version"
        yield document.problem(document.root.mark, (), message, "write `version: 1` at the top")
    elif (found := entries["version"].node).value != schema.VERSION or isinstance(found.value, bool):
        newer = isinstance(found.value, int) and found.value > schema.VERSION
        advice = "a newer colab-provisioner may support it" if newer else f"write `version: {schema.VERSION}`"
        yield document.problem(found.mark, (), f"`version` must be {schema.VERSION}", advice)
    if "name" in entries:
        yield from check_name(document, entries["name"].node)
    for key in map(str, entries):
        if key not in schema.HEADER and not is_kind(key):
            yield unknown_key(document, key)


def check_name(document: Document, found: Node) -> Iterator[Problem]:
    if not isinstance(found.value, str):
        advice = f'quote it: "{found.text}"' if found.text else "write a short name, or remove the key"
        yield document.problem(found.mark, (), "`name` must be text", advice)
    elif not re.fullmatch(schema.NAME, found.value):
        message = "`name` must be at most 64 letters, digits, dots, dashes and underscores"
        yield document.problem(found.mark, (), message, f"write it like `{slug(found.value)}`")


def unknown_key(document: Document, key: str) -> Problem:
    """A key that is not a kind: a typo, or one that belongs in a section."""
    from provisioner.spec.explain import did_you_mean, listing

    kinds, _ = registry.usable()
    homes = [kind.name for kind in kinds if key in schema.keys(schema.of_kind(kind), ())]
    if homes:
        advice = f"it belongs under {listing(f'`{name}`' for name in homes)}: indent it there"
    else:
        advice = did_you_mean(key, (*schema.HEADER, *(kind.name for kind in kinds)), "the file's keys are ")
    return document.problem(
        document.root.children[key].mark, (key,), f"`{clip(key)}` is not a key of the file", advice
    )


def refusal(document: Document, found: list[Problem]) -> SpecError:
    """All problems in the order of the file, one for each place that is wrong as YAML already."""
    taken = {(problem.line, problem.column) for problem in document.problems}
    rest = [problem for problem in found if (problem.line, problem.column) not in taken]
    problems = sorted({*document.problems, *rest}, key=lambda one: (one.line, one.column, one.message))
    shown = problems[:MOST_PROBLEMS]
    if len(problems) > MOST_PROBLEMS:
        shown.append(Problem(0, 0, f"there are {len(problems) - MOST_PROBLEMS} more problems"))
    return SpecError(document.filename, tuple(shown))


def default_name(folder: str) -> str:
    """The folder's name, made valid as a spec's name."""
    return slug(os.path.basename(folder))


def slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:64] or "environment"
