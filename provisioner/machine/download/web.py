"""Requests to a web server: every failure is either temporary or final."""

from __future__ import annotations

import contextlib
import re
import ssl
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from provisioner.machine.urls import shown
from provisioner.model.errors import EffectError, TransientError

if TYPE_CHECKING:
    import httpx

CONNECT = 10.0
"""Seconds until a connection must be made, and until a server must answer a question about a URL."""
STALL = 30.0
"""Seconds without a single byte until a download is aborted."""
REDIRECTS = 10
PASSING = {408, 425, 429}
"""Status codes after which another try may succeed, besides all 5xx except "not implemented"."""
COMPRESSED = (".gz", ".tgz", ".bz2", ".xz", ".zip")

HINTS = {
    401: "The server requires a login. Download the file by hand, and give its path as `url`.",
    403: "The server denies access, or requires a login. Download the file by hand, and give its path.",
    404: "Check the URL, or give another URL in `mirrors`.",
    410: "The file was removed for good: give another URL.",
}
NETWORK = "Check the network, and the name of the host."
PAGE = "The server sent a web page instead of the file: open the URL in a browser to see why."
RAW = "Open the URL in a browser, and take the address of the file itself; GitHub calls it Raw."
TRUST = "If a proxy uses its own certificate, set SSL_CERT_FILE to it; also check the clock."


@contextlib.contextmanager
def asking(
    url: str, headers: dict[str, str], method: str = "GET", stall: float | None = None
) -> Iterator[httpx.Response]:
    """The server's answer, whatever it is, with its body still to be read.

    Raises TransientError or EffectError for every failure until the end of the `with` block.
    """
    import httpx

    headers = {"User-Agent": "colab-provisioner", "Accept-Encoding": "identity", **headers}
    timeout = httpx.Timeout(CONNECT, read=stall or STALL)
    try:
        with client(timeout) as session, session.stream(method, url, headers=headers) as response:
            yield response
    except httpx.TransportError as error:
        raise in_words(url, error) from error
    except (httpx.TooManyRedirects, httpx.InvalidURL, httpx.StreamError, httpx.DecodingError) as error:
        raise EffectError(f"{shown(url)}: {lower(str(error))}", "Check the URL.") from error


def client(timeout: httpx.Timeout) -> httpx.Client:
    """A client that uses the environment's proxies and SSL_CERT_FILE, SSL_CERT_DIR."""
    import httpx

    try:
        return httpx.Client(timeout=timeout, follow_redirects=True, max_redirects=REDIRECTS)
    except (ImportError, ValueError) as error:
        raise EffectError(f"the proxy cannot be used: {error}", "Check HTTPS_PROXY and ALL_PROXY.") from error
    except OSError as error:
        raise EffectError(
            f"the trusted certificates cannot be read: {error}", "Check SSL_CERT_FILE and SSL_CERT_DIR."
        ) from error


def in_words(url: str, error: httpx.TransportError) -> EffectError:
    """What a failed exchange means for the user."""
    import httpx

    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return EffectError(f"{shown(url)}: redirects to an address that is neither http nor https")
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes(error)):
        return EffectError(f"{shown(url)}: the server's certificate is not trusted: {error}", TRUST)
    if isinstance(error, httpx.ConnectTimeout):
        return TransientError(f"{shown(url)}: no connection within {CONNECT:.0f} s", NETWORK)
    if isinstance(error, httpx.TimeoutException):
        return TransientError(f"{shown(url)}: the server stopped sending data")
    hint = NETWORK if isinstance(error, httpx.ConnectError) else ""
    return TransientError(f"{shown(url)}: {lower(str(error)) or 'the connection broke'}", hint)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def lower(text: str) -> str:
    """A library's message as the end of our own sentence."""
    text = re.sub(r"^\[Errno -?\d+\] ", "", text)
    return text[:1].lower() + text[1:].rstrip(".")


def refuse(response: httpx.Response, url: str) -> None:
    """Raise for every answer that is not the whole file or a piece of it."""
    status = response.status_code
    if status in {200, 203, 206}:
        return
    message = f"{shown(url)}: {answer_in_words(status)}"
    if is_passing(status):
        raise TransientError(message, retry_after=retry_after(response))
    raise EffectError(message, HINTS.get(status, "Check the URL."))


def answer_in_words(status: int) -> str:
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
    return f"the server answers {status} {phrase}".rstrip()


def is_passing(status: int) -> bool:
    return status in PASSING or (status >= 500 and status != 501)


def retry_after(response: httpx.Response) -> float | None:
    """Seconds that the server asks us to wait, from either form of Retry-After (RFC 9110, 10.2.3)."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def validator(response: httpx.Response) -> str:
    """What shows that the bytes are still the same: a strong ETag, or an equally reliable date.

    A date is, when it is a minute older than the answer (RFC 9110, 8.8.2.2). Empty when the server offers
    nothing, or sends the body in an encoding, where the positions of bytes mean nothing.
    """
    if response.headers.get("Content-Encoding"):
        return ""
    etag: str = response.headers.get("ETag", "")
    if etag:
        return "" if etag.startswith("W/") else etag
    modified: str = response.headers.get("Last-Modified", "")
    try:
        age = parsedate_to_datetime(response.headers.get("Date", "")) - parsedate_to_datetime(modified)
    except (ValueError, TypeError):
        return ""
    return modified if age.total_seconds() >= 60 else ""


def length(response: httpx.Response) -> int | None:
    """Bytes of the file, if the server says so."""
    value = response.headers.get("Content-Length", "")
    return int(value) if value.isdigit() and not response.headers.get("Content-Encoding") else None


def piece(response: httpx.Response) -> tuple[int, int | None] | None:
    """Where the part in a 206 begins, and the size of the whole."""
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    return (int(match[1]), None if match[2] == "*" else int(match[2])) if match else None


def body(response: httpx.Response, name: str) -> Iterator[bytes]:
    """The bytes of the file called `name`.

    Encodings are undone, but not for a file that is compressed itself: servers are known to label a plain
    `.tar.gz` as an encoded `.tar`.
    """
    return response.iter_raw() if name.endswith(COMPRESSED) else response.iter_bytes()


def is_page(beginning: bytes) -> bool:
    """Whether a file begins like a web page, such as a login or quota page."""
    return beginning.lstrip().lower().startswith((b"<!doctype html", b"<html"))
