"""What is known of a dataset's files before they are there."""

from __future__ import annotations

import gzip
import hashlib
import tarfile

import pytest
from pydantic import TypeAdapter

from provisioner.kinds.datasets import preview
from provisioner.kinds.datasets.kind import KIND
from provisioner.machine.download import receipt
from provisioner.machine.download.receipt import Receipt
from tests.archives import Member, tar, zipped
from tests.fakes import FakeMachine

FILES = (
    Member("proj-1.0/requirements.txt", b"old\n"),
    Member("./proj-1.0/requirements.txt", b"six\n"),
    Member("proj-1.0/sub/more.txt", b"more\n"),
    Member("proj-1.0/link.txt", b"", tarfile.SYMTYPE, "requirements.txt"),
    Member("proj-1.0/huge.txt", b"x" * (preview.MEMBER + 1)),
)
URL = "https://example.org/proj.tar.gz"


def ask(machine: FakeMachine, path: str, **dataset: object) -> bytes | None:
    wanted = {"proj": {"to": "proj", **dataset}}
    context = {"folder": "/work", "home": "/root"}
    config = TypeAdapter(KIND.config).validate_python(wanted, context=context)
    return preview.preview(config, None, machine, path)


def with_file(name: str, data: bytes) -> FakeMachine:
    machine = FakeMachine()
    machine.put(f"/work/{name}", data)
    return machine


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("proj.tar", tar(*FILES)),
        ("proj.tgz", tar(*FILES, mode="w:gz")),
        ("proj.tar.xz", tar(*FILES, mode="w:xz")),
        ("proj.zip", zipped(*FILES)),
    ],
)
@pytest.mark.parametrize(
    ("path", "strip", "found"),
    [
        ("proj/requirements.txt", 1, b"six\n"),
        ("proj/sub/more.txt", 1, b"more\n"),
        ("proj/more.txt", 2, b"more\n"),
        ("proj/proj-1.0/requirements.txt", 0, b"six\n"),
        ("proj/requirements.txt", 0, None),
        ("proj/link.txt", 1, None),
        ("proj/huge.txt", 1, None),
        ("proj/sub", 1, None),
        ("proj", 1, None),
        ("other/requirements.txt", 1, None),
    ],
)
def test_a_file_of_an_archive_on_this_machine(
    name: str, data: bytes, path: str, strip: int, found: bytes | None
) -> None:
    machine = with_file(name, data)
    assert ask(machine, f"/work/{path}", url=name, unpack=True, strip=strip) == found


def test_only_the_archive_that_is_meant_counts() -> None:
    data = tar(*FILES)
    machine = with_file("proj.tar", data)
    told = {"url": "proj.tar", "unpack": True, "strip": 1}
    assert ask(machine, "/work/proj/requirements.txt", **told, sha256="0" * 64) is None
    right = hashlib.sha256(data).hexdigest()
    assert ask(machine, "/work/proj/requirements.txt", **told, sha256=right) == b"six\n"


def test_an_archive_that_waits_to_be_unpacked() -> None:
    machine = FakeMachine()
    assert ask(machine, "/work/proj/requirements.txt", url=URL, unpack=True, strip=1) is None
    data = tar(*FILES, mode="w:gz")
    waiting = "/work/.proj.provisioner-archive"
    machine.put(waiting, data)
    assert ask(machine, "/work/proj/requirements.txt", url=URL, unpack=True, strip=1) is None
    noted = Receipt(URL, hashlib.sha256(data).hexdigest(), len(data))
    entry = (".proj.provisioner-archive", len(data), 0, noted.sha256)
    machine.put(waiting + receipt.SUFFIX, receipt.dump(noted, [entry]))
    assert ask(machine, "/work/proj/requirements.txt", url=URL, unpack=True, strip=1) == b"six\n"
    other = "https://example.org/other.tar.gz"
    assert ask(machine, "/work/proj/requirements.txt", url=other, unpack=True, strip=1) is None


def test_single_files() -> None:
    machine = FakeMachine(urls={"https://example.org/requirements.txt": b"six\n"})
    url = "https://example.org/requirements.txt"
    assert ask(machine, "/work/proj", url=url) == b"six\n"
    assert ask(machine, "/work/proj/requirements.txt", url=url, to="proj/") == b"six\n"
    machine.put("/work/r.txt.gz", gzip.compress(b"six\n"))
    assert ask(machine, "/work/proj", url="r.txt.gz", unpack="gz") == b"six\n"
    machine.put("/work/r.txt.gz", gzip.compress(b"x" * (preview.MEMBER + 1)))
    assert ask(machine, "/work/proj", url="r.txt.gz", unpack="gz") is None


@pytest.mark.parametrize("form", ["zip", "tar", "gz"])
def test_what_is_no_archive_tells_nothing(form: str) -> None:
    assert ask(with_file("proj.x", b"no archive"), "/work/proj/a", url="proj.x", unpack=form) is None


def test_too_much_is_not_read_just_to_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = with_file("proj.tar", tar(*FILES))
    told = {"url": "proj.tar", "unpack": True, "strip": 1}
    monkeypatch.setattr(preview, "UNPACKED", preview.MEMBER)
    assert ask(machine, "/work/proj/requirements.txt", **told) is None
    monkeypatch.setattr(preview, "LARGEST", 1000)
    assert ask(machine, "/work/proj/sub/more.txt", **told) is None


def test_names_may_be_stored_decomposed() -> None:
    machine = with_file("proje\u0301.tar", tar(Member("donne\u0301es/r.txt", b"six\n")))
    assert ask(machine, "/work/proj/donn\u00e9es/r.txt", url="proj\u00e9.tar", unpack=True) == b"six\n"
