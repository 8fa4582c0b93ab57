"""What cannot be installed is blocked with a reason, and is never taken for something else."""

from __future__ import annotations

import pytest

from provisioner.model.errors import ObserveError
from tests import index as making
from tests.scene import format_change
from tests.unit.kinds.pip.conftest import Workplace, reasons


def test_an_unknown_package(place: Workplace) -> None:
    place.index.add("known", "1.0")
    step = place.step({"packages": ["known", "unknown-thing"]})
    assert [format_change(change) for change in step.changes][1:] == [
        "! pip.unknown-thing  (absent) -> unknown-thing"
    ]
    assert "was not found" in reasons(step)
    assert "Check the spelling" in reasons(step)


def test_an_impossible_version(chain: Workplace) -> None:
    step = chain.step({"packages": ["top>=9"]})
    assert [format_change(change) for change in step.changes][1:] == ["! pip.top  1.0 -> top>=9"]
    assert "has been published" in reasons(step)


def test_no_build_for_this_python(place: Workplace) -> None:
    data = making.wheel("tool", "1.0")
    place.index.publish("tool", "tool-1.0-cp37-cp37m-manylinux1_x86_64.whl", data)
    step = place.step({"packages": ["tool"]})
    assert step.blocked
    assert "choose an earlier runtime" in reasons(step)


def test_no_network_is_not_no_package(place: Workplace) -> None:
    with pytest.raises(ObserveError, match="cannot reach") as caught:
        place.step({"packages": ["tool"], "index_url": "http://127.0.0.1:9/simple"})
    assert "network" in caught.value.hint


def test_no_network_is_needed_when_all_is_there(chain: Workplace) -> None:
    assert chain.plan({"packages": ["top"], "index_url": "http://127.0.0.1:9/simple"}) == []


def test_the_surroundings_do_not_count(place: Workplace) -> None:
    place.index.add("tool", "1.0")
    place.environ |= {
        "UV_CONSTRAINT": "/nowhere/constraints.txt",
        "UV_INDEX_URL": "http://127.0.0.1:9/simple",
        "UV_SYSTEM_PYTHON": "true",
        "UV_OFFLINE": "1",
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "VIRTUAL_ENV": "/nowhere",
        "PYTHONPATH": "/nowhere",
    }
    (place.folder / "uv.toml").write_text("[pip]\nno-index = true\n")
    place.apply({"packages": ["tool"]})
