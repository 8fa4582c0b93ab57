"""The commands, in this process, on a folder of their own."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import shlex
import signal
import site
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest

import provisioner
from provisioner import cli
from provisioner.commands import carry_out
from provisioner.commands.screen import Screen
from provisioner.commands.table import COMMANDS
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
    assert "Still different from the file" in capsys.readouterr().out
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
        (lambda desk: (desk / "lamp.txt").write_text("off"), "these differ: files.lamp.txt"),
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
    assert "1 check not run" in told
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
    Path("link.yaml").symlink_to("real.yaml")
    assert run("init", "link.yaml") == 0
    assert Path("link.yaml").is_symlink()


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
    assert set(document["kinds"]) == {"files.drawer", "files.lamp.txt", "run.dust", "verify"}
    assert run("facts", "none.yaml") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["kinds"] == {}
    assert os.path.expanduser(document["machine"]["python"]["executable"]) == sys.executable


def test_a_spec_and_a_snapshot_may_come_through_a_pipe(desk: Path) -> None:
    """As a shell gives what `<(ssh host colabenv facts)` writes."""
    program = [sys.executable, "-m", "provisioner"]
    text = (desk / "colabenv.yaml").read_bytes()
    given = subprocess.run([*program, "validate", "/dev/stdin"], input=text, capture_output=True, check=False)
    assert given.returncode == 0, given.stderr
    facts = subprocess.run([*program, "facts", "--out", "mine.json"], check=False, capture_output=True)
    assert facts.returncode == 0, facts.stderr
    piped = ["bash", "-c", f"{shlex.join(program)} compare <(cat mine.json) mine.json"]
    compared = subprocess.run(piped, capture_output=True, check=False)
    assert compared.returncode == 0, compared.stderr


def test_the_schema_is_printed(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("schema") == 0
    assert "files" in json.loads(capsys.readouterr().out)["properties"]


def test_a_file_that_is_json_but_no_plan(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "p.json").write_text("{}")
    assert run("apply", "p.json") == 1
    assert "p.json is not a " in capsys.readouterr().err
    (desk / "binary").write_bytes(b"\xff\xfe")
    assert run("apply", "binary") == 1


@pytest.mark.parametrize("argv", [["apply", "--jobs", "0"], ["no-such"], ["plan", "--jso"], []])
def test_usage_errors_are_the_parser_s(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(*argv)
    assert caught.value.code == 2


def test_being_asked_to_stop(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("provisioner.api.survey", lambda *rest: carry_out.interrupt(15, None))
    assert run("plan") == 130
    assert "Run it again" in capsys.readouterr().err
    with pytest.raises(Interrupted):
        carry_out.interrupt(15, None)


@pytest.mark.parametrize(
    "moment",
    [
        "provisioner.cli.parse",
        "provisioner.engine.noop_cache.look_up",
        "builtins.__import__",
        "provisioner.commands.carry_out.carry_out",
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
        while "run.nap: started" not in process.stdout.readline():
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
    """Of an apply it is the report of an earlier one."""
    assert run("apply") == 0
    time.sleep(2 * noop_cache.TIMESTAMP_RESOLUTION)
    assert run("apply") == 0
    assert noop_cache.look_up("colabenv.yaml")
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
        carry_out.unwritten(PermissionError(13, "Permission denied"))


PATHS = [str(Path(provisioner.__path__[0]).parent), *site.getsitepackages()]

LOADED = f"import sys; sys.path += {PATHS!r}; import provisioner.cli; {{call}}; print(*sys.modules)"


def loaded(call: str) -> tuple[list[str], list[str]]:
    """Our modules, and the others, that a fresh interpreter has imported after a call of `provisioner.cli`.

    Without what this machine's site imports by itself.
    """
    command = [sys.executable, "-S", "-c", LOADED.format(call=f"provisioner.cli.{call}")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    names = done.stdout.splitlines()[-1].split()
    ours = [name for name in names if name.partition(".")[0] == "provisioner"]
    return ours, [name for name in names if name not in ours]


HEAVY = {
    *("asyncio", "dataclasses", "httpx", "inspect", "packaging", "pathlib", "pydantic", "rich", "signal"),
    *("subprocess", "tenacity", "tempfile", "threading", "typing", "yaml"),
}


def test_a_no_op_imports_next_to_nothing(desk: Path) -> None:
    for _ in range(2):
        loaded("main(['apply'])")
        time.sleep(2 * noop_cache.TIMESTAMP_RESOLUTION)
    ours, others = loaded("main(['apply'])")
    assert set(ours) == {
        *("provisioner", "provisioner.version"),
        *("provisioner.cli", "provisioner.commands", "provisioner.commands.exit_codes"),
        *("provisioner.commands.table", "provisioner.commands.apply", "provisioner.commands.arguments"),
        *("provisioner.model", "provisioner.model.defaults"),
        *("provisioner.engine", "provisioner.engine.noop_cache"),
        *("provisioner.machine", "provisioner.machine.signatures"),
    }
    assert len(ours) == 14
    assert HEAVY & set(others) == set()


@pytest.mark.parametrize("call", ["parse(['plan'])", "parse(['runtimes', 'diff', 'a', 'b'])"])
def test_words_cost_little(call: str) -> None:
    ours, others = loaded(call)
    assert len(ours) <= 10
    assert (HEAVY - {"typing"}) & set(others) == set()


def test_help_imports_no_command() -> None:
    code = (
        "import atexit, sys; atexit.register(lambda: print(*sys.modules)); from provisioner.cli import main"
    )
    command = [sys.executable, "-c", f"{code}; main(['--help'])"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = {name for name in done.stdout.split() if name.startswith("provisioner.commands.")}
    assert found == {"provisioner.commands.exit_codes", "provisioner.commands.table"}


# The table of commands


FOLDER = Path(provisioner.__path__[0]) / "commands"

SUPPORT = {"arguments", "carry_out", "exit_codes", "screen", "table", "terminal"}
"""Modules beside the commands' own."""


def test_every_command_is_a_file_and_a_line() -> None:
    modules = {module.partition(".")[0] for module, _ in COMMANDS.values()}
    assert modules | SUPPORT | {"__init__"} == {
        path.stem for path in FOLDER.iterdir() if path.stem[:3] != "__p"
    }
    for module, text in COMMANDS.values():
        command = importlib.import_module(f"provisioner.commands.{module}")
        assert callable(command.add_arguments)
        assert callable(command.run)
        assert len(text) <= 64, "one line of 80 columns in the help"
        assert text.endswith(".")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(name, "--help")
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert f"usage: colabenv {name} " in shown
    assert COMMANDS[name][1] in " ".join(shown.split())


def test_a_new_command_is_one_file_and_one_line(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("who")

    def greet(options: argparse.Namespace, screen: Screen) -> int:
        screen.say(f"Hello, {options.who}.\n")
        return 7

    module = types.ModuleType("provisioner.commands.greet")
    vars(module).update(add_arguments=add_arguments, run=greet)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(COMMANDS, "greet", ("greet", "Greet somebody."))
    assert run("greet", "you") == 7
    assert capsys.readouterr().out == "Hello, you.\n"
    assert "Greet somebody." in cli.build_parser().format_help()


def test_planning_what_is_right_is_light(desk: Path) -> None:
    assert run("apply") == 0
    _, others = loaded("main(['apply'])")
    assert {"rich", "httpx", "tenacity", "asyncio", "pynvml"} & set(others) == set()
