"""Two applies at once, kill -9, Ctrl-C: how an apply stops, and that the next one finishes its work."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import takewhile
from threading import Event, Thread

import pytest

from tests.clock import PATIENCE
from tests.machine.debian_root import WORK, Root
from tests.machine.garden import GARDEN, PROVISIONER, assert_settled, pending, write_tar


def test_two_applies_at_once(garden: Root) -> None:
    slow = '[sh, -c, "until test -e go; do sleep 0.1; done; touch dug"]'
    garden.colabenv("validate", spec=GARDEN.replace("[touch, dug]", slow), check=True)
    argv = [*PROVISIONER, "apply"]
    first = garden.start(argv, cwd=WORK)
    garden.wait_for("^sh -c until")
    second = garden.start(argv, cwd=WORK, stderr=subprocess.STDOUT)
    assert second.stdout
    begun = "".join(takewhile(lambda line: "waiting" not in line, second.stdout))
    garden.write(f"{WORK}/go", "")
    told, _ = first.communicate()
    assert first.returncode == 0, told
    assert "changed" in told
    rest, _ = second.communicate()
    assert second.returncode == 0, begun + rest
    assert "Nothing to do" in rest


SLOW_BACKEND = """\
import os, subprocess, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    if not os.path.exists("/etc/shelf-fast"):
        subprocess.run(["sleep", "30"])
    name = "slow-1.0-py3-none-any.whl"
    info = "slow-1.0.dist-info/"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("slow.py", "")
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: slow\\nVersion: 1.0\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "RECORD", f"slow.py,,\\n{info}METADATA,,\\n{info}WHEEL,,\\n{info}RECORD,,\\n")
    return name
"""
SLOW_PROJECT = """\
[project]
name = "slow"
version = "1.0"

[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


def test_killed_in_a_build_then_applied_again(garden: Root) -> None:
    garden.write(f"{WORK}/slow/backend.py", SLOW_BACKEND)
    garden.write(f"{WORK}/slow/pyproject.toml", SLOW_PROJECT)
    spec = f'version: 1\npip: {{packages: ["slow @ file://{WORK}/slow"]}}\n'
    garden.colabenv("validate", spec=spec, check=True)
    cut = garden.start([*PROVISIONER, "apply"], cwd=WORK)
    garden.wait_for("^sleep 30")
    garden.kill(".")
    cut.communicate()
    assert cut.returncode == -9
    garden.write("/etc/shelf-fast", "")
    assert pending(garden)
    garden.colabenv("apply", check=True)
    assert_settled(garden)


class StallingServer(ThreadingHTTPServer):
    """Serves one file on loopback; the first time it sends half of it and waits to be released."""

    daemon_threads = True

    def __init__(self, data: bytes) -> None:
        super().__init__(("127.0.0.1", 0), StallingHandler)
        self.data = data
        self.halfway, self.released = Event(), Event()


class StallingHandler(BaseHTTPRequestHandler):
    server: StallingServer

    def do_GET(self) -> None:
        data = self.server.data
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        half = len(data) // 2
        self.wfile.write(data[:half])
        self.server.halfway.set()
        self.server.released.wait(PATIENCE)
        with suppress(ConnectionError):
            self.wfile.write(data[half:])

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.data)))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class calls it
        """Tests are quiet."""


@contextmanager
def stalling(data: bytes) -> Iterator[StallingServer]:
    with StallingServer(data) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()


def test_killed_in_a_download_then_applied_again(garden: Root) -> None:
    write_tar(garden, "/tmp/noise.tar.gz", {"noise.bin": os.urandom(4_000_000)})
    with stalling(garden.path("/tmp/noise.tar.gz").read_bytes()) as server:
        url = f"http://127.0.0.1:{server.server_port}/noise.tar.gz"
        spec = f"version: 1\ndatasets: {{noise: {{url: '{url}', unpack: true, to: noise}}}}\n"
        garden.colabenv("validate", spec=spec, check=True)
        cut = garden.start([*PROVISIONER, "apply"], cwd=WORK)
        assert server.halfway.wait(PATIENCE)
        garden.kill(".")
        cut.communicate()
        server.released.set()
        assert not garden.path(f"{WORK}/noise").exists()
        garden.colabenv("apply", check=True)
    assert garden.path(f"{WORK}/noise/noise.bin").stat().st_size == 4_000_000
    assert_settled(garden)


@pytest.mark.parametrize("signal", [2, 15], ids=["ctrl-c", "term"])
def test_an_interrupt_reaps_children_and_the_next_apply_finishes(garden: Root, signal: int) -> None:
    command = '[sh, -c, "test -e again || sleep 30; touch dug"]'
    spec = f"version: 1\nrun: [{{name: dig, command: {command}, creates: dug}}]\n"
    garden.colabenv("validate", spec=spec, check=True)
    process = garden.start([*PROVISIONER, "apply"], cwd=WORK)
    garden.wait_for("^sleep 30")
    garden.kill("provisioner apply", signal)
    told = "".join(process.communicate(timeout=PATIENCE))
    assert process.returncode == 130, told
    assert "Traceback" not in told
    assert garden.processes() == {}
    garden.write(f"{WORK}/again", "")
    garden.colabenv("apply", check=True)
    assert_settled(garden)
