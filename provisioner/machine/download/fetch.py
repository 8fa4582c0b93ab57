"""Downloads: to a part file that a later try resumes, verified, and only then moved into place."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.machine.download import receipt, web
from provisioner.machine.files import in_words
from provisioner.machine.reader import Answer
from provisioner.machine.urls import file_name, local_path, origin, shown
from provisioner.model.effects import Fetch
from provisioner.model.errors import EffectError, Interrupted, TransientError

if TYPE_CHECKING:
    import httpx

CHUNK = 1 << 20
POLL = 0.1
"""Seconds between two looks at whether the user wants us to stop."""

Tell = Callable[[int, int, str], None]


@dataclass
class Part:
    """What has been downloaded of a URL so far: a file, and a note beside it that describes it."""

    path: Path
    digest: "hashlib._Hash"  # noqa: UP037 - a name that exists for type checkers only
    size: int = 0
    validator: str = ""
    """What the server must still report for the file so that it can be resumed; empty to start over."""
    length: int | None = None
    resumed: bool = False

    @property
    def note(self) -> Path:
        return self.path.with_name(self.path.name + ".json")

    def restart(self) -> None:
        self.digest, self.size, self.validator, self.length = hashlib.sha256(), 0, "", None

    def remember(self, url: str) -> None:
        """Leave what a later try needs, or nothing when the download cannot be resumed."""
        if not self.validator:
            self.note.unlink(missing_ok=True)
            return
        note = {"url": shown(url), "validator": self.validator, "length": self.length}
        self.note.write_text(json.dumps(note))

    def discard(self) -> None:
        self.restart()
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


def fetch(effect: Fetch, tell: Tell, cancelled: Callable[[], bool]) -> str:
    """Try every URL once, in order, until one serves the file.

    Returns the line to paste into the spec when the effect has no sha256, else "". Raises TransientError when
    another try may help, EffectError when none will, Interrupted as soon as `cancelled()`.
    """
    return in_background(lambda stop: attempt(effect, tell, stop), cancelled)


def in_background(work: Callable[[threading.Event], str], cancelled: Callable[[], bool]) -> str:
    """Do `work` in its own thread, so that it can be interrupted while a server is silent."""
    stop = threading.Event()
    future: Future[str] = Future()

    def body() -> None:
        try:
            future.set_result(work(stop))
        except BaseException as error:  # noqa: BLE001 - handed to the one who waits
            future.set_exception(error)

    threading.Thread(target=body, daemon=True).start()
    while not wait([future], POLL).done:
        if cancelled():
            stop.set()
            raise Interrupted("the download was stopped")
    return future.result()


def attempt(effect: Fetch, tell: Tell, stop: threading.Event) -> str:
    with in_words("download to", effect.path):
        Path(effect.path).parent.mkdir(parents=True, exist_ok=True)
        if known := already_here(effect):
            return line_to_paste(effect, known)
        failures: list[EffectError] = []
        for url in effect.urls:
            part = Part(Path(effect.path + ".part"), hashlib.sha256())
            try:
                download(url, part, tell, stop)
                check(effect, part, url)
            except EffectError as error:
                failures.append(error)
            except OSError:
                part.discard()
                raise
            else:
                return line_to_paste(effect, put_in_place(effect, part, url))
    raise all_of(failures)


def line_to_paste(effect: Fetch, sha256: str) -> str:
    return "" if effect.sha256 else f"sha256: {sha256}"


def already_here(effect: Fetch) -> str | None:
    """The sha256 of what an earlier run downloaded completely, before it was interrupted."""
    noted = Path(effect.receipt) if effect.receipt else None
    earlier = receipt.load(noted.read_bytes()) if noted and noted.exists() else None
    if earlier is None or not Path(effect.path).is_file():
        return None
    wanted = effect.sha256 == earlier.sha256 if effect.sha256 else earlier.url in map(shown, effect.urls)
    return earlier.sha256 if wanted and hash_of(effect.path) == earlier.sha256 else None


def hash_of(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(url: str, part: Part, tell: Tell, stop: threading.Event) -> None:
    """Download `url` into the part file."""
    source = local_path(url)
    if source is not None:
        copy_local(source, part, tell, stop)
        return
    recall(part, url, stop)
    with web.asking(url, resume_headers(part)) as response:
        follow_up(part, response, url)
        part.remember(url)
        pour(
            web.body(response, file_name(url)),
            part,
            lambda: tell(part.size, part.length or 0, origin(url)),
            stop,
        )
    if part.length not in {None, part.size}:
        raise TransientError(f"{shown(url)}: the server sent {part.size} of {part.length} bytes")


def copy_local(source: str, part: Part, tell: Tell, stop: threading.Event) -> None:
    if not Path(source).is_file():
        raise EffectError(
            f"{source} is not a file", "Check the path; a relative one starts at the spec's folder."
        )
    part.length = Path(source).stat().st_size
    with Path(source).open("rb") as file:
        chunks = iter(lambda: file.read(CHUNK), b"")
        pour(chunks, part, lambda: tell(part.size, part.length or 0, Path(source).name), stop)


def recall(part: Part, url: str, stop: threading.Event) -> None:
    """Resume what an earlier try left, if it is part of this URL."""
    try:
        note = json.loads(part.note.read_bytes())
        if note["url"] != shown(url):
            return
        # At least one byte is left to download, since a server cannot send an empty rest.
        have = min(part.path.stat().st_size, (note["length"] or 2**63) - 1)
        part.validator, part.length = str(note["validator"]), note["length"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    with part.path.open("r+b") as file:
        file.truncate(have)
        while chunk := file.read(CHUNK):
            give_way(stop)
            part.digest.update(chunk)
            part.size += len(chunk)


def resume_headers(part: Part) -> dict[str, str]:
    return {"Range": f"bytes={part.size}-", "If-Range": part.validator} if part.size > 0 else {}


def follow_up(part: Part, response: httpx.Response, url: str) -> None:
    """Continue where the part ends if that is what the server sends, else start over."""
    if response.status_code in {206, 416}:
        start, length = web.piece(response) or (-1, None)
        same = web.validator(response) in {"", part.validator} and length in {None, part.length}
        if not part.size or start != part.size or not same:
            part.discard()
            raise TransientError(f"{shown(url)}: the server sent another range than was requested")
        part.resumed = True
        return
    web.refuse(response, url)
    part.restart()
    part.validator, part.length = web.validator(response), web.length(response)


def pour(chunks: Iterator[bytes], part: Part, progress: Callable[[], None], stop: threading.Event) -> None:
    """Append what comes to the part file, and sync it to disk."""
    make_room(part)
    with part.path.open("ab" if part.size else "wb") as file:
        for chunk in chunks:
            give_way(stop)
            file.write(chunk)
            part.digest.update(chunk)
            part.size += len(chunk)
            progress()
        file.flush()
        os.fsync(file.fileno())


def make_room(part: Part) -> None:
    free = shutil.disk_usage(part.path.parent).free
    missing = (part.length or 0) - part.size
    if missing > free:
        raise OSError(errno.ENOSPC, f"{missing} bytes are needed, {free} are free")


def give_way(stop: threading.Event) -> None:
    if stop.is_set():
        raise Interrupted("the download was stopped")


def check(effect: Fetch, part: Part, url: str) -> None:
    """Compare the sha256. A resumed download may be a mix of two versions: then start over."""
    found = part.digest.hexdigest()
    if effect.sha256 in {None, found}:
        return
    resumed, beginning = part.resumed, first_bytes(part.path)
    part.discard()
    if resumed:
        raise TransientError(f"{shown(url)}: the resumed download has another sha256; starting over")
    hint = "The file at the URL has changed, or the sha256 in the spec or its lock is of another file."
    if web.is_page(beginning):
        hint = web.PAGE
    raise EffectError(f"{shown(url)}: the sha256 is {found}, expected {effect.sha256}", hint)


def first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(512)


def put_in_place(effect: Fetch, part: Part, url: str) -> str:
    """Move the part file into place. An old receipt goes first: a file without one is not known as ours."""
    sha256 = part.digest.hexdigest()
    mtime = receipt.even_seconds(time.time())
    os.utime(part.path, ns=(mtime, mtime))
    if effect.receipt:
        whole = receipt.Receipt(shown(effect.asked or url), sha256, part.size)
        entry = (Path(effect.path).name, part.size, mtime, sha256)
        receipt.write(effect.receipt, whole, [entry])
    part.note.unlink(missing_ok=True)
    part.path.replace(effect.path)
    return sha256


def all_of(failures: list[EffectError]) -> EffectError:
    """One error for all URLs: temporary if any of them is."""
    message = "; ".join(failure.message for failure in failures)
    passing = [failure for failure in failures if isinstance(failure, TransientError)]
    hint = next((failure.hint for failure in passing or failures if failure.hint), "")
    if not passing:
        return EffectError(message, hint)
    waits = [failure.retry_after for failure in passing if failure.retry_after is not None]
    return TransientError(message, hint, retry_after=min(waits, default=None))


def head(url: str) -> Answer:
    """Ask whether `url` is available and how large it is, without downloading it.

    Where a server does not answer HEAD well, the beginning of a GET decides.
    """
    answer = ask(url, "HEAD")
    return ask(url, "GET") if answer.error and not answer.transient else answer


def ask(url: str, method: str) -> Answer:
    status = 0
    try:
        with web.asking(url, {}, method, stall=web.CONNECT) as response:
            status = response.status_code
            web.refuse(response, url)
            final = str(response.url)
            final_url = final if shown(final) == final else ""
            return Answer(url, status, web.length(response), final=final_url)
    except EffectError as error:
        why = error.message.removeprefix(f"{shown(url)}: ")
        return Answer(url, status, error=why, transient=isinstance(error, TransientError))
