"""Small files of servers, read whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from provisioner.machine.download import pages
from provisioner.machine.traced import TracedReader
from provisioner.model.errors import ObserveError
from tests.machines import local
from tests.server import Server


def test_a_file(server: Server) -> None:
    assert pages.read(server.put("/a.txt", b"six\n", encoded=True)) == b"six\n"


@pytest.mark.parametrize("status", [404, 410])
def test_a_file_that_is_not_there(server: Server, status: int) -> None:
    assert pages.read(server.put("/a.txt", b"", status=status)) is None


@pytest.mark.parametrize(
    ("body", "manners", "message"),
    [
        (b"", {"status": 403}, "the server answers 403 Forbidden"),
        (b"", {"status": 500}, "the server answers 500 Internal Server Error"),
        (b"<!DOCTYPE html><p>Sign in", {}, "is a web page, not a file"),
        (b"six\n", {"headers": {"Content-Type": "text/html; charset=utf-8"}}, "is a web page, not a file"),
        (b"x" * (pages.LARGEST + 1), {"chunked": True}, "is larger than 4 MiB"),
        (b"six\n", {"cuts": [2]}, "complete|connection|body"),
    ],
)
def test_what_is_no_answer(server: Server, body: bytes, manners: dict[str, object], message: str) -> None:
    url = server.put("/a.txt", body, **manners)
    with pytest.raises(ObserveError, match=rf"{re.escape(url)}.*({message})"):
        pages.read(f"{url}")


def test_no_server_at_all() -> None:
    with pytest.raises(ObserveError) as caught:
        pages.read("http://127.0.0.1:9/a.txt")
    assert caught.value.hint == "Check the network, and the name of the host."


def test_one_machine_asks_once_and_keeps_what_it_is_told(server: Server, tmp_path: Path) -> None:
    url = server.put("/a.txt", b"six\n")
    machine = local(tmp_path)
    digest = machine.hash(url)
    server.pages.clear()
    assert machine.read(url) == b"six\n"
    path = machine.keep("a.txt", b"six\n")
    assert path == machine.context.kept(str(digest), "a.txt")
    Path(path).write_bytes(b"other")
    assert Path(machine.keep("a.txt", b"six\n")).read_bytes() == b"six\n"
    assert machine.hash(f"{server.base}/b.txt") is None


def test_what_a_server_has_is_no_reason_to_skip_a_look(server: Server, tmp_path: Path) -> None:
    url = server.put("/a.txt", b"six\n")
    machine = local(tmp_path)
    for look in (TracedReader.read, TracedReader.hash):
        reader = TracedReader(machine, machine.context)
        look(reader, url)
        assert not reader.complete
        assert not reader.notes


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    with pytest.raises(ObserveError, match="cannot write"):
        local(tmp_path).keep("a.txt", b"six\n")
