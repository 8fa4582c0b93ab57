"""scripts/runtimes.py: from a clone of the public lists to the tables that are shipped."""

from __future__ import annotations

import runpy
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provisioner.runtimes import tables

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "runtimes.py"))
UnreadableError: type[Exception] = SCRIPT["UnreadableError"]

FREEZE = """\
# Do not modify this file directly; it is generated
absl-py==1.4.0
torch @ https://download.pytorch.org/whl/cu128/torch-2.11.0%2Bcu128-cp313-cp313-manylinux_2_28_x86_64.whl
en_core_web_sm @ https://github.com/e/releases/en_core_web_sm-3.8.0-py3-none-any.whl#sha256=1932
google-colab @ file:///colabtools/dist/google_colab-1.0.0.tar.gz
jupyter_kernel_gateway @ git+https://github.com/googlecolab/kernel_gateway@b134e9945df25c2d
-e git+https://github.com/e/tool@0a1b2c#egg=tool&subdirectory=python
odd===2026a
"""
APT = """\
# Do not modify this file directly; it is generated
Listing...
adduser/jammy,now 3.118ubuntu5 all [installed]
libc6/now 2.35-0ubuntu3.9 amd64 [installed,upgradable to: 2.35-0ubuntu3.14]
libc6/jammy 2.35-0ubuntu3.8 i386 [installed]
libcudnn9-cuda-12/now 9.2.1.18-1 amd64 [installed,local]
"""
SYSTEM = "# Do not modify\nUbuntu 22.04.5 LTS\nPython 3.13.15\nR version 4.6.1\njulia version 1.12.6\n"
README = """\
### 2026.07

*   Ubuntu 22.04.5 LTS

For the exact details, refer to the individual `*.txt` files at this
[GitHub commit](https://github.com/googlecolab/backend-info/tree/{commit}).

## Contributing
"""


def test_a_past_runtime_without_a_commit_does_not_take_the_next_ones() -> None:
    readme = "### 2026.07\n\nsoon\n\n" + README.replace("2026.07", "2026.04").format(commit="a" * 40)
    assert SCRIPT["past"](readme) == {"2026.04": "a" * 40}


def test_pip_freeze_is_read_in_all_its_forms() -> None:
    assert SCRIPT["freeze"](FREEZE) == {
        "absl-py": "1.4.0",
        "torch": "2.11.0+cu128",
        "en_core_web_sm": "3.8.0",
        "google-colab": "1.0.0",
        "jupyter_kernel_gateway": None,
        "tool": None,
        "odd": "2026a",
    }


def test_apt_list_is_read_and_foreign_packages_named_as_dpkg_does() -> None:
    assert SCRIPT["packages"](APT) == {
        "adduser": "3.118ubuntu5",
        "libc6": "2.35-0ubuntu3.9",
        "libc6:i386": "2.35-0ubuntu3.8",
        "libcudnn9-cuda-12": "9.2.1.18-1",
    }


def test_the_system_and_python_are_read() -> None:
    assert SCRIPT["system"](SYSTEM) == ("Ubuntu 22.04.5 LTS", "3.13.15")


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        ("freeze", "absl-py 1.4.0\n"),
        ("packages", "adduser 3.118ubuntu5\n"),
        ("system", "Ubuntu 22.04.5 LTS\n"),
        ("system", "# nothing\n"),
    ],
)
def test_what_cannot_be_read_is_not_guessed_at(reader: str, text: str) -> None:
    with pytest.raises(UnreadableError):
        SCRIPT[reader](text)


Publish = Callable[[dict[str, str]], str]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "backend-info"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    return folder


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    argv = ["git", "-C", str(folder), *identity, *words]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def publish(clone: Path, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Commit lists, as if in July 2026; the commit."""
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-07-14T12:00:00Z")

    def commit(files: dict[str, str]) -> str:
        for name, text in files.items():
            (clone / name).write_text(text)
        git(clone, "add", "--all")
        git(clone, "commit", "-q", "-m", "lists")
        return git(clone, "rev-parse", "HEAD")

    return commit


def lists(image: str, freeze: str = FREEZE) -> dict[str, str]:
    return dict(zip(SCRIPT["LISTS"][image], (SYSTEM, freeze, APT), strict=True))


def regenerate(capsys: pytest.CaptureFixture[str], *words: Any) -> tuple[int, str]:
    """The script's exit code, and what it complained of."""
    try:
        SCRIPT["main"]([*map(str, words)])
    except SystemExit as end:
        return int(end.code or 0), capsys.readouterr().err
    return 0, capsys.readouterr().err


def test_from_a_clone_to_tables(
    clone: Path, publish: Publish, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    july = publish({**lists("cpu"), **lists("tpu", "absl-py==1.4.0\n")})
    publish({"README.md": README.format(commit=july)})
    august = publish(lists("gpu", FREEZE.replace("absl-py==1.4.0", "absl-py==2.0.0")))
    into = tmp_path / "tables"
    into.mkdir()

    code, said = regenerate(capsys, clone, "--into", into, "--add", f"2026.08={august}")
    assert code == 0
    missing = "os-info-gpu.txt, pip-freeze.gpu.txt, apt-list-gpu.txt"
    assert said == f"not there: 2026.07-gpu: no {missing} in {july[:7]}\n"
    written = {path.name: [*tables.cells(path.read_text())] for path in into.iterdir()}
    assert written["images.tsv"][:2] == [
        ["runtime", "image", "commit", "date", "os", "python"],
        ["2026.07", "cpu", july[:7], "2026-07-14", "Ubuntu 22.04.5 LTS", "3.13.15"],
    ]
    headings = ["2026.07-cpu", "2026.07-tpu", "2026.08-cpu", "2026.08-gpu", "2026.08-tpu"]
    assert written["pip.tsv"][0] == ["name", *headings]
    assert ["absl-py", "1.4.0", ".", ".", "2.0.0", "1.4.0"] in written["pip.tsv"]
    assert ["torch", "2.11.0+cu128", "-", "2.11.0+cu128", ".", "-"] in written["pip.tsv"]
    assert ["tool", "?", "-", "?", ".", "-"] in written["pip.tsv"]
    assert ["libc6", "2.35-0ubuntu3.9"] in written["apt.tsv"]

    before = {path: path.read_text() for path in into.iterdir()}
    assert regenerate(capsys, clone, "--into", into) == (0, said)
    assert {path: path.read_text() for path in into.iterdir()} == before, "what was added is known now"


def test_a_commit_that_is_not_there_is_named_and_nothing_is_lost(
    clone: Path, publish: Publish, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    july = publish(lists("cpu"))
    publish({"README.md": README.format(commit=july)})
    into = tmp_path / "tables"
    into.mkdir()
    assert regenerate(capsys, clone, "--into", into)[0] == 0
    before = {path: path.read_text() for path in into.iterdir()}

    gone = "0" * 40
    publish({"README.md": README.format(commit=gone)})
    code, said = regenerate(capsys, clone, "--into", into)
    assert code == 1
    assert f"2026.07: no commit {gone} in {clone}" in said
    assert "nothing was written" in said
    assert {path: path.read_text() for path in into.iterdir()} == before


def test_a_list_that_reads_otherwise_is_named(
    clone: Path, publish: Publish, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit = publish(lists("cpu", "absl-py 1.4.0\n"))
    publish({"README.md": README.format(commit=commit)})
    code, said = regenerate(capsys, clone, "--into", tmp_path)
    assert (code, said.strip()) == (
        1,
        "error: 2026.07-cpu: this line of pip freeze says no name: absl-py 1.4.0",
    )
    assert not (tmp_path / "pip.tsv").exists()


def test_what_is_no_clone_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = regenerate(capsys, tmp_path)
    assert code == 1
    assert "is no clone" in said
    assert regenerate(capsys, tmp_path, "--add", "august")[0] == 2
