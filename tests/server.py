"""A web server on this machine that misbehaves on demand."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Page:
    """What is at one address, and how it is given away."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    failures: list[int] = field(default_factory=list)
    """Statuses answered to the first requests, one each."""
    etag: str | None = "auto"
    """Sent as the ETag; "auto" makes one from the body, None sends none."""
    modified: float | None = None
    """Sent as Last-Modified, in seconds since 1970."""
    ranges: str = "honour"
    """"honour", "ignore", "shift" (another range than was requested) or "always" (whatever If-Range says)."""
    cuts: list[int] = field(default_factory=list)
    """The connection breaks after so many bytes of the body, for the first answers, one each."""
    stall: int | None = None
    """The server falls silent after so many bytes of the body."""
    chunked: bool = False
    """Send the body without its length."""
    encoded: bool = False
    """Send the body compressed, although nobody asked for it."""
    head: int = 0
    """A status for HEAD alone."""


@dataclass(frozen=True)
class Seen:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass
class Server:
    pages: dict[str, Page] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    sent: int = 0
    """Bytes of bodies that were sent."""
    base: str = ""
    released: threading.Event = field(default_factory=threading.Event)
    """Ends every silence."""

    def put(self, path: str, body: bytes, **manners: object) -> str:
        """Serve `body` at `path` and return its URL."""
        self.pages[path] = Page(body, **manners)  # type: ignore[arg-type]
        return self.base + path

    def requests(self, method: str = "GET") -> list[Seen]:
        return [seen for seen in self.seen if seen.method == method]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Listener

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature of the library
        """Say nothing."""

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        told = self.server.told
        told.seen.append(Seen(self.command, self.path, dict(self.headers)))
        page = told.pages.get(self.path.partition("?")[0], Page(status=404))
        if self.command == "HEAD" and page.head:
            return self.refuse(page.head, {})
        if page.failures:
            return self.refuse(page.failures.pop(0), page.headers)
        if page.status != 200:
            return self.refuse(page.status, page.headers)
        return self.give(page)

    def refuse(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def give(self, page: Page) -> None:
        etag = f'"{hashlib.sha256(page.body).hexdigest()[:16]}"' if page.etag == "auto" else page.etag
        modified = formatdate(page.modified, usegmt=True) if page.modified is not None else None
        body, start = page.body, self.start_of_range(page, {etag, modified})
        if start is not None and start >= len(body):
            return self.refuse(416, {"Content-Range": f"bytes */{len(body)}"})
        self.send_response(200 if start is None else 206)
        if start is not None:
            start += 1 if page.ranges == "shift" else 0
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            body = body[start:]
        if page.encoded:
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        for name, value in {"ETag": etag, "Last-Modified": modified, **page.headers}.items():
            if value is not None:
                self.send_header(name, value)
        if page.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif "Content-Length" not in page.headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.send_body(page, body)
        return None

    def start_of_range(self, page: Page, validators: set[str | None]) -> int | None:
        wanted = self.headers.get("Range")
        if wanted is None or page.ranges == "ignore":
            return None
        if page.ranges != "always" and self.headers.get("If-Range") not in validators:
            return None
        return int(wanted.removeprefix("bytes=").partition("-")[0])

    def send_body(self, page: Page, body: bytes) -> None:
        cut = page.cuts.pop(0) if page.cuts else None
        limit = cut if cut is not None else page.stall
        for start in range(0, len(body), 4096):
            piece = body[start : start + 4096]
            if limit is not None and start + len(piece) > limit:
                self.send_piece(page, piece[: limit - start])
                if cut is None:
                    self.server.told.released.wait()
                self.close_connection = True
                return
            self.send_piece(page, piece)
        if page.chunked:
            self.wfile.write(b"0\r\n\r\n")

    def send_piece(self, page: Page, piece: bytes) -> None:
        self.server.told.sent += len(piece)
        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if page.chunked and piece else piece)


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    told: Server

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is what the tests are about."""


@contextlib.contextmanager
def serving(certificate: Path | None = None) -> Iterator[Server]:
    """A server on a free port of the loopback device until the block ends; https with a `certificate`."""
    listener = Listener(("127.0.0.1", 0), Handler)
    listener.told = Server()
    scheme, host = "http", "127.0.0.1"
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        listener.socket = context.wrap_socket(listener.socket, server_side=True)
        scheme, host = "https", "localhost"
    listener.told.base = f"{scheme}://{host}:{listener.server_address[1]}"
    thread = threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield listener.told
    finally:
        listener.told.released.set()
        listener.shutdown()
        listener.server_close()
        thread.join()
