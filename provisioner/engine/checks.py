"""Checks and their cache: one that passed is not run again while what it watches is unchanged."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable
from functools import partial

from provisioner.engine.threads import together
from provisioner.machine import files
from provisioner.machine.process import name_signal
from provisioner.machine.reader import Completed, Reader
from provisioner.model.effects import Write
from provisioner.model.plan import Check
from provisioner.model.report import Verdict

BOOT_ID = "/proc/sys/kernel/random/boot_id"
SHOWN_LINES = 4
MOST_OUTPUT = 2000
"""Characters of a program's last lines that are shown."""


def signature(check: Check, reader: Reader) -> str:
    """What a verdict depends on: the check itself, this boot, and the state of what it watches."""
    watched = []
    for path in check.watches:
        found = reader.stat(path)
        watched.append([path, found and [found.type, found.size, found.mtime_ns, found.link]])
    basis = [repr(check), (reader.read(BOOT_ID) or b"").decode(), watched]
    return hashlib.sha256(json.dumps(basis).encode()).hexdigest()


class CheckCache:
    """The checks that passed, the signature they passed with and what they returned, in the state folder."""

    def __init__(self, state: str) -> None:
        self.path = f"{state}/checks.json"
        try:
            known = json.loads(files.read(self.path))
        except (OSError, ValueError):
            known = {}
        self.known: dict[str, object] = known if isinstance(known, dict) else {}

    def look_up(self, check: Check, reader: Reader) -> Verdict | None:
        """The verdict on a check that passed and would pass again."""
        match self.known.get(check.address):
            case {"signature": str(signed), "data": dict(data)} if signed == signature(check, reader):
                return Verdict(
                    address=check.address,
                    passed=True,
                    remembered=True,
                    data=data,
                    framework=check.framework,
                )
        return None

    def keep(self, check: Check, verdict: Verdict, reader: Reader) -> None:
        self.known[check.address] = {"signature": signature(check, reader), "data": verdict.data}

    def save(self) -> None:
        files.write(Write(path=self.path, text=json.dumps(self.known, indent=1, sort_keys=True)))


def run_checks(
    checks: tuple[Check, ...],
    reader: Reader,
    redact: Callable[[str], str],
    *,
    jobs: int,
    cache: CheckCache | None = None,
) -> tuple[Verdict, ...]:
    """The verdict of every check, in order; cached ones are not run again.

    `redact` takes secrets out of what programs say.
    """

    def verdict_on(check: Check) -> Verdict:
        return (cache.look_up(check, reader) if cache else None) or run(check, reader, redact)

    works = [partial(verdict_on, check) for check in checks]
    verdicts = tuple(together(works, jobs, reader.cancel))
    if cache and not all(verdict.remembered for verdict in verdicts):
        # What a check watches may have been touched by the check itself, so the state afterwards counts.
        for check, verdict in zip(checks, verdicts, strict=True):
            if verdict.passed:
                cache.keep(check, verdict, reader)
        cache.save()
    return verdicts


def run(check: Check, reader: Reader, redact: Callable[[str], str]) -> Verdict:
    """Run one check and judge its output."""
    started = time.monotonic()
    completed = reader.ask(check.run)
    seconds = time.monotonic() - started
    passed, message, hint, data = judge(check, completed)
    return Verdict(
        address=check.address,
        passed=passed,
        message=redact(message),
        hint=hint,
        seconds=seconds,
        warning=not passed and check.on_failure == "warn",
        data=data,
        framework=check.framework,
    )


def judge(check: Check, completed: Completed) -> tuple[bool, str, str, dict[str, object]]:
    """Whether a program ended as the check requires; if not, a message and a hint; and its data."""
    output = completed.stdout + completed.stderr
    hint = next((hint for pattern, hint in check.run.hints if re.search(pattern, output)), "")
    if completed.timed_out:
        return False, ending(f"no answer within {check.run.timeout:.0f} s", output), hint, {}
    if completed.code < 0:
        return False, ending(f"killed by {name_signal(-completed.code)}", output), hint, {}
    if check.reply == "json" and (reply := last_json(completed.stdout)) is not None:
        data = reply.get("data")
        return (
            reply.get("ok") is True,
            str(reply.get("message", "")),
            str(reply.get("hint") or hint),
            data if isinstance(data, dict) else {},
        )
    if check.reply == "json":
        return False, ending(f"exit code {completed.code} and no answer", output), hint, {}
    if completed.code:
        return False, last_lines(output) or f"exit code {completed.code}", hint, {}
    if check.matches and not re.search(check.matches, output):
        return False, f"the output does not match {check.matches!r}: {last_lines(output)}", hint, {}
    return True, "", "", {}


def last_json(output: str) -> dict[str, object] | None:
    """The JSON object on the last line that holds one."""
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            try:
                reply = json.loads(line)
            except ValueError:
                continue
            if isinstance(reply, dict):
                return reply
    return None


def ending(what: str, output: str) -> str:
    """How a program without an answer ended, and its last output."""
    lines = last_lines(output)
    return f"{what}; its last output:\n{lines}" if lines else what


def last_lines(output: str) -> str:
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    return "\n".join(lines[-SHOWN_LINES:])[-MOST_OUTPUT:]
