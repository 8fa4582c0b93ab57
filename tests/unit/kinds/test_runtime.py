"""What a runtime asks of Colab, and what of an image it is concerned with."""

from __future__ import annotations

import pytest

from provisioner.kinds.runtime import KIND, USUAL_MEMORY, Runtime
from provisioner.model.notebook import NotebookRequest
from tests.fakes import FakeMachine


@pytest.mark.parametrize(
    ("memory", "large"), [(None, False), (USUAL_MEMORY, False), (USUAL_MEMORY + 1, True), (12 << 30, False)]
)
def test_a_large_machine_is_asked_for_where_the_usual_one_has_too_little(
    memory: int | None, large: bool
) -> None:
    assert KIND.request(Runtime(memory=memory)) == NotebookRequest(large=large)


def test_it_is_concerned_with_what_it_asserts() -> None:
    assert KIND.concerns(Runtime(), FakeMachine()).concerns == ()
    python, system = KIND.concerns(Runtime(python=">=3.12", os=("debian",)), FakeMachine()).concerns
    assert (python.address, python.wish, system.address) == ("runtime.python", "python >=3.12", "runtime.os")
    assert python.fits("3.12.1")
    assert not python.fits("3.11.9")
