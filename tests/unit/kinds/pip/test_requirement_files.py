"""Requirements files of servers, and of what is still to be made, with the real uv."""

from __future__ import annotations

import hashlib

import pytest
from pydantic import TypeAdapter

from provisioner.kinds.pip.kind import KIND
from provisioner.kinds.pip.requirement_files import copies, inputs, reading, why_missing
from provisioner.kinds.pip.requirements import gather
from provisioner.kinds.pip.section import Pip
from provisioner.model.errors import ObserveError
from provisioner.model.plan import Action
from tests.fakes import FakeMachine
from tests.index import project, write_project
from tests.scene import format_change
from tests.server import Server
from tests.unit.kinds.pip.conftest import Workplace, reasons

TEXT = b"tool>=1\n"
SHA = hashlib.sha256(TEXT).hexdigest()
URL = "https://example.org/course/requirements.txt"


def section(wanted: dict[str, object]) -> Pip:
    context = {"folder": "/work", "home": "/root"}
    config: Pip = TypeAdapter(KIND.config).validate_python(wanted, context=context)
    return config


def serving(**files: str) -> FakeMachine:
    """A machine that reaches https://example.org/course/NAME.txt."""
    urls: dict[str, bytes | int] = {
        f"https://example.org/course/{name}.txt": text.encode() for name, text in files.items()
    }
    return FakeMachine(urls=urls)


# With uv


@pytest.fixture
def tool(place: Workplace) -> Workplace:
    place.index.add("tool", "1.0", "bottom")
    place.index.add("bottom", "1.0")
    place.index.add("bottom", "2.0")
    return place


def test_a_file_of_a_server_works_and_says_how_to_pin_it(tool: Workplace, server: Server) -> None:
    url = server.put("/requirements.txt", TEXT)
    step = tool.apply({"requirements": [url]})
    assert step.warnings == (
        f"{url} is not pinned, so another day it may ask for something else; "
        f"write {{url: {url}, sha256: {SHA}}}",
    )
    assert tool.version("bottom") == "2.0"


def test_a_file_with_its_sha256_is_asked_for_once(tool: Workplace, server: Server) -> None:
    url = server.put("/requirements.txt", TEXT)
    wanted = {"requirements": [{"url": url, "sha256": SHA.upper()}]}
    step = tool.apply(wanted)
    assert not step.warnings
    server.pages.clear()
    assert tool.plan(wanted) == []
    assert len(server.seen) == 1


def test_a_file_of_a_server_includes_what_is_beside_it(tool: Workplace, server: Server) -> None:
    url = server.put("/course/units/2.txt", b"# unit 2\n--constraint=limits.txt\n-r ../all.txt\n")
    server.put("/course/units/limits.txt", b"bottom<2\n-c 2.txt\n")
    server.put("/course/all.txt", b"-r units/2.txt\n" + TEXT)
    step = tool.apply({"requirements": [url]})
    assert [line.partition(" ")[0] for line in step.warnings] == [
        server.base + path for path in ("/course/units/2.txt", "/course/units/limits.txt", "/course/all.txt")
    ]
    assert tool.version("bottom") == "1.0"


def test_a_local_file_includes_one_of_a_server(tool: Workplace, server: Server) -> None:
    limits = server.put("/limits.txt", b"bottom<2\n")
    (tool.folder / "requirements.txt").write_text(f"tool\n-c {limits}\n")
    tool.apply({"requirements": ["requirements.txt"]})
    assert tool.version("bottom") == "1.0"


def test_constraints_of_a_server(tool: Workplace, server: Server) -> None:
    limits = server.put("/limits.txt", b"bottom<2\n")
    tool.apply({"packages": ["tool"], "constraints": [limits]})
    assert tool.version("bottom") == "1.0"


def test_another_file_than_the_one_that_is_meant(tool: Workplace, server: Server) -> None:
    url = server.put("/requirements.txt", b"other\n")
    with pytest.raises(ObserveError, match=rf"{url}: the sha256 is [0-9a-f]+, and the file says {SHA}"):
        tool.step({"requirements": [{"url": url, "sha256": SHA}]})


def test_a_server_that_does_not_have_it(tool: Workplace, server: Server) -> None:
    step = tool.step({"requirements": [f"{server.base}/gone.txt"]})
    assert [format_change(each) for each in step.changes if each.action is Action.BLOCKED] == [
        "! pip.gone.txt"
    ]
    assert f"The server has nothing at {server.base}/gone.txt: check the URL." in reasons(step)


def test_what_uv_says_of_a_copy_names_the_file(tool: Workplace, server: Server) -> None:
    url = server.put("/requirements.txt", b"tool\n=nonsense\n")
    told = reasons(tool.step({"requirements": [url]}))
    assert f"{url}:2" in told
    assert "/kept/" not in told


def test_a_server_that_is_down_says_nothing_about_the_file(tool: Workplace, server: Server) -> None:
    url = server.put("/requirements.txt", TEXT, status=503)
    with pytest.raises(ObserveError, match="the server answers 503"):
        tool.step({"requirements": [url]})


def test_a_project_is_kept_whatever_its_folder_is_called(place: Workplace) -> None:
    write_project(place.folder / "proj-main", project("my.tool", "1.0"))
    step = place.apply({"editable": ["proj-main"]})
    assert "pip.my-tool" in [change.address for change in step.changes]
    assert [format_change(each) for each in place.step({"editable": ["proj-main"]}).changes][1:] == [
        "= pip.my-tool  1.0"
    ]


# What is read


def test_a_file_that_includes_itself_is_copied_once() -> None:
    machine = serving(a="-r b.txt\none\n", b="-r a.txt\ntwo\n")
    config = section({"requirements": ["https://example.org/course/a.txt"]})
    found = gather(config, "/work", reading(config, machine))
    assert [each.name for each in found.wanted] == ["one", "two"]
    path = copies(found, machine)["https://example.org/course/a.txt"]
    included = (machine.read(path) or b"").decode().splitlines()[0].removeprefix("-r ")
    assert machine.read(included) == b"two\n"


def test_local_files_are_not_copied() -> None:
    machine = serving()
    machine.put("/work/requirements.txt", "one\n-r more.txt")
    machine.put("/work/more.txt", "two")
    config = section({"requirements": ["requirements.txt"]})
    assert copies(gather(config, "/work", machine.read), machine) == {}


def test_what_is_kept_is_checked_before_it_is_used() -> None:
    machine = serving(requirements=TEXT.decode())
    config = section({"requirements": [{"url": URL, "sha256": SHA}]})
    assert reading(config, machine)(URL) == TEXT
    kept = machine.context.kept(SHA, "requirements.txt")
    assert machine.read(kept) == TEXT
    machine.put(kept, "other\n")
    assert reading(config, machine)(URL) == TEXT
    assert machine.read(kept) == TEXT


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"requirements": ["requirements.txt"]}, ("/work/requirements.txt", "/work/more.txt")),
        ({"requirements": [URL]}, (URL,)),
        ({"requirements": [{"url": URL, "sha256": SHA}]}, ()),
        ({"requirements": ["proj/requirements.txt"]}, ()),
        ({"requirements": ["beside.txt"]}, ("/work/beside.txt",)),
        ({"editable": ["proj"]}, ()),
        ({"editable": ["."]}, ("/work/pyproject.toml",)),
    ],
)
def test_a_lock_depends_on_what_no_other_entry_makes(
    wanted: dict[str, object], expected: tuple[str, ...]
) -> None:
    machine = serving(requirements=TEXT.decode())
    machine.made = ("/work/proj",)
    machine.put("/work/requirements.txt", "-r more.txt")
    machine.put("/work/more.txt", "one")
    machine.put("/work/beside.txt", "-r proj/requirements.txt")
    machine.put("/work/proj/requirements.txt", "-r ../more.txt")
    assert inputs(section(wanted), machine) == expected


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (URL, f"The server has nothing at {URL}: check the URL."),
        ("/work/none.txt", "There is no file /work/none.txt: check the path."),
        ("/work/requirement.txt", "There is no file /work/requirement.txt: did you mean requirements.txt?"),
        (
            "/work/proj/requirement.txt",
            "There is no requirement.txt in /work/proj, which this file brings: "
            "did you mean requirements-gpu.txt?",
        ),
        (
            "/work/later/more.txt",
            "/work/later/more.txt is to be in /work/later, which is not there yet: "
            "name it in pip.requirements, so that pip waits for it.",
        ),
        (
            "/work/later/r.txt",
            "/work/later/r.txt is to be in /work/later, which is not there yet: apply that first.",
        ),
        (
            "/work/made.txt",
            "/work/made.txt is to be made by another part of the file, and is not there yet: "
            "apply that first.",
        ),
    ],
)
def test_why_a_file_is_not_there(place: str, expected: str) -> None:
    machine = FakeMachine(made=("/work/proj", "/work/later", "/work/made.txt"))
    machine.put("/work/requirements.txt")
    machine.put("/work/proj/requirements-gpu.txt")
    assert why_missing(place, section({"requirements": ["later/r.txt", "made.txt"]}), machine) == expected
