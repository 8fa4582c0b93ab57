"""Small files of web servers, read whole: what a plan has to know the content of."""

from __future__ import annotations

from provisioner.machine.download import web
from provisioner.machine.urls import shown
from provisioner.model.errors import EffectError, ObserveError, TransientError

LARGEST = 4 << 20
"""Bytes: what a plan reads is written by people, or for them."""

GONE = (404, 410)
"""What a server says of what it does not have: RFC 9110, 15.5.5 and 15.5.11."""

PRIVATE = "Check the URL; or download the file by hand, and name its path."


def read(url: str) -> bytes | None:
    """The content of a file, None where the server has no such file.

    Raises ObserveError for every other answer, for none, for a web page and for more than LARGEST bytes.
    """
    try:
        with web.asking(url, {}, stall=web.CONNECT) as response:
            if response.status_code in GONE:
                return None
            web.refuse(response, url)
            data = b""
            for piece in response.iter_bytes():
                data += piece
                if len(data) > LARGEST:
                    break
    except TransientError as error:
        raise ObserveError(error.message, error.hint or "Run it again later.") from error
    except EffectError as error:
        raise ObserveError(error.message, PRIVATE) from error
    if len(data) > LARGEST:
        raise ObserveError(
            f"{shown(url)} is larger than {LARGEST >> 20} MiB", "Download it, and name its path."
        )
    if web.is_page(data) or response.headers.get("Content-Type", "").startswith("text/html"):
        raise ObserveError(f"{shown(url)} is a web page, not a file", web.RAW)
    return data
