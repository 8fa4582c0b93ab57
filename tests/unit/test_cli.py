"""The commands, in this process, on a folder of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from provisioner import cli
from provisioner.commands import dispatch
from provisioner.engine import noop_cache, provision
from provisioner.engine.journal import Journal
from provisioner.kinds import registry
from provisioner.model.errors import Interrupted
from provisioner.model.plan import Action, Change, Plan, Step
from provisioner.model.report import Outcome, Status
from provisioner.spec.spec import parse

SPEC = """\
version: 1
name: desk
files:
  - {path: lamp.txt, content: "on\\n"}
  - {path: drawer, folder: true}
run:
  - {name: dust, command: [touch, dusted], creates: dusted}
verify:
  commands:
    - {run: [cat, %s/lamp.txt], matches: "on"}
"""


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a spec, which is also the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "colabenv.yaml").write_text(SPEC % tmp_path)
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    return tmp_path


def run(*argv: str) -> int:
    return cli.main(list(argv))


def test_the_whole_story(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("plan", "--detailed-exitcode") == 2
    assert "Plan: 3 to add." in capsys.readouterr().out
    assert not (desk / "lamp.txt").exists()

    assert run("apply") == 0
    assert "3 changed" in capsys.readouterr().out
    assert (desk / "lamp.txt").read_text() == "on\n"

    assert run("apply") == 0
    again = capsys.readouterr().out
    assert "Nothing to do: 3 already right" in again
    assert "passed before" in again
    assert run("plan", "--detailed-exitcode") == 0
    assert run("verify", "--deep") == 0

    (desk / "lamp.txt").write_text("off\n")
    capsys.readouterr()
    assert run("verify") == 1
    assert "Not as the file says" in capsys.readouterr().out
    assert run("apply", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [c["address"] for c in document["changes"] if c["action"] == "update"] == ["files.lamp.txt"]
    assert document["ok"] is True


def test_a_dry_run_is_a_plan(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("apply", "--dry-run") == 0
    shown = capsys.readouterr().out
    assert run("plan") == 0
    assert capsys.readouterr().out == shown
    assert not (desk / "lamp.txt").exists()


def test_a_saved_plan_is_what_runs(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("plan", "--only", "files", "--out", "p.json") == 0
    assert run("apply", "p.json") == 0
    assert (desk / "lamp.txt").exists()
    assert not (desk / "dusted").exists()


@pytest.mark.parametrize(
    ("move", "told"),
    [
        (lambda desk: (desk / "lamp.txt").write_text("off"), "different now: files.lamp.txt"),
        (lambda desk: (desk / "colabenv.yaml").write_text(SPEC % desk + "# more\n"), "was edited"),
    ],
)
def test_a_saved_plan_is_refused_when_the_world_moved(
    desk: Path, capsys: pytest.CaptureFixture[str], move: object, told: str
) -> None:
    assert run("plan", "--out", "p.json") == 0
    move(desk)  # type: ignore[operator]
    assert run("apply", "p.json") == 1
    assert told in capsys.readouterr().err
    assert not (desk / "drawer").exists()


def test_parts_can_be_chosen(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("apply", "--only", "files.lamp.txt") == 0
    assert not (desk / "drawer").exists()
    assert run("apply", "--skip", "run", "--jobs", "1") == 0
    assert (desk / "drawer").exists()
    assert not (desk / "dusted").exists()
    capsys.readouterr()
    assert run("plan", "--only", "fils") == 1
    assert "the spec has no 'fils'" in capsys.readouterr().err


def test_a_step_that_was_cut_short_stays_suspect_until_it_is_looked_at(desk: Path) -> None:
    journal = desk / "state/provisioner/journal.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_text('{"event": "begin", "step": "run.dust"}\n')
    assert run("apply", "--only", "files") == 0
    assert Journal(str(journal.parent)).suspects() == {"run.dust"}
    assert run("apply") == 0
    assert Journal(str(journal.parent)).suspects() == frozenset()


def test_a_step_that_was_cut_short_and_is_no_longer_wanted_is_forgotten(desk: Path) -> None:
    journal = desk / "state/provisioner/journal.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_text('{"event": "begin", "step": "datasets.gone"}\n')
    assert run("apply") == 0
    assert Journal(str(journal.parent)).suspects() == frozenset()


def test_what_cannot_be_observed_afterwards_is_left_over() -> None:
    """A kind that no longer answers stands as one step, whatever steps it had before."""
    unknown = Change("datasets", Action.BLOCKED, reason="cannot read the disk")
    after = Plan(name="d", spec="/s", digest="d", steps=(Step(id="datasets", changes=(unknown,)),))
    done = (Outcome(step="datasets.a", status=Status.DONE),)
    assert provision.left_over(after, done) == (unknown,)
    failed = (*done, Outcome(step="datasets", status=Status.FAILED))
    assert provision.left_over(after, failed) == ()


def test_events_are_kept_as_lines_of_json(desk: Path) -> None:
    assert run("apply", "--events", "events.jsonl") == 0
    events = [json.loads(line) for line in (desk / "events.jsonl").read_text().splitlines()]
    assert {event["what"] for event in events} >= {"begin", "end"}
    assert {event["status"] for event in events} == {None, "done"}
    assert run("apply", "--events", "/no/such/folder/x") == 1


def test_a_failure_is_told_and_what_depends_on_it_is_not_tried(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk / "colabenv.yaml").write_text(
        "version: 1\nname: d\nfiles: [{path: a, source: none}]\n"
        "run: [{name: x, command: [sh, -c, 'echo why; exit 7'], creates: y}]\n"
        "verify: {commands: [{run: ['true']}]}\n"
    )
    assert run("apply", "--skip", "files") == 1
    told = capsys.readouterr().out
    assert "sh failed: exit code 7" in told
    assert "| why" in told
    assert "Full log: " in told
    assert "1 check not made" in told
    log = Path(told.split("Full log: ")[1].splitlines()[0])
    assert "why" in log.read_text()


def test_validate_says_all_that_is_wrong_at_once(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("validate") == 0
    assert "is valid: desk" in capsys.readouterr().out
    (desk / "colabenv.yaml").write_text("version: 1\nfils: []\nrun: [{nme: x}]\n")
    assert run("validate") == 1
    told = capsys.readouterr().err
    assert "colabenv.yaml:2:1: " in told
    assert "did you mean `files`" in told
    assert "nothing was done" in told


def test_no_file_says_how_to_get_one(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "colabenv.yaml").unlink()
    assert run("apply") == 1
    assert "init" in capsys.readouterr().err
    assert run("init") == 0
    assert run("validate") == 0
    assert run("init") == 1
    assert "--force" in capsys.readouterr().err
    assert run("init", "--force") == 0
    assert run("init", "/proc/no/colabenv.yaml") == 1


def test_every_line_that_init_comments_out_is_right(desk: Path) -> None:
    assert run("init", "--force") == 0
    lines = (desk / "colabenv.yaml").read_text().splitlines()
    head = lines.index("version: 1")
    text = "\n".join(line.removeprefix("# ") for line in lines[head:])
    assert set(parse(text, "colabenv.yaml", str(desk)).sections) == set(registry.NAMES)


def test_facts_with_and_without_a_spec(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("facts") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["format"] == "provisioner.facts/2"
    assert set(document["kinds"]) == {"files", "run", "verify"}
    assert run("facts", "none.yaml") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["kinds"] == {}
    assert document["machine"]["python"]["executable"] == sys.executable


def test_the_schema_is_printed(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("schema") == 0
    assert "files" in json.loads(capsys.readouterr().out)["properties"]


def test_a_file_that_is_json_but_no_plan(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "p.json").write_text("{}")
    assert run("apply", "p.json") == 1
    assert "p.json is no " in capsys.readouterr().err
    (desk / "binary").write_bytes(b"\xff\xfe")
    assert run("apply", "binary") == 1


@pytest.mark.parametrize("argv", [["apply", "--jobs", "0"], ["no-such"], ["plan", "--jso"], []])
def test_usage_errors_are_the_parser_s(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(*argv)
    assert caught.value.code == 2


def test_being_asked_to_stop(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("provisioner.engine.provision.survey", lambda *rest: dispatch.interrupt(15, None))
    assert run("plan") == 130
    assert "Run it again" in capsys.readouterr().err
    with pytest.raises(Interrupted):
        dispatch.interrupt(15, None)


@pytest.mark.parametrize(
    "moment",
    [
        "provisioner.cli.build_parser",
        "provisioner.engine.noop_cache.recall",
        "builtins.__import__",
        "provisioner.commands.dispatch.carry_out",
    ],
)
def test_ctrl_c_is_no_traceback_however_early(
    moment: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def pressed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(moment, pressed)
        code = run("apply")
    assert (code, capsys.readouterr().err) == (130, "Interrupted.\n")


SLOW = """\
version: 1
name: slow
run:
  - {name: nap, command: [sh, -c, "echo $$ > pid; exec sleep 600"], creates: done}
"""


@pytest.mark.parametrize("order", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_takes_the_children_along(desk: Path, order: signal.Signals) -> None:
    (desk / "colabenv.yaml").write_text(SLOW)
    with subprocess.Popen(
        # A shell's background job ignores Ctrl-C, and so would its children.
        ["env", "--default-signal=INT", sys.executable, "-m", "provisioner", "apply"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=desk,
    ) as process:
        assert process.stdout
        while "run.nap: begins" not in process.stdout.readline():
            pass
        while not (desk / "pid").exists() or not (desk / "pid").read_text().strip():
            pass
        process.send_signal(order)
        assert "interrupted" in process.stdout.read()
    assert process.returncode == 130
    assert not Path(f"/proc/{(desk / 'pid').read_text().strip()}").exists()


def test_a_reader_that_goes_away_is_no_trouble(desk: Path) -> None:
    leading, trailing = os.pipe()
    os.close(leading)
    done = subprocess.run(
        [sys.executable, "-m", "provisioner", "schema"], stdout=trailing, stderr=subprocess.PIPE, check=False
    )
    os.close(trailing)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize("words", ["runtimes", "lock", "schema", "plan --json", "apply"])
def test_an_output_that_is_full_is_told_in_one_line(desk: Path, words: str) -> None:
    """Of an apply it is the conclusion of an earlier one."""
    assert run("apply") == 0
    time.sleep(2 * noop_cache.SETTLED)
    assert run("apply") == 0
    assert noop_cache.recall("colabenv.yaml")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "provisioner", *words.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "error: cannot write: No space left on device\n")


def test_other_errors_of_the_system_are_not_taken_for_a_full_disk() -> None:
    with pytest.raises(PermissionError):
        dispatch.unwritten(PermissionError(13, "Permission denied"))


def test_the_start_is_light(desk: Path) -> None:
    """What `--help` imports: no library of ours, nothing that takes time."""
    code = "import sys, provisioner.cli; provisioner.cli.build_parser(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    heavy = {"pydantic", "yaml", "rich", "httpx", "tenacity", "asyncio", "packaging", "subprocess"}
    assert heavy & set(loaded.split()) == set()


def test_planning_what_is_right_is_light(desk: Path) -> None:
    assert run("apply") == 0
    code = "import sys; from provisioner.cli import main; main(['apply']); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert {"rich", "httpx", "tenacity", "asyncio", "pynvml"} & set(loaded.split()) == set()
