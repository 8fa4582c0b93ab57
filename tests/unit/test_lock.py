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
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from provisioner import cli
from provisioner.kinds.shared.pylock import PipPins
from provisioner.lock import document, toml, use
from provisioner.lock.diff import describe_target
from provisioner.lock.document import Lock, Target, Where
from provisioner.lock.resolve import LockedTarget
from provisioner.model.errors import LockError

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


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all examples of a property."""
    return tmp_path_factory.mktemp("lock")


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_no_text_is_more_than_an_error(folder: Path, text: str | bytes) -> None:
    path = folder / "colabenv.lock"
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


@given(st.sampled_from(PLACES), values | tables)
def test_any_value_anywhere_is_taken_or_an_error(
    folder: Path, place: tuple[str | int, ...], value: object
) -> None:
    text = toml.text(changed(place, value), 4)
    try:
        found = read(folder, text)
    except LockError as refused:
        told = refused
    else:
        assert found
        assert read(folder, document.text(found)) == found
        return
    assert told.message.isprintable()
    assert told.hint


WHEEL = ("targets", 0, "pip", "packages", 0)


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("format",), "provisioner.lock/9", "has the format provisioner.lock/9"),
        (("targets", 0, "drive"), {"x": 1}, "targets.0: contains drive, which cannot be locked"),
        (("targets", 0, "gardens"), {"x": 1}, "targets.0: contains gardens, which cannot be locked"),
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
        ((*WHEEL, "wheels"), [], "pip.packages.0: has no file, commit or folder to install from"),
        ((*WHEEL, "wheels", 0, "url"), "ext::sh -c x", "wheels.0.url: is not a URL"),
        (
            (*WHEEL, "wheels", 0, "url"),
            "https://example.org/${HF_TOKEN}/x.whl",
            "wheels.0.url: contains $; write %24",
        ),
        (
            (*WHEEL, "version"),
            "2.0",
            "pip.packages.0: does not match its wheel: https://example.org/rose-1.0",
        ),
        (
            ("targets", 0, "pip", "packages", 1, "vcs", "url"),
            "https://example.org/tool@main#",
            "pip.packages.1.vcs.url: is not the URL of a repository",
        ),
        (("targets", 0, "machine", "os"), "\x1b[31mred", "machine.os: contains unprintable characters"),
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
            "seeds.url: starts with ftp://; write an http or https URL",
        ),
        (
            ("targets", 0, "datasets", "seeds"),
            {"path": "a/../../b", "sha256": SHA},
            "datasets.seeds.path: must be below the folder of the lock",
        ),
        (("targets", 0, "datasets", "seeds"), {"sha256": SHA}, "needs either a url or a path"),
        (("targets", 0, "\x1b[31m"), {"x": 1}, "contains  [31m, which cannot be locked"),
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
        assert "  Restore it from version control, or delete it and make a new one: colabenv lock\n" in told


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
            "the lock is for nothing, but this is here",
            HERE,
        ),
        (
            {"gpu": {"accelerator": "gpu"}, "arm": {"architecture": "aarch64"}},
            "the lock is for gpu, arm, but this is here",
            HERE,
        ),
        (
            {"old": {"python": "3.10.1"}, "new": {"python": "3.12.1"}},
            "the lock is for Python 3.10 (old), Python 3.12 (new), but this is Python 3.11.2 (here)",
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


def wheel_pin(name: str, version: str = "1.0") -> dict[str, Any]:
    file = {
        "url": f"https://example.org/{name.replace('-', '_')}-{version}-py3-none-any.whl",
        "size": 10,
        "hashes": {"sha256": SHA},
    }
    return {"name": name, "version": version, "wheels": [file]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a = 1\n<<<<<<< mine\nb = 2\n", "line 2 is a merge conflict marker"),
        (".".join("a" * 100_000) + " = 1\n", "it is too large for a lock"),
        ("[[package]]\nname = 'rose'\n", "is not a lock of colabenv"),
    ],
)
def test_a_file_that_is_no_lock_is_told_at_once(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "colabenv.lock").write_text(text)
    with pytest.raises(LockError, match=re.escape(told)) as caught:
        document.load(str(tmp_path / "colabenv.lock"))
    assert "delete it" in caught.value.hint


def test_a_pipe_is_no_lock(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "colabenv.lock")
    with pytest.raises(LockError, match="it is not a file"):
        document.load(str(tmp_path / "colabenv.lock"))


def test_each_name_stands_once() -> None:
    twice = copy.deepcopy(TARGET)
    twice["pip"]["packages"].append(twice["pip"]["packages"][0])
    with pytest.raises(ValidationError, match="names rose twice"):
        TypeAdapter(PipPins).validate_python(twice["pip"])
    with pytest.raises(ValidationError, match="two targets named here"):
        Lock.model_validate({"targets": [TARGET, TARGET]})


def reviewed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What a person sees of two states of a target."""
    made = LockedTarget(Target.model_validate(after), ("beware",))
    return list(describe_target(Target.model_validate(before), made))[1:]


def test_a_review_shows_versions_and_other_files_under_the_same_one() -> None:
    after = copy.deepcopy(TARGET)
    after["pip"]["packages"][0]["wheels"][0]["hashes"]["sha256"] = "cd" * 32
    after["apt"]["packages"][0]["version"] = "1:1.1-1"
    after["pip"]["packages"].append(wheel_pin("new-thing"))
    assert reviewed(TARGET, after) == [
        "  ~ apt.tea        1:1.0-2 -> 1:1.1-1",
        "  + pip.new-thing  1.0",
        "  ~ pip.rose       1.0, with other files than before",
        *reviewed(TARGET, TARGET),
    ]
    assert reviewed(TARGET, TARGET)[-1] == "  ! beware"


IMAGES = "colab-2026.07-tpu,colab-2026.08-gpu"
"""Two that no machine without an accelerator can use, whatever its Python."""


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
    assert "colab-2026.07-tpu: nothing on top of the base" in told
    assert "! accelerator" in told
    lock = document.load("course.lock")
    assert lock
    assert [target.machine.runtime for target in lock.targets] == IMAGES.split(",")
    made = Path("course.lock").read_bytes()
    assert "(unchanged)" in colabenv("lock")[1]
    assert Path("course.lock").read_bytes() == made
    assert colabenv("lock", "--check", "--for", "2026.08-gpu")[0] == 0
    code, told = colabenv("lock", "--check", "--for", "cpu")
    assert code == 1
    assert "Make it: colabenv lock course.yaml --for colab-2026.08-cpu" in told
    code, told = colabenv("plan", "--locked")
    assert code == 1
    assert "colabenv lock course.yaml --for here" in told
    assert colabenv("lock", "--drop", "2026.07-tpu") == (0, "Wrote course.lock, without colab-2026.07-tpu.\n")
    assert colabenv("lock", "--drop", "2026.07-tpu")[0] == 1
    assert colabenv("plan", "--against", "gpu", "--locked")[1].startswith("Against colab-2026.08-gpu")
