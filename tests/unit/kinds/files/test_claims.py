"""What entries of files make and need."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kinds.base import Entry
from provisioner.kinds.files.kind import KIND
from provisioner.model.effects import Patch
from tests import scene
from tests.fakes import FakeMachine


def claims(wanted: dict[str, object]) -> Entry:
    assert KIND.entries
    config: Any = scene.validate("files", [{"path": "a", **wanted}], FakeMachine())
    (entry,) = KIND.entries(config, "/work")
    assert (entry.address, entry.config, entry.place) == ("files.a", config, (0,))
    return entry


@pytest.mark.parametrize(
    ("wanted", "makes", "reads"),
    [
        ({"content": "x"}, ("/work/a",), ()),
        ({"link": "b"}, ("/work/a",), ()),
        ({"source": "b"}, ("/work/a",), ("/work/b",)),
        ({"copy": "b"}, ("/work/a",), ("/work/b",)),
        ({"move": "b"}, ("/work/a", "/work/b"), ("/work/b",)),
        ({"absent": True}, ("/work/a",), ("/work/a",)),
        ({"folder": True}, (), ()),
        ({"mode": "0755"}, (), ("/work/a",)),
    ],
)
def test_what_is_made(wanted: dict[str, object], makes: tuple[str, ...], reads: tuple[str, ...]) -> None:
    entry = claims(wanted)
    assert (entry.makes, entry.reads, entry.edits) == (makes, reads, ())
    assert bool(entry.about) == bool(entry.reads)


@pytest.mark.parametrize(
    "wanted",
    [
        {"edit": [{"line": "x"}]},
        {"set": {"x": 1}, "format": "json"},
        {"patch": ["x", "y"]},
    ],
)
def test_what_is_changed_is_made_by_others(wanted: dict[str, object]) -> None:
    entry = claims(wanted)
    assert (entry.makes, entry.edits, entry.uses) == ((), ("/work/a",), ())
    assert entry.reads == (("/work/x", "/work/y") if "patch" in wanted else ())
    patches = [change.patches for change in entry.changes if isinstance(change, Patch)]
    assert patches == ([entry.reads] if "patch" in wanted else [])
    assert entry.about.startswith(("whether", "what"))


def test_a_folder_and_a_link_need_less() -> None:
    assert claims({"folder": True}).uses == ("/work/a",)
    assert claims({"link": "b"}).mentions == ("/work/b",)
