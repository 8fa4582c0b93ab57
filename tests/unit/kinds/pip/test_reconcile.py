"""From pins to what has to change, on machines in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from provisioner.kinds.pip.installed import compare
from provisioner.kinds.pip.reconcile import reconcile
from provisioner.kinds.pip.requirements import gather
from provisioner.kinds.pip.resolve import Solution
from provisioner.kinds.pip.section import Pip
from provisioner.kinds.pip.uv import UvRequest
from provisioner.kinds.shared.pylock import PipPins
from provisioner.machine.reader import Interpreter
from tests.fakes import FakeMachine

SHA = "ab" * 32
COMMIT = "c0" * 20

SITE = "/venv/lib/python3.11/site-packages"


def installed(*versions: str, by: str = "pip", needs: str = "") -> FakeMachine:
    machine = FakeMachine(python=Interpreter("/venv/bin/python", "3.11.2", (SITE,)))
    for each in versions:
        name, _, version = each.partition("==")
        info = f"{SITE}/{name}-{version}.dist-info"
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}\n"
        machine.put(f"{info}/METADATA", text)
        machine.put(f"{info}/RECORD", f"{name}-{version}.dist-info/METADATA,,\n")
        machine.put(f"{info}/INSTALLER", f"{by}\n")
    return machine


def wheel_pin(name: str, version: str = "1.0") -> dict[str, Any]:
    file = {
        "url": f"https://example.org/{name.replace('-', '_')}-{version}-py3-none-any.whl",
        "size": 10,
        "hashes": {"sha256": SHA},
    }
    return {"name": name, "version": version, "wheels": [file]}


def reconciled(
    machine: FakeMachine,
    wanted: list[str],
    pins: dict[str, Any],
    damaged: Mapping[str, str] | None = None,
    policy: str = "guard",
) -> tuple[Solution | None, dict[str, str]]:
    """What is to be done, and reasons by the name that is in the way."""
    config = Pip.model_validate({"packages": wanted, "preinstalled": policy})
    requirements = gather(config, "/work", machine.read)
    comparison = replace(compare(requirements, machine, deps=True, absent=()), damaged=damaged or {})
    request = UvRequest(uv="uv", cwd="/work", target=("--python", "x"))
    pinned = PipPins.model_validate(pins)
    solution, drifts = reconcile(request, comparison, config.preinstalled, pinned)
    return solution, {drift.name: drift.reason for drift in drifts}


def lines(solution: Solution | None) -> tuple[str, ...]:
    return solution.request.pins if solution else ()


def test_the_same_version_from_elsewhere_is_another_thing() -> None:
    machine = installed("rose==1.0")
    machine.put(f"{SITE}/rose-1.0.dist-info/direct_url.json", '{"url": "https://example.org/mine.whl"}')
    solution, drifts = reconciled(machine, ["rose"], {"packages": [wheel_pin("rose")]})
    assert solution
    assert solution.request.options == ("--reinstall-package", "rose")
    assert drifts == {}


def test_what_is_missing_or_another_is_installed_by_its_hash() -> None:
    pins = {"packages": [wheel_pin("rose"), wheel_pin("lily"), wheel_pin("moss")]}
    solution, drifts = reconciled(installed("lily==0.9", "moss==1.0"), ["rose", "lily"], pins)
    assert lines(solution) == (f"rose==1.0 --hash=sha256:{SHA}", f"lily==1.0 --hash=sha256:{SHA}")
    assert solution
    assert [(move.name, move.before, move.after) for move in solution.moves] == [
        ("rose", None, "1.0"),
        ("lily", "0.9", "1.0"),
    ]
    assert solution.sizes.download == 20
    assert not drifts


def test_nothing_is_done_where_all_is_there() -> None:
    assert reconciled(installed("rose==1.0.0"), ["rose"], {"packages": [wheel_pin("rose")]}) == (None, {})


def test_what_is_damaged_is_reinstalled() -> None:
    pins = {"packages": [wheel_pin("rose")]}
    solution, drifts = reconciled(installed("rose==1.0"), ["rose"], pins, {"rose": "files are missing"})
    assert lines(solution) == (f"rose==1.0 --hash=sha256:{SHA}",)
    assert solution
    assert solution.request.options == ("--reinstall-package", "rose")
    assert not drifts


@pytest.mark.parametrize(
    ("found", "wanted", "base", "reason"),
    [
        (
            "soil==2.0",
            "soil",
            {"named": True},
            "the base had soil 1.0 when the lock was made, and the file names it",
        ),
        ("moss==1.0", "soil", {"named": True}, "the base had soil 1.0 when the lock was made; go back to"),
        ("moss==1.0", "moss", {}, "the base had soil 1.0 when the lock was made; go back to"),
        ("soil==2.0", "moss", {"limits": "<2"}, "and soil<2 is needed; go back to"),
        ("soil==2.0", "moss", {"limits": "<3"}, None),
        ("soil==1.0.0", "soil", {"named": True}, None),
    ],
)
def test_a_base_that_changed(found: str, wanted: str, base: dict[str, Any], reason: str | None) -> None:
    pins = {"base": [{"name": "soil", "version": "1.0", **base}], "packages": [wheel_pin("moss")]}
    solution, drifts = reconciled(installed(found), [wanted], pins)
    assert ("soil" in drifts) == (reason is not None)
    if reason:
        assert reason in drifts["soil"]
        assert "or lock again" in drifts["soil"]
    assert (solution is None) == (found == "moss==1.0")


def test_what_changed_and_fits_is_a_warning() -> None:
    base = [{"name": "soil", "version": "1.0", "limits": ">=1"}, {"name": "sand", "version": "1.0"}]
    pins = {"packages": [wheel_pin("rose")], "base": base}
    solution, _ = reconciled(installed("soil==1.5", "sand==1.0"), ["rose"], pins)
    assert solution
    assert solution.warnings == ("The base changed since it was locked, and still fits: soil 1.0 -> 1.5.",)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ("weed", "the lock was made before weed was added to the file: lock again"),
        ("rose>=2", "the lock has rose 1.0, which is not what the file asks for: lock again"),
        ("weed; sys_platform == 'win32'", None),
    ],
)
def test_what_the_lock_does_not_have(wanted: str, reason: str | None) -> None:
    _, drifts = reconciled(installed(), [wanted], {"packages": [wheel_pin("rose")]})
    assert list(drifts.values()) == ([reason] if reason else [])


def test_what_is_protected_is_not_changed() -> None:
    pins = {"packages": [wheel_pin("numpy", "1.0"), wheel_pin("rose")]}
    solution, drifts = reconciled(installed("numpy==2.0"), ["rose"], pins)
    assert lines(solution) == (f"rose==1.0 --hash=sha256:{SHA}",)
    assert (
        "numpy came with the image in another version than the lock has, and is protected" in drifts["numpy"]
    )
    solution, drifts = reconciled(installed("numpy==2.0"), ["rose"], pins, policy="free")
    assert len(lines(solution)) == 2
    assert not drifts


@pytest.mark.parametrize("pins", [{"base": [{"name": "soil", "version": "1.0"}]}, {}])
def test_what_is_damaged_and_not_locked_is_blocked(pins: dict[str, Any]) -> None:
    _, drifts = reconciled(installed("soil==1.0"), [], pins, {"soil": "its files are missing"})
    assert drifts["soil"] == (
        "soil: its files are missing, and the lock does not say where it comes from; apply without --locked"
    )


def test_a_commit_is_there_only_as_that_commit() -> None:
    vcs = {"type": "git", "url": "https://example.org/tool", "commit-id": COMMIT, "subdirectory": "python"}
    pins = {"packages": [{"name": "tool", "version": "0.1", "vcs": vcs}]}
    machine = installed("tool==0.1")
    solution, _ = reconciled(machine, ["tool"], pins)
    assert lines(solution) == (f"tool @ git+https://example.org/tool@{COMMIT}#subdirectory=python",)
    told = f'{{"url": "https://example.org/tool", "vcs_info": {{"vcs": "git", "commit_id": "{COMMIT}"}}}}'
    machine.put(f"{SITE}/tool-0.1.dist-info/direct_url.json", told)
    assert reconciled(machine, ["tool"], pins) == (None, {})


def test_files_beside_the_lock_are_found_whatever_their_names() -> None:
    archive = {
        "name": "rose",
        "version": "1.0",
        "archive": {"path": "my wheels/#1.whl", "hashes": {"sha256": SHA}},
    }
    folder = {"name": "own", "directory": {"path": "my tool", "editable": True}}
    solution, _ = reconciled(installed(), [], {"packages": [archive, folder]})
    assert lines(solution) == (
        f"rose @ file:///work/my%20wheels/%231.whl --hash=sha256:{SHA}",
        "--editable file:///work/my%20tool",
    )
