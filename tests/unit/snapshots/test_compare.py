"""Why it works for you and not for me: two machines, most likely causes first."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner import cli
from provisioner.engine import take_snapshot
from provisioner.model.accelerators import Accelerators, Diagnosis, Gpu
from provisioner.model.errors import ProvisionerError
from provisioner.render import documents, terminal
from provisioner.render.comparison import render_comparison
from provisioner.snapshots import compare, snapshot
from provisioner.snapshots.snapshot import Seen, Snapshot
from tests import golden
from tests.unit.model.test_plan_fingerprint import garden, planned

T4 = Gpu(0, "Tesla T4", 15360 << 20, 15260 << 20, "7.5")
L4 = Gpu(0, "NVIDIA L4", 23034 << 20, 22500 << 20, "8.9")

MINE = Snapshot(
    name="flowers",
    digest="d",
    fingerprint="3f786850e387",
    named={
        "accelerator": "1 x T4",
        "runtime.python": "3.12.11",
        "pip.numpy": "2.0.2",
        "pip.keras": "3.8.0",
        "apt.libgl1": "1.7.0-1",
        "datasets.flowers": f"sha256 {'ab' * 32}",
        "secrets.HF_TOKEN": "set",
    },
    machine=Seen(
        platform="colab",
        runtime="release-colab-external_20260720-060045_RC00",
        os="Ubuntu 22.04.5 LTS",
        kernel="6.6.105+",
        libc="glibc 2.35",
        architecture="x86_64",
        cpus=2,
        memory=13_600_000_000,
        disk_free=70_000_000_000,
        root=True,
        python={"version": "3.12.11", "executable": "/usr/bin/python3"},
        accelerators=Accelerators(gpus=(T4,), driver="550.54.15", cuda="12.4"),
    ),
    environment={"LD_LIBRARY_PATH": "/usr/lib64-nvidia", "TF_FORCE_GPU_ALLOW_GROWTH": "true"},
    distributions={
        "numpy": "2.0.2",
        "keras": "3.8.0",
        "torch": "2.8.0+cu126",
        "jax": "0.5.3",
        "requests": "2.32.4",
        **{f"package-{number}": "1.0" for number in range(14)},
    },
    packages={"libgl1": "1.7.0-1", "curl": "7.81.0", "tree": "2.0", "ffmpeg": "4.4.2"},
)
YOURS = replace(
    MINE,
    digest="e",
    fingerprint="6b4b12171181",
    named={
        **MINE.named,
        "accelerator": "1 x L4",
        "runtime.python": "3.13.5",
        "pip.numpy": "1.26.4",
        "apt.libgl1": "absent",
        "datasets.flowers": f"sha256 {'cd' * 32}",
    },
    machine=replace(
        MINE.machine,
        os="Ubuntu 24.04.2 LTS",
        libc="glibc 2.39",
        kernel="6.8.0-1024-gcp",
        platform="other",
        runtime="",
        memory=16_800_000_000,
        root=False,
        disk_free=1,
        python={"version": "3.13.5", "executable": "/home/USER/venv/bin/python"},
        accelerators=Accelerators(gpus=(L4, replace(L4, index=1)), driver="580.82.07", cuda="13.0"),
    ),
    environment={"XLA_FLAGS": "--xla_gpu_autotune_level=0 --xla_gpu_enable_triton_gemm=false"},
    distributions={
        "numpy": "1.26.4",
        "keras": "3.8.0",
        "torch": "2.9.1",
        "requests": "2.32.5",
        "jax": "0.5.3",
        **{f"package-{number}": "1.1" for number in range(12)},
    },
    packages={"curl": "8.5.0", "tree": "2.0", "htop": "3.3.0"},
)
BROKEN = replace(
    MINE,
    fingerprint=None,
    named={**MINE.named, "datasets.flowers": None},
    machine=replace(
        MINE.machine,
        accelerators=Accelerators(problem=Diagnosis("driver-mismatch", "it does not answer", "Reboot.")),
    ),
)
LABELS = ("me.json", "you.json")


@pytest.mark.parametrize(
    ("name", "mine", "yours", "verbose"),
    [
        ("compare.txt", MINE, YOURS, False),
        ("compare-verbose.txt", MINE, YOURS, True),
        ("compare-equal.txt", MINE, MINE, False),
        ("compare-elsewhere.txt", MINE, replace(MINE, environment={}), False),
        ("compare-unknown.txt", MINE, BROKEN, False),
    ],
)
def test_golden(name: str, mine: Snapshot, yours: Snapshot, verbose: bool) -> None:
    found = compare.compare(mine, yours, LABELS)
    shown = render_comparison(found, width=80, verbose=verbose)
    golden.check(f"compare/{name}", shown)
    assert max(map(len, shown.splitlines())) <= 80
    coloured = render_comparison(found, width=80, verbose=verbose, paint=terminal.coloured)
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == shown


def test_culprits_come_in_the_order_of_suspicion() -> None:
    groups = compare.compare(MINE, YOURS, LABELS).groups
    assert [each.name for each in groups] == [topic.name for topic in compare.TOPICS]
    assert [one.name for one in groups[3].differences] == ["pip.numpy", "apt.libgl1", "datasets.flowers"]
    assert [one.name for one in groups[4].differences] == ["torch"], "numpy is named, and told above"


VERSIONS = st.sampled_from(["1", "2", "absent"])
INSTALLED = st.dictionaries(st.sampled_from(["numpy", "torch", "six"]), VERSIONS)
NAMED = st.dictionaries(st.sampled_from(["pip.numpy", "pip.six"]), VERSIONS)


@given(INSTALLED, INSTALLED, NAMED, NAMED)
def test_it_finds_all_that_differs_and_is_the_same_from_both_sides(
    mine: dict[str, str], yours: dict[str, str], my_named: dict[str, str], your_named: dict[str, str]
) -> None:
    left = replace(MINE, distributions=mine, named=my_named)
    right = replace(MINE, distributions=yours, named=your_named)
    there = {
        (one.name, one.mine, one.yours)
        for each in compare.compare(left, right, LABELS).groups
        for one in each.differences
    }
    back = {
        (one.name, one.yours, one.mine)
        for each in compare.compare(right, left, LABELS).groups
        for one in each.differences
    }
    assert there == back
    told = {name for name, _, _ in there}
    for name in {*mine, *yours}:
        differs = mine.get(name, "absent") != yours.get(name, "absent")
        named = f"pip.{name}" in {*my_named, *your_named}
        assert (differs and not named) == (name in told)


def test_the_document_holds_all_of_it() -> None:
    whole = compare.document(compare.compare(MINE, YOURS, LABELS))
    document = json.loads(documents.text(whole))
    assert next(iter(document)) == "format"
    assert document["format"] == "provisioner.compare/1"
    assert document["same"] is False
    assert document["groups"][2]["differences"] == [{"name": "version", "mine": "3.12.11", "yours": "3.13.5"}]
    assert len(document["groups"][-2]["differences"]) == 15
    assert compare.document(compare.compare(MINE, BROKEN, LABELS))["same"] is None
    assert document == whole


def test_a_snapshot_survives_json() -> None:
    for each in (MINE, YOURS, BROKEN):
        assert snapshot.parse(documents.text(snapshot.document(each)), "me.json") == each


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is not JSON"),
        ("version: 1", "is not JSON"),
        ("[]", "it names no format"),
        ('{"format": "provisioner.plan/1"}', "it is provisioner.plan/1"),
        ('{"format": "provisioner.facts/1"}', "it is provisioner.facts/1"),
        ('{"format": "provisioner.facts/2"}', "cannot be read: machine: "),
        ('{"format": "provisioner.facts/2", "named": 3}', "cannot be read: named: "),
    ],
)
def test_other_files_are_refused_in_words(text: str, told: str) -> None:
    with pytest.raises(ProvisionerError, match=re.escape(told)) as caught:
        snapshot.parse(text, "me.json")
    assert "me.json" in caught.value.message
    assert "colabenv facts --out" in caught.value.hint


def test_two_machines_that_were_given_the_same_file() -> None:
    """Their homes, folders, tokens and the rest of their packages differ; what the file names does not."""
    machines = garden("/root", "/content"), garden("/home/lab", "/home/lab")
    machines[1].environ = {**machines[1].environ, "XLA_FLAGS": "--x", "AWS_SECRET_ACCESS_KEY": "verysecret"}
    plans = [planned(machine) for machine in machines]
    left, right = (
        take_snapshot.of_spec(machine, plan, "same", {})
        for machine, plan in zip(machines, plans, strict=True)
    )
    found = compare.compare(left, right, LABELS)
    assert found.same
    assert [each.name for each in found.groups] == ["environment"]
    text = documents.text(snapshot.document(right))
    for private in ("verysecret", "token of", "/home/lab"):
        assert private not in text


SPEC = """\
version: 1
name: desk
files: [{path: lamp.txt, content: on}]
"""

MORE = """\
runtime: {python: ">=3.11", os: [debian, ubuntu]}
accelerator: {any_of: [gpu, tpu, cpu], frameworks: [torch], on_mismatch: warn}
apt: {packages: [dpkg]}
pip: {packages: [pytest]}
datasets: {rows: {url: lamp.txt, to: data/}}
secrets: {HF_TOKEN: {required: false}}
run: [{name: dust, command: [touch, dusted], creates: dusted}]
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a spec, which is also the current one, and a home of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    (tmp_path / "colabenv.yaml").write_text(SPEC)
    return tmp_path


def run(*argv: str) -> int:
    return cli.main(list(argv))


def test_this_very_machine_twice(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "lamp.txt").write_text("on")
    (desk / "colabenv.yaml").write_text(SPEC + MORE)
    assert run("apply") == 0
    told = re.search("Fingerprint: ([0-9a-f]{12})", capsys.readouterr().out)
    assert run("facts", "--out", "me.json") == 0
    assert "Wrote me.json" in capsys.readouterr().out
    done = subprocess.run([sys.executable, "-m", "provisioner", "facts"], capture_output=True, check=True)
    (desk / "you.json").write_bytes(done.stdout)
    me, you = (json.loads((desk / name).read_text()) for name in ("me.json", "you.json"))
    assert me["format"] == "provisioner.facts/2"
    assert told
    assert me["fingerprint"] == you["fingerprint"] == told[1]
    assert me["distributions"]["pytest"] == pytest.__version__
    assert run("compare", "me.json", "you.json", "--detailed-exitcode") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Nothing differs."


def test_this_machine_against_a_file(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("apply") == 0
    assert run("facts", "--out", "you.json") == 0
    (desk / "lamp.txt").unlink()
    capsys.readouterr()
    assert run("compare", "you.json") == 0
    assert re.search(r"files\.lamp\.txt +absent +sha256 [0-9a-f]{12}\n", capsys.readouterr().out)
    assert run("compare", "you.json", "--json", "--detailed-exitcode") == 2
    document = json.loads(capsys.readouterr().out)
    assert document["machines"] == ["this machine", "you.json"]
    assert [each["name"] for each in document["groups"]] == ["named by the spec"]
    assert run("compare", "you.json", "--spec", "none.yaml") == 0
    assert "There is no fingerprint of this machine: there was no spec.\n" in capsys.readouterr().out


def test_files_of_one_name_are_called_by_their_paths(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("a", "b"):
        (desk / folder).mkdir()
        text = documents.text(snapshot.document(MINE if folder == "a" else YOURS))
        (desk / folder / "facts.json").write_text(text)
    assert run("compare", "a/facts.json", "b/facts.json", "-v") == 0
    assert "a/facts.json has 3f786850e387, b/facts.json has 6b4b12171181" in (
        capsys.readouterr().out.replace("\n", " ")
    )


@pytest.mark.parametrize("name", ["none.json", "colabenv.yaml", "."])
def test_what_cannot_be_compared_is_an_error(
    desk: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("compare", name, name) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert name in told
    assert "colabenv facts --out" in told


def test_status_for_ci(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("status") == 2
    assert capsys.readouterr().out.splitlines()[:2] == ["  + files.lamp.txt  file", "Drift: 1 to add."]
    assert run("apply") == 0
    capsys.readouterr()
    assert run("status") == 0
    assert re.fullmatch("No drift: 1 already right.\nFingerprint: [0-9a-f]{12}\n", capsys.readouterr().out)
    assert run("status", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["format"] == "provisioner.plan/1"
    assert re.fullmatch("[0-9a-f]{12}", document["fingerprint"])
    assert run("status", "--only", "files", "--json") == 0
    assert json.loads(capsys.readouterr().out)["fingerprint"] is None
    (desk / "colabenv.yaml").write_text("version: 1\nfiles: [{path: a, source: none}]\n")
    assert run("status") == 2
    assert "! files.a" in capsys.readouterr().out
    (desk / "colabenv.yaml").write_text("version: 2\n")
    assert run("status") == 1


def test_nobody_is_named(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("USER", "annabel")
    monkeypatch.setenv("LOGNAME", "annabel")
    monkeypatch.setenv("MY_TOKEN", "verysecret")
    monkeypatch.setenv("PYTHONPATH", f"{desk}/home/lib:/data/annabel/lib:verysecret")
    assert run("facts") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["environment"]["PYTHONPATH"] == "~/lib:/data/USER/lib:***"
    assert "annabel" not in json.dumps(document)
    assert "verysecret" not in json.dumps(document)


@given(st.text(), st.text(), st.booleans())
def test_a_stranger_s_file_cannot_steer_the_terminal(name: str, value: str, known: bool) -> None:
    told = value if known else None
    yours = replace(MINE, named={name: told}, fingerprint=told, distributions={name: value})
    for verbose in (True, False):
        shown = render_comparison(compare.compare(MINE, yours, LABELS), width=80, verbose=verbose)
        assert not set(shown) & {*map(chr, range(32)), "\x7f", "\x9b"} - {"\n"}


def test_what_is_attached_is_told_whole() -> None:
    assert compare.devices(BROKEN) == {"devices": "none", "problem": "driver-mismatch"}
    tpu = replace(MINE, machine=replace(MINE.machine, accelerators=Accelerators(tpu="v5e", chips=8)))
    assert compare.devices(tpu) == {"devices": "TPU v5e, chips: 8"}
