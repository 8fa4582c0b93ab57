"""The fingerprint: equal on two machines exactly when everything that the file names is equal."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.engine import provision
from provisioner.engine.observe import observe
from provisioner.engine.plan import make_plan
from provisioner.facts.distributions import source
from provisioner.kinds.shared import variables
from provisioner.kinds.shared.variable_files import Settings, render_kernel, render_shell
from provisioner.machine.reader import Completed
from provisioner.model.accelerators import Accelerators, Gpu
from provisioner.model.gpus import full_name
from provisioner.model.plan import Named, Plan, fingerprint
from provisioner.model.report import Outcome, Status
from provisioner.spec.spec import parse
from tests.fakes import PYTHON, FakeMachine

named = st.lists(st.tuples(st.sampled_from(["a", "b", "a\\"]), st.sampled_from(["", "1", '"', "1,"])))


def plan_of(named: list[Named], only: tuple[str, ...] = (), skip: tuple[str, ...] = ()) -> Plan:
    return Plan(name="p", spec="/s", digest="d", steps=(), named=tuple(named), only=only, skip=skip)


@given(named, named)
def test_equal_exactly_when_what_is_named_is_equal(mine: list[Named], yours: list[Named]) -> None:
    same = fingerprint(plan_of(mine)) == fingerprint(plan_of(yours))
    assert same == (set(mine) == set(yours))


@pytest.mark.parametrize(
    "plan",
    [
        plan_of([("pip.numpy", "2.0.2")], only=("pip",)),
        plan_of([("pip.numpy", "2.0.2")], skip=("apt",)),
        plan_of([("pip.numpy", "2.0.2"), ("apt", None)]),
    ],
)
def test_a_part_has_none(plan: Plan) -> None:
    assert fingerprint(plan) == ""


GARDEN = """\
version: 1
name: garden
runtime: {python: "3", os: debian}
accelerator: {any_of: [T4, none], driver: ">=500"}
apt: {packages: [curl]}
pip: {packages: [httpx]}
datasets:
  rows: {url: "https://example.org/rows.csv", to: data/}
files:
  - {path: ~/.config/tool.toml, content: "on = true", mode: "0600"}
  - {path: models, link: store}
env:
  PATH: {prepend: [tools, ~/bin]}
  OMP_NUM_THREADS: 4
  MPLBACKEND: null
secrets: [HF_TOKEN]
inputs: {kaggle: {to: ~/.kaggle/kaggle.json}}
run: [{name: build, command: [touch, built], creates: built}]
"""

STATUS = """\
Package: dpkg
Status: install ok installed
Architecture: amd64
Version: 1.21.22

Package: curl
Status: install ok installed
Architecture: amd64
Version: {version}
"""


def touch(machine: FakeMachine, run: object) -> Completed:
    machine.put(f"{machine.folder}/built")
    return Completed(0, "", "")


def garden(home: str, folder: str) -> FakeMachine:
    """A machine of its own shape, on which the file has been applied."""
    machine = FakeMachine(folder=folder, home=home)
    machine.environ = {"PATH": "/usr/bin", "HF_TOKEN": f"token of {home}"}
    machine.programs = {"touch": touch, "apt-get": touch}
    machine.devices = Accelerators(gpus=(Gpu(0, "Tesla T4", 15360 << 20, 1, "7.5"),), driver="580.82.07")
    machine.urls["https://example.org/rows.csv"] = b"a,b"
    machine.put("/etc/os-release", 'ID=debian\nVERSION_ID="12"\n')
    machine.put("/var/lib/dpkg/status", STATUS.format(version="7.88"))
    install(machine, "0.28.1")
    machine.put(f"{home}/.kaggle/kaggle.json", home, mode=0o600)
    for step in planned(machine).steps:
        for effect in step.effects:
            machine.perform(effect, lambda done, total, text: None)
    return machine


def install(machine: FakeMachine, version: str, origin: str = "") -> None:
    folder = f"{PYTHON.site_packages[0]}/httpx-{version}.dist-info"
    machine.put(f"{folder}/METADATA", f"Name: httpx\nVersion: {version}\n")
    machine.put(f"{folder}/RECORD", f"httpx-{version}.dist-info/METADATA,,\n")
    if origin:
        machine.put(f"{folder}/direct_url.json", origin)


def planned(machine: FakeMachine) -> Plan:
    made = parse(GARDEN, "colabenv.yaml", machine.folder, home=machine.home)
    return make_plan(made, observe(made, machine))


MINE = planned(garden("/root", "/content"))
"""On Colab, where the file is not in the home folder."""


def test_paths_and_values_that_are_ones_own_do_not_matter() -> None:
    yours = planned(garden("/home/lab", "/home/lab"))
    assert not MINE.pending
    assert not yours.pending
    assert dict(yours.named) == dict(MINE.named)
    assert fingerprint(yours) == fingerprint(MINE) != ""


def test_what_is_secret_is_only_said_to_be_there() -> None:
    assert dict(MINE.named)["secrets.HF_TOKEN"] == "set"
    assert "token of" not in str(MINE.named)


def lose_secret(machine: FakeMachine) -> None:
    machine.environ = {"PATH": "/usr/bin"}


def other_python(machine: FakeMachine) -> None:
    machine.python = PYTHON.__class__("/usr/bin/python3", "3.13.1", PYTHON.site_packages)


def other_gpu(machine: FakeMachine) -> None:
    machine.devices = Accelerators(gpus=(Gpu(0, "NVIDIA L4", 23034 << 20, 1, "8.9"),), driver="580.82.07")


def other_driver(machine: FakeMachine) -> None:
    machine.devices = Accelerators(gpus=machine.devices.gpus, driver="535.104.05")


def edit_kernel_file(machine: FakeMachine) -> None:
    path = f"{machine.home}/.ipython/profile_default/startup/00-colabenv-env.py"
    machine.put(path, (machine.read(path) or b"").decode().replace("'4'", "'8'"))


GIT = '{"url": "https://example.org/httpx", "vcs_info": {"vcs": "git", "commit_id": "%s"}}'

MOVES: dict[str, Callable[[FakeMachine], object]] = {
    "runtime.python": other_python,
    "runtime.os": lambda machine: machine.put("/etc/os-release", 'ID=debian\nVERSION_ID="13"\n'),
    "accelerator": other_gpu,
    "accelerator.driver": other_driver,
    "apt.curl": lambda machine: machine.put("/var/lib/dpkg/status", STATUS.format(version="7.89")),
    "pip.httpx": lambda machine: install(machine, "0.28.1", GIT % "c0ffee"),
    "datasets.rows": lambda machine: machine.drop("/content/data"),
    "files.~/.config/tool.toml": lambda machine: machine.put("/root/.config/tool.toml", "on = true"),
    "files.models": lambda machine: machine.put_link("/content/models", "/mnt"),
    "env.OMP_NUM_THREADS": edit_kernel_file,
    "secrets.HF_TOKEN": lose_secret,
    "inputs.kaggle": lambda machine: machine.drop("/root/.kaggle"),
    "run.build": lambda machine: machine.drop("/content/built"),
}


@pytest.mark.parametrize("address", MOVES)
def test_whatever_moves_is_seen(address: str) -> None:
    machine = garden("/root", "/content")
    MOVES[address](machine)
    moved = planned(machine)
    assert {name for name, _ in set(moved.named) ^ set(MINE.named)} == {address}
    assert fingerprint(moved) != fingerprint(MINE)


def test_what_is_not_named_does_not_matter() -> None:
    machine = garden("/root", "/content")
    machine.put(f"{PYTHON.site_packages[0]}/six-1.16.0.dist-info/METADATA", "Name: six\n")
    machine.free_bytes -= 10**9
    assert fingerprint(planned(machine)) == fingerprint(MINE)


def test_a_kind_that_does_not_answer_leaves_none() -> None:
    made = parse("version: 1\nenv: {A: b}\n", "colabenv.yaml", "/work")
    machine = FakeMachine()
    machine.put("/etc/profile.d/colabenv-env.sh", b"\xff")
    plan = make_plan(made, observe(made, machine))
    assert plan.named == (("env", None),)
    assert fingerprint(plan) == ""


@pytest.mark.parametrize(
    ("status", "moved"),
    [(Status.DONE, True), (Status.FAILED, True), (Status.INTERRUPTED, True), (Status.KEPT, False)],
)
def test_a_step_that_was_begun_may_have_changed_things(status: Status, moved: bool) -> None:
    assert provision.touched((Outcome(step="pip", status=status),)) is moved


def test_frameworks_that_are_named_count_whatever_installed_them() -> None:
    made = parse("version: 1\naccelerator: {frameworks: [torch, tensorflow]}\n", "s.yaml", "/work")
    machine = FakeMachine()
    machine.put(f"{PYTHON.site_packages[0]}/tensorflow_cpu-2.20.0.dist-info/METADATA")
    plan = make_plan(made, observe(made, machine))
    assert dict(plan.named) == {
        "accelerator": "absent",
        "accelerator.torch": "absent",
        "accelerator.tensorflow": "tensorflow-cpu 2.20.0",
    }


@pytest.mark.parametrize(
    ("origin", "told"),
    [
        ({}, ""),
        ({"url": "https://a.b/x", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}}, "git c0ffee"),
        ({"url": "https://a.b/x.whl", "archive_info": {"hashes": {"sha256": "ab12"}}}, "sha256 ab12"),
        ({"url": "https://a.b/x.whl", "archive_info": {"hash": "sha256=ab12"}}, "sha256 ab12"),
        ({"url": "https://me:pw@a.b/x.whl", "archive_info": {}}, "https://***@a.b/x.whl"),
        ({"url": "file:///home/me/x", "dir_info": {"editable": True}}, "editable"),
        ({"url": "file:///home/me/x", "dir_info": {}}, "from a file"),
    ],
)
def test_where_a_distribution_comes_from(origin: dict[str, object], told: str) -> None:
    assert source(origin) == told


@pytest.mark.parametrize(
    ("shell", "kernel", "told"),
    [
        ({}, {}, "absent"),
        ({"A": "1"}, {"A": "1"}, '"1"'),
        ({"A": "absent"}, {"A": "absent"}, '"absent"'),
        ({"A": None}, {"A": None}, "unset"),
        ({"A": ("/home/me/bin", "/x")}, {"A": ("/home/me/bin", "/x")}, '["~/bin", "/x"]'),
        ({"A": "1"}, {}, '"1" in shells, absent in kernels'),
    ],
)
def test_a_setting_in_words(shell: Settings, kernel: Settings, told: str) -> None:
    found = variables.PersistentVariables(
        shell=variables.TextFile("/s", render_shell(shell, "/work/colabenv.yaml")),
        kernel=variables.TextFile("/k", render_kernel(kernel, "/work/colabenv.yaml")),
        unaware=(),
        block="",
    )
    assert variables.persisted("A", found, {"/home/me/bin": "~/bin"}) == told


@pytest.mark.parametrize(
    ("name", "memory", "told"),
    [
        ("NVIDIA A100-SXM4-40GB", 40960, "A100-40GB"),
        ("NVIDIA A100-SXM4-80GB", 81920, "A100-80GB"),
        ("Tesla T4", 15360, "T4"),
        ("NVIDIA TITAN V", 12288, "NVIDIA TITAN V"),
    ],
)
def test_sizes_of_a_model_are_told_apart(name: str, memory: int, told: str) -> None:
    assert full_name(Gpu(0, name, memory << 20, 0, "8.0")) == told
