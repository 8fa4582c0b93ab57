"""The distributions that a notebook's frameworks are made of, and which of them are built for each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from provisioner.runtimes.difference import Concern

KERNEL = ("google-colab", "ipykernel", "ipython", "jupyter-*", "prompt-toolkit", "pyzmq", "tornado")


STACK = ("numpy", "torch*", "tensorflow*", "jax*", "nvidia-*")


FAMILIES = (
    (("torch", "torchvision", "torchaudio"), ("torch", "torchvision", "torchaudio", "triton", "nvidia-*")),
    (("tensorflow", "tensorflow-cpu", "tf-nightly"), ("tensorflow*", "tf-nightly", "nvidia-*")),
    (("jax", "jaxlib"), ("jax*", "nvidia-*")),
)
"""The frameworks, and what is built for each: naming a framework lets all of it change. What only has its
name in front (tensorflow-serving-api) uses it, and does not."""


TORCH = ("torch", "torchvision", "torchaudio")
"""Compiled against each other: one of them alone fails with `operator torchvision::nms does not exist`."""


def matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def families_of(names: frozenset[str]) -> Iterator[tuple[str, ...]]:
    """The families, as patterns of names, whose frameworks are among the names."""
    return (family for frameworks, family in FAMILIES if not names.isdisjoint(frameworks))


def concerns_of_families(names: frozenset[str]) -> Iterator[Concern]:
    """What of an image was built with the distributions or frameworks of these names."""
    for _, family in FAMILIES:
        if any(matches(name, {*family} - {"nvidia-*", "triton"}) for name in names):
            yield from (Concern(f"pip.{pattern}") for pattern in family)
