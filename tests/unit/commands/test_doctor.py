"""`colabenv doctor`: what is attached, what computes, what is wrong, and nothing of who runs it."""

from __future__ import annotations

import getpass
import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioner import cli
from provisioner.commands import doctor
from provisioner.engine.examine import MachineExamination, anonymous, examine
from provisioner.machine.local import LocalMachine, here
from provisioner.machine.reader import Completed, Interpreter
from provisioner.model.accelerators import Accelerators, Diagnosis, Gpu
from provisioner.model.effects import Run
from tests import golden

T4 = Accelerators(
    gpus=(Gpu(0, "Tesla T4", 15360 << 20, 15000 << 20, "7.5"),), driver="580.82.07", cuda="13.0"
)

REPLIES = {
    "torch": {
        "ok": True,
        "message": "PyTorch 2.11.0+cu128 computes on Tesla T4 (float32, float16)",
        "hint": "",
        "data": {
            "framework": "PyTorch",
            "version": "2.11.0+cu128",
            "build": {"cuda": "12.8"},
            "saw": ["Tesla T4"],
            "computed": True,
            "dtypes": {
                "float32": {"max_error": 0.0, "seconds": 0.5},
                "float16": {"max_error": 0.00043, "seconds": 0.1},
            },
            "seconds": 7.25,
        },
    },
    "tensorflow": {
        "ok": False,
        "message": "TensorFlow 2.20.0 was built for the CPU only.",
        "hint": "Name tensorflow[and-cuda].",
        "data": {
            "framework": "TensorFlow",
            "version": "2.20.0",
            "saw": ["cpu"],
            "computed": False,
            "dtypes": {},
            "seconds": 11.0,
        },
    },
}


class Patient(LocalMachine):
    """This machine with other devices, whose probes answer what a test wants."""

    attached: Accelerators = T4

    def accelerators(self) -> Accelerators:
        return self.attached

    def ask(self, run: Run) -> Completed:
        name = Path(run.argv[2]).stem
        reply = REPLIES.get(name)
        told = json.loads(run.argv[-1])
        if reply is None:
            return Completed(0, json.dumps({"ok": True, "message": told["device"], "data": {}}) + "\n", "")
        return Completed(0, json.dumps(reply) + "\n", "")


@pytest.fixture
def patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Patient:
    site = tmp_path / "home/anna/venv/lib"
    for name in ("torch-2.11.0+cu128", "tensorflow_cpu-2.20.0", "numpy-2.0.2", "requests-2.32.0"):
        (site / f"{name}.dist-info").mkdir(parents=True)
        (site / f"{name}.dist-info/METADATA").write_text("")
    home = str(tmp_path / "home/anna")
    python = Interpreter(f"{home}/venv/bin/python", "3.12.3", (str(site),))
    environ = {
        "LD_LIBRARY_PATH": f"{home}/lib:/usr/lib64-nvidia",
        "HF_TOKEN": "hf_verysecret",
        "XLA_FLAGS": "--xla_dump_to=/home/bert/dump --key=hf_verysecret",
        "UNRELATED": "anything",
    }
    monkeypatch.setattr(getpass, "getuser", lambda: "anna")
    context = replace(here(str(tmp_path), python=python), home=home, state=str(tmp_path / "state"))
    return Patient(context, environ)


def seen_of(patient: Patient, *, frameworks: bool = True) -> MachineExamination:
    return anonymous(examine(patient, frameworks=frameworks), patient)


def test_a_machine_with_a_gpu(patient: Patient) -> None:
    seen = seen_of(patient)
    assert [verdict.framework for verdict in seen.verdicts] == ["tensorflow", "torch"]
    told = {
        **seen.machine,
        "system": "Ubuntu 24.04 LTS, Linux 6.6.1, x86_64",
        "size": "2 CPUs, 13 GB of memory",
        "colabenv": "1.0",
    }
    golden.check("doctor.txt", doctor.text(replace(seen, machine=told)))


def test_the_same_as_json(patient: Patient) -> None:
    document: dict[str, Any] = doctor.document(seen_of(patient))
    assert next(iter(document)) == "format"
    assert document["format"] == "provisioner.doctor/1"
    assert document["accelerator"]["gpus"][0]["name"] == "Tesla T4"
    tensorflow, torch = document["accelerator"]["frameworks"]
    assert (tensorflow["framework"], tensorflow["passed"]) == ("tensorflow", False)
    assert torch["dtypes"]["float32"]["max_error"] == 0.0
    assert [each["code"] for each in document["odd"]] == ["accelerator.tensorflow"]


def test_nobody_is_named(patient: Patient) -> None:
    seen = seen_of(patient)
    for shown in (doctor.text(seen), json.dumps(doctor.document(seen))):
        for private in ("anna", "bert", "verysecret", "UNRELATED", "requests"):
            assert private not in shown
        assert "~/venv/bin/python" in shown
        assert "/home/USER/dump" in shown


def test_every_problem_is_told(patient: Patient) -> None:
    lost = Diagnosis("fallen-off-bus", "GPU 1 has fallen off the bus", "Restart the machine.")
    warm = Diagnosis("slowed", "GPU 0 is running slowly", "Let it cool.")
    patient.attached = replace(T4, problem=lost, oddities=(warm,), library="/usr/lib64-nvidia")
    seen = seen_of(patient, frameworks=False)
    assert seen.verdicts == ()
    assert [each.code for each in seen.problems] == ["fallen-off-bus", "slowed", "library-off-path"]
    assert "- GPU 1 has fallen off the bus.\n  Restart the machine." in doctor.text(seen)


def test_nothing_is_attached_and_nothing_is_wrong(patient: Patient) -> None:
    patient.attached = Accelerators()
    text = doctor.text(seen_of(patient, frameworks=False))
    assert text.endswith("\n\nNo accelerator can be used.\n\nNo problems found.\n")


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_the_command(
    options: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    assert cli.main(["doctor", "--no-frameworks", *options]) == 0
    shown = capsys.readouterr().out
    if options:
        assert json.loads(shown)["accelerator"]["frameworks"] == []
    else:
        assert shown.startswith("colabenv  ")
    assert list(tmp_path.iterdir()) == []
