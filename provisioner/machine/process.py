"""Child processes: supervised, never waited on beyond their timeout, and ended when we end."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO

from provisioner.machine.reader import Completed
from provisioner.model.effects import Run
from provisioner.model.errors import Interrupted

GRACE = 5.0
"""Seconds between asking a child to stop and killing it."""

TICK = 0.1
"""Seconds between two looks at the clock while a child is silent."""

KEPT_OUTPUT = 16 * 1024 * 1024
"""Bytes of each stream that are kept; the rest still reaches the log."""


def environment(base: Mapping[str, str], run: Run) -> dict[str, str]:
    """The environment of a child: `base` without what is scrubbed, then what the effect sets or unsets."""
    scrub = re.compile(run.scrub) if run.scrub else None
    result = {name: value for name, value in base.items() if not (scrub and scrub.fullmatch(name))}
    for name, value in run.env:
        if value is None:
            result.pop(name, None)
        else:
            result[name] = value
    return result


@dataclass
class Stream:
    """The output of one descriptor; `on_line` is called with each complete line."""

    on_line: Callable[[str], None] | None = None
    kept: bytearray = field(default_factory=bytearray)
    pending: bytes = b""

    def feed(self, data: bytes) -> None:
        self.kept += data[: max(0, KEPT_OUTPUT - len(self.kept))]
        if self.on_line:
            *lines, self.pending = (self.pending + data).split(b"\n")
            for line in lines:
                self.on_line(line.decode(errors="replace"))

    def close(self) -> None:
        if self.on_line and self.pending:
            self.on_line(self.pending.decode(errors="replace"))
            self.pending = b""

    @property
    def text(self) -> str:
        return self.kept.decode(errors="replace")


@dataclass
class Children:
    """The running processes, so that all can be stopped at once."""

    cancelled: threading.Event = field(default_factory=threading.Event)

    def run(
        self,
        run: Run,
        environ: Mapping[str, str],
        *,
        merge: bool = False,
        on_line: Callable[[str], None] | None = None,
        on_status: Callable[[str], None] | None = None,
    ) -> Completed:
        """Run a program to its end, its time-out, or our cancellation.

        `merge` sends errors where the output goes. With `on_status` the child gets a descriptor for
        apt's status lines. A program that cannot be started gives code 127, as a shell would.

        Raises Interrupted when cancelled.
        """
        if self.cancelled.is_set():
            raise Interrupted("stopped before " + run.argv[0])
        output, errors, status = Stream(on_line), Stream(on_line), Stream(on_status)
        argv, status_read, status_write = list(run.argv), -1, -1
        if on_status:
            status_read, status_write = os.pipe()
            argv[1:1] = ["-o", f"APT::Status-Fd={status_write}"]
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE if run.stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if merge else subprocess.PIPE,
                cwd=run.cwd,
                env=environment(environ, run),
                pass_fds=[status_write] if on_status else [],
                start_new_session=True,
            )
        except OSError as error:
            if on_status:
                os.close(status_read)
                os.close(status_write)
            lacking = run.cwd if run.cwd and error.filename == run.cwd else run.argv[0]
            return Completed(127, "", f"{lacking}: {error.strerror}")
        with process, contextlib.ExitStack() as stack:
            streams: dict[int | IO[bytes], Stream] = {}
            if process.stdout:
                streams[process.stdout] = output
            if process.stderr:
                streams[process.stderr] = errors
            if on_status:
                os.close(status_write)
                streams[stack.enter_context(os.fdopen(status_read, "rb", 0))] = status
            if process.stdin:
                feeder = threading.Thread(target=feed, args=(process.stdin, run.stdin), daemon=True)
                feeder.start()
            try:
                timed_out = self._follow(process, streams, run.timeout)
            except BaseException:
                stop(process)
                raise
            for stream in streams.values():
                stream.close()
            return Completed(process.wait(), output.text, errors.text, timed_out)

    def _follow(
        self, process: subprocess.Popen[bytes], streams: dict[int | IO[bytes], Stream], timeout: float
    ) -> bool:
        """Read until the streams end; True when the process had to be killed for its time-out."""
        deadline = time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            for source, stream in streams.items():
                selector.register(source, selectors.EVENT_READ, stream)
            while selector.get_map():
                ended = process.poll() is not None  # asked first: what it wrote before its end is read below
                ready = selector.select(TICK)
                for key, _ in ready:
                    data = os.read(key.fd, 65536)
                    if data:
                        key.data.feed(data)
                    else:
                        selector.unregister(key.fileobj)
                if self.cancelled.is_set():
                    stop(process)
                    raise Interrupted("stopped")
                if time.monotonic() > deadline:
                    stop(process)
                    return True
                if ended and not ready:
                    return False  # a grandchild has the pipe open: the program itself has ended
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                stop(process)
                return True
        return False

    def cancel(self) -> None:
        """Stop every running process and let no other start."""
        self.cancelled.set()


def feed(pipe: IO[bytes], text: str) -> None:
    """Give a child its standard input; it may ignore it."""
    with contextlib.suppress(BrokenPipeError), pipe:
        pipe.write(text.encode())


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started: SIGTERM first, then SIGKILL."""
    for order in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, order)
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            continue
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        return


def name_signal(number: int) -> str:
    """`SIGSEGV (Segmentation fault)`; real-time signals have no name."""
    try:
        return f"{signal.Signals(number).name} ({signal.strsignal(number)})"
    except ValueError:
        return f"signal {number}"


def progress_of_apt(line: str) -> tuple[int, str] | None:
    """Percent and text of one of apt's status lines, `pmstatus:dpkg:37.5:Unpacking ...`.

    Source: apt's README.progress-reporting.
    """
    kind, _, rest = line.partition(":")
    subject, _, rest = rest.partition(":")
    percent, _, text = rest.partition(":")
    if kind not in ("pmstatus", "dlstatus") or not subject:
        return None
    try:
        share = float(percent)
    except ValueError:
        return None
    return int(share / 2 if kind == "dlstatus" else 50 + share / 2), text.strip()
