"""The distributions that a notebook's frameworks are made of, and which of them are built for each other."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

KERNEL = ("google-colab", "ipykernel", "ipython", "jupyter-*", "prompt-toolkit", "pyzmq", "tornado")


STACK = ("numpy", "torch*", "tensorflow*", "jax*", "nvidia-*")


FAMILIES = (
    ("torch", "torchvision", "torchaudio", "triton", "nvidia-*"),
    ("tensorflow*", "nvidia-*"),
    ("jax*", "nvidia-*"),
)
"""Built for each other: naming the first of a family lets all of it move."""


TORCH = ("torch", "torchvision", "torchaudio")
"""Compiled against each other: one of them alone fails with `operator torchvision::nms does not exist`."""


def matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def named_in(family: tuple[str, ...], named: frozenset[str]) -> bool:
    shared = ("nvidia-*", "triton")
    return any(matches(name, set(family) - set(shared)) for name in named)
