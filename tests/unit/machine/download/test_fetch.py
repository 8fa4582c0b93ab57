"""Downloads, against a server that misbehaves on demand."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

from provisioner.machine.download import receipt, web
from provisioner.machine.download.fetch import fetch, head
from provisioner.model.effects import Fetch
from provisioner.model.errors import EffectError, Interrupted, TransientError
from tests.server import Server, serving

BODY = random.Random(1).randbytes(100_000)
SHA256 = hashlib.sha256(BODY).hexdigest()


def get(*urls: str, to: Path, sha256: str | None = None, noted: bool = False) -> str:
    effect = Fetch(urls=urls, path=str(to), sha256=sha256, receipt=receipt.beside(str(to)) if noted else None)
    return fetch(effect, lambda done, total, text: None, lambda: False)


@pytest.fixture
def goal(tmp_path: Path) -> Path:
    return tmp_path / "below" / "file.bin"


def names(goal: Path) -> set[str]:
    return {path.name for path in goal.parent.iterdir()}


# What goes well.


def test_a_file_comes_whole_and_alone(server: Server, goal: Path) -> None:
    assert get(server.put("/file.bin", BODY), to=goal, sha256=SHA256) == ""
    assert goal.read_bytes() == BODY
    assert names(goal) == {"file.bin"}


def test_without_a_hash_the_line_to_paste_is_told(server: Server, goal: Path) -> None:
    assert get(server.put("/file.bin", BODY), to=goal) == f"sha256: {SHA256}"


def test_progress_counts_bytes(server: Server, goal: Path) -> None:
    told: list[tuple[int, int, str]] = []
    effect = Fetch(urls=(server.put("/file.bin", BODY),), path=str(goal))
    fetch(effect, lambda *step: told.append(step), lambda: False)
    assert told[-1] == (len(BODY), len(BODY), "127.0.0.1")
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)


def test_a_local_file_is_copied(goal: Path, tmp_path: Path) -> None:
    source = tmp_path / "a source.bin"
    source.write_bytes(BODY)
    assert get(f"file://{tmp_path}/a%20source.bin", to=goal, sha256=SHA256) == ""
    assert goal.read_bytes() == source.read_bytes()


def test_an_empty_file(server: Server, goal: Path) -> None:
    get(server.put("/file.bin", b""), to=goal)
    assert goal.read_bytes() == b""


def test_a_body_without_a_length(server: Server, goal: Path) -> None:
    get(server.put("/file.bin", BODY, chunked=True), to=goal, sha256=SHA256)
    assert goal.read_bytes() == BODY


def test_encoding_is_declined_and_undone_where_it_comes_all_the_same(server: Server, goal: Path) -> None:
    get(server.put("/rows.csv", BODY, encoded=True), to=goal, sha256=SHA256)
    assert goal.read_bytes() == BODY
    assert server.requests()[0].headers["Accept-Encoding"] == "identity"


def test_an_archive_that_is_labelled_as_encoded_stays_an_archive(server: Server, goal: Path) -> None:
    get(server.put("/a.tar.gz", BODY, headers={"Content-Encoding": "x-gzip"}), to=goal, sha256=SHA256)
    assert goal.read_bytes() == BODY


def test_redirects_are_followed(server: Server, goal: Path) -> None:
    target = server.put("/file.bin", BODY)
    get(server.put("/old", b"", status=302, headers={"Location": target}), to=goal, sha256=SHA256)
    assert goal.read_bytes() == BODY


def test_a_mirror_is_asked_when_the_first_place_has_nothing(server: Server, goal: Path) -> None:
    get(server.base + "/gone", server.put("/file.bin", BODY), to=goal, sha256=SHA256)
    assert goal.read_bytes() == BODY


def test_a_mirror_is_asked_when_the_first_place_has_something_else(server: Server, goal: Path) -> None:
    get(server.put("/other", b"other"), server.put("/file.bin", BODY), to=goal, sha256=SHA256)
    assert goal.read_bytes() == BODY


def test_a_file_that_is_there_is_replaced(server: Server, goal: Path) -> None:
    goal.parent.mkdir()
    goal.write_text("old")
    get(server.put("/file.bin", BODY), to=goal)
    assert goal.read_bytes() == BODY


# Going on with what an earlier try left.


def broken_off(server: Server, goal: Path, **manners: object) -> str:
    """A URL whose download has just broken off after 30000 bytes."""
    url = server.put("/file.bin", BODY, cuts=[30_000], **manners)
    with pytest.raises(TransientError):
        get(url, to=goal)
    assert not goal.exists()
    server.sent = 0
    return url


def test_a_broken_download_goes_on_where_it_stopped(server: Server, goal: Path) -> None:
    url = broken_off(server, goal)
    get(url, to=goal, sha256=SHA256)
    assert goal.read_bytes() == BODY
    assert server.sent < len(BODY)
    assert "If-Range" in server.requests()[-1].headers
    assert names(goal) == {"file.bin"}


def test_an_old_date_is_as_good_as_a_tag(server: Server, goal: Path) -> None:
    url = broken_off(server, goal, etag=None, modified=1e9)
    get(url, to=goal, sha256=SHA256)
    assert server.requests()[-1].headers["If-Range"] == formatdate(1e9, usegmt=True)
    assert server.sent < len(BODY)


@pytest.mark.parametrize(
    "manners",
    [
        {"etag": None},
        {"etag": 'W/"weak"'},
        {"etag": None, "modified": 4e9},
        {"etag": None, "headers": {"Last-Modified": "x"}},
    ],
    ids=["no validator", "a weak one", "a date that is too new", "no date"],
)
def test_nothing_is_resumed_without_a_strong_validator(
    server: Server, goal: Path, manners: dict[str, object]
) -> None:
    url = broken_off(server, goal, **manners)
    get(url, to=goal, sha256=SHA256)
    assert "Range" not in server.requests()[-1].headers
    assert goal.read_bytes() == BODY


def test_a_file_that_has_changed_is_taken_from_its_beginning(server: Server, goal: Path) -> None:
    url = broken_off(server, goal)
    server.pages["/file.bin"].body = BODY[::-1]
    get(url, to=goal)
    assert goal.read_bytes() == BODY[::-1]


def test_a_server_that_ignores_ranges(server: Server, goal: Path) -> None:
    url = broken_off(server, goal, ranges="ignore")
    get(url, to=goal, sha256=SHA256)
    assert server.sent == len(BODY)


def test_a_server_that_sends_another_piece(server: Server, goal: Path) -> None:
    url = broken_off(server, goal, ranges="shift")
    with pytest.raises(TransientError, match="another range than was requested"):
        get(url, to=goal, sha256=SHA256)
    assert names(goal) == set()
    get(url, to=goal, sha256=SHA256)
    assert goal.read_bytes() == BODY


def test_a_server_that_ignores_the_validator(server: Server, goal: Path) -> None:
    url = broken_off(server, goal, ranges="always")
    server.pages["/file.bin"].body = BODY[::-1]
    with pytest.raises(TransientError, match="another range than was requested"):
        get(url, to=goal)
    get(url, to=goal)
    assert goal.read_bytes() == BODY[::-1]


def test_two_versions_glued_together_are_noticed_and_start_over(server: Server, goal: Path) -> None:
    url = broken_off(server, goal, etag='"never changes"')
    server.pages["/file.bin"].body = BODY[::-1]
    wanted = hashlib.sha256(BODY[::-1]).hexdigest()
    with pytest.raises(TransientError, match="starting over"):
        get(url, to=goal, sha256=wanted)
    get(url, to=goal, sha256=wanted)
    assert goal.read_bytes() == BODY[::-1]


def test_a_part_that_is_complete_is_proved_by_its_last_byte(server: Server, goal: Path) -> None:
    url = broken_off(server, goal)
    goal.with_name("file.bin.part").write_bytes(BODY)
    get(url, to=goal, sha256=SHA256)
    assert server.sent == 1


def test_a_part_longer_than_the_file_is_no_reason_to_give_up(server: Server, goal: Path) -> None:
    url = broken_off(server, goal, chunked=True, etag='"same"')
    goal.with_name("file.bin.part").write_bytes(BODY * 2)
    with pytest.raises(TransientError):
        get(url, to=goal)
    get(url, to=goal, sha256=SHA256)
    assert goal.read_bytes() == BODY


def test_the_part_of_another_url_is_not_taken(server: Server, goal: Path) -> None:
    broken_off(server, goal, etag='"same"')
    get(server.put("/other.bin", BODY[::-1], etag='"same"'), to=goal)
    assert goal.read_bytes() == BODY[::-1]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"url": 1}', '{"url": "URL", "validator": "x", "length": "y"}']
)
def test_a_torn_note_is_ignored(server: Server, goal: Path, text: str) -> None:
    url = broken_off(server, goal)
    goal.with_name("file.bin.part.json").write_text(text.replace("URL", url))
    get(url, to=goal, sha256=SHA256)
    assert goal.read_bytes() == BODY


# What goes wrong.


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_refusals_that_are_final(server: Server, goal: Path, status: int) -> None:
    with pytest.raises(EffectError, match=f"/file.bin: the server answers {status}") as caught:
        get(server.put("/file.bin", BODY, status=status), to=goal)
    assert not isinstance(caught.value, TransientError)
    assert caught.value.hint
    assert names(goal) == set()


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
def test_refusals_that_may_pass(server: Server, goal: Path, status: int) -> None:
    url = server.put("/file.bin", BODY, failures=[status])
    with pytest.raises(TransientError, match=f"the server answers {status}") as caught:
        get(url, to=goal)
    assert caught.value.retry_after is None
    get(url, to=goal)
    assert goal.read_bytes() == BODY


def test_the_server_says_when_to_come_back(server: Server, goal: Path) -> None:
    url = server.put("/file.bin", BODY, status=429, headers={"Retry-After": "7"})
    with pytest.raises(TransientError) as caught:
        get(url, to=goal)
    assert caught.value.retry_after == 7


def test_the_server_names_an_hour(server: Server, goal: Path) -> None:
    url = server.put("/file.bin", BODY, status=503, headers={"Retry-After": formatdate(4e9, usegmt=True)})
    before = time.time()
    with pytest.raises(TransientError) as caught:
        get(url, to=goal)
    assert caught.value.retry_after is not None
    assert 4e9 - time.time() <= caught.value.retry_after <= 4e9 - before


def test_the_server_names_an_hour_that_has_passed(server: Server, goal: Path) -> None:
    url = server.put("/file.bin", BODY, status=503, headers={"Retry-After": formatdate(1e9, usegmt=True)})
    with pytest.raises(TransientError) as caught:
        get(url, to=goal)
    assert caught.value.retry_after == 0


def test_every_place_is_named_when_none_gives_the_file(server: Server, goal: Path) -> None:
    with pytest.raises(
        EffectError, match=r"/a: the server answers 404 Not Found; .*/b: the server answers 410"
    ):
        get(server.base + "/a", server.put("/b", b"", status=410), to=goal)


def test_one_place_that_may_recover_is_worth_another_try(server: Server, goal: Path) -> None:
    busy = server.put("/b", b"", status=503, headers={"Retry-After": "3"})
    with pytest.raises(TransientError) as caught:
        get(server.base + "/a", busy, to=goal)
    assert caught.value.retry_after == 3


def test_a_wrong_hash_removes_the_part_and_names_both(server: Server, goal: Path) -> None:
    with pytest.raises(EffectError, match=f"sha256 is {SHA256}, expected {'0' * 64}") as caught:
        get(server.put("/file.bin", BODY), to=goal, sha256="0" * 64)
    assert not isinstance(caught.value, TransientError)
    assert names(goal) == set()


def test_a_web_page_in_place_of_the_file(server: Server, goal: Path) -> None:
    with pytest.raises(EffectError) as caught:
        get(server.put("/file.zip", b"\n<!DOCTYPE html><p>Log in"), to=goal, sha256=SHA256)
    assert "web page" in caught.value.hint


def test_a_body_shorter_than_told(server: Server, goal: Path) -> None:
    with pytest.raises(TransientError):
        get(
            server.put(
                "/file.bin", BODY, headers={"Content-Length": "200000", "Connection": "close"}, cuts=[100_000]
            ),
            to=goal,
        )
    assert not goal.exists()


def test_a_piece_shorter_than_the_rest(server: Server, goal: Path) -> None:
    url = broken_off(server, goal)
    server.pages["/file.bin"].headers["Content-Length"] = "1000"
    with pytest.raises(TransientError, match="of 100000 bytes"):
        get(url, to=goal)


def test_silence_ends_by_itself(server: Server, goal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "STALL", 0.2)
    with pytest.raises(TransientError, match="stopped sending data"):
        get(server.put("/file.bin", BODY, stall=5000), to=goal)


def test_a_stop_is_obeyed_while_the_server_is_silent(server: Server, goal: Path) -> None:
    begun = threading.Event()
    effect = Fetch(urls=(server.put("/file.bin", BODY, stall=5000),), path=str(goal))
    with pytest.raises(Interrupted):
        fetch(effect, lambda done, total, text: begun.set(), begun.is_set)
    assert not goal.exists()


def test_a_stop_between_two_chunks(goal: Path, tmp_path: Path) -> None:
    source = tmp_path / "large"
    with source.open("wb") as file:
        file.truncate(100 * 1024**2)
    told: list[int] = []
    stopped = threading.Event()

    def tell(done: int, total: int, text: str) -> None:
        told.append(done)
        stopped.wait()

    before = set(threading.enumerate())
    with pytest.raises(Interrupted):
        fetch(Fetch(urls=(f"file://{source}",), path=str(goal)), tell, lambda: bool(told))
    stopped.set()
    for worker in set(threading.enumerate()) - before:
        worker.join()
    assert len(told) == 1
    assert told[0] < 100 * 1024**2
    assert not goal.exists()


def test_nobody_listens(goal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TransientError, match="refused") as caught:
        get(f"http://127.0.0.1:{port}/x", to=goal)
    assert "network" in caught.value.hint


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """No host has an address."""

    def fail(*args: object, **options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.mark.usefixtures("no_names")
def test_a_host_that_does_not_exist(goal: Path) -> None:
    with pytest.raises(TransientError) as caught:
        get("http://host.invalid/x", to=goal)
    assert "network" in caught.value.hint


def test_no_connection_in_time(goal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "CONNECT", 0.2)
    monkeypatch.setenv("NO_PROXY", "*")
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (first, second):  # whoever comes now is left in the queue
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        with pytest.raises(TransientError, match="no connection within"):
            get(f"http://127.0.0.1:{full.getsockname()[1]}/x", to=goal)


def test_redirects_in_a_circle(server: Server, goal: Path) -> None:
    url = server.put("/round", b"", status=302, headers={"Location": "/round"})
    with pytest.raises(EffectError, match="redirect") as caught:
        get(url, to=goal)
    assert not isinstance(caught.value, TransientError)
    assert len(server.seen) <= web.REDIRECTS + 1


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1/x", "gopher://127.0.0.1/"])
def test_a_redirect_out_of_the_web(server: Server, goal: Path, target: str) -> None:
    with pytest.raises(EffectError, match="neither http nor https") as caught:
        get(server.put("/trap", b"", status=302, headers={"Location": target}), to=goal)
    assert not isinstance(caught.value, TransientError)
    assert not goal.exists()


def test_a_local_file_that_is_not_there(goal: Path) -> None:
    with pytest.raises(EffectError, match="/not/there is not a file"):
        get("file:///not/there", to=goal)


def test_a_folder_that_cannot_be_made(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EffectError, match="cannot download to"):
        get(server.put("/x", BODY), to=tmp_path / "file" / "below")


def test_too_little_space_is_known_before_the_first_byte(
    server: Server, goal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(EffectError, match="100000 bytes are needed, 1000 are free") as caught:
        get(server.put("/file.bin", BODY), to=goal)
    assert "space" in caught.value.hint
    assert names(goal) == set()


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:1", "proxy"),
        ("HTTPS_PROXY", "gopher://x", "proxy"),
        ("SSL_CERT_FILE", "/not/there", "cert"),
    ],
)
def test_surroundings_that_are_wrong(
    goal: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, hint: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(EffectError, match=hint):
        get("https://host.invalid/x", to=goal)


# Secrets.


def test_errors_and_notes_hold_no_credentials(server: Server, goal: Path) -> None:
    url = server.put("/file.bin", BODY, cuts=[30_000]).replace("//", "//user:passw0rd@")
    url += "?id=7&X-Amz-Signature=5ecret&X-Amz-Expires=60&token=5ecret"
    with pytest.raises(TransientError) as caught:
        get(url, to=goal, noted=True)
    told = caught.value.message + goal.with_name("file.bin.part.json").read_text()
    get(url, to=goal, noted=True)
    told += Path(receipt.beside(str(goal))).read_text()
    assert not re.search("passw0rd|5ecret", told)
    assert "id=7" in told
    assert server.requests()[-1].headers["Authorization"].startswith("Basic ")


# Trust.


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for localhost that nobody has signed but itself, with its key."""
    if not (openssl := shutil.which("openssl")):
        pytest.skip("openssl makes the certificate")
    path = tmp_path / "server.pem"
    argv = [
        openssl,
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-noenc",
        "-days",
        "2",
    ]
    argv += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", "-", "-out", "-"]
    path.write_bytes(subprocess.run(argv, check=True, capture_output=True).stdout)
    return path


@pytest.fixture
def secure(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "localhost")
    with serving(certificate) as told:
        yield told


def test_a_certificate_that_nobody_trusts_is_final(secure: Server, goal: Path) -> None:
    with pytest.raises(EffectError, match="certificate is not trusted") as caught:
        get(secure.put("/file.bin", BODY), to=goal)
    assert not isinstance(caught.value, TransientError)
    assert "SSL_CERT_FILE" in caught.value.hint


def test_ssl_cert_file_is_trusted(
    secure: Server, goal: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    get(secure.put("/file.bin", BODY), to=goal, sha256=SHA256)
    assert goal.read_bytes() == BODY


# Receipts.


def test_the_receipt_tells_where_the_file_is_from(server: Server, goal: Path) -> None:
    get(server.put("/file.bin", BODY), to=goal, noted=True)
    told = receipt.load(Path(receipt.beside(str(goal))).read_bytes())
    assert told is not None
    assert (told.url, told.sha256, told.size) == (server.base + "/file.bin", SHA256, len(BODY))
    assert list(told.entries()) == [("file.bin", len(BODY), goal.stat().st_mtime_ns, SHA256)]
    assert goal.stat().st_mtime_ns % (2 * 10**9) == 0


@pytest.mark.parametrize("sha256", [SHA256, None])
def test_what_an_earlier_run_downloaded_is_not_downloaded_again(
    server: Server, goal: Path, sha256: str | None
) -> None:
    url = server.put("/file.bin", BODY)
    get(url, to=goal, noted=True)
    again = get(url, to=goal, sha256=sha256, noted=True)
    assert again == ("" if sha256 else f"sha256: {SHA256}")
    assert len(server.seen) == 1


def test_a_damaged_file_is_downloaded_again(server: Server, goal: Path) -> None:
    url = server.put("/file.bin", BODY)
    get(url, to=goal, noted=True)
    goal.write_bytes(b"broken")
    get(url, to=goal, sha256=SHA256, noted=True)
    assert goal.read_bytes() == BODY


def test_another_url_is_downloaded(server: Server, goal: Path) -> None:
    get(server.put("/file.bin", BODY), to=goal, noted=True)
    get(server.put("/new.bin", b"new"), to=goal, noted=True)
    assert goal.read_bytes() == b"new"


# Asking first.


def test_a_server_tells_the_size(server: Server) -> None:
    url = server.put("/file.bin", BODY)
    answer = head(url)
    assert (answer.url, answer.status, answer.size, answer.error) == (url, 200, len(BODY), "")
    assert server.sent == 0


@pytest.mark.parametrize("status", [400, 403, 404, 405, 501])
def test_a_server_that_does_not_like_head(server: Server, status: int) -> None:
    answer = head(server.put("/file.bin", BODY, head=status))
    assert (answer.status, answer.size, answer.error) == (200, len(BODY), "")


def test_a_size_that_is_not_told(server: Server) -> None:
    assert head(server.put("/file.bin", BODY, chunked=True)).size is None


@pytest.mark.parametrize(("status", "transient"), [(404, False), (403, False), (429, True), (503, True)])
def test_a_file_that_cannot_be_had(server: Server, status: int, transient: bool) -> None:
    answer = head(server.put("/file.bin", BODY, status=status))
    assert (answer.status, answer.transient) == (status, transient)
    assert f"the server answers {status}" in answer.error


@pytest.mark.usefixtures("no_names")
def test_no_server_to_ask() -> None:
    answer = head("http://host.invalid/x")
    assert (answer.status, answer.transient) == (0, True)
    assert answer.error


# A sudden death.


def test_a_killed_download_is_gone_on_with(server: Server, goal: Path) -> None:
    url = server.put("/file.bin", BODY, stall=50_000)
    program = (
        "import sys\n"
        "from provisioner.machine.download.fetch import fetch\n"
        "from provisioner.model.effects import Fetch\n"
        "effect = Fetch(urls=(sys.argv[1],), path=sys.argv[2])\n"
        "fetch(effect, lambda done, *_: print(done, flush=True), lambda: False)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, url, str(goal)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        while int(child.stdout.readline()) < 45_000:
            pass
        os.kill(child.pid, signal.SIGKILL)
    assert not goal.exists()
    assert json.loads(goal.with_name("file.bin.part.json").read_text())["length"] == len(BODY)
    server.pages["/file.bin"].stall = None
    get(url, to=goal, sha256=SHA256)
    assert goal.read_bytes() == BODY
    assert names(goal) == {"file.bin"}
