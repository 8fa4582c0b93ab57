"""Imports run downwards, folder by folder, and only `machine` and `facts` touch the machine."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from provisioner.kinds import registry

PACKAGE = Path(__file__).parents[2] / "provisioner"

LAYERS = (
    {"version"},
    {"model"},
    {"runtimes"},
    {"machine"},
    {"facts"},
    {"kinds"},
    {"spec", "snapshots"},
    {"render"},
    {"engine"},
    {"lock"},
    {"api"},
    {"commands"},
    {"cli"},
    {"notebook"},
    {"__init__", "__main__"},
)
"""The folders and modules of the package; each imports from itself and from lines above its own."""

RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}

MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """`engine.plan` for engine/plan.py."""
    return ".".join(path.with_suffix("").parts)


NAMES = {name_of(path) for path in MODULES}


def tree(path: Path) -> ast.Module:
    return ast.parse((PACKAGE / path).read_text())


def imported(path: Path) -> Iterator[str]:
    """The modules of ours that a file imports, at its top or in a function."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "provisioner":
            place = node.module.partition(".")[2]
            for alias in node.names:
                module = f"{place}.{alias.name}".lstrip(".")
                yield module if module in NAMES else place or "__init__"


def folder_of(module: str) -> str:
    return module.partition(".")[0]


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_run_downwards(path: Path) -> None:
    own = name_of(path)
    for other in imported(path):
        if folder_of(other) != folder_of(own):
            assert RANK[folder_of(other)] < RANK[folder_of(own)], f"{own} imports {other}"


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Not within a folder either: `prepare` raises CycleError with the circle."""
    TopologicalSorter({name_of(path): set(imported(path)) for path in MODULES}).prepare()


def test_the_root_lists_the_stages() -> None:
    entries = {path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"}
    assert len(entries) <= 20
    assert {Path(name).stem for name in entries} == RANK.keys() | {"py"}


def test_faces_of_folders_are_empty() -> None:
    """What a folder offers stands in its modules, so that importing one of them imports no other."""
    faces = [path for path in MODULES if path.name == "__init__.py" and len(path.parts) > 1]
    told = {path: [node for node in tree(path).body if not isinstance(node, ast.Expr)] for path in faces}
    assert [str(path) for path in faces if told[path]] == []


# Kinds


def room_of(module: str) -> str | None:
    """The kind that a module belongs to."""
    parts = module.split(".")
    return parts[1] if parts[0] == "kinds" and len(parts) > 1 and parts[1] in registry.ROOMS else None


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_kind_is_known_to_nobody_else(path: Path) -> None:
    """Not to other kinds, and not outside `kinds/`; all that anybody needs to know are fields of Kind."""
    own = name_of(path)
    rooms = {room_of(other) for other in imported(path)} - {None, room_of(own)}
    assert rooms == set()


NAMING = {
    "commands.doctor": "a key of its document",
    "commands.init": "writes an example of the file",
    "commands.notebook.ipynb": "a key of Colab's own metadata",
    "render.documents": "a key of the report's document",
    "runtimes.images": "names what notebooks depend on most",
    "snapshots.compare": "heads a group with what it is about",
    "runtimes.difference": "an image's lists have the names of what made them",
}
"""Modules outside `kinds/` that hold a kind's address, each with the reason."""

PREFIXES = "|".join(name for name in registry.NAMES if name != "notebook")
ADDRESS = re.compile(rf"(accelerator|datasets|inputs|jdk|({PREFIXES})\.(\w+)?)(?<!\.tsv)")
"""A kind's name, where that is no word for anything else, or an address of one."""


def strings(path: Path) -> Iterator[str]:
    """The string literals of a module but for its docstrings."""
    module = tree(path)
    told = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value


@pytest.mark.parametrize("path", [path for path in MODULES if path.parts[0] != "kinds"], ids=str)
def test_no_kind_is_named_outside(path: Path) -> None:
    named = [text for text in strings(path) if ADDRESS.fullmatch(text)]
    assert not named or name_of(path) in NAMING, named


# The machine

TOUCHING = ("machine", "facts")

BANNED_MODULES = {"fcntl", "glob", "pathlib", "platform", "shutil", "socket", "subprocess", "tempfile"}

BANNED_OF_OS = re.compile(
    r"os\.(?!path\b|PathLike\b|fspath\b)\w+|os\.path\.(exists|lexists|is\w+|get\w+|realpath|samefile)"
)

NAMED_EXCEPTIONS = {
    "commands.carry_out": "sends what could not be written to nowhere, lest Python tries again",
    "engine.journal": "a lock is held, and lines are synced, on files that stay open",
    "engine.noop_cache": "a no-op has no time for more than this",
    "kinds.accelerator.probes.probe": "runs in an interpreter of its own",
    "kinds.accelerator.probes.subprocess_runner": "runs in an interpreter of its own",
    "render.terminal": "asks the terminal that it writes to",
    "runtimes.tables": "reads its own tables, and stands below the machine",
}
"""Modules that touch the machine all the same, each with the reason."""


def touches(path: Path) -> Iterator[str]:
    """What of a module reads or changes the machine by itself."""
    for node in ast.walk(tree(path)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names if alias.name.split(".")[0] in BANNED_MODULES)
            case ast.ImportFrom(module=str(module), level=0) if module.split(".")[0] in BANNED_MODULES:
                yield module
            case ast.Call(func=ast.Name(id="open")):
                yield "open()"
            case ast.Attribute() if found := BANNED_OF_OS.fullmatch(ast.unparse(node)):
                yield found[0]


@pytest.mark.parametrize("path", [path for path in MODULES if path.parts[0] not in TOUCHING], ids=str)
def test_only_machine_and_facts_touch_the_machine(path: Path) -> None:
    found = sorted(set(touches(path)))
    assert not found or name_of(path) in NAMED_EXCEPTIONS, found


def test_every_exception_is_needed() -> None:
    assert [name for name in NAMED_EXCEPTIONS if name not in NAMES] == []
    assert [p for p in MODULES if name_of(p) in NAMED_EXCEPTIONS and not any(touches(p))] == []


# The rest


@pytest.mark.parametrize("path", [path for path in MODULES if "probes" in path.parts], ids=str)
def test_probes_stand_alone(path: Path) -> None:
    """They run where this package is not installed."""
    assert list(imported(path)) == []


@pytest.mark.parametrize("path", [path for path in MODULES if path.parts[0] == "model"], ids=str)
def test_values_are_plain_python(path: Path) -> None:
    """Nouns, effects and errors need nothing but the standard library."""
    froms = {node.module or "" for node in ast.walk(tree(path)) if isinstance(node, ast.ImportFrom)}
    plain = {node.names[0].name for node in ast.walk(tree(path)) if isinstance(node, ast.Import)}
    roots = {module.partition(".")[0] for module in froms | plain} - {"provisioner", "__future__"}
    assert roots <= sys.stdlib_module_names


def test_class_names_are_unique() -> None:
    """A name means one thing in the whole package."""
    places: dict[str, list[str]] = {}
    for path in MODULES:
        for node in tree(path).body:
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(name_of(path))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_little_is_untyped() -> None:
    """Lines of code that say `Any`, imports of it apart."""
    lines = [
        f"{path}: {line.strip()}"
        for path in MODULES
        for line in (PACKAGE / path).read_text().splitlines()
        if re.search(r"\bAny\b", re.sub(r"#.*|\".*?\"", "", line)) and "import" not in line
    ]
    assert len(lines) < 60, "\n".join(lines)
