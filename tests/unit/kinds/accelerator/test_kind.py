"""Names of accelerators, and the checks that make frameworks compute."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner import cli
from provisioner.kinds.accelerator.kind import KIND
from provisioner.kinds.accelerator.section import Accelerator
from provisioner.machine.local import LocalMachine
from provisioner.model import gpus
from provisioner.model.accelerators import Accelerators, Diagnosis, Gpu
from provisioner.model.plan import Check
from tests import scene
from tests.fakes import FakeMachine

MIB = 1024**2

SEEN = [
    ("Tesla T4", 15360, "T4"),
    ("NVIDIA L4", 23034, "L4"),
    ("NVIDIA A100-SXM4-40GB", 40960, "A100"),
    ("NVIDIA A100-SXM4-80GB", 81920, "A100"),
    ("NVIDIA H100 80GB HBM3", 81559, "H100"),
    ("NVIDIA RTX PRO 6000 Blackwell Server Edition", 97887, "G4"),
    ("Tesla V100-SXM2-16GB", 16160, "V100"),
    ("Tesla V100-SXM2-16GB", 16384, "V100"),
    ("Tesla P100-PCIE-16GB", 16280, "P100"),
    ("Tesla K80", 11439, "K80"),
    ("Tesla K80", 11441, "K80"),
    ("NVIDIA H200", 143771, "H200"),
    ("NVIDIA A10", 23028, "A10"),
    ("NVIDIA A10G", 23028, "A10G"),
    ("NVIDIA L40S", 46068, "L40S"),
    ("NVIDIA GeForce RTX 5090", 32607, "RTX-5090"),
    ("NVIDIA RTX A6000", 49140, "RTX-A6000"),
]


def gpu(name: str, mib: int) -> Gpu:
    return Gpu(0, name, mib * MIB, mib * MIB, "7.5")


@pytest.mark.parametrize(("name", "mib", "model"), SEEN)
def test_every_gpu_that_colab_had_is_known_by_its_name(name: str, mib: int, model: str) -> None:
    assert gpus.short_name(gpu(name, mib)) == model
    assert {found.name for found in gpus.MODELS if gpus.is_model(gpu(name, mib), found)} - {model} <= {
        "A100-40GB",
        "A100-80GB",
    }


@pytest.mark.parametrize(
    ("name", "mib"),
    [
        ("NVIDIA T400", 4096),
        ("NVIDIA L20", 46068),
        ("NVIDIA A100-SXM4-40GB MIG 3g.20gb", 19968),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", 16376),
        ("NVIDIA RTX PRO 6000 Blackwell Max-Q MIG 1g.24gb", 24125),
    ],
)
def test_a_gpu_with_a_longer_name_is_another(name: str, mib: int) -> None:
    assert gpus.short_name(gpu(name, mib)) == name


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("t4", "T4"),
        ("Tesla T4", "T4"),
        ("a100 80GB", "A100-80GB"),
        ("RTX PRO 6000", "G4"),
        ("nvidia-tesla-v100", "V100"),
        ("a100-sxm4-80gb", "A100-80GB"),
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "G4"),
        ("GeForce RTX 4090", "RTX-4090"),
        ("V5E1", "v5e-1"),
        ("v6e-1", "v6e-1"),
        ("TPU v5e-1", "v5e-1"),
        ("v5litepod", "v5e"),
        ("v5litepod-8", "v5e-8"),
        ("trillium", "v6e"),
        ("GPU", "gpu"),
        ("none", "none"),
    ],
)
def test_there_are_several_ways_to_ask(asked: str, name: str) -> None:
    assert gpus.proper_name(asked) == name


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("TT4", "T4"),
        ("a1000", "A100"),
        ("H10", "H100"),
        ("rtx-pro-600", "G4"),
        ("v5litpod", "v5e"),
        ("gpus", "gpu"),
    ],
)
def test_a_typo_is_met_with_the_nearest_name(asked: str, near: str) -> None:
    with pytest.raises(ValueError, match=f"did you mean {near}\\?"):
        gpus.proper_name(asked)


@pytest.mark.parametrize(("name", "mib", "model"), SEEN)
def test_what_nvml_calls_a_gpu_may_be_asked_for(name: str, mib: int, model: str) -> None:
    known = gpus.model_named(gpus.proper_name(name))
    assert known
    assert gpus.is_model(gpu(name, mib), known)
    assert known.name.startswith(model)


def test_every_proper_name_stands_for_itself() -> None:
    for name in gpus.known_names().values():
        assert gpus.proper_name(name) == name


T4 = Accelerators(gpus=(gpu("Tesla T4", 15360),), driver="580.82.07", cuda="13.0")


def checks(wanted: object, attached: Accelerators, **environ: str) -> list[Check]:
    machine = FakeMachine(devices=attached, environ=environ)
    config = scene.validate("accelerator", wanted, machine)
    assert isinstance(config, Accelerator)
    return list(KIND.checks(config, KIND.observe(config, machine)))


@pytest.mark.parametrize(
    ("any_of", "attached", "device"),
    [
        (["gpu"], T4, "gpu"),
        (["gpu"], Accelerators(), "gpu"),
        (["gpu", "cpu"], Accelerators(), "cpu"),
        (["T4", "cpu"], T4, "gpu"),
        (["none"], Accelerators(), "cpu"),
        (["none"], T4, "cpu"),
        (["gpu", "v5e"], Accelerators(tpu="v5e", chips=1), "tpu"),
    ],
)
def test_a_framework_is_proved_on_what_was_matched(
    any_of: list[str], attached: Accelerators, device: str
) -> None:
    for framework in ("torch", "jax"):
        (check,) = checks({"any_of": any_of, "frameworks": [framework, framework]}, attached)
        python, isolated, program, wishes = check.run.argv
        assert check.address == f"accelerator.{framework}"
        assert (python, isolated) == ("/usr/bin/python3", "-P")
        assert json.loads(wishes)["device"] == device
        assert Path(program).is_file()
        assert check.reply == "json"
        assert check.on_failure == "fail"
        assert "/usr/lib/python3/dist-packages" in check.watches


def test_a_probe_is_told_what_to_measure_and_what_the_driver_runs() -> None:
    wanted = {"frameworks": ["torch"], "min_tflops": 40, "min_bandwidth": 250.5}
    (check,) = checks(wanted, T4)
    assert json.loads(check.run.argv[-1]) == {
        "device": "gpu",
        "min_tflops": 40.0,
        "min_bandwidth": 250.5,
        "driver_cuda": "13.0",
    }
    (check,) = checks({**wanted, "any_of": ["L4", "cpu"]}, Accelerators())
    assert json.loads(check.run.argv[-1]) == {
        "device": "cpu",
        "min_tflops": None,
        "min_bandwidth": None,
        "driver_cuda": None,
    }


@pytest.mark.parametrize(
    ("library", "before", "after"),
    [
        ("", "/opt/lib", None),
        ("/usr/lib64-nvidia", "", "/usr/lib64-nvidia"),
        ("/usr/lib64-nvidia", "/opt/lib", "/usr/lib64-nvidia:/opt/lib"),
    ],
)
def test_a_probe_finds_the_driver_where_a_notebook_does(library: str, before: str, after: str | None) -> None:
    attached = Accelerators(gpus=T4.gpus, library=library)
    (check,) = checks({"frameworks": ["torch"]}, attached, LD_LIBRARY_PATH=before)
    assert dict(check.run.env).get("LD_LIBRARY_PATH") == after


def test_a_mismatch_that_only_warns_lets_the_proof_only_warn() -> None:
    (check,) = checks({"frameworks": ["jax"], "on_mismatch": "warn"}, Accelerators())
    assert check.on_failure == "warn"


def test_without_frameworks_there_is_nothing_to_prove() -> None:
    assert checks("gpu", Accelerators()) == []


def test_what_is_wrong_comes_before_what_is_odd() -> None:
    lost, warm = Diagnosis("lost", "it is lost", "Restart."), Diagnosis("slowed", "it is hot", "Wait.")
    machine = FakeMachine(devices=Accelerators(gpus=T4.gpus, problem=lost, oddities=(warm,)))
    (step,) = scene.plan("accelerator", scene.validate("accelerator", "gpu", machine), machine)
    assert step.warnings == ("it is lost. Restart.", "it is hot. Wait.")


SPEC = """\
version: 1
name: desk
accelerator: {wanted}
files:
  - {{path: lamp.txt, content: "on"}}
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for a spec, on a machine where nothing is attached."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    attach(monkeypatch, Accelerators())
    return tmp_path


def attach(monkeypatch: pytest.MonkeyPatch, attached: Accelerators) -> None:
    monkeypatch.setattr(LocalMachine, "accelerators", lambda machine: attached)


def run(desk: Path, wanted: str, *argv: str) -> int:
    (desk / "colabenv.yaml").write_text(SPEC.format(wanted=wanted))
    return cli.main(list(argv))


def test_nothing_is_done_without_the_accelerator(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(desk, "T4", "plan") == 0
    assert "no accelerator is attached" in capsys.readouterr().out
    assert run(desk, "T4", "apply") == 1
    assert not (desk / "lamp.txt").exists()


def test_a_warning_stops_nothing(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(desk, "{any_of: [T4], on_mismatch: warn}", "apply") == 0
    assert "no accelerator is attached" in capsys.readouterr().out
    assert (desk / "lamp.txt").read_text() == "on"


def test_the_report_tells_what_is_attached(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    attach(monkeypatch, T4)
    for command in ("apply", "verify"):
        assert run(desk, "gpu", command) == 0
        assert "GPU 0   Tesla T4  15360 MiB" in capsys.readouterr().out
    assert run(desk, "gpu", "verify", "--json") == 0
    assert json.loads(capsys.readouterr().out)["accelerator"]["gpus"][0]["name"] == "Tesla T4"
    assert run(desk, "gpu", "verify", "--json", "--only", "files") == 0
    assert json.loads(capsys.readouterr().out)["accelerator"] is None


def test_a_saved_plan_stands_while_only_passing_things_change(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    attach(monkeypatch, T4)
    assert run(desk, "gpu", "plan", "--out", "p.json") == 0
    attach(monkeypatch, replace(T4, oddities=(Diagnosis("slowed", "it is hot", "Wait."),)))
    assert run(desk, "gpu", "apply", "p.json") == 0
    attach(monkeypatch, Accelerators())
    (desk / "lamp.txt").unlink()
    assert run(desk, "gpu", "apply", "p.json") == 1
    assert "accelerator.gpu" in capsys.readouterr().err
