"""When a cached report is valid, and above all when it is not."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioner import cli
from provisioner.commands import apply
from provisioner.engine import noop_cache
from provisioner.facts.interpreter import resolve
from provisioner.machine.local import LocalMachine
from provisioner.machine.signatures import Note, of
from provisioner.machine.traced import TracedReader
from provisioner.model.accelerators import Accelerators
from provisioner.model.effects import Run
from tests.machines import local

SPEC = """\
version: 1
name: desk
runtime: {python: ">=3.11", disk_free: 1MB}
accelerator: {any_of: [gpu, cpu]}
files:
  - {path: lamp.txt, content: "on\\n", mode: "0640"}
  - {path: drawer, folder: true}
  - {path: shortcut, link: drawer}
datasets:
  notes: {url: source.txt, to: data/notes.txt}
verify:
  commands:
    - {run: [%s/tool], matches: "fine"}
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a spec that has been applied, so that the next apply has nothing to look at."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("signal.signal", lambda number, handler: None)
    monkeypatch.setattr(LocalMachine, "accelerators", lambda self: Accelerators())
    (tmp_path / "colabenv.yaml").write_text(SPEC % tmp_path)
    (tmp_path / "source.txt").write_text("a note\n")
    (tmp_path / "tool").write_text("#!/bin/sh\necho fine\n")
    (tmp_path / "tool").chmod(0o755)
    time.sleep(2 * noop_cache.TIMESTAMP_RESOLUTION)
    assert cli.main(["apply"]) == 0
    return tmp_path


def test_what_stands_is_said_again(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert noop_cache.look_up("colabenv.yaml")
    assert cli.main(["apply"]) == 0
    shown = capsys.readouterr().out
    first, second = shown.splitlines()
    assert re.fullmatch("Fingerprint: [0-9a-f]{12}", first)
    assert second.startswith("Nothing to do: ")
    assert "1 check passed before in this state. Every part is verified." in shown


def edit(path: Path) -> None:
    """Another text of the same length, under the same time: only the kernel's own time tells."""
    found = path.stat()
    path.write_text(path.read_text().swapcase())
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def replace(path: Path) -> None:
    """A file where a folder was."""
    path.rmdir()
    path.touch()


def lead_elsewhere(path: Path) -> None:
    path.unlink()
    path.symlink_to("data")


MOVES: dict[str, Callable[[Path], object]] = {
    "the spec is edited": lambda desk: edit(desk / "colabenv.yaml"),
    "a file is edited": lambda desk: edit(desk / "lamp.txt"),
    "a file is removed": lambda desk: (desk / "lamp.txt").unlink(),
    "a mode is changed": lambda desk: (desk / "lamp.txt").chmod(0o600),
    "a folder becomes a file": lambda desk: replace(desk / "drawer"),
    "a link leads elsewhere": lambda desk: lead_elsewhere(desk / "shortcut"),
    "a dataset is truncated": lambda desk: os.truncate(desk / "data/notes.txt", 1),
    "a program that was checked is another": lambda desk: edit(desk / "tool"),
    "a step was cut short": lambda desk: (desk / "state/provisioner/journal.jsonl").write_text("{}"),
    "the cached report is damaged": lambda desk: [
        path.write_text("{") for path in (desk / "state/provisioner/noop").iterdir()
    ],
    "the cached report is something else": lambda desk: [
        path.write_text("[]") for path in (desk / "state/provisioner/noop").iterdir()
    ],
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES.keys())
def test_whatever_moves_is_looked_at_again(desk: Path, move: Callable[[Path], object]) -> None:
    move(desk)
    assert noop_cache.look_up("colabenv.yaml") is None


def test_another_question_has_another_answer(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert noop_cache.look_up("colabenv.yaml", only=("files",)) is None
    assert noop_cache.look_up("other.yaml") is None
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    assert noop_cache.look_up("colabenv.yaml") is None


def test_no_secret_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cached report depends on a secret being set, and contains nothing of it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("signal.signal", lambda number, handler: None)
    monkeypatch.setenv("PLAIN_NAME", "open-sesame")
    monkeypatch.setenv("HF_TOKEN", "hf_open_sesame")
    path = tmp_path / "colabenv.yaml"
    path.write_text("version: 1\nsecrets: [PLAIN_NAME, HF_TOKEN]\n")
    time.sleep(2 * noop_cache.TIMESTAMP_RESOLUTION)
    assert cli.main(["apply", str(path)]) == 0
    assert noop_cache.look_up(str(path))
    for file in (tmp_path / "state").rglob("*"):
        assert file.is_dir() or "sesame" not in file.read_text()
    (kept,) = (tmp_path / "state/provisioner/noop").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    monkeypatch.delenv("PLAIN_NAME")
    assert noop_cache.look_up(str(path)) is None


@pytest.mark.parametrize("option", ["--dry-run", "--json", "--verbose", "--events=events.jsonl"])
def test_whoever_wants_to_see_more_gets_it(desk: Path, option: str) -> None:
    options = cli.build_parser().parse_args(["apply", option])
    assert apply.answer(options) is None


def test_a_device_that_appears_is_looked_at(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = os.listdir
    monkeypatch.setattr(
        os, "listdir", lambda path: [*listed(path), "nvidia0"] if path == "/dev" else listed(path)
    )
    assert noop_cache.look_up("colabenv.yaml") is None


def test_every_note_counts(desk: Path) -> None:
    """Whichever signature differs, the cached report is invalid."""
    (kept,) = (desk / "state/provisioner/noop").iterdir()
    document = json.loads(kept.read_text())
    for index, (how, what, sign) in enumerate(document["notes"]):
        notes = [*document["notes"][:index], [how, what, ["moved"]], *document["notes"][index + 1 :]]
        assert sign != ["moved"]
        kept.write_text(json.dumps({**document, "notes": notes}))
        assert noop_cache.look_up("colabenv.yaml") is None, (how, what)


def keep(notes: dict[Note, object], began: float) -> str | None:
    noop_cache.keep("s.yaml", noop_cache.identity("s.yaml"), notes, "all is right", began)
    (Path(os.environ["XDG_STATE_HOME"]) / "provisioner/journal.jsonl").touch()
    return noop_cache.look_up("s.yaml")


def test_what_changed_just_now_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "state/provisioner").mkdir(parents=True)
    path = str(tmp_path / "file")
    Path(path).touch()
    notes: dict[Note, object] = {("of", path): of(path)}
    assert keep(notes, os.stat(path).st_ctime) is None
    assert keep(notes, os.stat(path).st_ctime + 1) == "all is right"


def test_too_much_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "provisioner").mkdir()
    monkeypatch.setattr(noop_cache, "MOST_NOTES", 1)
    assert keep({("env", "A"): None, ("env", "B"): None}, time.time()) is None
    assert keep({("env", "A_NAME_THAT_NOBODY_SETS"): None}, time.time()) == "all is right"


@pytest.fixture
def reader(tmp_path: Path) -> TracedReader:
    machine = local(tmp_path)
    return TracedReader(machine, machine.context).about(resolve("/v", machine))


def test_everything_asked_leaves_a_note(reader: TracedReader, tmp_path: Path) -> None:
    path = str(tmp_path / "x")
    reader.read(path)
    reader.stat(path)
    reader.list(path)
    reader.hash(path)
    reader.which("sh")
    reader.free(path)
    reader.environ.get("HOME")
    assert {
        ("of", path),
        ("at", path),
        ("program", "sh"),
        ("room", path),
        ("env", "HOME"),
        ("of", "/v/bin/python"),
    } <= reader.notes.keys()
    assert reader.complete


def test_looking_for_an_interpreter_leaves_notes(tmp_path: Path) -> None:
    reader = TracedReader(local(tmp_path), local(tmp_path).context)
    resolve("v", reader)
    assert ("of", f"{tmp_path}/v/pyvenv.cfg") in reader.notes


@pytest.mark.parametrize(
    "ask",
    [
        lambda reader: reader.ask(Run(argv=("true",))),
        lambda reader: reader.head("file:///nowhere"),
    ],
)
def test_what_no_signature_stands_for_is_known(
    reader: TracedReader, ask: Callable[[TracedReader], object]
) -> None:
    ask(reader)
    assert not reader.complete


def test_what_the_kernel_makes_up_is_compared_by_content() -> None:
    assert of("/proc/self/mounts") == of("/proc/self/mounts")
    assert of("/proc/sys/kernel/random/uuid") != of("/proc/sys/kernel/random/uuid")
