"""Looking ahead: pip is planned on requirements that other entries are still to bring."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from provisioner.engine.foresight import ForeseeingReader
from provisioner.kinds.base import Pinning
from provisioner.kinds.shared.pylock import Archive, Hashes, Pinned, PipPins
from provisioner.lock.resolve import digest
from provisioner.machine.reader import Completed, Reader
from provisioner.model.effects import Run
from provisioner.model.errors import ObserveError, Unforeseen
from provisioner.model.plan import Action, Plan
from provisioner.spec.spec import Spec
from tests.chains import Stopping, apply, bundle, changes, machine, parse, plan
from tests.fakes import FakeMachine

TAR = bundle(
    requirements_txt="six\n-r sub/more.txt\n", sub__more_txt="idna\n", odd_txt="./lib\n", pyproject_toml=""
)
PROJ = "datasets: {proj: {url: proj.tar, unpack: true, to: proj}}\n"


def uv(machine: FakeMachine, run: Run) -> Completed:
    """As `uv pip install --dry-run`: all that files list would be installed, as far as they can be read."""
    words = run.argv
    limits = [words[at + 1] for at, word in enumerate(words) if word == "--constraints"]
    named = [words[at + 1] for at, word in enumerate(words) if word == "--requirements"]
    packages = words[words.index("--") + 1 :]
    try:
        names = [*packages, *(name for path in named for name in listed(machine, path))]
        assert all(list(listed(machine, path)) for path in limits if path != "-")
    except FileNotFoundError as error:
        return Completed(2, "", f"error: File not found: `{error}`")
    if "--dry-run" not in words:
        for name in names:
            machine.put(
                f"/usr/lib/python3/dist-packages/{name}-1.0.dist-info/METADATA",
                f"Name: {name}\nVersion: 1.0\n",
            )
            machine.put(f"/usr/lib/python3/dist-packages/{name}-1.0.dist-info/RECORD", f"{name}.py,,\n")
            machine.put(f"/usr/lib/python3/dist-packages/{name}.py")
    return Completed(0, "", "".join(f" + {name}==1.0\n" for name in names))


def listed(machine: FakeMachine, path: str) -> Iterator[str]:
    data = FakeMachine.read(machine, path)
    if data is None:
        raise FileNotFoundError(path)
    for line in data.decode().splitlines():
        if line.startswith("-r "):
            yield from listed(machine, posixpath.join(posixpath.dirname(path), line.removeprefix("-r ")))
        else:
            yield line


def here(**files: str | bytes) -> Stopping:
    made = machine({"proj.tar": TAR, **files})
    made.programs["uv"] = uv
    return made


def of_pip(made: Plan) -> list[str]:
    return [change for change in changes(made) if " pip" in change]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (PROJ + "pip: {requirements: [proj/requirements.txt]}", ["six", "idna"]),
        ("files: [{path: r.txt, content: six}]\npip: {requirements: [r.txt]}", ["six"]),
        ("files: [{path: r.txt, content: -r mine.txt}]\npip: {requirements: [r.txt]}", ["mine"]),
        (
            PROJ + "files: [{path: r.txt, source: proj/sub/more.txt}]\npip: {requirements: [r.txt]}",
            ["idna"],
        ),
        (
            PROJ + "files: [{path: proj/requirements.txt, content: mine}]\n"
            "pip: {requirements: [proj/requirements.txt]}",
            ["mine"],
        ),
        (PROJ + "pip: {packages: [six], constraints: [proj/requirements.txt]}", ["six"]),
    ],
)
def test_what_will_be_there_is_planned_at_once(wanted: str, expected: list[str]) -> None:
    spec, found = parse(wanted), here(**{"mine.txt": "mine"})
    assert of_pip(plan(spec, found)) == [f"+ pip.{name}  (absent) -> 1.0" for name in expected]
    (step,) = (step for step in plan(spec, found).steps if step.entry == "pip")
    assert step.replan
    assert not [path for path in found.entries if path.startswith("/work/proj/")]


def test_it_is_planned_again_when_it_is_there() -> None:
    spec, found = parse(PROJ + "pip: {requirements: [proj/requirements.txt]}"), here()
    applied = apply(spec, found)
    assert applied.on_the_way == {}, "it came as it was foreseen"
    assert set(applied.statuses.values()) == {"done"}
    assert {change[0] for change in changes(plan(spec, found))} == {"="}
    words = next(effect.argv for effect in reversed(found.performed) if isinstance(effect, Run))
    assert "/work/proj/requirements.txt" in words


@pytest.mark.parametrize(
    "wanted",
    [
        PROJ + "pip: {editable: [proj]}",
        PROJ + "pip: {requirements: [proj/odd.txt]}",
        PROJ + "pip: {requirements: [proj/none.txt]}",
        PROJ + "pip: {requirements: [proj/requirements.txt], find_links: [proj/wheels]}",
        PROJ + "files: [{path: proj/requirements.txt, edit: [{line: one}]}]\n"
        "pip: {requirements: [proj/requirements.txt]}",
        PROJ + "run: [{name: make, command: [make, proj/requirements.txt], creates: proj/requirements.txt}]\n"
        "pip: {requirements: [proj/requirements.txt], after: [run]}",
        "datasets: {proj: {url: 'https://example.org/proj.tar', unpack: true, to: proj}}\n"
        "pip: {requirements: [proj/requirements.txt]}",
        "files: [{path: r.txt, content: -e proj}]\n" + PROJ + "pip: {requirements: [r.txt, proj/odd.txt]}",
        "files: [{path: r.txt, content: 'six @ file:///work/proj/six-1.0-py3-none-any.whl'}]\n"
        + PROJ
        + "pip: {requirements: [r.txt, proj/requirements.txt]}",
    ],
)
def test_what_cannot_be_foreseen_stays_deferred(wanted: str) -> None:
    found = here()
    found.urls["https://example.org/proj.tar"] = TAR
    assert of_pip(plan(parse(wanted), found)) == ["? pip"]


def test_nothing_is_foreseen_of_what_is_blocked() -> None:
    found = here()
    found.drop("/work/proj.tar")
    made = plan(parse(PROJ + "pip: {requirements: [proj/requirements.txt]}"), found)
    assert of_pip(made) == ["! pip"]


def test_what_was_never_brought_is_told_when_that_is_certain() -> None:
    spec, found = parse(PROJ + "pip: {requirements: [proj/requirement.txt]}"), here()
    applied = apply(spec, found)
    assert applied.statuses == {"datasets.proj": "done", "pip": "blocked"}
    (blocked,) = (change for change in applied.carried.changes if change.action is Action.BLOCKED)
    assert blocked.reason == (
        "There is no requirement.txt in /work/proj, which this file brings: did you mean requirements.txt?"
    )


# Locks

PINS = PipPins(
    packages=(
        Pinned(
            name="six",
            version="1.0",
            index="https://pypi.org/simple",
            wheels=(
                Archive(
                    url="https://example.org/six-1.0-py3-none-any.whl",
                    size=7,
                    hashes=Hashes(sha256="ab" * 32),
                ),
            ),
        ),
    )
)
FAR = (
    "datasets: {proj: {url: 'https://example.org/proj.tar', unpack: true, to: proj}}\n"
    "pip: {requirements: [proj/requirements.txt, mine.txt], editable: ['proj[dev]']}"
)


def far(**files: str) -> tuple[Spec, Stopping]:
    found = here(**{"mine.txt": "six", **files})
    found.urls["https://example.org/proj.tar"] = TAR
    return replace(parse(FAR), pins={"pip": Pinning(PINS)}), found


def test_exact_pins_know_what_is_not_there_yet() -> None:
    spec, found = far()
    assert of_pip(plan(spec, found)) == ["+ pip.six  (absent) -> 1.0"]
    (step,) = (step for step in plan(spec, found).steps if step.entry == "pip")
    assert step.replan
    loose = replace(spec, pins={"pip": Pinning(PINS, exact=False)})
    assert of_pip(plan(loose, found)) == ["? pip"]


def test_a_lock_fits_with_and_without_what_others_make() -> None:
    spec, found = far()
    found.made = spec.order.made
    before = digest(spec, found)
    found.put("/work/proj/requirements.txt", "six")
    found.put("/work/proj/pyproject.toml", "[project]\nname = 'my-proj'\n")
    assert digest(spec, found) == before
    found.put("/work/mine.txt", "six>=1")
    assert digest(spec, found) != before


def test_a_lock_depends_on_what_a_server_has_unless_its_sha256_is_said() -> None:
    url = "https://example.org/requirements.txt"
    found = here()
    for wanted, depends in ((f"'{url}'", True), (f"{{url: '{url}', sha256: {'ab' * 32}}}", False)):
        spec = parse(f"pip: {{requirements: [{wanted}]}}")
        found.urls[url] = b"six"
        before = digest(spec, found) if depends else ""
        found.urls[url] = b"idna"
        if depends:
            assert digest(spec, found) != before
        else:
            found.put(found.context.kept("ab" * 32, "requirements.txt"), "six")
            with pytest.raises(ObserveError, match="the sha256 is"):
                digest(spec, found)


def test_a_lock_fits_while_drive_is_not_mounted() -> None:
    spec = parse("drive: {mount: /drive}\npip: {requirements: [/drive/MyDrive/requirements.txt]}")
    found = here()
    found.made = spec.order.made
    before = digest(spec, found)
    found.put("/drive/MyDrive/requirements.txt", "six")
    assert digest(spec, found) == before


# The Reader


def test_a_maker_is_never_asked_about_itself() -> None:
    def tell(reader: Reader, path: str) -> bytes | None:
        return reader.read(path) if path.endswith("known") else None

    def fail(reader: Reader, path: str) -> bytes | None:
        raise ObserveError("no network")

    inner = FakeMachine()
    inner.put("/work/a/known", "text")
    reader = ForeseeingReader(inner, {"/work/a": tell, "/work/a/b": fail})
    assert reader.read("/work/a/known") == b"text"
    assert reader.read("/work/other") is None
    assert reader.hash("/work/a/known") == inner.hash("/work/a/known")
    assert reader.hash("/work/other") is None
    found = reader.stat("/work/a/known")
    assert found
    assert (found.type, found.size) == ("file", 4)
    assert reader.stat("/work") == inner.stat("/work")
    assert reader.list("/work") == ("a",)
    assert reader.context.is_foreseen("/work/a/b/c")
    assert not reader.context.is_foreseen("/work/ab")
    for path, message in (("/work/a/x", "is not known"), ("/work/a/b/x", "no network")):
        with pytest.raises(Unforeseen, match=re.escape(message)):
            reader.read(path)
    with pytest.raises(Unforeseen):
        reader.list("/work/a")
