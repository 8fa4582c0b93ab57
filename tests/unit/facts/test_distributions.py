"""What is installed, read from folders as pip, uv, Debian and old tools leave them."""

from __future__ import annotations

import importlib.metadata
import shutil
import sysconfig
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from provisioner.facts.distributions import (
    ENTRY,
    Installed,
    egg_requirements,
    headers,
    hexadecimal,
    may_apply,
    parse_requirement,
    record_rows,
)
from provisioner.facts.interpreter import running
from provisioner.machine.reader import Interpreter
from tests.fakes import FakeMachine
from tests.machines import local


def machine(files: dict[str, str], *folders: str) -> FakeMachine:
    made = FakeMachine(python=Interpreter("/v/bin/python", "3.11.2", folders or ("/v",)))
    for path, text in files.items():
        made.put(path, text)
    return made


@pytest.mark.parametrize(
    ("entry", "name", "version"),
    [
        ("idna-3.20.dist-info", "idna", "3.20"),
        ("torch-2.11.0+cu130.dist-info", "torch", "2.11.0+cu130"),
        ("zope.interface-5.0.dist-info", "zope.interface", "5.0"),
        ("Jinja2-3.1.dist-info", "Jinja2", "3.1"),
        ("typing_extensions-4.12.2.dist-info", "typing_extensions", "4.12.2"),
        ("py-cpuinfo-9.0.egg-info", "py-cpuinfo", "9.0"),
        ("PyGObject-3.42.2.egg-info", "PyGObject", "3.42.2"),
        ("foo-1.0-py3.11.egg-info", "foo", "1.0"),
        ("foo_bar.egg-info", "foo_bar", None),
        ("mpi4py-1!2.0rc1.dist-info", "mpi4py", "1!2.0rc1"),
        ("a-0.dist-info", "a", "0"),
    ],
)
def test_names_and_versions_of_entries(entry: str, name: str, version: str | None) -> None:
    match = ENTRY.fullmatch(entry)
    assert match
    assert (match["name"], match["version"]) == (name, version)


@pytest.mark.parametrize("entry", ["~umpy-1.0.dist-info", ".dist-info", "numpy", "x.pth"])
def test_entries_that_are_no_distributions(entry: str) -> None:
    assert not ENTRY.fullmatch(entry)


def test_the_first_folder_wins() -> None:
    there = machine(
        {"/a/x-2.dist-info/METADATA": "", "/b/x-1.dist-info/METADATA": "", "/b/y-1.dist-info/METADATA": ""},
        "/a",
        "/b",
    )
    found = Installed(there).found
    assert {name: one.version for name, one in found.items()} == {"x": "2", "y": "1"}


def test_a_folder_that_is_not_there_holds_nothing() -> None:
    assert Installed(machine({}, "/nowhere")).found == {}


def test_debian_and_old_setuptools() -> None:
    there = machine(
        {
            "/v/single-1.0.egg-info": "Name: single\nVersion: 1.0\nRequires-Dist: x\n",
            "/v/folder.egg-info/PKG-INFO": "Name: folder\nVersion: 2.0\n",
            "/v/folder.egg-info/requires.txt": "six\n\n[fast]\nengine\n\n[:python_version < '3']\nold\n",
            "/v/my-tool.egg-link": "/src/tool\n.",
            "/src/tool/my_tool.egg-info/PKG-INFO": "Version: 3.0\n",
            "/v/dead.egg-link": "/src/gone\n",
        }
    )
    installed = Installed(there)
    assert {name: one.version for name, one in installed.found.items()} == {
        "single": "1.0",
        "folder": "2.0",
        "my-tool": "3.0",
        "dead": "",
    }
    assert [str(need) for need in installed.requires(installed.found["single"])] == ["x"]
    assert [need.name for need in installed.requires(installed.found["folder"])] == ["six", "old"]
    extras = frozenset({"fast"})
    assert [need.name for need in installed.requires(installed.found["folder"], extras)] == [
        "six",
        "engine",
        "old",
    ]


def test_requires_txt_becomes_requirements() -> None:
    text = "a>=1\n[x]\nb\n[y:python_version > '3']\nc\n"
    assert list(egg_requirements(text)) == [
        "a>=1",
        'b ; extra == "x"',
        "c ; (python_version > '3') and extra == \"y\"",
    ]


def test_odd_metadata_is_survived() -> None:
    text = (
        "Metadata-Version: 2.1\r\nName: odd\r\nRequires-Dist: good>=1\r\nRequires-Dist: bad (>=1.0.*)\r\n"
        "Requires-Dist:\r\nno colon here\r\nDescription: long\r\n        Requires-Dist: folded\r\n\r\n"
        "Requires-Dist: below\r\n"
    )
    installed = Installed(machine({"/v/odd-1.dist-info/METADATA": text}))
    assert [need.name for need in installed.requires(installed.found["odd"])] == ["good"]


@given(st.text())
def test_reading_headers_never_fails(text: str) -> None:
    for key, value in headers(text):
        assert key == key.lower()
        assert value == value.strip()


@given(st.binary())
def test_reading_a_record_never_fails(data: bytes) -> None:
    list(record_rows(data))


def test_digests_of_a_record() -> None:
    row = next(record_rows(b"six.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n"))
    assert row == ("six.py", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 0)
    assert hexadecimal("md5=abc") == ""
    assert hexadecimal("sha256=\N{SNOWMAN}") == ""


@pytest.mark.parametrize(
    ("line", "extras", "answer"),
    [
        ("a", (), True),
        ("a ; extra == 'x'", (), False),
        ("a ; extra == 'x'", ("x",), True),
        ('a ; python_version > "3" and extra == "My_X"', ("my-x",), True),
        ('a ; python_version > "3" and extra == "x"', ("y",), False),
        ('a ; python_version > "3" or extra == "x"', (), True),
        ('extra-thing ; python_version > "3"', (), True),
    ],
)
def test_lines_that_need_no_parsing(line: str, extras: tuple[str, ...], answer: bool) -> None:
    assert may_apply(line, frozenset(extras)) is answer


NAMES = st.sampled_from(["x", "y", "Z_z"])
CLAUSES = st.one_of(
    NAMES.map(lambda name: f'extra == "{name}"'), st.sampled_from(['python_version > "3"', 'os_name == "x"'])
)


@given(
    st.lists(CLAUSES, min_size=1, max_size=4), st.lists(st.sampled_from([" and ", " or "]), min_size=4), NAMES
)
def test_a_line_that_is_skipped_never_applies(clauses: list[str], words: list[str], extra: str) -> None:
    marker = clauses[0] + "".join(word + clause for word, clause in zip(words, clauses[1:], strict=False))
    if not may_apply(f"a ; {marker}", frozenset({"", extra.lower().replace("_", "-")})):
        found = Requirement(f"a ; {marker}").marker
        assert found
        assert not found.evaluate({"extra": extra})
        assert not found.evaluate({"extra": ""})


@pytest.mark.parametrize(
    ("requirement", "version", "answer"),
    [
        ("a", "not a version", True),
        ("a>=1", "not a version", False),
        ("a>=1", "2.0rc1", True),
        ("a==2.11.0", "2.11.0+cu130", True),
        ("a==2.11.0+cu128", "2.11.0+cu130", False),
        ("a==2.*", "2.11.0+cu130", True),
        ("a<3", "3.0rc1", False),
        ("a===1.0", "1.0", True),
    ],
)
def test_which_versions_will_do(requirement: str, version: str, answer: bool) -> None:
    parsed = parse_requirement(requirement)
    assert parsed
    assert parsed.accepts(version) is answer


def test_a_requirement_is_parsed_and_stays_as_it_was_written() -> None:
    text = "My_Tool[Dev_X] >= 1, <2 ; python_version > '3'"
    found = parse_requirement(text)
    assert found
    assert (str(found), found.name, found.extras) == (text, "my-tool", frozenset({"dev-x"}))
    assert found.shown == f"my-tool{found.specifier}"
    moved = found.at("https://me:pw@h/x.whl")
    assert str(moved) == 'my-tool[dev-x] @ https://me:pw@h/x.whl ; python_version > "3"'
    assert moved.shown == "https://***@h/x.whl"


@pytest.mark.parametrize("text", ["", "./tool", "six >> 1", "-r x"])
def test_what_is_no_requirement(text: str) -> None:
    assert parse_requirement(text) is None


def test_two_versions_in_one_folder_are_seen() -> None:
    installed = Installed(machine({"/v/x-1.dist-info/METADATA": "", "/v/x-2.dist-info/METADATA": ""}))
    assert installed.damage(installed.found["x"]) == "two versions of it are installed at once"


def test_apts_own_are_never_damaged() -> None:
    folder = "/usr/lib/python3/dist-packages"
    installed = Installed(machine({f"{folder}/x-1.dist-info/top_level.txt": ""}, folder))
    assert installed.damage(installed.found["x"], thorough=True, hashes=True) == ""


@pytest.mark.parametrize("text", ["", "[]", "{", '"x"', '{"url": "file:///x"}'])
def test_an_origin_that_is_unreadable_is_none(text: str) -> None:
    installed = Installed(machine({"/v/x-1.dist-info/direct_url.json": text}))
    assert installed.origin(installed.found["x"]) == ({"url": "file:///x"} if "file" in text else {})


def test_what_is_read_here_is_what_importlib_reads() -> None:
    """This environment, as the standard library sees it and as we do."""
    here = local("/", running(), state="/nowhere")
    installed = Installed(here)
    expected = {
        one.name: one.version
        for one in importlib.metadata.distributions(path=list(here.context.python.site_packages))
    }
    assert {name: one.version for name, one in installed.found.items()} == {
        name.lower().replace("_", "-").replace(".", "-"): version for name, version in expected.items()
    }
    for name, one in installed.found.items():
        needs = importlib.metadata.requires(name) or []
        extras = frozenset(importlib.metadata.metadata(name).get_all("Provides-Extra") or ())
        known = frozenset(extra.lower().replace("_", "-") for extra in extras)
        assert len(installed.requires(one, known)) == len(needs), name
        assert installed.damage(one, thorough=True) == "", name


def test_the_folders_of_this_interpreter_are_the_right_ones() -> None:
    assert sysconfig.get_path("purelib") in running().site_packages
    assert shutil.which("python") is None or Path(running().executable).exists()
