"""Whatever the documentation shows works, and what is generated is current."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import pytest
import yaml

import provisioner
from provisioner import cli
from provisioner.spec.spec import load, parse
from tests import scene

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[object]:
    return [
        pytest.param(path, match[2], id=f"{path.name}-{number}")
        for path in DOCUMENTS
        for number, match in enumerate(BLOCK.finditer(path.read_text()))
        if match[1] == language
    ]


@pytest.mark.parametrize(("path", "text"), blocks("yaml"))
def test_an_example_is_valid(path: Path, text: str, tmp_path: Path) -> None:
    lines = text.splitlines()
    indent = len(lines[0]) - len(lines[0].lstrip())
    text = "\n".join(line[indent:] for line in lines) + "\n"
    value = yaml.safe_load(text)
    if isinstance(value, list):
        assert all(set(case) <= set(scene.FIELDS) for case in value), "an example of a case file"
        return
    if "jobs" in value:
        return
    if "version" not in value:
        text = "version: 1\n" + text
    parse(text, f"{path.name}", str(tmp_path))


def test_the_examples_in_python_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the page about the API, one after the other, on the file that it shows."""
    page = (ROOT / "docs" / "api.md").read_text()
    found = [(match[1], match[2]) for match in BLOCK.finditer(page)]
    (spec,) = (text for language, text in found if language == "yaml")
    (tmp_path / "colabenv.yaml").write_text(spec)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    code = "\n".join(text for language, text in found if language == "python")
    exec(compile(code, "api.md", "exec"), {})


def test_the_page_about_the_api_has_every_function() -> None:
    named = set(re.findall(r"\w+", (ROOT / "docs" / "api.md").read_text()))
    functions = {name for name in provisioner.__all__ if name.islower()} - {"load_ipython_extension"}
    assert functions - named == {"__version__"}


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda path: path.name)
def test_an_example_file_is_valid(path: Path) -> None:
    assert load(path).sections


def test_what_is_generated_is_current() -> None:
    for path, text in runpy.run_path(str(ROOT / "scripts" / "generate.py"))["made"]().items():
        assert path.read_text() == text, f"{path.name} is not current: run scripts/generate.py"


@pytest.mark.parametrize(
    "line",
    sorted({match for path in DOCUMENTS for match in re.findall(r"`colabenv ([^`]+)`", path.read_text())}),
)
def test_a_command_that_is_named_exists(line: str) -> None:
    assert cli.build_parser().parse_args(shlex.split(line)).command == line.split()[0]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_the_architecture_names_every_stage() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    entries = [path for path in (ROOT / "provisioner").iterdir() if not re.match("_|py.typed", path.name)]
    names = [f"`{path.name}/`" if path.is_dir() else f"`{path.name}`" for path in entries]
    assert [name for name in sorted(names) if f"| {name} |" not in text] == []


def test_the_decisions_are_numbered_dated_and_listed() -> None:
    paths = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    index = re.findall(
        r"^- \[(\d{4})\]\((.+)\) (.+)$", (paths[0].parent / "README.md").read_text(), re.MULTILINE
    )
    assert [name for _, name, _ in index] == [path.name for path in paths]
    for number, (path, (written, _, title)) in enumerate(zip(paths, index, strict=True), 1):
        head, date, *parts = re.findall("^(?:#+|Date:) (.+)$", path.read_text(), re.MULTILINE)
        assert head == f"{number:04d}. {title}"
        assert path.name.startswith(f"{written}-")
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", date)
        assert parts == ["Context", "Decision", "Consequences"]


def test_the_workflow_guards_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its steps pass with a lock that fits, and fail when the file is changed or does not fit the image."""
    (text,) = (match[2] for match in BLOCK.finditer((ROOT / "README.md").read_text()) if "jobs:" in match[2])
    steps = yaml.safe_load(text)["jobs"]["environment"]["steps"]
    commands = [shlex.split(step["run"])[1:] for step in steps if step.get("run", "").startswith("colabenv ")]
    assert [command[0] for command in commands] == ["validate", "lock", "plan"]

    def codes() -> list[int]:
        return [cli.main([*command, str(file)]) for command in commands]

    file = tmp_path / "colabenv.yaml"
    file.write_text("version: 1\npip: {packages: [numpy]}\n")
    assert cli.main(["lock", "--for", "gpu", str(file)]) == 0
    assert codes() == [0, 0, 0]
    file.write_text("version: 1\npip: {packages: [numpy, tree]}\naccelerator: V100\n")
    assert codes() == [0, 1, 1]
    assert "colabenv lock" in capsys.readouterr().err


# Real notebooks

NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.yaml"))


def test_the_page_about_notebooks_counts_what_is_left() -> None:
    page = (ROOT / "docs" / "notebooks.md").read_text()
    rows = re.findall(r"\[([\w-]+\.yaml)\]\(.+?\) \| (\d+) \| (\d+) \|", page)
    counted = {path.name: len(yaml.safe_load(path.read_text()).get("run", ())) for path in NOTEBOOKS}
    assert {name: int(now) for name, _, now in rows} == counted
    assert (
        f"of {sum(int(before) for _, before, _ in rows)} commands, {sum(counted.values())} are left" in page
    )


OFFLINE = re.compile(r"name or service not known|[Cc]ould not resolve|timed out|refused|unreachable|network")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_real_notebook_is_planned_for_the_newest_image(path: Path) -> None:
    """All of it can be done there, as far as the servers that it needs can be asked from here."""
    plan = provisioner.plan(path, against="colab-2026.08-gpu")
    assert plan.against
    assert plan.pending
    blocked = {each.address: each.reason for each in plan.changes if each.action.value == "blocked"}
    assert {address: why for address, why in blocked.items() if not OFFLINE.search(why)} == {}
    assert {change.address.partition(".")[0] for change in plan.deferred} <= {
        "pip",
        "datasets",
        "drive",
        "run",
    }
