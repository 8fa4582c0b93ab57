"""What frameworks are built for: which GPUs a build runs on, and how to get one that fits."""

from __future__ import annotations

import re
from collections.abc import Sequence

BOUGHT_FOR = {(8, 0): "bfloat16", (7, 0): "float16"}
"""The number type that a GPU is made for, by the capability from which it has units for it."""


def gpu_build(name: str, driver_cuda: str) -> str:
    """How to get a build for GPUs."""
    major = driver_cuda.partition(".")[0] or "12"
    if name == "TensorFlow":
        return "Let `pip: packages` name tensorflow[and-cuda], and not tensorflow-cpu."
    if name == "JAX":
        return f"Add jax[cuda{max(12, int(major))}] to `pip: packages`."
    wheel = {"11": "cu118", "12": "cu126"}.get(major, "cu130")
    return (
        f"Let `pip` take torch from `extra_index_urls: [https://download.pytorch.org/whl/{wheel}]`, "
        "where it is built for CUDA."
    )


def fitting_build(name: str, driver_cuda: str) -> str:
    """How to get a build that the driver supports."""
    if name == "TensorFlow":
        return "Name the tensorflow that the image has, or an older one; or update the driver."
    return f"{gpu_build(name, driver_cuda)} Or name the version that the image has."


def newer_build(name: str) -> str:
    """What to take when a GPU is not among those that a build was made for."""
    if name == "TensorFlow":
        return "a newer tensorflow, or NVIDIA's own build of it"
    if name == "PyTorch":
        return "a torch that was: a newer one for a new GPU, an older one for an old GPU"
    return f"a newer {name}"


def missing_libraries(name: str, driver_cuda: str) -> str:
    """How to get the CUDA libraries that a build needs."""
    if name == "PyTorch":
        bring = "Reinstall torch with the nvidia-* packages that it requires"
    else:
        bring = gpu_build(name, driver_cuda).rstrip(".")
    return f"{bring}; or write the nvidia/*/lib of site-packages into /etc/ld.so.conf.d and run ldconfig."


def runs_on(capability: str, architectures: Sequence[str]) -> str:
    """How a build can run on a GPU: "binary", "ptx" (compiled when it is loaded), or "" for not at all.

    Binary code (`sm_86`) runs on the same and later minor versions of its major, unless it is for one
    architecture only (`sm_90a`); `compute_90` is compiled for anything as new or newer. Source: CUDA C++
    Programming Guide, "Binary Compatibility" and "PTX Compatibility".
    """
    theirs = version_tuple(capability)
    found = ""
    for architecture in architectures:
        match = re.fullmatch(r"(sm|compute)_(\d+)(\d)([af]?)", architecture)
        if not match:
            continue
        kind, major, minor, suffix = match.groups()
        ours = (int(major), int(minor))
        if kind == "sm" and (ours == theirs if suffix == "a" else ours[0] == theirs[0] and ours <= theirs):
            return "binary"
        if kind == "compute" and (ours == theirs if suffix == "a" else ours <= theirs):
            found = "ptx"
    return found


def type_bought_for(capability: str) -> str:
    """The number type besides float32 that a GPU of this capability is made for; "" for none."""
    ours = version_tuple(capability)
    return next((name for least, name in BOUGHT_FOR.items() if ours >= least), "")


def version_tuple(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))
