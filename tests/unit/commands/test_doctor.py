"""`colabenv doctor`: what is attached, what computes, what is odd, and nothing of who runs it."""

from __future__ import annotations

import getpass
import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner import cli
from provisioner.commands import doctor
from provisioner.machine.local import LocalMachine
from provisioner.machine.reader import Completed, Interpreter
from provisioner.model.accelerators import Accelerators, Diagnosis, Gpu
from provisioner.model.effects import Run
from provisioner.snapshots.anonymize import Anonymous
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
        "message": "TensorFlow 2.20.0 was built for the CPU alone.",
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
    return Patient(str(tmp_path), python, environ=environ, state=str(tmp_path / "state"), home=home)


def test_a_machine_with_a_gpu(patient: Patient) -> None:
    seen = doctor.examine(patient)
    assert [verdict.address for verdict in seen.verdicts] == ["accelerator.tensorflow", "accelerator.torch"]
    told = {
        **seen.machine,
        "system": "Ubuntu 24.04 LTS, Linux 6.6.1, x86_64",
        "size": "2 CPUs, 13 GB of memory",
        "colabenv": "1.0",
    }
    text = Anonymous(patient)(doctor.text(replace(seen, machine=told)))
    golden.check("doctor.txt", text)


def test_the_same_as_json(patient: Patient) -> None:
    document = Anonymous(patient).within(doctor.document(doctor.examine(patient)))
    assert next(iter(document)) == "format"
    assert document["format"] == "provisioner.doctor/1"
    assert document["accelerator"]["gpus"][0]["name"] == "Tesla T4"
    tensorflow, torch = document["accelerator"]["frameworks"]
    assert (tensorflow["framework"], tensorflow["passed"]) == ("tensorflow", False)
    assert torch["dtypes"]["float32"]["max_error"] == 0.0
    assert [each["code"] for each in document["odd"]] == ["accelerator.tensorflow"]


def test_nobody_is_named(patient: Patient) -> None:
    seen = doctor.examine(patient)
    anonymous = Anonymous(patient)
    for shown in (anonymous(doctor.text(seen)), json.dumps(anonymous.within(doctor.document(seen)))):
        for private in ("anna", "bert", "verysecret", "UNRELATED", "requests"):
            assert private not in shown
        assert "~/venv/bin/python" in shown
        assert "/home/USER/dump" in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/root/x and /rooted", "~/x and /rooted"),
        ("/home/carl/.cache:/Users/dora/x", "/home/USER/.cache:/Users/USER/x"),
        ("/data/anna/x, annabel", "/data/USER/x, annabel"),
        ("https://carl:pw@host/x", "https://***@host/x"),
    ],
)
def test_names_are_taken_out(patient: Patient, text: str, shown: str) -> None:
    patient.home = "/root"
    assert Anonymous(patient)(text) == shown


@pytest.mark.parametrize("name", ["root", "ab"])
def test_a_name_that_is_an_ordinary_word_stays(
    patient: Patient, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: name)
    assert Anonymous(patient)(f"run as {name}") == f"run as {name}"


def test_a_user_without_a_name(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert Anonymous(patient)("text") == "text"


@pytest.mark.parametrize(
    ("attached", "framework", "device"),
    [
        (T4, "jax", "gpu"),
        (Accelerators(tpu="v5e", chips=1), "jax", "tpu"),
        (Accelerators(tpu="v5e", chips=1), "torch", "cpu"),
        (Accelerators(), "torch", "cpu"),
    ],
)
def test_where_a_framework_should_compute(attached: Accelerators, framework: str, device: str) -> None:
    assert doctor.device_for(framework, attached) == device


def test_all_that_is_odd_is_told(patient: Patient) -> None:
    lost = Diagnosis("fallen-off-bus", "GPU 1 has fallen off the bus", "Restart the machine.")
    warm = Diagnosis("slowed", "GPU 0 runs slowly now", "Let it cool.")
    patient.attached = replace(T4, problem=lost, oddities=(warm,), library="/usr/lib64-nvidia")
    seen = doctor.examine(patient, frameworks=False)
    assert seen.verdicts == ()
    assert [each.code for each in seen.odd] == ["fallen-off-bus", "slowed", "library-off-path"]
    assert "- GPU 1 has fallen off the bus.\n  Restart the machine." in doctor.text(seen)


def test_nothing_is_attached_and_nothing_is_odd(patient: Patient) -> None:
    patient.attached = Accelerators()
    text = doctor.text(doctor.examine(patient, frameworks=False))
    assert text.endswith("\n\nNo accelerator can be used.\n\nNothing is odd.\n")


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
