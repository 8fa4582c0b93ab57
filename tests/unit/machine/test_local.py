"""This machine, read and changed for real."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.machine import mounts
from provisioner.machine.local import LocalMachine
from provisioner.machine.reader import Interpreter
from provisioner.machine.signatures import state_folder
from provisioner.model.effects import Mkdir, Run, Write
from provisioner.model.errors import EffectError, Interrupted, ObserveError, TransientError
from tests.machines import local

PYTHON = Interpreter(sys.executable, "3.11.0", ())


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[LocalMachine]:
    environ = {"PATH": os.environ["PATH"], "API_TOKEN": "sesame-open", "XDG_STATE_HOME": str(tmp_path / "s")}
    made = local(tmp_path, PYTHON, environ=environ)
    yield made
    made.log.close()


def quiet(done: int, total: int, text: str) -> None:
    """Nobody listens."""


def test_absence_is_a_value(machine: LocalMachine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "none", tmp_path / "file" / "below"):
        assert machine.read(str(path)) is None
        assert machine.stat(str(path)) is None
        assert machine.list(str(path)) is None
        assert machine.hash(str(path)) is None


def test_trouble_is_not_absence(machine: LocalMachine, tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to("loop")
    for reading in (machine.read, machine.list, machine.hash):
        with pytest.raises(ObserveError, match=r"cannot .* loop|symbolic links"):
            reading(str(loop))
    with pytest.raises(ObserveError, match="cannot look at"):
        machine.stat(str(tmp_path / ("x" * 300)))


@pytest.mark.parametrize("number", [errno.ENOTCONN, errno.EIO, errno.ESTALE, errno.ETIMEDOUT])
def test_a_mount_that_does_not_answer_is_named(
    machine: LocalMachine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """As the kernel has it: every look below the mount fails. tests/machine does it with a real one."""
    mount = tmp_path / "a drive"
    (mount / "folder").mkdir(parents=True)
    (tmp_path / "link").symlink_to(mount)
    table = tmp_path / "mounts"
    written = str(mount).replace(" ", "\\040")
    table.write_text(f"overlay / overlay rw 0 0\ndrive {written} fuse.drive rw 0 0\n")
    monkeypatch.setattr(mounts, "TABLE", str(table))

    def fail(path: object, *_: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    for name in ("lstat", "listdir", "statvfs"):
        monkeypatch.setattr(os, name, fail)
    monkeypatch.setattr(Path, "read_bytes", fail)
    monkeypatch.setattr(Path, "open", fail)
    lexists = os.path.lexists
    monkeypatch.setattr(os.path, "lexists", lambda path: True)
    told = f"what is mounted at {mount} does not answer ({os.strerror(number)})"
    for look in (machine.stat, machine.list, machine.read, machine.hash, machine.free):
        with pytest.raises(ObserveError, match=re.escape(told)) as caught:
            look(str(mount / "folder"))
        assert "Mount it again" in caught.value.hint
    monkeypatch.setattr(os.path, "lexists", lexists)
    with pytest.raises(ObserveError, match=r"^cannot look at /elsewhere: "):
        machine.stat("/elsewhere")


def test_what_is_there_is_seen(machine: LocalMachine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "file").chmod(0o640)
    (tmp_path / "link").symlink_to("file")
    seen = machine.stat(str(tmp_path / "file"))
    assert seen
    assert (seen.type, seen.mode, seen.size, seen.link) == ("file", 0o640, 4, None)
    linked = machine.stat(str(tmp_path / "link"))
    assert linked
    assert (linked.type, linked.link) == ("link", "file")
    assert machine.list(str(tmp_path)) == ("file", "link")
    assert machine.hash(str(tmp_path / "link")) == hashlib.sha256(b"text").hexdigest()
    assert machine.which("sh")
    assert machine.which("no-such-program") is None
    assert machine.free(str(tmp_path / "not" / "yet")) > 0
    assert machine.context.memory > 2**20
    assert machine.ask(Run(argv=("echo", "hello"))).stdout == "hello\n"


@pytest.mark.parametrize(
    ("script", "effect", "error", "message", "hint"),
    [
        ("exit 4", {}, EffectError, "sh failed: exit code 4", "full log"),
        ("kill -9 $$", {}, EffectError, "killed by SIGKILL", "full log"),
        ("echo E: lock; exit 1", {"transient": ("lock",)}, TransientError, "exit code 1", "full log"),
        (
            "echo bad hat; exit 1",
            {"hints": ((r"bad (\w+)", r"Take the \1 off."),)},
            EffectError,
            "exit",
            "Take the hat off.",
        ),
        ("echo No space left on device; exit 1", {}, EffectError, "exit code 1", "disk is full"),
        ("sleep 60", {"timeout": 0.2}, EffectError, "stopped after 0 s", "full log"),
    ],
)
def test_a_failed_command_is_told(
    machine: LocalMachine,
    script: str,
    effect: dict[str, object],
    error: type[EffectError],
    message: str,
    hint: str,
) -> None:
    with pytest.raises(EffectError, match=message) as caught:
        machine.perform(Run(argv=("sh", "-c", script), **effect), quiet)  # type: ignore[arg-type]
    assert type(caught.value) is error
    assert hint in caught.value.hint


def test_a_remedy_is_tried_once(machine: LocalMachine, tmp_path: Path) -> None:
    remedies = (("stale", ("touch", str(tmp_path / "fresh"))),)
    command = ("sh", "-c", f"test -e {tmp_path}/fresh || {{ echo stale; exit 100; }}")
    assert machine.perform(Run(argv=command, remedies=remedies), quiet) == ""
    hopeless = ("sh", "-c", f"echo stale; echo tried >> {tmp_path}/tries; exit 100")
    with pytest.raises(EffectError, match="exit code 100"):
        machine.perform(Run(argv=hopeless, remedies=remedies), quiet)
    assert (tmp_path / "tries").read_text() == "tried\n" * 2


def test_another_command_runs_in_the_place_of_one_that_is_refused(
    machine: LocalMachine, tmp_path: Path
) -> None:
    instead = (("refused", ("touch", str(tmp_path / "made"))), ("other", ("false",)))
    refused = ("sh", "-c", "echo refused; exit 1")
    assert machine.perform(Run(argv=refused, instead=instead), quiet) == ""
    assert (tmp_path / "made").exists()
    with pytest.raises(EffectError, match="exit code 2"):
        machine.perform(Run(argv=("sh", "-c", "echo broken; exit 2"), instead=instead), quiet)
    again = (("refused", refused),)
    with pytest.raises(EffectError, match="exit code 1"):
        machine.perform(Run(argv=refused, instead=again), quiet)


def test_everything_a_command_says_is_logged_but_secrets(machine: LocalMachine) -> None:
    script = 'echo "token $API_TOKEN at https://user:pass@host/x"; echo oops >&2; exit 1'
    with pytest.raises(EffectError) as caught:
        machine.perform(Run(argv=("sh", "-c", script)), quiet)
    assert caught.value.tail.splitlines() == ["token *** at https://***@host/x", "oops"]
    text = machine.log.path.read_text()
    assert "exit 1" in text
    assert "oops" in text
    assert "sesame" not in text + caught.value.tail


def test_the_tail_is_short(machine: LocalMachine) -> None:
    with pytest.raises(EffectError) as caught:
        machine.perform(Run(argv=("sh", "-c", "seq 1000; exit 1")), quiet)
    assert caught.value.tail.splitlines()[-1] == "1000"
    assert len(caught.value.tail.splitlines()) < 20


def test_effects_reach_the_file_system(machine: LocalMachine, tmp_path: Path) -> None:
    assert machine.perform(Mkdir(path=str(tmp_path / "d")), quiet) == ""
    machine.perform(Write(path=str(tmp_path / "d/f"), text="x"), quiet)
    assert (tmp_path / "d/f").read_text() == "x"


def test_a_cancelled_machine_does_nothing_more(machine: LocalMachine) -> None:
    machine.cancel()
    machine.sleep(600)
    assert machine.cancelled
    with pytest.raises(Interrupted):
        machine.perform(Run(argv=("true",)), quiet)


def test_the_state_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    assert state_folder({"XDG_STATE_HOME": "/x"}) == "/x/provisioner"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert state_folder({}) == "/var/lib/provisioner"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/ada")
    assert state_folder({}) == "/home/ada/.local/state/provisioner"


def test_a_command_that_ends_well_has_to_make_what_it_is_to_make(
    machine: LocalMachine, tmp_path: Path
) -> None:
    made = str(tmp_path / "caf\u00e9")
    with pytest.raises(EffectError, match=f"sh ended with 0, but did not make {made}") as caught:
        machine.perform(Run(argv=("sh", "-c", "echo nothing"), creates=made), quiet)
    assert "Correct `creates`" in caught.value.hint
    assert caught.value.tail == "nothing"
    machine.perform(Run(argv=("touch", str(tmp_path / "cafe\u0301")), creates=made), quiet)
    (tmp_path / "link").symlink_to("nowhere")
    machine.perform(Run(argv=("true",), creates=str(tmp_path / "link")), quiet)
