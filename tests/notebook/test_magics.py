"""The magics in real kernels."""

from __future__ import annotations

from pathlib import Path

from tests.notebook.kernels import RunningKernel

LOAD = "%load_ext provisioner\n"

RIGHT = "%%colabenv apply\nversion: 1\nfiles:\n  - {path: made.txt, content: hello}\n"


def test_a_cell_is_applied_and_then_right(plain: RunningKernel, tmp_path: Path) -> None:
    assert plain.run(LOAD).status == "ok"
    first = plain.run(RIGHT)
    assert (first.status, (tmp_path / "made.txt").read_text()) == ("ok", "hello")
    assert "1 changed" in first.text
    assert any("text/html" in bundle for bundle in first.displays)
    assert "Nothing to do: 1 already right" in plain.run(RIGHT).text


def test_a_failure_is_an_exception_with_the_report(plain: RunningKernel, tmp_path: Path) -> None:
    (tmp_path / "made.txt").mkdir()
    plain.run(LOAD)
    result = plain.run(RIGHT)
    assert result.status == "error"
    assert "Not done: 1 blocked" in result.error
    assert result.traceback.splitlines() == [result.error.splitlines()[-1].rpartition(" (")[0]]


def test_a_mistake_in_the_cell_is_told_with_its_place(plain: RunningKernel) -> None:
    plain.run(LOAD)
    result = plain.run("%%colabenv apply\nversion: 1\nfiels: []\n")
    assert result.status == "error"
    assert result.error.startswith("cell:2:1: `fiels` is not a key of the file")
    assert result.traceback.startswith("cell:2:1")


def test_the_line_has_the_command_lines_options(plain: RunningKernel, tmp_path: Path) -> None:
    (tmp_path / "colabenv.yaml").write_text("version: 1\nfiles: [{path: a, content: b}]\n")
    plain.run(LOAD)
    assert "Plan: 1 to add." in plain.run("%colabenv plan").text
    assert not (tmp_path / "a").exists()
    pending = plain.run("%colabenv plan --detailed-exitcode")
    assert (pending.status, pending.error) == ("error", "changes are pending")
    assert '"format": "provisioner.plan/1"' in plain.run("%colabenv plan --json").stdout
    assert "is valid" in plain.run("%colabenv validate").stdout
    assert "usage: colabenv apply" in plain.run("%colabenv apply --help").stdout
    wrong = plain.run("%colabenv aply")
    assert wrong.status == "error"
    assert "invalid choice: 'aply'" in wrong.error


def test_completion_knows_commands_and_options(plain: RunningKernel, tmp_path: Path) -> None:
    (tmp_path / "colabenv.yaml").touch()
    plain.run(LOAD)
    assert {"apply", "plan", "verify"} <= set(plain.complete("%colabenv "))
    assert {"--only", "--restart", "colabenv.yaml"} <= set(plain.complete("%colabenv apply "))
    assert "--deep" in plain.complete("%colabenv verify --d")
    (tmp_path / "me.json").touch()
    assert {"--detailed-exitcode", "me.json"} <= set(plain.complete("%colabenv compare "))


def test_from_python_it_is_the_same_and_silent(plain: RunningKernel, tmp_path: Path) -> None:
    (tmp_path / "colabenv.yaml").write_text("version: 1\nfiles: [{path: a, content: b}]\n")
    code = "import provisioner\nreport = provisioner.apply('colabenv.yaml', only=['files'])\nprint(report.ok)"
    applied = plain.run(code)
    assert (applied.stdout, applied.displays) == ("True\n", [])
    assert plain.run("print(provisioner.plan().pending, provisioner.verify().ok)").stdout == "False True\n"
    (tmp_path / "a").unlink()
    failed = plain.run("provisioner.verify()")
    assert (failed.status, "1 still different from the file" in failed.error) == ("error", True)
    assert failed.traceback.startswith("Still different from the file:\n  + files.a")


def test_a_cell_whose_value_is_a_plan_or_a_report_shows_it(plain: RunningKernel, tmp_path: Path) -> None:
    (tmp_path / "colabenv.yaml").write_text("version: 1\nfiles: [{path: a, content: b}]\n")
    assert "<section" in plain.run("import provisioner\nprovisioner.plan()").displays[0]["text/html"]
    assert plain.run("provisioner.plan()").text == "files\n  + a  file\n\nPlan: 1 to add."
    (shown,) = plain.run("provisioner.apply()").displays
    assert "<section" in shown["text/html"]
    assert "1 changed, 0 already right. Every part is verified." in shown["text/plain"]
    assert plain.run("42").text == "42"


def test_progress_is_shown_when_it_is_asked_for(plain: RunningKernel, tmp_path: Path) -> None:
    (tmp_path / "colabenv.yaml").write_text("version: 1\nfiles: [{path: a, content: b}]\n")
    code = "import provisioner\nwith provisioner.progress() as reporter:\n"
    shown = plain.run(f"{code}    report = provisioner.apply(reporter=reporter)")
    assert shown.status == "ok", shown.error
    assert "Plan: 1 to add." in shown.text
    assert "1 of 1 steps ended" in shown.text


def test_variables_are_set_at_once_and_lasting(plain: RunningKernel) -> None:
    cell = "%%colabenv apply\nversion: 1\nenv: {GREETING: hello, PATH: {prepend: [/opt/tool]}}\n"
    show = "import os\nprint(os.environ.get('GREETING'), os.environ['PATH'].split(':')[0] == '/opt/tool')"
    plain.run(LOAD)
    assert plain.run(cell).status == "ok"
    assert plain.run(show).stdout == "hello True\n"
    assert "hello" in plain.run("!echo $GREETING").stdout
    plain.restart()
    assert plain.run(show).stdout == "hello True\n"
    plain.run(LOAD)
    assert "Nothing to do" in plain.run(cell).text
    assert plain.run("%%colabenv apply\nversion: 1\nenv: {OTHER: '1'}\n").status == "ok"
    assert plain.run(show).stdout == "None False\n"
    plain.restart()
    assert plain.run(show).stdout == "None False\n"


def test_a_section_that_is_deleted_leaves_the_kernel_and_later_ones(
    plain: RunningKernel, tmp_path: Path
) -> None:
    spec, bare = tmp_path / "colabenv.yaml", "version: 1\nfiles: [{path: a, folder: true}]\n"
    show = "import os\nprint(os.environ.get('GREETING'), os.environ['PATH'].split(':')[0] == '/opt/tool')"
    spec.write_text(bare + "env: {GREETING: hello, PATH: {prepend: [/opt/tool]}}\n")
    plain.run(LOAD)
    assert plain.run("%colabenv apply").status == "ok"
    assert plain.run(show).stdout == "hello True\n"
    cell = f"%%colabenv apply\n{bare}"
    assert "Nothing to do" in plain.run(cell).text
    assert plain.run(show).stdout == "hello True\n", "a cell takes back nothing of a file's"
    spec.write_text(bare)
    assert "2 changed" in plain.run("%colabenv apply").text
    assert plain.run(show).stdout == "None False\n"
    assert "Nothing to do: 1 already right" in plain.run("%colabenv apply").text
    plain.restart()
    assert plain.run(show).stdout == "None False\n"


def test_the_kernel_itself(plain: RunningKernel, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "ours.py").write_text("answer = 42\n")
    (tmp_path / "work").mkdir()
    wanted = "{extensions: [autoreload], sys_path: [src], workdir: work}"
    cell = f"%%colabenv apply\nversion: 1\nnotebook: {wanted}\n"
    plain.run(LOAD)
    assert plain.run(cell).status == "ok"
    shown = plain.run("import ours, os\nprint(ours.answer, os.getcwd())\n%autoreload 2")
    assert (shown.status, shown.stdout) == ("ok", f"42 {tmp_path / 'work'}\n")
    assert "Nothing to do: 3 already right" in plain.run(cell).text
    wrong = plain.run("%%colabenv apply\nversion: 1\nnotebook: {extensions: [no_such_thing]}\n")
    assert "the extension no_such_thing cannot be loaded: ModuleNotFoundError" in wrong.error


def test_what_was_said_in_one_folder_means_the_same_in_another(plain: RunningKernel, tmp_path: Path) -> None:
    """A spec may name the working directory, and the same line must find it again."""
    (tmp_path / "work").mkdir()
    (tmp_path / "colabenv.yaml").write_text("version: 1\nnotebook: {workdir: work}\n")
    plain.run(LOAD)
    assert plain.run("%colabenv apply").status == "ok"
    assert "Nothing to do: 1 already right" in plain.run("%colabenv apply colabenv.yaml").text
    assert "Nothing to do: 1 already right" in plain.run("%colabenv apply").text
    gone = plain.run("%%colabenv apply\nversion: 1\nnotebook: {workdir: nowhere}\n")
    assert "cannot work in" in gone.error


def test_what_cannot_be_read_or_meant_is_told(plain: RunningKernel) -> None:
    plain.run(LOAD)
    assert "No closing quotation" in plain.run("%colabenv apply 'x").error
    assert (
        "takes validate, plan, status, apply, verify, and not schema"
        in plain.run("%%colabenv schema\nversion: 1\n").error
    )
    assert "there is no file colabenv.yaml" in plain.run("%colabenv apply").error
    assert "there is no file colabenv.yaml" in plain.run("%colabenv validate").error
