"""From evidence to what is wrong: every failure that people meet is told apart."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from provisioner.machine.accelerators import nvml
from provisioner.machine.accelerators.diagnosis import RULES, diagnose
from provisioner.machine.accelerators.evidence import Evidence, FailureEvidence, Smi, try_control
from provisioner.machine.accelerators.nvml import NvmlAnswer, NvmlFailure
from provisioner.machine.accelerators.pci import PciDevice

GPU = PciDevice("0000:00:04.0", driver="nvidia")
BARE = PciDevice("0000:00:04.0")
NODES = ("/dev/nvidia0",)
MODULE = "580.82.07"


def failed(code: int, words: str = "words") -> NvmlAnswer:
    return NvmlAnswer(failure=NvmlFailure(code, words))


def smi(output: str) -> FailureEvidence:
    return FailureEvidence(control="open", smi=Smi(9, output))


CASES = [
    ("", "nothing attached", Evidence()),
    ("", "a TPU only", Evidence(bus=(PciDevice("0000:00:05.0", tpu="v5e"),))),
    ("no-driver", "a GPU and no driver", Evidence(bus=(BARE,), failure=FailureEvidence())),
    (
        "no-driver",
        "device files left by a driver that is gone",
        Evidence(nodes=NODES, nvml=failed(nvml.NOT_LOADED), failure=FailureEvidence(control="dead")),
    ),
    (
        "no-driver",
        "device files with nothing behind them, and no library",
        Evidence(nodes=NODES, nvml=failed(nvml.UNKNOWN), failure=FailureEvidence(control="dead")),
    ),
    (
        "other-driver",
        "nouveau",
        Evidence(bus=(PciDevice("0000:00:04.0", driver="nouveau"),), failure=FailureEvidence()),
    ),
    (
        "no-library",
        "a driver without its libraries",
        Evidence((GPU,), NODES, MODULE, failed(nvml.NOT_FOUND), failure=FailureEvidence(control="open")),
    ),
    (
        "version-mismatch",
        "an upgrade without a restart",
        Evidence((GPU,), NODES, MODULE, failed(nvml.MISMATCH), failure=FailureEvidence(control="open")),
    ),
    (
        "version-mismatch",
        "the same, told by nvidia-smi",
        Evidence(
            (GPU,),
            NODES,
            MODULE,
            failed(nvml.NOT_FOUND),
            failure=smi("Failed to initialize NVML: Driver/library version mismatch"),
        ),
    ),
    (
        "fallen-off-bus",
        "a GPU that is silent on the bus, whatever else fails",
        Evidence(
            (PciDevice("0000:00:04.0", driver="nvidia", silent=True),),
            NODES,
            MODULE,
            failed(nvml.UNKNOWN),
            failure=smi("No devices were found"),
        ),
    ),
    (
        "no-permission",
        "device files of another group",
        Evidence((GPU,), NODES, MODULE, failed(nvml.UNKNOWN), failure=FailureEvidence(control="denied")),
    ),
    (
        "permission-lost",
        "a container whose devices were taken away",
        Evidence(
            (GPU,),
            NODES,
            MODULE,
            failed(nvml.UNKNOWN),
            failure=FailureEvidence(control="denied", container=True),
        ),
    ),
    (
        "container-without-devices",
        "a container that was given no GPU",
        Evidence((GPU,), (), MODULE, failed(nvml.NOT_FOUND), failure=FailureEvidence(container=True)),
    ),
    (
        "container-without-devices",
        "a container on a host with a driver, where the bus is hidden",
        Evidence((), (), MODULE, failed(nvml.NOT_LOADED), failure=FailureEvidence(container=True)),
    ),
    (
        "hung",
        "a driver that never answers",
        Evidence(
            (GPU,), NODES, MODULE, failed(nvml.HUNG, "no answer within 10 s"), failure=FailureEvidence()
        ),
    ),
    (
        "no-device",
        "a driver that gave its GPU up",
        Evidence((GPU,), NODES, MODULE, NvmlAnswer(), failure=FailureEvidence(control="open")),
    ),
    (
        "driver-error",
        "whatever else",
        Evidence((GPU,), NODES, MODULE, failed(nvml.UNKNOWN), failure=FailureEvidence(control="open")),
    ),
]


@pytest.mark.parametrize(
    ("code", "evidence"), [(c, w) for c, _, w in CASES], ids=[name for _, name, _ in CASES]
)
def test_every_failure_is_told_apart(code: str, evidence: Evidence) -> None:
    found = diagnose(evidence)
    assert (found.code if found else "") == code
    if found:
        assert found.message
        assert not found.message.endswith(".")
        assert found.remedy[0].isupper()


def test_every_rule_has_a_case() -> None:
    assert {rule.code for rule in RULES} == {code for code, _, _ in CASES} - {""}


def test_remedies_differ_where_the_way_out_does() -> None:
    ways = [
        diagnose(Evidence(bus=(PciDevice("0000:00:04.0", driver=driver),), failure=FailureEvidence()))
        for driver in ("nouveau", "vfio-pci")
    ]
    assert len({way.remedy for way in ways if way}) == 2


def test_the_words_of_nvidia_smi_are_the_last_resort() -> None:
    evidence = Evidence((GPU,), NODES, MODULE, failed(nvml.UNKNOWN), failure=smi("a\nOut of luck."))
    assert diagnose(evidence)
    assert "Out of luck" in str(diagnose(evidence))


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.EACCES, "denied"),
        (errno.EPERM, "denied"),
        (errno.ENOENT, "absent"),
        (errno.ENXIO, "dead"),
        (errno.EIO, "dead"),
    ],
)
def test_the_control_file(number: int, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, flags: int) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", refuse)
    assert try_control(Path("/dev/nvidiactl")) == told


def test_a_control_file_that_opens(tmp_path: Path) -> None:
    (tmp_path / "nvidiactl").touch()
    assert try_control(tmp_path / "nvidiactl") == "open"
