"""From witnesses to what is wrong: every failure that people meet is told apart."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from provisioner.machine.accelerators import nvml
from provisioner.machine.accelerators.diagnosis import RULES, diagnose
from provisioner.machine.accelerators.evidence import Backstage, Smi, Witnesses, try_control
from provisioner.machine.accelerators.nvml import Answer, Failure
from provisioner.machine.accelerators.pci import Device

GPU = Device("0000:00:04.0", driver="nvidia")
BARE = Device("0000:00:04.0")
NODES = ("/dev/nvidia0",)
MODULE = "580.82.07"


def failed(code: int, words: str = "words") -> Answer:
    return Answer(failure=Failure(code, words))


def smi(output: str) -> Backstage:
    return Backstage(control="open", smi=Smi(9, output))


CASES = [
    ("", "nothing attached", Witnesses()),
    ("", "a TPU only", Witnesses(bus=(Device("0000:00:05.0", tpu="v5e"),))),
    ("no-driver", "a GPU and no driver", Witnesses(bus=(BARE,), backstage=Backstage())),
    (
        "no-driver",
        "device files left by a driver that is gone",
        Witnesses(nodes=NODES, nvml=failed(nvml.NOT_LOADED), backstage=Backstage(control="dead")),
    ),
    (
        "no-driver",
        "device files with nothing behind them, and no library",
        Witnesses(nodes=NODES, nvml=failed(nvml.UNKNOWN), backstage=Backstage(control="dead")),
    ),
    (
        "other-driver",
        "nouveau",
        Witnesses(bus=(Device("0000:00:04.0", driver="nouveau"),), backstage=Backstage()),
    ),
    (
        "no-library",
        "a driver without its libraries",
        Witnesses((GPU,), NODES, MODULE, failed(nvml.NOT_FOUND), backstage=Backstage(control="open")),
    ),
    (
        "version-mismatch",
        "an upgrade without a restart",
        Witnesses((GPU,), NODES, MODULE, failed(nvml.MISMATCH), backstage=Backstage(control="open")),
    ),
    (
        "version-mismatch",
        "the same, told by nvidia-smi",
        Witnesses(
            (GPU,),
            NODES,
            MODULE,
            failed(nvml.NOT_FOUND),
            backstage=smi("Failed to initialize NVML: Driver/library version mismatch"),
        ),
    ),
    (
        "fallen-off-bus",
        "a GPU that is silent on the bus, whatever else fails",
        Witnesses(
            (Device("0000:00:04.0", driver="nvidia", silent=True),),
            NODES,
            MODULE,
            failed(nvml.UNKNOWN),
            backstage=smi("No devices were found"),
        ),
    ),
    (
        "no-permission",
        "device files of another group",
        Witnesses((GPU,), NODES, MODULE, failed(nvml.UNKNOWN), backstage=Backstage(control="denied")),
    ),
    (
        "permission-lost",
        "a container whose devices were taken away",
        Witnesses(
            (GPU,), NODES, MODULE, failed(nvml.UNKNOWN), backstage=Backstage(control="denied", container=True)
        ),
    ),
    (
        "container-without-devices",
        "a container that was given no GPU",
        Witnesses((GPU,), (), MODULE, failed(nvml.NOT_FOUND), backstage=Backstage(container=True)),
    ),
    (
        "container-without-devices",
        "a container on a host with a driver, where the bus is hidden",
        Witnesses((), (), MODULE, failed(nvml.NOT_LOADED), backstage=Backstage(container=True)),
    ),
    (
        "hung",
        "a driver that never answers",
        Witnesses((GPU,), NODES, MODULE, failed(nvml.HUNG, "no answer within 10 s"), backstage=Backstage()),
    ),
    (
        "no-device",
        "a driver that gave its GPU up",
        Witnesses((GPU,), NODES, MODULE, Answer(), backstage=Backstage(control="open")),
    ),
    (
        "driver-error",
        "whatever else",
        Witnesses((GPU,), NODES, MODULE, failed(nvml.UNKNOWN), backstage=Backstage(control="open")),
    ),
]


@pytest.mark.parametrize(
    ("code", "witnesses"), [(c, w) for c, _, w in CASES], ids=[name for _, name, _ in CASES]
)
def test_every_failure_is_told_apart(code: str, witnesses: Witnesses) -> None:
    found = diagnose(witnesses)
    assert (found.code if found else "") == code
    if found:
        assert found.message
        assert not found.message.endswith(".")
        assert found.remedy[0].isupper()


def test_every_rule_has_a_case() -> None:
    assert {rule.code for rule in RULES} == {code for code, _, _ in CASES} - {""}


def test_remedies_differ_where_the_way_out_does() -> None:
    ways = [
        diagnose(Witnesses(bus=(Device("0000:00:04.0", driver=driver),), backstage=Backstage()))
        for driver in ("nouveau", "vfio-pci")
    ]
    assert len({way.remedy for way in ways if way}) == 2


def test_the_words_of_nvidia_smi_are_the_last_resort() -> None:
    witnesses = Witnesses((GPU,), NODES, MODULE, failed(nvml.UNKNOWN), backstage=smi("a\nOut of luck."))
    assert diagnose(witnesses)
    assert "Out of luck" in str(diagnose(witnesses))


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
