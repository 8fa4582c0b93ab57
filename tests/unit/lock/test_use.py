"""What is said of a lock that no longer fits: what may have changed."""

from __future__ import annotations

import pytest

import provisioner
from provisioner.lock import use
from tests.fakes import FakeMachine


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pip: {packages: [six]}", "spec was edited since it was locked for a, b"),
        (
            "pip: {requirements: [r.txt, 'https://host/x.txt?token=sesame', made.txt]}\n"
            "files: [{path: made.txt, content: six}]",
            "spec, r.txt or https://host/x.txt was changed since it was locked for a, b",
        ),
    ],
)
def test_what_was_changed_is_named(text: str, message: str) -> None:
    machine = FakeMachine()
    machine.put("/work/r.txt", "six\n")
    machine.urls["https://host/x.txt?token=sesame"] = b"six\n"
    spec = provisioner.parse(f"version: 1\n{text}\n", folder="/work")
    error = use.edited(spec, ("a", "b"), machine)
    assert (error.message, error.hint) == (message, "Lock it again: colabenv lock spec")
