"""A git server on this machine: smart HTTP as `git http-backend` speaks it, and Git LFS's batch interface.

Sources: git-http-backend(1); the LFS API, https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

SETTINGS = {
    "user.name": "Somebody",
    "user.email": "somebody@example.org",
    "commit.gpgsign": "false",
    "protocol.file.allow": "always",
    "core.hooksPath": "/dev/null",
}
"""What every repository of the tests is made with, whatever the user's own settings are."""


def git(folder: Path, *words: str) -> str:
    """Run git in a folder, with no settings but those above, and return what it says."""
    settings = [word for key, value in SETTINGS.items() for word in ("-c", f"{key}={value}")]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environ |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    done = subprocess.run(
        ["git", *settings, *words], cwd=folder, env=environ, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@dataclass
class GitServer:
    """Repositories below `root`, each by its name, and the large files of all of them."""

    root: Path
    base: str = ""
    seen: list[str] = field(default_factory=list)
    """The paths that were asked for."""
    large: dict[str, bytes] = field(default_factory=dict)
    """The large files by their sha256."""
    modern: bool = True
    """Whether it speaks version 2 of the protocol, in which one may ask for any commit, and for a part."""
    private: set[str] = field(default_factory=set)
    """Repositories that ask who you are, and believe it."""
    failures: list[int] = field(default_factory=list)
    """Statuses that the next requests get, one each."""

    def url(self, name: str) -> str:
        return f"{self.base}/{name}.git"

    def work(self, name: str) -> Path:
        """The working tree that a repository is made from."""
        return self.root / "work" / name

    def make(self, name: str, files: Mapping[str, str] | None = None) -> str:
        """A repository with one commit on `main`; returns the commit."""
        work = self.work(name)
        work.mkdir(parents=True)
        git(work, "init", "--quiet", "--initial-branch=main")
        return self.commit(name, files or {"README.md": f"{name}\n"})

    def commit(self, name: str, files: Mapping[str, str], message: str = "A change") -> str:
        """Another commit on the branch that is checked out, published; returns it."""
        work = self.work(name)
        for path, text in files.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text(text)
        git(work, "add", "--all")
        git(work, "commit", "--quiet", "--allow-empty", "--message", message)
        self.publish(name)
        return git(work, "rev-parse", "HEAD")

    def publish(self, name: str) -> None:
        """Serve what the working tree has: every branch and tag."""
        served = self.root / "served" / f"{name}.git"
        if not served.exists():
            served.parent.mkdir(parents=True, exist_ok=True)
            git(self.root, "init", "--quiet", "--bare", "--initial-branch=main", str(served))
        git(self.work(name), "push", "--quiet", "--force", "--mirror", str(served))

    def tag(self, name: str, tag: str, message: str = "") -> None:
        git(self.work(name), "tag", *(["--annotate", "--message", message] if message else []), tag)
        self.publish(name)

    def keep_large(self, data: bytes) -> str:
        """Keep a large file, and return the pointer to it."""
        digest = hashlib.sha256(data).hexdigest()
        self.large[digest] = data
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(data)}\n"


class Handler(BaseHTTPRequestHandler):
    server: Listener

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature of the library
        """Say nothing."""

    def do_GET(self) -> None:
        self.answer(b"")

    def do_POST(self) -> None:
        self.answer(self.body())

    def body(self) -> bytes:
        """What was sent, in pieces or at once."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline().strip() or b"0", 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def answer(self, body: bytes) -> None:
        told = self.server.told
        path = unquote(urlsplit(self.path).path)
        told.seen.append(path)
        if told.failures:
            return self.reply(told.failures.pop(0), b"")
        if path.strip("/").partition(".git")[0] in told.private and "Authorization" not in self.headers:
            return self.reply(401, b"", {"WWW-Authenticate": 'Basic realm="git"'})
        if path.endswith("/info/lfs/objects/batch"):
            return self.answer_batch(body)
        if path.startswith("/large/"):
            return self.reply(200, told.large[path.removeprefix("/large/")])
        return self.answer_git(path, body)

    def answer_batch(self, body: bytes) -> None:
        """Say where each large file is."""
        told = self.server.told
        objects = [
            {**asked, "actions": {"download": {"href": f"{told.base}/large/{asked['oid']}"}}}
            for asked in json.loads(body)["objects"]
        ]
        answer = json.dumps({"transfer": "basic", "objects": objects}).encode()
        self.reply(200, answer, {"Content-Type": "application/vnd.git-lfs+json"})

    def answer_git(self, path: str, body: bytes) -> None:
        """Let git's own program answer."""
        told = self.server.told
        environ = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(told.root / "served"),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "GIT_CONFIG_KEY_1": "uploadpack.allowFilter",
            "GIT_CONFIG_VALUE_1": str(told.modern).lower(),
            "PATH_INFO": path,
            "QUERY_STRING": urlsplit(self.path).query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }
        if told.modern and (version := self.headers.get("Git-Protocol")):
            environ["GIT_PROTOCOL"] = version
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        done = subprocess.run(
            ["git", "http-backend"], input=body, env=environ, capture_output=True, check=False
        )
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        status = int(headers.pop("Status", "200").split()[0])
        self.reply(status, rest, headers)

    def reply(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    told: GitServer

    def handle_error(self, request: object, client_address: object) -> None:
        """A client may go away."""


@contextlib.contextmanager
def serving(root: Path) -> Iterator[GitServer]:
    """A server on a free port of the loopback device until the block ends."""
    listener = Listener(("127.0.0.1", 0), Handler)
    listener.told = GitServer(root, f"http://127.0.0.1:{listener.server_address[1]}")
    thread = threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield listener.told
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()
