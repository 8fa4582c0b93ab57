"""What is protected, what may change, and what a warning says."""

from __future__ import annotations

import pytest

from provisioner.facts.distributions import Installed
from provisioner.kinds.pip import protected
from provisioner.kinds.pip.closure import Walker
from provisioner.machine.reader import Interpreter
from tests.fakes import FakeMachine


def image(*lines: str) -> Walker:
    """An interpreter with `name version need need ...` on each line."""
    machine = FakeMachine(python=Interpreter("/v/bin/python", "3.11.2", ("/v",)))
    for line in lines:
        name, version, *needs = line.split()
        text = "".join(f"Requires-Dist: {need}\n" for need in needs)
        machine.put(f"/v/{name}-{version}.dist-info/METADATA", text)
    return Walker(Installed(machine), {})


COLAB = image(
    "google_colab 1.0.0 pandas==2.2.2 ipykernel==6.17.1 httplib2>=0.9",
    "ipykernel 6.17.1",
    "ipython 7.34.0",
    "jupyter_client 7.4.9",
    "pandas 2.2.2 numpy>=1.26",
    "httplib2 0.20",
    "numpy 2.0.2",
    "torch 2.11.0+cu130 nvidia_cublas==13.0 typing_extensions>=4 sympy<2",
    "torchvision 0.26.0+cu130",
    "nvidia_cublas 13.0",
    "jax 0.7.2",
    "jaxlib 0.7.2",
    "tensorflow 2.20.0 protobuf<6 numpy>=1.26 gone>=1",
    "tensorflow_text 2.20.0",
    "protobuf 5.29",
    "sympy 2.1",
    "typing_extensions 4.12",
    "odd_one none",
)
KERNEL = {"google-colab", "ipykernel", "ipython", "jupyter-client", "pandas"}
STACK = {"numpy", "torch", "torchvision", "nvidia-cublas", "jax", "jaxlib", "tensorflow", "tensorflow-text"}


@pytest.mark.parametrize(
    ("policy", "named", "expected"),
    [
        ("guard", set(), KERNEL | STACK),
        ("guard", {"numpy"}, KERNEL | STACK - {"numpy"}),
        ("guard", {"torch"}, KERNEL | STACK - {"torch", "torchvision", "nvidia-cublas"}),
        ("guard", {"torchvision"}, KERNEL | STACK - {"torch", "torchvision", "nvidia-cublas"}),
        ("guard", {"jax"}, KERNEL | STACK - {"jax", "jaxlib", "nvidia-cublas"}),
        ("guard", {"tensorflow"}, KERNEL | STACK - {"tensorflow", "tensorflow-text", "nvidia-cublas"}),
        ("guard", {"tensorflow-serving-api"}, KERNEL | STACK),
        ("guard", {"tensorflow-text"}, KERNEL | STACK),
        ("guard", {"jaxtyping"}, KERNEL | STACK),
        ("guard", {"nvidia-cublas"}, KERNEL | STACK - {"nvidia-cublas"}),
        ("guard", {"pandas", "ipython"}, KERNEL | STACK - set() - {"pandas", "ipython"}),
        ("keep", {"sympy"}, KERNEL | STACK | {"httplib2", "protobuf", "typing-extensions"}),
        ("free", set(), set()),
    ],
)
def test_what_is_protected(policy: protected.Policy, named: set[str], expected: set[str]) -> None:
    assert protected.find_protected(policy, COLAB, frozenset(named)).keys() == expected - named


def test_nothing_is_protected_in_a_fresh_environment() -> None:
    assert protected.find_protected("guard", image(), frozenset()) == {}


def test_what_is_protected_keeps_what_it_needs() -> None:
    kept = protected.find_protected("guard", COLAB, frozenset({"typing-extensions"}))
    lines = protected.constraints(COLAB, kept, frozenset({"typing-extensions"}))
    assert "torch==2.11.0+cu130" in lines
    assert "protobuf<6" in lines
    assert "httplib2>=0.9" in lines
    beside = [line for line in lines if line.partition("==")[0] not in kept]
    assert sorted(beside) == ["httplib2>=0.9", "protobuf<6"], "not sympy, broken before; not gone, not there"


def test_torch_does_not_move_alone() -> None:
    assert protected.companions(COLAB, ["torch"]) == ["torch", "torchvision"]
    assert protected.companions(COLAB, ["torchaudio"]) == ["torch", "torchvision"]
    assert protected.companions(COLAB, ["numpy"]) == []


def test_conflicts_that_would_be_new_are_warned_of() -> None:
    told = list(
        protected.conflicts(COLAB, {"protobuf": "6.0", "sympy": "3.0", "numpy": "2.3", "pandas": None})
    )
    assert told == [
        "google-colab 1.0.0 needs pandas, which will be removed",
        "tensorflow 2.20.0 needs protobuf<6, which will be 6.0",
    ]
