"""Chains on a real Debian: each settles in one apply, whatever depends on what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gitserver import GitServer, git
from tests.gitserver import serving as serving_git
from tests.machine.debian_root import WORK, Root
from tests.machine.garden import pending, write_tar

TOOL = {
    "tool-1.2/pyproject.toml": b'[project]\nname = "tool"\nversion = "1.2"\n',
    "tool-1.2/tool.py": b"colour = 'blue'\n",
    "tool-1.2/requirements.txt": b"six==1.17.0\n",
    "tool-1.2/settings.ini": b"colour = blue\n",
}
ARCHIVE = "datasets:\n  tool: {url: tool.tar.gz, unpack: true, strip: 1, to: tool}\n"
CHAINS = {
    "an archive brings what pip installs": """\
pip: {requirements: [tool/requirements.txt], editable: [tool], venv: .venv}
notebook: {sys_path: [tool], workdir: tool}
""",
    "files go into an archive and over its own": """\
files:
  - {path: tool/etc/site.conf, content: "x\\n"}
  - {path: tool/requirements.txt, content: "seven\\n"}
""",
    "an archive goes into an archive": """\
  weights: {url: tool.tar.gz, unpack: true, strip: 1, to: tool/models/weights}
  note: {url: note.txt, to: tool/models/}
""",
    "a command edits what an archive brought": """\
files:
  - {path: tool/settings.ini, edit: [{find: blue, replace: red}]}
run:
  - {name: build, command: [cp, settings.ini, built.ini], cwd: tool, creates: tool/built.ini}
  - {name: ask, command: [cp, built.ini, asked.ini], cwd: tool, unless: [test, -e, asked.ini]}
""",
    "a command makes what a file is copied from, and an archive comes out of it": """\
  packed: {url: packed.tar.gz, unpack: true, to: again}
files:
  - {path: copy.txt, source: again/tool/requirements.txt}
run:
  - {name: pack, command: [tar, czf, packed.tar.gz, tool], creates: packed.tar.gz}
""",
}


@pytest.fixture
def tooled(provisioned_machine: Root) -> Root:
    """A machine with an archive, and a file beside it."""
    write_tar(provisioned_machine, f"{WORK}/tool.tar.gz", TOOL)
    provisioned_machine.write(f"{WORK}/note.txt", "hello\n")
    return provisioned_machine


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_settles_in_one_apply(tooled: Root, name: str) -> None:
    spec = f"version: 1\nname: chain\n{ARCHIVE}{CHAINS[name]}"
    assert "deferred" in pending(tooled, spec).values() or "files go" in name or "archive goes" in name
    done = tooled.colabenv("apply", "--json", check=True)
    report = json.loads(done.stdout)
    assert report["ok"]
    assert {outcome["status"] for outcome in report["outcomes"]} <= {"done", "kept"}
    assert pending(tooled) == {}
    assert "Nothing to do" in tooled.colabenv("apply", check=True).stdout
    assert tooled.colabenv("verify", "--deep").returncode == 0


def test_what_the_producer_did_not_bring_is_told_and_the_rest_is_done(tooled: Root) -> None:
    files = "files:\n  - {path: copy, source: tool/lost.txt}\n  - {path: b, content: b}\n"
    spec = f"version: 1\nname: chain\n{ARCHIVE}{files}"
    done = tooled.colabenv("apply", spec=spec)
    assert done.returncode == 1
    assert "files.copy" in done.stdout
    assert f"{WORK}/tool/lost.txt does not exist" in " ".join(done.stdout.split())
    assert tooled.read(f"{WORK}/b") == "b"
    assert "Traceback" not in done.stdout + done.stderr


# What public notebooks set up, with stand-ins on this machine for the servers that they use


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[GitServer]:
    (tmp_path / "hub").mkdir()
    with serving_git(tmp_path / "hub") as running:
        yield running


def settles(root: Root, spec: str) -> str:
    """Apply a spec once and expect that all is well from then on; what that apply said."""
    said = root.colabenv("apply", spec=spec, check=True, timeout=600).stdout
    assert pending(root) == {}
    assert "Nothing to do" in root.colabenv("apply", check=True).stdout
    root.colabenv("verify", "--deep", check=True)
    return said


def test_a_clone_its_requirements_and_where_its_modules_are(
    provisioned_machine: Root, hub: GitServer
) -> None:
    """As the notebook on WaveRNN; git itself is not there either."""
    files = {"requirements.txt": "six==1.17.0\n", "wave.py": "import six\n"}
    commit = hub.make("wave", files)
    said = settles(
        provisioned_machine,
        f"""\
version: 1
name: wave
git: {{repos: {{wave: {{url: "{hub.url("wave")}", rev: main, to: WaveRNN}}}}}}
pip: {{requirements: [WaveRNN/requirements.txt], venv: .venv}}
notebook: {{sys_path: [WaveRNN]}}
verify: {{commands: [{{run: [.venv/bin/python, -c, "import sys; sys.path[:0] = ['WaveRNN']; import wave"]}}]}}
""",
    )
    assert f"rev: {commit}" in said, said


def test_submodules_an_archive_inside_of_one_a_build_and_data_within(
    provisioned_machine: Root, hub: GitServer
) -> None:
    """As the notebook on Anserini: the build is a command, and all the rest is not."""
    hub.make("eval", {"build.sh": "cp answer.txt built.txt\n", "answer.txt": "42\n"})
    hub.make("anserini", {"README.md": "hello\n"})
    work = hub.work("anserini")
    git(work, "submodule", "--quiet", "add", str(hub.work("eval")), "tools/eval")
    git(work, "config", "--file", ".gitmodules", "submodule.tools/eval.url", hub.url("eval"))
    hub.commit("anserini", {})
    write_tar(provisioned_machine, f"{WORK}/index.tar.gz", {"index/segments_1": b"terms\n"})
    settles(
        provisioned_machine,
        f"""\
version: 1
name: robust04
git: {{repos: {{anserini: {{url: "{hub.url("anserini")}", rev: main, submodules: true}}}}}}
datasets:
  index: {{url: index.tar.gz, unpack: true, strip: 1, to: anserini/indexes/robust04}}
files:
  - {{path: anserini/tools/eval/answer.txt, edit: [{{find: "42", replace: "43"}}]}}
  - {{path: topics.txt, copy: anserini/README.md}}
run:
  - {{name: build, command: [sh, build.sh], cwd: anserini/tools/eval, creates: anserini/tools/eval/built.txt}}
""",
    )
    assert provisioned_machine.read(f"{WORK}/anserini/tools/eval/built.txt") == "43\n"


def test_large_files_weights_inside_a_clone_and_a_changed_setting(
    provisioned_machine: Root, hub: GitServer
) -> None:
    """As the notebook on DeepSORT, with Git LFS itself."""
    weights = b"weights\n" * 500
    hub.make(
        "deepsort",
        {
            ".gitattributes": "*.t7 filter=lfs diff=lfs merge=lfs -text\n",
            "checkpoint/ckpt.t7": hub.keep_large(weights),
            "detector/weight/.gitkeep": "",
            "configs/deep.yaml": "# how near\nDEEPSORT:\n  MAX_DIST: 0.2\n",
        },
    )
    write_tar(provisioned_machine, f"{WORK}/yolo.tar.gz", {"yolov3.weights": b"yolo\n"})
    settles(
        provisioned_machine,
        f"""\
version: 1
name: deepsort
git: {{repos: {{deepsort: {{url: "{hub.url("deepsort")}", rev: main, to: deep_sort_pytorch, lfs: true}}}}}}
datasets:
  yolo: {{url: yolo.tar.gz, unpack: true, to: deep_sort_pytorch/detector/yolo}}
files:
  - {{path: deep_sort_pytorch/configs/deep.yaml, set: {{DEEPSORT.MAX_DIST: 0.1}}}}
notebook: {{sys_path: [deep_sort_pytorch]}}
""",
    )
    assert provisioned_machine.path(f"{WORK}/deep_sort_pytorch/checkpoint/ckpt.t7").read_bytes() == weights
    assert provisioned_machine.read(f"{WORK}/deep_sort_pytorch/configs/deep.yaml") == (
        "# how near\nDEEPSORT:\n  MAX_DIST: 0.1\n"
    )
