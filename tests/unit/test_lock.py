"""A lock as a document, what is made of it, and how it is damaged."""

from __future__ import annotations

import copy
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from provisioner import cli
from provisioner.facts import dpkg as status
from provisioner.facts.distributions import Installed
from provisioner.facts.dpkg import Dpkg
from provisioner.kinds.base import Download, Ground
from provisioner.kinds.datasets import pins as dataset_pins
from provisioner.kinds.datasets.pins import PinnedDataset
from provisioner.kinds.datasets.section import Dataset
from provisioner.kinds.pip.closure import Walker
from provisioner.kinds.pip.locked import settle
from provisioner.kinds.pip.pins import Pins, hold, prefer
from provisioner.kinds.pip.requirements import gather
from provisioner.kinds.pip.resolve import Solution
from provisioner.kinds.pip.section import Pip
from provisioner.kinds.pip.uv import Request
from provisioner.kinds.shared.debian import pins as debs
from provisioner.kinds.shared.debian.apt_get import Order
from provisioner.kinds.shared.debian.simulation import Simulation
from provisioner.lock import document, toml, use
from provisioner.lock.diff import describe
from provisioner.lock.document import Lock, Target, Where
from provisioner.machine.download.receipt import Receipt
from provisioner.machine.reader import Completed, Interpreter
from provisioner.model.errors import LockError
from provisioner.model.plan import Action, Change
from tests.fakes import FakeMachine

HERE = "Lock it for this machine too: colabenv lock --for here"
ROSE = "https://example.org/rose-1.0-py3-none-any.whl"
SHA = "ab" * 32
COMMIT = "c0" * 20

WHERE: dict[str, Any] = {
    "os": "Debian GNU/Linux 12 (bookworm)",
    "python": "3.11.2",
    "glibc": "2.36",
    "architecture": "x86_64",
    "accelerator": "cpu",
}
TARGET: dict[str, Any] = {
    "name": "here",
    "spec": f"sha256:{SHA}",
    "machine": WHERE,
    "base": {"fingerprint": f"sha256:{SHA}", "distributions": 2, "packages": 3},
    "apt": {
        "packages": [
            {"name": "tea", "version": "1:1.0-2", "source": "file:///srv/tea.deb", "size": 5, "sha256": SHA}
        ],
        "base": [{"name": "cup", "version": "2.0"}],
    },
    "pip": {
        "packages": [
            {
                "name": "rose",
                "version": "1.0",
                "index": "https://pypi.org/simple",
                "wheels": [
                    {
                        "url": "https://example.org/rose-1.0-py3-none-any.whl",
                        "size": 7,
                        "hashes": {"sha256": SHA},
                    }
                ],
            },
            {
                "name": "tool",
                "version": "0.1",
                "vcs": {"type": "git", "url": "https://example.org/tool", "commit-id": COMMIT},
            },
            {"name": "own", "directory": {"path": ".", "editable": True}},
        ],
        "base": [{"name": "soil", "version": "1.5", "limits": ">=1", "named": True}],
    },
    "datasets": {"seeds": {"url": "https://example.org/seeds.csv", "size": 9, "sha256": SHA}},
}
LOCK: dict[str, Any] = {
    "format": "provisioner.lock/1",
    "tool": "colab-provisioner 0.1.0",
    "targets": [TARGET],
}


def target(**other: object) -> Target:
    return Target.model_validate({**TARGET, **other})


# The document


def read(tmp_path: Path, text: str) -> Lock | None:
    path = tmp_path / "colabenv.lock"
    path.write_text(text)
    return document.load(str(path))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    lock = Lock.model_validate(LOCK)
    text = document.text(lock)
    found = read(tmp_path, text)
    assert found == lock
    assert document.text(found) == text
    assert text.startswith("# Made by `colabenv lock`")


def test_there_may_be_none(tmp_path: Path) -> None:
    assert document.load(str(tmp_path / "colabenv.lock")) is None


words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=20)
leaves = words | st.integers(-(2**60), 2**60) | st.just(value=True)
values = st.recursive(leaves, lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=5)
tables = st.dictionaries(words, values | st.dictionaries(words, values, min_size=1), min_size=1, max_size=4)


@given(tables, st.integers(1, 5))
def test_toml_is_read_as_it_was_meant(values: dict[str, Any], depth: int) -> None:
    assert tomllib.loads(toml.text(values, depth)) == values


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200) | st.binary(max_size=200))
def test_no_text_is_more_than_an_error(tmp_path: Path, text: str | bytes) -> None:
    path = tmp_path / "colabenv.lock"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(errors="surrogatepass"))
    with pytest.raises(LockError):
        document.load(str(path))


PLACES = [
    ("targets", 0, *rest)
    for rest in (
        ("name",),
        ("spec",),
        ("machine",),
        ("machine", "python"),
        ("base", "fingerprint"),
        ("apt",),
        ("apt", "packages", 0, "version"),
        ("apt", "packages", 0, "sha256"),
        ("pip", "packages", 0, "wheels", 0, "hashes"),
        ("pip", "packages", 1, "vcs", "commit-id"),
        ("pip", "packages", 2, "directory", "path"),
        ("datasets", "seeds"),
    )
]


def changed(place: tuple[str | int, ...], value: object) -> dict[str, Any]:
    """LOCK with another value somewhere."""
    found = copy.deepcopy(LOCK)
    inner: Any = found
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(PLACES), values | tables)
def test_any_value_anywhere_is_taken_or_an_error(
    tmp_path: Path, place: tuple[str | int, ...], value: object
) -> None:
    text = toml.text(changed(place, value), 4)
    try:
        found = read(tmp_path, text)
    except LockError as refused:
        told = refused
    else:
        assert found
        assert read(tmp_path, document.text(found)) == found
        return
    assert told.message.isprintable()
    assert told.hint


WHEEL = ("targets", 0, "pip", "packages", 0)


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("format",), "provisioner.lock/9", "is of the format provisioner.lock/9"),
        (("targets", 0, "drive"), {"x": 1}, "targets.0: holds drive, which no lock can"),
        (("targets", 0, "gardens"), {"x": 1}, "targets.0: holds gardens, which no lock can"),
        (("targets", 0, "name"), "../here", "targets.0.name: "),
        (("targets", 0, "spec"), "sha256:ab", "targets.0.spec: "),
        ((*WHEEL, "name"), "--index-url=x", "targets.0.pip.packages.0.name: "),
        ((*WHEEL, "version"), "1.0 --no-hashes", "targets.0.pip.packages.0.version: is not a version"),
        ((*WHEEL, "wheels", 0, "hashes", "sha256"), SHA[:40], "pip.packages.0.wheels.0.hashes.sha256: "),
        (
            (*WHEEL, "wheels", 0, "hashes"),
            {"md5": "x"},
            "pip.packages.0.wheels.0.hashes.sha256: Field required",
        ),
        ((*WHEEL, "wheels"), [], "pip.packages.0: names nothing that it could be installed from"),
        ((*WHEEL, "wheels", 0, "url"), "ext::sh -c x", "wheels.0.url: is not a URL"),
        ((*WHEEL, "wheels", 0, "url"), "https://example.org/${HF_TOKEN}/x.whl", "wheels.0.url: is not a URL"),
        (
            (*WHEEL, "version"),
            "2.0",
            "pip.packages.0: is not what its wheel is: https://example.org/rose-1.0",
        ),
        (
            ("targets", 0, "pip", "packages", 1, "vcs", "url"),
            "https://example.org/tool@main#",
            "pip.packages.1.vcs.url: is not the URL of a repository",
        ),
        (("targets", 0, "machine", "os"), "\x1b[31mred", "targets.0.machine.os: holds what is no text"),
        (
            ("targets", 0, "pip", "packages", 1, "vcs", "commit-id"),
            "main",
            "pip.packages.1.vcs.commit-id: ",
        ),
        (
            ("targets", 0, "pip", "packages", 2, "directory", "path"),
            "tool/../../other",
            "pip.packages.2.directory.path: must be below the folder of the lock",
        ),
        (
            ("targets", 0, "pip", "packages", 2, "directory", "path"),
            "/etc",
            "must be below the folder of the lock",
        ),
        (("targets", 0, "apt", "packages", 0, "name"), "-o=Dir::Etc=x", "apt.packages.0.name: "),
        (("targets", 0, "apt", "packages", 0, "version"), "1.0 evil", "apt.packages.0.version: "),
        (("targets", 0, "apt", "packages", 0, "sha256"), SHA[:-1], "apt.packages.0.sha256: "),
        (("targets", 0, "datasets", "seeds", "sha256"), SHA.upper(), "datasets.seeds.sha256: "),
        (
            ("targets", 0, "datasets", "seeds", "url"),
            "ftp://example.org",
            "seeds.url: is no http or https URL",
        ),
        (
            ("targets", 0, "datasets", "seeds"),
            {"path": "a/../../b", "sha256": SHA},
            "datasets.seeds.path: must be below the folder of the lock",
        ),
        (("targets", 0, "datasets", "seeds"), {"sha256": SHA}, "needs either a url or a path"),
        (("targets", 0, "\x1b[31m"), {"x": 1}, "holds  [31m, which no lock can"),
    ],
)
def test_what_is_damaged_is_told_with_its_place(
    tmp_path: Path, place: tuple[str | int, ...], value: object, told: str
) -> None:
    with pytest.raises(LockError) as caught:
        read(tmp_path, toml.text(changed(place, value), 4))
    assert told in caught.value.message
    assert "colabenv.lock" in caught.value.message
    assert "version control" in caught.value.hint


@pytest.mark.parametrize("text", ["format = ", "x = " + "[" * 5000, "\x1b[2J"])
def test_what_is_no_toml_is_damaged(tmp_path: Path, text: str) -> None:
    with pytest.raises(LockError, match=r"colabenv\.lock is damaged: ") as caught:
        read(tmp_path, text)
    assert caught.value.message.isprintable()


def test_a_folder_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / "colabenv.lock").mkdir()
    with pytest.raises(LockError, match="cannot be read: Is a directory"):
        document.load(str(tmp_path / "colabenv.lock"))


def test_a_damaged_lock_is_an_error_of_every_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "colabenv.yaml").write_text("version: 1\nname: x\nenv: {A: b}\n")
    (tmp_path / "colabenv.lock").write_text("nothing = [")
    os.chdir(tmp_path)
    for words in (["lock"], ["lock", "--check"], ["plan", "--locked"], ["apply", "--locked"]):
        assert cli.main(words) == 1
        told = capsys.readouterr().err
        assert told.startswith("error: ")
        assert "colabenv.lock is damaged: " in told
        assert "  Take it from version control; or delete it, and make a new one: colabenv lock\n" in told


def test_a_target_takes_the_place_of_its_namesake() -> None:
    lock = Lock(targets=(target(name="b"), target(name="c")))
    renewed = target(name="b", spec=f"sha256:{'00' * 32}")
    assert [each.name for each in lock.put(target(name="a"), renewed).targets] == ["a", "b", "c"]
    assert lock.put(renewed).find("b") == renewed


# Whose target


def place(**other: str) -> Where:
    return Where.model_validate(WHERE | other)


@pytest.mark.parametrize(
    ("targets", "name", "chosen"),
    [
        ({"here": {}, "there": {}}, "here", "here"),
        ({"a": {"os": "Ubuntu"}, "b": {"os": "Ubuntu"}}, "here", "b"),
        ({"a": {}, "b": {"os": "Ubuntu"}}, "here", "a"),
        ({"old": {"python": "3.11.9"}, "new": {"python": "3.12.1"}}, "here", "old"),
        ({"gpu": {"accelerator": "gpu"}, "cpu": {}}, "here", "cpu"),
    ],
)
def test_a_machine_takes_its_own_target_or_what_it_can_run(
    targets: Mapping[str, Mapping[str, str]], name: str, chosen: str
) -> None:
    made = (target(name=each, machine={**WHERE, **other}) for each, other in targets.items())
    assert use.choose(Lock(targets=tuple(made)), place(), name).name == chosen


@pytest.mark.parametrize(
    ("targets", "told", "hint"),
    [
        (
            {},
            "the lock is for nothing, and this is here",
            HERE,
        ),
        (
            {"gpu": {"accelerator": "gpu"}, "arm": {"architecture": "aarch64"}},
            "the lock is for gpu, arm, and this is here",
            HERE,
        ),
        (
            {"old": {"python": "3.10.1"}, "new": {"python": "3.12.1"}},
            "the lock is for Python 3.10 (old), Python 3.12 (new), and this is Python 3.11.2 (here)",
            HERE,
        ),
    ],
)
def test_a_machine_that_the_lock_does_not_know(
    targets: Mapping[str, Mapping[str, str]], told: str, hint: str
) -> None:
    made = (target(name=each, machine={**WHERE, **other}) for each, other in targets.items())
    with pytest.raises(LockError) as caught:
        use.choose(Lock(targets=tuple(made)), place(), "here")
    assert caught.value.message == told
    assert caught.value.hint.endswith(hint)


# Python's distributions

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


def settled(
    machine: FakeMachine,
    wanted: list[str],
    pins: dict[str, Any],
    damaged: Mapping[str, str] | None = None,
    policy: str = "guard",
) -> tuple[Solution | None, dict[str, str]]:
    """What is to be done, and reasons by the name that is in the way."""
    config = hold(Pip(packages=tuple(wanted), preinstalled=policy), Pins.model_validate(pins))
    asked = gather(wanted, (), (), (), "/work", machine.read)
    request = Request(uv="uv", cwd="/work", target=("--python", "x"))
    solution, drifts = settle(config, asked, Walker(Installed(machine), {}), damaged or {}, request)
    return solution, {drift.name: drift.reason for drift in drifts}


def lines(solution: Solution | None) -> tuple[str, ...]:
    return solution.request.pins if solution else ()


def test_the_same_version_from_elsewhere_is_another_thing() -> None:
    machine = installed("rose==1.0")
    machine.put(f"{SITE}/rose-1.0.dist-info/direct_url.json", '{"url": "https://example.org/mine.whl"}')
    solution, drifts = settled(machine, ["rose"], {"packages": [wheel_pin("rose")]})
    assert solution
    assert solution.request.options == ("--reinstall-package", "rose")
    assert drifts == {}


def test_what_is_missing_or_another_is_installed_by_its_hash() -> None:
    pins = {"packages": [wheel_pin("rose"), wheel_pin("lily"), wheel_pin("moss")]}
    solution, drifts = settled(installed("lily==0.9", "moss==1.0"), ["rose", "lily"], pins)
    assert lines(solution) == (f"rose==1.0 --hash=sha256:{SHA}", f"lily==1.0 --hash=sha256:{SHA}")
    assert solution
    assert [(move.name, move.before, move.after) for move in solution.moves] == [
        ("rose", None, "1.0"),
        ("lily", "0.9", "1.0"),
    ]
    assert solution.sizes.download == 20
    assert not drifts


def test_nothing_is_done_where_all_is_there() -> None:
    assert settled(installed("rose==1.0.0"), ["rose"], {"packages": [wheel_pin("rose")]}) == (None, {})


def test_what_is_damaged_is_put_anew() -> None:
    pins = {"packages": [wheel_pin("rose")]}
    solution, drifts = settled(installed("rose==1.0"), ["rose"], pins, {"rose": "files are missing"})
    assert lines(solution) == (f"rose==1.0 --hash=sha256:{SHA}",)
    assert solution
    assert solution.request.options == ("--reinstall-package", "rose")
    assert not drifts


@pytest.mark.parametrize(
    ("there", "wanted", "base", "reason"),
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
def test_a_base_that_moved(there: str, wanted: str, base: dict[str, Any], reason: str | None) -> None:
    pins = {"base": [{"name": "soil", "version": "1.0", **base}], "packages": [wheel_pin("moss")]}
    solution, drifts = settled(installed(there), [wanted], pins)
    assert ("soil" in drifts) == (reason is not None)
    if reason:
        assert reason in drifts["soil"]
        assert "or lock again" in drifts["soil"]
    assert (solution is None) == (there == "moss==1.0")


def test_what_moved_and_fits_is_told() -> None:
    base = [{"name": "soil", "version": "1.0", "limits": ">=1"}, {"name": "sand", "version": "1.0"}]
    pins = {"packages": [wheel_pin("rose")], "base": base}
    solution, _ = settled(installed("soil==1.5", "sand==1.0"), ["rose"], pins)
    assert solution
    assert solution.cautions == ("The base moved since it was locked, and still fits: soil 1.0 -> 1.5.",)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ("weed", "the lock was made before weed was wanted: lock again"),
        ("rose>=2", "the lock has rose 1.0, which is not what the file wants: lock again"),
        ("weed; sys_platform == 'win32'", None),
    ],
)
def test_what_the_lock_does_not_give(wanted: str, reason: str | None) -> None:
    _, drifts = settled(installed(), [wanted], {"packages": [wheel_pin("rose")]})
    assert list(drifts.values()) == ([reason] if reason else [])


def test_what_is_preinstalled_and_held_is_not_moved() -> None:
    pins = {"packages": [wheel_pin("numpy", "1.0"), wheel_pin("rose")]}
    solution, drifts = settled(installed("numpy==2.0"), ["rose"], pins)
    assert lines(solution) == (f"rose==1.0 --hash=sha256:{SHA}",)
    assert "numpy is preinstalled here in another version than the lock holds" in drifts["numpy"]
    solution, drifts = settled(installed("numpy==2.0"), ["rose"], pins, policy="free")
    assert len(lines(solution)) == 2
    assert not drifts


@pytest.mark.parametrize("pins", [{"base": [{"name": "soil", "version": "1.0"}]}, {}])
def test_what_is_torn_and_not_locked_is_told(pins: dict[str, Any]) -> None:
    _, drifts = settled(installed("soil==1.0"), [], pins, {"soil": "its files are missing"})
    assert drifts["soil"] == (
        "soil: its files are missing, and the lock does not say where it comes from; apply without --locked"
    )


def test_a_commit_is_there_only_as_that_commit() -> None:
    vcs = {"type": "git", "url": "https://example.org/tool", "commit-id": COMMIT, "subdirectory": "python"}
    pins = {"packages": [{"name": "tool", "version": "0.1", "vcs": vcs}]}
    machine = installed("tool==0.1")
    solution, _ = settled(machine, ["tool"], pins)
    assert lines(solution) == (f"tool @ git+https://example.org/tool@{COMMIT}#subdirectory=python",)
    told = f'{{"url": "https://example.org/tool", "vcs_info": {{"vcs": "git", "commit_id": "{COMMIT}"}}}}'
    machine.put(f"{SITE}/tool-0.1.dist-info/direct_url.json", told)
    assert settled(machine, ["tool"], pins) == (None, {})


def test_files_beside_the_lock_are_found_whatever_their_names() -> None:
    archive = {
        "name": "rose",
        "version": "1.0",
        "archive": {"path": "my wheels/#1.whl", "hashes": {"sha256": SHA}},
    }
    folder = {"name": "own", "directory": {"path": "my tool", "editable": True}}
    solution, _ = settled(installed(), [], {"packages": [archive, folder]})
    assert lines(solution) == (
        f"rose @ file:///work/my%20wheels/%231.whl --hash=sha256:{SHA}",
        "--editable file:///work/my%20tool",
    )


@pytest.mark.parametrize(
    ("upgrade", "kept", "free"),
    [
        (frozenset[str](), ("rose==1.0", "lily==1.0"), ()),
        (frozenset({"Rose"}), ("lily==1.0",), ("rose",)),
        (None, (), ("lily", "rose")),
    ],
)
def test_what_is_preferred(
    upgrade: frozenset[str] | None, kept: tuple[str, ...], free: tuple[str, ...]
) -> None:
    pins = Pins.model_validate({"packages": [wheel_pin("rose"), wheel_pin("lily")]})
    found = prefer(Pip(packages=("rose", "lily")), pins, upgrade)
    assert (found.preferences, found.upgrade) == (kept, free)


# Debian packages


def package(name: str, version: str = "1.0", sha256: str = SHA) -> dict[str, Any]:
    source = f"https://example.org/{name}_{version}_all.deb"
    return {"name": name, "version": version, "source": source, "size": 5, "sha256": sha256}


def offering(*told: str) -> FakeMachine:
    """A machine whose apt-get says these lines of files."""
    machine = FakeMachine()
    machine.programs["apt-get"] = lambda _machine, _run: Completed(
        0, "".join(f"{line}\n" for line in told), ""
    )
    return machine


ORDER = Order(install=("tea=1.0",), exact=True)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (f"'file:/srv/tea_1.0_all.deb' tea_1.0_all.deb 5 SHA256:{SHA}", None),
        (
            f"'https://x.org/tea_1.0_all.deb' tea_1.0_all.deb 5 SHA256:{'00' * 32}",
            "the repository's tea 1.0 is another file than the lock has: its sha256 was abababababab... and "
            "is 000000000000...; find out who changed it",
        ),
        (
            "'https://x.org/tea_1.0_all.deb' tea_1.0_all.deb 5 MD5Sum:00",
            "no repository tells which file its tea 1.0 is, as the lock does",
        ),
        ("", "no repository tells which file its tea 1.0 is, as the lock does"),
    ],
)
def test_only_the_file_that_was_locked_will_do(told: str, reason: str | None) -> None:
    pins = debs.Pins.model_validate({"packages": [package("tea")]})
    found = debs.refuse_tampered(pins, Simulation(), ORDER, offering(told))
    assert found.refused == ({"tea": reason} if reason else {})


def test_a_password_of_a_repository_is_not_held() -> None:
    told = f"'https://me:hunter22@x.org/tea_1%3a1.0_all.deb' tea_1%3a1.0_all.deb 5 SHA256:{SHA}"
    found = debs.files({"tea": "1:1.0"}, ORDER, offering(told))
    assert found["tea"].version == "1:1.0"
    assert "hunter22" not in found["tea"].source


def test_what_a_lock_does_not_foresee_is_blocked() -> None:
    pins = debs.Pins.model_validate(
        {"packages": [package("tea")], "base": [{"name": "cup", "version": "2.0"}]}
    )
    changes = [
        Change("apt.tea", Action.CREATE, None, "1.0"),
        Change("apt.cup", Action.UPDATE, "1.0", "2.0"),
        Change("apt.milk", Action.CREATE, None, "1.0"),
        Change("apt.jug", Action.KEEP, "1.0"),
    ]
    tea, cup, milk, jug = debs.keep_to(pins, {"apt.tea"}, changes)
    assert (tea.action, jug.action) == (Action.CREATE, Action.KEEP)
    assert (cup.action, milk.action) == (Action.BLOCKED, Action.BLOCKED)
    assert cup.reason.startswith("the base had cup 2.0 when the lock was made; go back to the runtime")
    assert milk.reason == "the lock does not have milk: lock again"


def test_what_is_there_in_another_version_is_missing() -> None:
    pins = debs.Pins.model_validate({"packages": [package("tea"), package("cup"), package("jug")]})
    text = "".join(
        f"Package: {name}\nStatus: install ok installed\nArchitecture: all\nVersion: {version}\n\n"
        for name, version in (("tea", "1.0"), ("cup", "0.9"))
    )
    machine = FakeMachine()
    machine.put("/var/lib/dpkg/status", text)
    dpkg = status.observe(machine)
    assert isinstance(dpkg, Dpkg)
    assert [each.word for each in pins.missing(dpkg)] == ["cup=1.0", "jug=1.0"]


# Datasets


def dataset(**other: object) -> Dataset:
    given = {"url": "https://example.org/latest.csv", "to": "/data/x.csv", **other}
    return TypeAdapter(Dataset).validate_python(given, context={"folder": "/work", "home": "/root"})


PIN = PinnedDataset(
    url="https://example.org/v1.csv", via="https://example.org/latest.csv", size=9, sha256=SHA
)


def test_a_locked_dataset_is_taken_from_where_it_was() -> None:
    found = dataset_pins.hold({"x": dataset(mirrors=["https://mirror.org/x.csv"])}, {"x": PIN})["x"]
    assert found.urls == (PIN.url, "https://example.org/latest.csv", "https://mirror.org/x.csv")
    assert (found.sha256, found.size, found.to) == (SHA, 9, "/data/x.csv")


@pytest.mark.parametrize(
    ("now", "upgrade", "kept"),
    [
        (dataset(), frozenset[str](), True),
        (dataset(), frozenset({"x"}), False),
        (dataset(), None, False),
        (dataset(url="https://example.org/other.csv"), frozenset[str](), False),
        (dataset(sha256="00" * 32), frozenset[str](), False),
        (dataset(sha256=SHA), frozenset({"y"}), True),
    ],
)
def test_a_dataset_is_kept_while_the_same_is_asked_for(
    now: Dataset, upgrade: frozenset[str] | None, kept: bool
) -> None:
    found = dataset_pins.prefer({"x": now}, {"x": PIN}, upgrade)["x"]
    assert (found.urls[0] == PIN.url) == kept
    assert (found.sha256 == SHA) == (kept or now.sha256 == SHA)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "..", "a\nb"])
def test_a_path_leads_nowhere_else(path: str) -> None:
    with pytest.raises(ValidationError, match="must be below the folder"):
        PinnedDataset(path=path, sha256=SHA)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a = 1\n<<<<<<< mine\nb = 2\n", "line 2 is what a merge left"),
        (".".join("a" * 100_000) + " = 1\n", "it is larger than a lock can be"),
        ("[[package]]\nname = 'rose'\n", "is no lock of colabenv's"),
    ],
)
def test_a_file_that_is_no_lock_is_told_at_once(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "colabenv.lock").write_text(text)
    with pytest.raises(LockError, match=re.escape(told)) as caught:
        document.load(str(tmp_path / "colabenv.lock"))
    assert "delete it" in caught.value.hint


def test_a_pipe_is_no_lock(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "colabenv.lock")
    with pytest.raises(LockError, match="it is no file"):
        document.load(str(tmp_path / "colabenv.lock"))


def test_each_name_stands_once() -> None:
    twice = copy.deepcopy(TARGET)
    twice["pip"]["packages"].append(twice["pip"]["packages"][0])
    with pytest.raises(ValidationError, match="names rose twice"):
        TypeAdapter(Pins).validate_python(twice["pip"])
    with pytest.raises(ValidationError, match="two targets of the name here"):
        Lock.model_validate({"targets": [TARGET, TARGET]})


def test_a_dataset_that_the_lock_lacks_is_not_taken_from_anywhere() -> None:
    wanted = {"seeds": Dataset(url="https://example.org/seeds.csv", to="/work/seeds.csv")}
    with pytest.raises(LockError, match=r"the lock does not have datasets\.seeds"):
        dataset_pins.hold(wanted, {})


def test_what_was_downloaded_from_elsewhere_is_not_what_the_spec_names() -> None:
    """Its address was changed after it was downloaded: then it is looked at anew."""
    came: list[str] = []

    def download(name: str, urls: tuple[str, ...]) -> Download:
        came.extend(urls)
        return Download(urls[0], SHA, 3)

    wanted = Dataset(url="https://example.org/b.txt", to="/work/x")
    old = Receipt(url="https://example.org/a.txt", sha256="0" * 64, size=9)
    pin = dataset_pins.pin_one("x", wanted, old, FakeMachine(), Ground(None, download))
    assert (pin.url, pin.sha256, came) == (wanted.url, SHA, [wanted.url])


def reviewed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What a person sees of two states of a target."""
    return list(describe(Target.model_validate(before), Target.model_validate(after), ("beware",)))[1:]


def test_a_review_shows_versions_and_other_files_under_the_same_one() -> None:
    after = copy.deepcopy(TARGET)
    after["pip"]["packages"][0]["wheels"][0]["hashes"]["sha256"] = "cd" * 32
    after["apt"]["packages"][0]["version"] = "1:1.1-1"
    after["pip"]["packages"].append(wheel_pin("new-thing"))
    assert reviewed(TARGET, after) == [
        "  ~ apt.tea        1:1.0-2 -> 1:1.1-1",
        "  + pip.new-thing  1.0",
        "  ~ pip.rose       1.0, and other files than before",
        *reviewed(TARGET, TARGET),
    ]
    assert reviewed(TARGET, TARGET)[-1] == "  ! beware"


IMAGES = "colab-2026.07-cpu,colab-2026.08-gpu"


def test_targets_are_made_kept_checked_and_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a virtual environment in the spec too, which says nothing of the image that it is made on."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    Path("course.yaml").write_text("version: 1\npip: {venv: .venv}\naccelerator: T4\n")

    def colabenv(*words: str) -> tuple[int, str]:
        code = cli.main([words[0], "course.yaml", *words[1:]])
        return code, "".join(capsys.readouterr())

    code, told = colabenv("lock", "--for", IMAGES)
    assert code == 0
    assert "colab-2026.07-cpu: nothing on top of what the base brings" in told
    assert "! accelerator" in told
    lock = document.load("course.lock")
    assert lock
    assert [target.machine.runtime for target in lock.targets] == IMAGES.split(",")
    made = Path("course.lock").read_bytes()
    assert "(as it was)" in colabenv("lock")[1]
    assert Path("course.lock").read_bytes() == made
    assert colabenv("lock", "--check", "--for", "2026.08-gpu")[0] == 0
    code, told = colabenv("lock", "--check", "--for", "tpu")
    assert code == 1
    assert "Make it: colabenv lock course.yaml --for colab-2026.08-tpu" in told
    code, told = colabenv("plan", "--locked")
    assert code == 1
    assert "colabenv lock course.yaml --for here" in told
    assert colabenv("lock", "--drop", "2026.07-cpu") == (0, "Wrote course.lock, without colab-2026.07-cpu.\n")
    assert colabenv("lock", "--drop", "2026.07-cpu")[0] == 1
    assert colabenv("plan", "--against", "gpu", "--locked")[1].startswith("Against colab-2026.08-gpu")
