"""Run a probe as a program: `python PROBE JSON`, which prints the answer as one line of JSON.

The framework runs in a child of the process that was started, so that its output, and the signal that may
kill it, can be explained.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

from .failures import crash, explain, recognise
from .probe import PHASE, Data, Framework, Wish, answer, empty, examine

LOG_KEPT = 65536
"""Bytes of a framework's last output that are searched for reasons."""


# The process that the user started: it listens.


def main(framework: Framework) -> None:
    """Answer for the probe that was run as a program: `PROBE JSON`."""
    if sys.argv[2:]:
        work(framework, Wish(**json.loads(sys.argv[1])), int(sys.argv[2]))
    print(json.dumps(supervise(framework, sys.argv[1])))  # noqa: T201


def supervise(framework: Framework, wish: str) -> Data:
    """Run the framework in its own process and report the result. Never raises for its faults."""
    replies, reply_end = os.pipe()
    output, output_end = os.pipe()
    child = subprocess.Popen(
        [sys.executable, os.path.abspath(sys.argv[0]), wish, str(reply_end)],
        stdin=subprocess.DEVNULL,
        stdout=output_end,
        stderr=output_end,
        pass_fds=[reply_end],
    )
    os.close(reply_end)
    os.close(output_end)
    log = bytearray()
    listener = threading.Thread(target=listen, args=(output, log), daemon=True)
    listener.start()
    code = child.wait()
    listener.join(2.0)  # a process that the framework left behind may have the pipe open
    os.set_blocking(replies, False)
    return explain_answer(framework, json.loads(wish), code, drain(replies), log.decode(errors="replace"))


def listen(output: int, log: bytearray) -> None:
    """Pass on what the framework prints, as it comes, and keep the end of it."""
    while chunk := os.read(output, 65536):
        sys.stderr.buffer.write(chunk)
        sys.stderr.buffer.flush()
        log += chunk
        del log[:-LOG_KEPT]


def drain(descriptor: int) -> str:
    """What has been written to a pipe."""
    text = b""
    try:
        while chunk := os.read(descriptor, 65536):
            text += chunk
    except BlockingIOError:
        pass
    return text.decode()


def explain_answer(framework: Framework, wish: Data, code: int, reply: str, log: str) -> Data:
    """The answer, from what the framework's process left: its reply, its end, its log."""
    if not reply:
        seen = {"framework": framework.name, **wish}
        lines = [line for line in log.splitlines() if line.strip()]
        phases = [line[len(PHASE) :] for line in lines if line.startswith(PHASE)]
        said = [line for line in lines if not line.startswith(PHASE)]
        if code < 0:
            message, hint = crash(-code, phases[-1] if phases else "", log, seen)
        else:
            message, hint = explain("\n".join(said[-3:]) or f"it ended with code {code} and no answer", seen)
        return answer(False, message, hint, empty(framework))
    made: Data = json.loads(reply)
    if not made["ok"] and not made.pop("sure"):
        known = recognise(log, {**made["data"], **wish})
        if known:
            made["message"], made["hint"] = known
    made.pop("sure", None)
    return made


# The child process: it works.


def work(framework: Framework, wish: Wish, replies: int) -> None:
    """Examine, reply, and end at once: the framework's own shutdown is not tested."""
    step_aside()
    os.write(replies, json.dumps(examine(framework, wish)).encode())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def step_aside() -> None:
    """Take our own folders off the path: the probes have the names of the frameworks."""
    here = os.path.dirname(os.path.abspath(__file__))
    ours = {here, os.path.dirname(here)}
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") not in ours]
