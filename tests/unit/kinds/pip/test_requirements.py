"""Requirement files, as pip documents them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.kinds.pip.requirements import Requirements, gather, logical_lines
from provisioner.kinds.pip.section import Pip


def ask(files: dict[str, str], *editable: str) -> Requirements:
    def read(path: str) -> bytes | None:
        return files[path].encode() if path in files else None

    listed = [path for path in files if path.endswith("/requirements.txt")]
    config = Pip.model_validate({"editable": editable, "requirements": listed})
    return gather(config, "/work", read)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("six", "six"),
        ("six==1.0  # why", "six==1.0"),
        ("six @ https://h/six.whl#sha256=0", "https://h/six.whl#sha256=0"),
        ("six @ https://me:pw@h/six.whl", "https://***@h/six.whl"),
        ("Six_Pack[a,b] >= 1 ; python_version > '3'", "six-pack>=1"),
        ("six==1.0 --hash=sha256:00 --hash=sha256:11", "six==1.0"),
        ("six==1.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11", "six==1.0"),
        ("six --config-settings=a=b", "six"),
        ("-e ./tool", "/work/tool"),
        ("--editable=tool", "/work/tool"),
        ("\ufeffsix", "six"),
    ],
)
def test_lines_that_want_something(line: str, wanted: str) -> None:
    asked = ask({"/in/requirements.txt": line})
    assert [each.shown for each in asked.wanted] == [wanted]
    assert not asked.undecided


@pytest.mark.parametrize(
    "line",
    [
        "",
        "# only a comment",
        "--index-url https://h/simple",
        "-i https://h/simple",
        "--find-links=/wheels",
        "--no-binary :all:",
        "--require-hashes",
        "--pre",
    ],
)
def test_lines_that_want_nothing(line: str) -> None:
    assert ask({"/in/requirements.txt": line}) == Requirements(files={"/in/requirements.txt": line.encode()})


@pytest.mark.parametrize(
    "line",
    [
        "./tool",
        "tool.whl",
        "https://h/tool-1.0-py3-none-any.whl",
        "six==${VERSION}",
        "-r file:///in/more.txt",
        "-e git+https://h/tool#egg=tool",
        "six >> 1",
    ],
)
def test_lines_that_only_uv_can_judge(line: str) -> None:
    asked = ask({"/in/requirements.txt": line})
    assert asked.undecided == ["/in/requirements.txt"]
    assert not asked.wanted


def test_files_in_files() -> None:
    asked = ask(
        {
            "/in/requirements.txt": "-r more/a.txt\n--constraint=limits.txt\n-r gone.txt\none",
            "/in/more/a.txt": "two\n--requirement ../requirements.txt\n-cb.txt",
            "/in/more/b.txt": "three<3\n-r c.txt",
            "/in/more/c.txt": "Four<4",
            "/in/limits.txt": "five<5",
        }
    )
    assert {each.name for each in asked.wanted} == {"one", "two"}
    assert {name: str(limits[0].specifier) for name, limits in asked.limits.items()} == {
        "three": "<3",
        "four": "<4",
        "five": "<5",
    }
    assert asked.missing == ["/in/gone.txt"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[project]\nname = 'My.Tool'\n", "my-tool"),
        ("[project]\nname = 3\n", "some-project"),
        ("[project]\nname = '-r x'\n", "some-project"),
        ("project = 3\n", "some-project"),
        ("not toml at all", "some-project"),
        (None, "some-project"),
    ],
)
def test_the_name_of_a_project(text: str | None, name: str) -> None:
    files = {} if text is None else {"/src/some project/pyproject.toml": text}
    (wanted,) = ask(files, "/src/some project[dev,test]").wanted
    assert (wanted.name, wanted.editable) == (name, "/src/some project")
    assert wanted.extras == {"dev", "test"}


def test_a_project_without_a_usable_folder_name() -> None:
    (wanted,) = ask({}, "/").wanted
    assert wanted.name == "project"


@given(st.text())
def test_any_text_is_read_to_its_end(text: str) -> None:
    asked = ask({"/in/requirements.txt": text})
    assert len(asked.wanted) + len(asked.undecided) <= len(list(logical_lines(text))) + 1
