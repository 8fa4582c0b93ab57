"""Which program a spec's command runs."""

from __future__ import annotations

from provisioner.kinds.shared.argv import places, search_path
from tests.fakes import FakeMachine


def test_without_a_path_the_usual_one_serves() -> None:
    assert search_path(FakeMachine(environ={})).endswith(":/usr/bin:/sbin:/bin")


def test_the_files_that_decide_which_program_runs() -> None:
    assert places("java", "/work", "/a:/b::rel:/a") == ("/a/java", "/b/java", "/etc/alternatives/java")
    assert places("/opt/x", "/work", "/a") == ("/opt/x",)
    assert places("./x", "/work", "/a") == ("/work/x",)
