"""Plans for Colab's images from a machine that is none: what they claim is what the images' lists say."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner import cli
from provisioner.engine.plan_for_image import as_there, plan_against, read_image
from provisioner.engine.selection import Selection
from provisioner.machine.download import receipt
from provisioner.machine.local import LocalMachine
from provisioner.machine.reader import Answer
from provisioner.model.effects import Run
from provisioner.model.errors import ObserveError, ProvisionerError
from provisioner.model.plan import Action, Against, Change, Plan, Step
from provisioner.render import html, text
from provisioner.runtimes import images
from provisioner.runtimes.images import Image
from provisioner.spec.spec import load, parse
from tests import golden
from tests.index import Index, wheel

ROOT = Path(__file__).parents[3]
EXAMPLES = [ROOT / "colabenv.yaml", *sorted((ROOT / "examples").glob("*.yaml"))]
IMAGES = [images.load(name) for name in images.names()]
GPU = images.load("colab-2026.07-gpu")
CPU = images.load("colab-2026.08-cpu")

DOCUMENT = ROOT / "docs" / "against.md"
LIGHTNING = ("lightning-utilities<2.0,>=0.10.0", "pytorch-lightning", "torchmetrics<3.0,>0.7.0")

Try = Callable[..., Plan]


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """State of its own, and servers that have whatever is asked for."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(LocalMachine, "head", lambda self, url: Answer(url, 200, 10**6))


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """An index with another build of torch, as PyPI has one, and with things that need torch or numpy."""
    made = Index(tmp_path / "index")
    for number in range(14):
        made.add(f"nvidia-part{number}-cu13", "13.0")
    parts = [f"nvidia-part{number}-cu13" for number in range(14)]
    for version in ("2.11.0", "2.12.0"):
        made.add("torch", version, "numpy", *parts)
    made.add("torchvision", "0.26.0", "torch==2.11.0")
    made.add("torchvision", "0.27.0", "torch==2.12.0")
    made.add("torchaudio", "2.12.0", "torch")
    made.add("trainer", "1.0", "torch>=2.1", "trainer-parts")
    made.add("trainer-parts", "1.0", "numpy>=1.20")
    made.add("old", "1.0", "numpy<2")
    made.add("numpy", "1.26.4")
    made.add("humanize", "99.0")
    made.add("transformers", "99.0", "torch>=2.12")
    return made


@pytest.fixture
def against(tmp_path: Path, index: Index) -> Try:
    """Plan a section `pip`, or any text, for an image, with the local index."""

    def make(pip: str = "", more: str = "", image: Image = GPU) -> Plan:
        section = f"pip: {{index_url: '{index.url}', {pip}}}\n" if pip else ""
        return plan_against(parse(f"version: 1\n{section}{more}", "s.yaml", str(tmp_path)), image)

    return make


def diff(plan: Plan) -> dict[str, str]:
    """What is not right, by address: a sign and the version or state afterwards."""
    return {c.address: f"{c.action.sign} {c.after}" for c in plan.changes if c.action is not Action.KEEP}


def refute(plan: Plan, image: Image) -> list[str]:
    """Claims of a plan that something is already met, which the image's lists do not bear out."""
    pip = {f"pip.{name}": version for name, version in image.distributions.items()}
    apt = {f"{kind}.{name}": version for kind in ("apt", "jdk") for name, version in image.apt.items()}
    return [
        change.address
        for change in plan.changes
        if change.action is Action.KEEP and change.address.startswith(("pip.", "apt.", "jdk.openjdk"))
        if change.before is None or (pip | apt).get(change.address, "") not in (change.before, None)
    ]


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_resolves_or_explains_for_every_image(path: Path, image: Image) -> None:
    plan = plan_against(load(path), image)
    assert {change.address.partition(".")[0] for change in plan.changes} >= set(load(path).sections) - {
        "verify"
    }
    assert [c.address for c in plan.changes if c.action is Action.BLOCKED and not c.reason] == []
    assert refute(plan, image) == []


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_all_that_an_image_lists_is_already_there(image: Image, tmp_path: Path) -> None:
    """Also without an index to ask, in the very versions of the list."""
    pins = [name if version is None else f"{name}=={version}" for name, version in image.pip.items()]
    packages = [f"{name}={version}" for name, version in image.apt.items()]
    document = {
        "version": 1,
        "pip": {"index_url": "http://127.0.0.1:9/", "packages": pins},
        "apt": {"packages": packages},
    }
    plan = plan_against(parse(json.dumps(document), "s.yaml", str(tmp_path)), image)
    assert diff(plan) == {}
    assert refute(plan, image) == []
    assert len(list(plan.changes)) == len(image.pip) + len(image.apt)


def test_a_claim_that_the_list_does_not_bear_out_would_be_found(against: Try) -> None:
    plan = against('packages: ["numpy"]', "apt: {packages: [git]}")
    assert refute(plan, GPU) == []
    moved = replace(GPU, pip={**GPU.pip, "numpy": "1.0"}, apt={**GPU.apt, "git": "0"})
    assert refute(plan, moved) == ["apt.git", "pip.numpy"]


@pytest.mark.parametrize(
    "wanted",
    ["torch", "torch>=2.8", "torch==2.11.0", "transformers", "keras", "torchvision", "google-colab"],
)
def test_what_the_image_holds_is_not_resolved_anew(wanted: str, against: Try) -> None:
    assert diff(against(f'packages: ["{wanted}"]')) == {}
    plan = against(f'packages: ["{wanted}", trainer]')
    assert diff(plan) == {"pip.trainer": "+ 1.0", "pip.trainer-parts": "+ 1.0"}


def test_the_real_index_brings_no_torch_for_what_needs_it(tmp_path: Path) -> None:
    """Naively resolved, lightning brings PyPI's torch and with it CUDA 13."""
    wanted = parse("version: 1\npip: {packages: [torch, lightning]}\n", "s.yaml", str(tmp_path))
    coming = {
        change.address for change in plan_against(wanted, GPU).changes if change.action is not Action.KEEP
    }
    assert "pip.lightning" in coming
    assert [
        name for name in coming if name.startswith(("pip.torch", "pip.nvidia")) and "metrics" not in name
    ] == []
    assert {change.action for change in plan_against(wanted, GPU).changes} == {Action.KEEP, Action.CREATE}


def test_torchvision_moves_with_torch_as_it_does_on_the_image(against: Try) -> None:
    plan = against('packages: ["torch>=2.12"]')
    assert diff(plan).items() >= {"pip.torch": "~ 2.12.0", "pip.torchvision": "~ 0.27.0"}.items()
    (step,) = plan.steps
    assert "torch 2.12.0" in " ".join(step.warnings)
    assert plan.against
    assert (plan.against.asked, plan.against.met, plan.against.missing) == (1, 0, 0)
    assert "pip.torchaudio" not in diff(plan), "it takes any torch since 2.11"
    older = against('packages: ["torch>=2.12", torchvision, numpy]', image=images.load("2026.04-gpu"))
    assert diff(older)["pip.torchaudio"] == "~ 2.12.0"
    assert older.against
    assert (older.against.asked, older.against.met, older.against.missing) == (3, 1, 0)


def test_the_sum_says_what_is_there_what_comes_and_what_is_blocked(against: Try) -> None:
    plan = against(
        'packages: [torch, pandas, requests, old, trainer, "humanize>=99"]',
        "apt: {packages: [git, tree]}\naccelerator: A100\n",
    )
    golden.check("against.txt", text.render_plan(plan))
    for line in text.render_plan(plan).splitlines()[-2:]:
        assert line.split(";")[0] in html.render_plan(plan)


@pytest.mark.parametrize(
    ("counts", "changes", "said"),
    [
        (
            (41, 37, 4),
            [Change("pip.numpy", Action.BLOCKED, "2.0.2", "1.26.4", transitive=True)],
            "41 requirements, 37 already met, 4 to install, 310 MB; numpy would change from 2.0.2: blocked.",
        ),
        (
            (2, 0, 1),
            [Change("pip.x", Action.BLOCKED, None, "x>9"), Change("pip.y", Action.UPDATE, "1", "2")],
            "2 requirements, 0 already met, 1 to install, 1 to change, 310 MB; x: blocked.",
        ),
        ((0, 0, 0), [], ""),
    ],
)
def test_the_sum_in_words(counts: tuple[int, int, int], changes: list[Change], said: str) -> None:
    asked, there, missing = counts
    told = Against(image="i", kind="pip", asked=asked, met=there, missing=missing)
    step = Step(id="pip", changes=tuple(changes), download=310_000_000)
    assert text.requirements(Plan(name="n", spec="s", digest="d", steps=(step,), against=told)) == said


def test_the_guard_goes_by_the_pins_of_google_colab(against: Try, index: Index) -> None:
    index.add("requests", "2.31.0")
    index.add("older", "1.0", "requests<2.32")
    assert diff(against("packages: [older]")) == {"pip.older": "+ 1.0", "pip.requests": "! 2.31.0"}
    warned = against('packages: ["requests<2.32"]').steps[0].warnings[0]
    assert warned == "google-colab 1.0.0 needs requests==2.32.4, which will be 2.31.0"


def test_a_resolution_is_that_of_the_images_python_and_platform(against: Try, index: Index) -> None:
    index.add("here", "1.0")
    index.add("there", "1.0", "here; sys_platform == 'darwin' or python_version < '3.12'")
    python = "\"here; python_version == '3.13'\""
    assert diff(against(f"packages: [there, {python}]", image=GPU)) == {"pip.there": "+ 1.0"}
    assert diff(against(f"packages: [there, {python}]", image=CPU)).keys() == {"pip.there", "pip.here"}


def test_a_later_system_has_a_later_libc(against: Try, index: Index) -> None:
    """A wheel for glibc 2.39 is none for Ubuntu 22.04."""
    data = wheel("tool", "2.0")
    index.publish("tool", "tool-2.0-py3-none-manylinux_2_39_x86_64.whl", data)
    index.add("tool", "1.0")
    noble = replace(GPU, os="Ubuntu 24.04.3 LTS")
    assert diff(against("packages: [tool]")) == {"pip.tool": "+ 1.0"}
    assert diff(against("packages: [tool]", image=noble)) == {"pip.tool": "+ 2.0"}
    assert diff(against(more="runtime: {os: 'ubuntu>=24.04'}", image=noble)) == {}


def test_a_virtual_environment_has_nothing_of_the_image(against: Try) -> None:
    plan = against("packages: [humanize, trainer-parts, numpy], venv: venv")
    assert diff(plan).keys() == {"pip.venv", "pip.humanize", "pip.numpy", "pip.trainer-parts"}
    assert "3.12.13" in diff(plan)["pip.venv"]


def test_what_extras_need_is_learnt_from_the_version_that_is_there(against: Try, index: Index) -> None:
    extras = {"torch": ("torch>=2.2", "accelerate"), "more": ("more-parts",), "newer": ("torch>=2.12",)}
    index.add("transformers", GPU.pip["transformers"] or "", "numpy", extras=extras)
    index.add("more-parts", "1.0")
    assert diff(against('packages: ["transformers[torch]"]')) == {}
    assert diff(against('packages: ["transformers[torch,more]"]')) == {"pip.more-parts": "+ 1.0"}
    index.add("needy", "1.0", "transformers[more]")
    assert diff(against("packages: [needy]")) == {"pip.more-parts": "+ 1.0", "pip.needy": "+ 1.0"}
    (step,) = against('packages: ["transformers[torch]", "transformers[none]"]').steps
    assert "does not have an extra named `none`" in " ".join(step.warnings)


def test_extras_of_what_no_index_has_are_left_open_and_said(against: Try) -> None:
    (step,) = against('packages: ["torch[opt-einsum]", "keras[extra]"]').steps
    assert {change.action for change in step.changes} == {Action.KEEP}
    known = "known only on colab-2026.07-gpu itself"
    assert step.warnings == (f"What the extras of keras, torch need is {known}",)


def test_packages_of_apt_are_there_or_come_in_a_version_that_is_known_there(against: Try) -> None:
    plan = against(
        more="apt: {packages: [git, tree, {any_of: [libgl1t64, libgl1]}], absent: [wget, nothing],"
        " repositories: [{name: r, uris: ['https://example.org'], suites: [./], key: 'https://example.org/k',"
        " fingerprint: 0123456789012345678901234567890123456789}]}"
    )
    assert diff(plan) == {
        "apt.repositories.r": "+ https://example.org ./",
        "apt.tree": "+ newest",
        "apt.wget": "- None",
    }
    assert {c.address for c in plan.changes if c.action is Action.KEEP} == {
        "apt.git",
        "apt.libgl1",
        "apt.nothing",
    }
    assert all(
        "known on the image" in c.reason for c in plan.changes if c.address in ("apt.tree", "apt.wget")
    )


@pytest.mark.parametrize(
    ("wanted", "package", "java"),
    [
        ("17", "+ newest", "~ /usr/lib/jvm/java-17-openjdk-amd64/bin/java"),
        ("21", None, None),
        ("'>=17'", None, None),
        ("'>=17,<21'", "+ newest", "~ /usr/lib/jvm/java-17-openjdk-amd64/bin/java"),
        ("'>21'", "+ newest", "~ /usr/lib/jvm/java-25-openjdk-amd64/bin/java"),
        ("18", "+ newest", "~ /usr/lib/jvm/java-18-openjdk-amd64/bin/java"),
    ],
)
def test_the_images_jdk_counts(wanted: str, package: str | None, java: str | None, against: Try) -> None:
    found = diff(against(more=f"jdk: {wanted}", image=CPU))
    assert next((told for address, told in found.items() if "openjdk" in address), None) == package
    assert found.get("jdk.java") == java


@pytest.mark.parametrize(
    ("image", "wanted", "found"),
    [
        ("2026.07-gpu", "gpu", "T4 (16 GB, 7.5)"),
        ("2026.07-gpu", "{any_of: [V100, L4, T4]}", "L4 (24 GB, 8.9)"),
        ("2026.07-gpu", "{any_of: [gpu], memory: 60GiB}", "A100 (86 GB, 8.0)"),
        ("2026.07-gpu", "{any_of: [tpu, cpu]}", "T4 (16 GB, 7.5)"),
        ("2026.07-tpu", "{any_of: [v6e-1]}", "TPU v6e-1"),
        ("2026.07-tpu", "tpu", "TPU v5e-1"),
        ("2026.07-cpu", "cpu", "none"),
    ],
)
def test_the_accelerator_is_the_one_that_is_asked_for(
    image: str, wanted: str, found: str, against: Try
) -> None:
    (change,) = against(more=f"accelerator: {wanted}", image=images.load(image)).changes
    assert (change.action, change.before) == (Action.KEEP, found)


@pytest.mark.parametrize(
    ("image", "wanted", "reason"),
    [
        (
            "2026.07-cpu",
            "T4",
            "colab-2026.07-cpu has none, but the file asks for T4. Plan against colab-2026.07-gpu, or "
            "name in the file what this one has.",
        ),
        (
            "2025.07-cpu",
            "T4",
            f"colab-2025.07-cpu has none, but the file asks for T4. Plan against {images.load('gpu').name}, "
            "or name in the file what this one has.",
        ),
        (
            "2026.07-gpu",
            "V100",
            "colab-2026.07-gpu has T4 (16 GB, 7.5), but the file asks for V100. Colab offers no V100: name "
            "one that it has, like T4, in the file.",
        ),
    ],
)
def test_an_accelerator_that_an_image_cannot_have_is_blocked_in_words(
    image: str, wanted: str, reason: str, against: Try
) -> None:
    (change,) = against(more=f"accelerator: {wanted}", image=images.load(image)).changes
    assert (change.action, change.reason) == (Action.BLOCKED, reason)


def test_a_driver_that_is_not_here_is_not_judged(against: Try) -> None:
    (step,) = against(more="accelerator: {any_of: [T4], driver: '>=550', cuda: '>=12'}").steps
    assert not step.blocked
    assert step.warnings == (
        "Whether colab-2026.07-gpu has driver >=550 and CUDA >=12 can only be checked there: "
        "lists of images do not name the driver.",
    )


def test_the_machine_is_asserted_as_far_as_it_is_known(against: Try) -> None:
    wanted = "runtime: {python: '3.12', os: 'ubuntu>=22.04', memory: 12GB, disk_free: 20GiB}"
    assert diff(against(more=wanted)) == {}
    found = against(more=wanted, image=CPU)
    assert diff(found) == {"runtime.python": "! ==3.12.*"}
    assert "Runtime version" in next(found.changes).reason


def test_the_specs_own_folder_is_read_but_not_what_an_apply_made_in_it(tmp_path: Path, against: Try) -> None:
    (tmp_path / "requirements.txt").write_text("numpy\nhumanize>=99\n")
    (tmp_path / "table.csv").write_text("1,2\n")
    (tmp_path / "note.txt").write_text("hello")
    (tmp_path / "built").touch()
    (tmp_path / "kept").mkdir()
    (tmp_path / "copies").mkdir()
    (tmp_path / "copies" / "table.csv").write_text("1,2\n")
    Path(receipt.beside(str(tmp_path / "copies" / "table.csv"))).touch()
    (tmp_path / "unpacked").mkdir()
    (tmp_path / "unpacked" / "rose.jpg").touch()
    Path(receipt.inside(str(tmp_path / "unpacked"))).touch()
    plan = against(
        "requirements: [requirements.txt]",
        "datasets: {table: {url: table.csv, to: copies/},"
        " roses: {url: 'https://example.org/r.zip', unpack: true, to: unpacked}}\n"
        "files: [{path: note.txt, content: hello}, {path: rose, source: unpacked/rose.jpg},"
        " {path: kept, folder: true}]\n"
        "inputs: {key: {to: ~/.key}}\nrun: [{name: make, command: [make], creates: built},"
        " {name: ask, command: [make], unless: [touch, asked]}]\n",
    )
    assert {change.address: change.action for change in plan.changes} == {
        "pip.numpy": Action.KEEP,
        "pip.humanize": Action.UPDATE,
        "datasets.table": Action.CREATE,
        "datasets.roses": Action.CREATE,
        "files.note.txt": Action.CREATE,
        "files.rose": Action.DEFERRED,
        "files.kept": Action.KEEP,
        "inputs.key": Action.CREATE,
        "run.make": Action.CREATE,
        "run.ask": Action.CREATE,
    }
    assert not (tmp_path / "asked").exists()
    assert next(c for c in plan.changes if c.address == "datasets.table").after == "4 B from table.csv"


def test_paths_are_those_of_the_images_processor() -> None:
    text = "version: 1\njdk: 17\nenv: {A: '${jdk.home}', B: ~/b}\n"
    there = as_there(parse(text, "colabenv.yaml", "/work", "/home/ada", "aarch64"))
    home = "/usr/lib/jvm/java-17-openjdk-amd64"
    assert there.variables == (("JAVA_HOME", home), ("A", home), ("B", "/root/b"))


def test_a_notebook_there_may_mount_drive_and_read_secrets(against: Try) -> None:
    plan = against(
        more="drive: {links: {models: MyDrive/models}}\nsecrets: [HF_TOKEN]\nenv: {A: b}\n"
        "notebook: {extensions: [autoreload]}"
    )
    assert {change.address for change in plan.changes if change.action is not Action.CREATE} == {
        "drive.link models"
    }
    assert plan.steps[0].effects == plan.steps[-1].effects == ()


def test_nothing_but_uv_is_run_for_an_image(tmp_path: Path) -> None:
    reader = read_image(parse("version: 1\n", "s.yaml", str(tmp_path)), GPU)
    with pytest.raises(ObserveError, match="apt-get cannot be run on colab-2026"):
        reader.ask(Run(argv=("apt-get", "update")))
    (tmp_path / "own").write_text("x")
    assert reader.hash(str(tmp_path / "own")) == hashlib.sha256(b"x").hexdigest()
    assert reader.hash("/etc/passwd") is None
    assert reader.which("git") is None
    assert (reader.stat("/content"), reader.list("/content"), reader.stat("/etc/passwd")) == (
        reader.stat("/root"),
        (),
        None,
    )


def test_what_uv_is_shown_is_made_once_and_for_each_list(tmp_path: Path, against: Try) -> None:
    against("packages: [trainer]")
    (shown,) = (tmp_path / "state" / "provisioner" / "images").iterdir()
    before = shown.stat().st_mtime_ns
    against("packages: [trainer]")
    against("packages: [trainer]", image=replace(GPU, pip={"numpy": "2.0.2", "torch": "2.11.0"}))
    assert shown.stat().st_mtime_ns == before
    assert len(list(shown.parent.iterdir())) == 2


def test_a_state_folder_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, against: Try
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    (change,) = against("packages: [trainer]").changes
    assert change.action is Action.BLOCKED
    assert "cannot write" in change.reason


def test_the_documented_example_is_what_is_printed(
    tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """But for sizes, which an index of files does not tell."""
    index.add("pytorch-lightning", "2.6.6", "torch")
    index.add("lightning", "2.6.6", "torch", *LIGHTNING)
    index.add("lightning-utilities", "0.15.3", "packaging")
    index.add("torchmetrics", "1.9.0", "numpy", "torch")
    index.add("mediapipe", "0.10.21", "numpy<2", "protobuf<5,>=4.25.3", "sounddevice>=0.4.4")
    index.add("protobuf", "4.25.9")
    index.add("sounddevice", "0.5.6", "cffi")
    example = re.search(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    shown = re.search(r"```console\n\$ colabenv (.*?)\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert example
    assert shown
    own = example[1].replace("pip: {", f"pip: {{index_url: '{index.url}', ")
    (tmp_path / "colabenv.yaml").write_text(own)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.main(shlex.split(shown[1])) == 1  # numpy is blocked
    assert capsys.readouterr().out.rstrip() == re.sub(r", \d+ MB", "", shown[2]).rstrip()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a spec."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    (tmp_path / "colabenv.yaml").write_text("version: 1\nname: t\npip: {packages: [numpy]}\nenv: {A: b}\n")
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_it_says_for_which_image_and_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plan", "--against", "2026.07-gpu", "--detailed-exitcode"]) == 2
    shown = capsys.readouterr().out
    assert shown.startswith("Against colab-2026.07-gpu, not this machine:\n")
    assert shown.endswith("Plan: 1 to add, 1 already right.\n1 requirement, 1 already met.\n\n")
    assert cli.main(["plan", "--against", "2026.07-gpu", "--detailed-exitcode", "--only", "pip"]) == 0


def test_its_document_is_not_for_apply(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plan", "--against", "colab-2026.07-gpu", "--json"]) == 0
    document = capsys.readouterr().out
    counts = {"image": "colab-2026.07-gpu", "kind": "pip", "asked": 1, "met": 1, "missing": 0}
    assert json.loads(document)["against"] == json.loads(document)["plan"]["against"] == counts
    (folder / "p.json").write_text(document)
    assert cli.main(["apply", "p.json"]) == 1
    assert "p.json is a plan for colab-2026.07-gpu" in capsys.readouterr().err
    assert cli.main(["plan", "--against", "colab-2026.07-gpu", "--out", "p"]) == 1
    assert not os.path.exists("p")


@pytest.mark.usefixtures("folder")
def test_what_is_not_known_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plan", "--against", "colab-2026.07-gpi"]) == 1
    assert "colab-2026.07-gpu" in capsys.readouterr().err
    with pytest.raises(ProvisionerError, match="the spec has no 'apt'"):
        plan_against(load("colabenv.yaml"), GPU, Selection(only=("apt",)))
