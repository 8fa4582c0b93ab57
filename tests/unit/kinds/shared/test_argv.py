"""Which program a spec's command runs, and with which variables."""

from __future__ import annotations

from dataclasses import replace

from provisioner.kinds.shared.argv import environment, places, search_path
from tests.fakes import FakeMachine


def machine(**settings: str | tuple[str, ...] | None) -> FakeMachine:
    """A machine for whose spec variables are set."""
    found = FakeMachine(environ={"PATH": "/usr/bin:/bin", "LIBS": "/a:/b", "EMPTY": ""}, variables=settings)
    found.python = replace(found.python, executable="/opt/venv/bin/python")
    return found


def test_without_a_path_the_usual_one_serves() -> None:
    assert search_path(FakeMachine(environ={})).endswith(":/usr/bin:/sbin:/bin")


def test_what_the_file_puts_in_front_comes_before_the_interpreter() -> None:
    assert search_path(machine()) == "/opt/venv/bin:/usr/bin:/bin"
    assert search_path(machine(PATH=("/mine", "/bin"))) == "/mine:/bin:/opt/venv/bin:/usr/bin"


def test_a_whole_path_of_the_file_leaves_its_interpreter_first() -> None:
    assert search_path(machine(PATH="/mine:/usr/bin")) == "/opt/venv/bin:/mine:/usr/bin"


def test_a_command_is_told_nothing_but_what_is_set() -> None:
    assert environment(machine()) == (("PATH", "/opt/venv/bin:/usr/bin:/bin"),)


def test_folders_go_in_front_of_what_is_inherited_each_once() -> None:
    found = dict(environment(machine(LIBS=("/b", "/c"), EMPTY=("/d",), NEW=("/e",))))
    assert (found["LIBS"], found["EMPTY"], found["NEW"]) == ("/b:/c:/a", "/d", "/e")


def test_a_command_of_its_own_mind_wins() -> None:
    found = dict(environment(machine(A="1", B=None), {"A": None, "B": ("/x",), "PATH": "/mine:/bin"}))
    assert found == {"A": None, "B": "/x", "PATH": "/mine:/bin"}


def test_the_files_that_decide_which_program_runs() -> None:
    assert places("java", "/work", "/a:/b::rel:/a") == ("/a/java", "/b/java", "/etc/alternatives/java")
    assert places("/opt/x", "/work", "/a") == ("/opt/x",)
    assert places("./x", "/work", "/a") == ("/work/x",)
