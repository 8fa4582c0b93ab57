"""The kind `apt`, beyond what case files can say."""

from __future__ import annotations

from typing import Any

from provisioner.model.effects import Run
from tests import scene

INSTALLED = "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21.22\n"


def test_what_must_be_downloaded_is_counted() -> None:
    machine = scene.build(
        {
            "files": {"/var/lib/dpkg/status": INSTALLED},
            "urls": {"https://example.org/quarto_1.8_amd64.deb": "12345"},
            "programs": {
                "apt-get": [
                    {"args": "-s", "stdout": "Inst hello (2.10 Debian [amd64])\n"},
                    {
                        "args": "--print-uris",
                        "stdout": "'http://x/a.deb' a.deb 1000 SHA256:0\n'file:/b.deb' b.deb 7 SHA256:0\n",
                    },
                ]
            },
        }
    )
    deb = {"url": "https://example.org/quarto_1.8_amd64.deb", "sha256": "0" * 64}
    wanted = {"packages": ["hello"], "debs": [deb], "update": "never"}
    (step,) = scene.plan("apt", scene.validate("apt", wanted, machine), machine)
    assert step.download == 1005
    assert step.lane == "apt"


def test_answers_reach_debconf_and_no_command_line() -> None:
    machine = scene.build({"files": {"/var/lib/dpkg/status": INSTALLED}, "programs": {"apt-get": []}})
    answer: dict[str, Any] = {"package": "db", "question": "db/name", "type": "string", "value": "a b"}
    (step,) = scene.plan("apt", scene.validate("apt", {"debconf": [answer]}, machine), machine)
    (effect,) = step.effects
    assert isinstance(effect, Run)
    assert effect.argv == ("debconf-set-selections",)
    assert effect.stdin == "db db/name string a b\n"
