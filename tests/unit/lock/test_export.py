"""A lock in the words of others, and which of its targets is meant."""

from __future__ import annotations

import json
import posixpath
import re
import signal
import sys
import tomllib
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st
from packaging.pylock import Pylock, is_valid_pylock_path

from provisioner import cli
from provisioner.engine.connect import connect, look
from provisioner.facts.base_image import image_of
from provisioner.kinds import registry
from provisioner.lock import base, document, resolve
from provisioner.lock.document import Lock
from provisioner.lock.export import cyclonedx, forms, pylock
from provisioner.spec.spec import load
from tests import documents, golden

SPEC = """\
version: 1
name: orchard
apt: {packages: [ffmpeg, tree]}
jdk: 21
pip: {packages: [numpy, torch]}
git: {repos: {spade: {url: "https://github.com/Garden/Spade", rev: v1}}}
datasets:
  flowers: {url: "https://example.org/flowers.zip", to: data/flowers}
"""

HASH = "0123456789abcdef" * 4

TARGET = """
name = "{name}"
spec = "{digest}"

[machine]
runtime = "colab-2026.07-gpu"
os = "Ubuntu 22.04.5 LTS"
python = "3.12.13"
glibc = "2.35"
architecture = "x86_64"
accelerator = "gpu"
driver = "580.82.07"
cuda = "13.0"

[base]
fingerprint = "sha256:{hash}"
distributions = 720
packages = 1480

[pip]
base = [
    {{name = "numpy", version = "2.0.2", limits = "<3,>=1.26", named = true}},
    {{name = "torch", version = "2.11.0+cu128", named = true}},
]
[[pip.packages]]
name = "pear"
directory = {{path = "pear", editable = true}}
[[pip.packages]]
name = "apple"
version = "1.0"
index = "https://pypi.org/simple"
wheels = [
    {{url = "https://example.org/apple-1.0-cp312-cp312-linux_x86_64.whl", size = 12, hashes = {hashed}}},
    {{url = "https://example.org/apple-1.0-py3-none-any.whl", size = 10, hashes = {hashed_too}}},
]
[[pip.packages]]
name = "damson"
version = "3.0"
index = "https://fruit.example.org/simple"
sdist = {{url = "https://fruit.example.org/damson-3.0.tar.gz", size = 30, hashes = {hashed}}}
[[pip.packages]]
name = "medlar"
version = "5.0"
[pip.packages.vcs]
type = "git"
url = "https://example.org/medlar.git"
requested-revision = "main"
commit-id = "{commit}"
subdirectory = "python"
[[pip.packages]]
name = "plum"
version = "6.0"
archive = {{path = "fruit/plum-6.0-py3-none-any.whl", hashes = {hashed}}}
[[pip.packages]]
name = "quince"
version = "4.0"
archive = {{url = "https://example.org/quince-4.0-py3-none-any.whl", hashes = {hashed}}}

[apt]
base = [{{name = "ffmpeg", version = "7:4.4.2-0ubuntu0.22.04.1"}}]
unlocked = ["tree"]
[[apt.packages]]
name = "openjdk-21-jdk"
version = "21.0.7+6~us1-0ubuntu1~22.04"
source = "http://archive.ubuntu.com/ubuntu/pool/main/o/openjdk-21/openjdk-21-jdk_21.0.7%2b6%7eus1-0ubuntu1%7e22.04_amd64.deb"
size = 1620000
sha256 = "{hash}"

[[jdk.packages]]
name = "openjdk-21-jdk"
version = "21.0.7+6~us1-0ubuntu1~22.04"
source = "http://archive.ubuntu.com/ubuntu/pool/main/o/openjdk-21/openjdk-21-jdk_21.0.7%2b6%7eus1-0ubuntu1%7e22.04_amd64.deb"
size = 1620000
sha256 = "{hash}"

[git.spade]
url = "https://github.com/Garden/Spade"
rev = "v1"
commit = "3333333333333333333333333333333333333333"

[datasets.flowers]
url = "https://cdn.example.org/flowers.zip"
size = 5000
sha256 = "{hash}"
[datasets.seeds]
path = "data/seeds.csv"
size = 50
sha256 = "{other}"
"""
"""Everything that a lock can hold."""

EMPTY = """
name = "{name}"
spec = "{digest}"
machine = {{os = "Debian GNU/Linux 12", python = "3.11.7", architecture = "aarch64", accelerator = "cpu"}}
base = {{fingerprint = "sha256:{hash}", distributions = 0, packages = 500}}
"""


@pytest.fixture
def orchard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A spec's folder, which is the current one, with a lock for one machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    monkeypatch.setattr(cyclonedx, "__version__", "1.2.3")
    (tmp_path / "colabenv.yaml").write_text(SPEC)
    keep(**{"colab-2026.07-gpu": TARGET})
    return tmp_path


def keep(**targets: str) -> None:
    """Write a lock with these targets for the spec that is here."""
    spec = load("colabenv.yaml")
    lock = made(resolve.digest(spec, connect(spec)), **targets)
    Path(document.path_of(spec.path)).write_text(document.text(lock))


def made(digest: str = f"sha256:{HASH}", **targets: str) -> Lock:
    """A lock with these targets."""
    told = {
        "digest": digest,
        "hash": HASH,
        "other": HASH[::-1],
        "hashed": f'{{sha256 = "{HASH}"}}',
        "hashed_too": f'{{sha256 = "{HASH[::-1]}"}}',
        "commit": "0123456789" * 4,
    }
    tables = [tomllib.loads(text.format(name=name, **told)) for name, text in targets.items()]
    return Lock.model_validate({"targets": tables})


def export(*words: str) -> int:
    return cli.main(["export", *words])


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What the command prints."""
    assert export(*words) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What the command complains of."""
    assert export(*words) == 1
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


# The documents


def test_a_pylock_holds_all_that_pip_brings_and_nothing_of_the_base(
    orchard: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = told(capsys, "pylock")
    golden.check("export/pylock.toml", text)
    Pylock.from_dict(tomllib.loads(text))


def test_a_bill_of_materials_is_what_its_schema_says(
    orchard: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = told(capsys, "sbom")
    golden.check("export/sbom.json", text)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_equal_locks_have_equal_bills_and_others_another_number(
    orchard: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, again = told(capsys, "sbom"), told(capsys, "sbom")
    keep(**{"colab-2026.07-gpu": TARGET.replace("size = 5000", "size = 5001")})
    other = told(capsys, "sbom")
    assert first == again
    assert json.loads(first)["serialNumber"] != json.loads(other)["serialNumber"]


def test_a_bill_names_everything_that_the_lock_does_and_the_spec_depends_on_it(
    orchard: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bill = json.loads(told(capsys, "sbom"))
    (target,) = tomllib.loads((orchard / "colabenv.lock").read_text())["targets"]
    of_apt = [target[kind].get(key, ()) for kind in ("apt", "jdk") for key in ("packages", "base")]
    of_pip = [target["pip"][key] for key in ("packages", "base")]
    locked = {f"apt.{each['name']}" for many in of_apt for each in many} | {"apt.tree"}
    locked |= {f"pip.{each['name']}" for many in of_pip for each in many}
    locked |= {f"{kind}.{name}" for kind in ("git", "datasets") for name in target[kind]}
    refs = [component["bom-ref"] for component in bill["components"]]
    assert sorted(refs) == sorted(locked)
    (root,) = bill["dependencies"]
    assert root["ref"] == bill["metadata"]["component"]["bom-ref"]
    assert set(root["dependsOn"]) == locked


def test_every_kind_that_can_be_locked_has_its_place_in_a_bill() -> None:
    (target,) = made(**{"colab-2026.07-gpu": TARGET}).targets
    locks = {name: lock for name in registry.NAMES if (lock := registry.get(name).lock)}
    assert target.pins.keys() == locks.keys()
    assert all([*lock.materials(target.pins[name], target.machine.os)] for name, lock in locks.items())


def test_a_bill_needs_a_library_that_is_named(
    orchard: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "cyclonedx", None)
    assert refused(capsys, "sbom") == (
        "error: a bill of materials needs cyclonedx-python-lib, which is not installed\n"
        "  Install it: pip install 'colab-provisioner[sbom]'\n"
    )


# Where a pylock is written


PATHS = st.lists(st.sampled_from(["a", "b", "c.d"]), max_size=4).map("/".join)


@given(before=PATHS, now=PATHS, below=PATHS)
def test_a_path_leads_to_the_same_place_from_wherever_a_pylock_is(before: str, now: str, below: str) -> None:
    before, now, below = f"/{before}", f"/{now}", below or "x"
    match pylock.moved({"path": below}, before, now):
        case {"path": str(moved)}:
            pass
    assert posixpath.normpath(posixpath.join(now, moved)) == posixpath.normpath(posixpath.join(before, below))


def test_a_pylock_is_written_to_a_file(orchard: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (orchard / "ci").mkdir()
    assert told(capsys, "pylock", "--out", "ci/pylock.toml") == "Wrote ci/pylock.toml.\n"
    paths = re.findall(r'path = "(.*?)"', (orchard / "ci" / "pylock.toml").read_text())
    assert paths == ["../pear", "../fruit/plum-6.0-py3-none-any.whl"]


def test_a_name_that_no_installer_knows_is_refused_and_a_better_one_told(
    orchard: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, "pylock", "--out", "pylock.colab-2026.07-gpu.toml")
    assert said.endswith("  Name it pylock.colab-2026-07-gpu.toml\n")
    better = said.split()[-1]
    assert is_valid_pylock_path(Path(better))
    assert told(capsys, "pylock", "--out", better) == f"Wrote {better}.\n"


# Which target


def test_the_only_target_is_meant(orchard: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(laptop=EMPTY)
    found = tomllib.loads(told(capsys, "pylock"))
    assert found["packages"] == []
    assert "platform_machine == 'aarch64'" in found["environments"][0]
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(told(capsys, "sbom")) is None


def test_a_target_is_named(orchard: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(laptop=EMPTY, **{"colab-2026.07-gpu": TARGET})
    found = tomllib.loads(told(capsys, "pylock", "--target", "laptop"))
    assert found["packages"] == []


def test_that_of_this_machine_is_meant_by_default(orchard: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = load("colabenv.yaml")
    reader = look(spec, connect(spec))
    here = base.name_of(base.describe(reader, image_of(reader)), reader)
    keep(**{here: EMPTY, "colab-2026.07-gpu": TARGET})
    assert tomllib.loads(told(capsys, "pylock"))["packages"] == []


REFUSALS = [
    (
        ("--target", "phone"),
        "error: the lock has no phone\n  It has: another, colab-2026.07-gpu.\n",
    ),
    (
        (),
        "error: the lock is for another, colab-2026.07-gpu, and none of them is this machine\n"
        "  Name one: --target NAME\n",
    ),
]


@pytest.mark.parametrize(("words", "said"), REFUSALS)
def test_nothing_is_guessed(
    orchard: Path, words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # No machine that runs this is either: a TPU, and a GPU with an architecture that does not exist.
    tpu = EMPTY.replace('"cpu"', '"tpu"').replace("aarch64", "moon")
    keep(another=tpu, **{"colab-2026.07-gpu": TARGET.replace("x86_64", "mars")})
    assert refused(capsys, "pylock", *words) == said


# What cannot be exported


def test_without_a_lock_there_is_nothing_to_export(orchard: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (orchard / "colabenv.lock").unlink()
    assert refused(capsys, "pylock") == (
        "error: there is no lock beside colabenv.yaml\n  Make one: colabenv lock\n"
    )


@pytest.mark.parametrize("form", forms.FORMS)
def test_a_lock_that_is_older_than_its_spec_is_not_exported(
    orchard: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (orchard / "colabenv.yaml").write_text(SPEC.replace("torch", "jax"))
    assert refused(capsys, form) == (
        "error: colabenv.yaml was edited since it was locked for colab-2026.07-gpu\n"
        "  Lock it again: colabenv lock\n"
    )


def test_a_comment_makes_no_lock_old(orchard: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (orchard / "colabenv.yaml").write_text(f"# Pears are ripe.\n{SPEC}")
    assert "[[packages]]" in told(capsys, "pylock")


# What docs/export.md shows


def test_the_document_shows_what_happens(tmp_path: Path) -> None:
    """By the real index."""
    documents.check("docs/export.md", tmp_path)


def test_there_is_something_to_run() -> None:
    assert documents.commands("docs/export.md") == {"lock", "export"}
