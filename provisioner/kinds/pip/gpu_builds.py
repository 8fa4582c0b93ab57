"""Which builds lose the GPU: known by names and versions alone, before anything is downloaded. Pure.

Sources: PyTorch's wheels name what they are built for in their local version (`+cu128`, `+cpu`), save those
on PyPI, which bring CUDA as `nvidia-cuda-runtime`, as JAX and TensorFlow do. JAX takes a plugin of jaxlib's
own version only. A driver runs the CUDA of its own major version and older ones ("CUDA Compatibility").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from provisioner.facts.distributions import version_of
from provisioner.kinds.pip.uv import PipMove
from provisioner.model.accelerators import Accelerators

TORCH_PACKAGE = re.compile(r"torch(vision|audio)?")
BUILD = re.compile(r"\+cu(?P<major>\d{2})\d")
RUNTIME = re.compile(r"nvidia-cuda-runtime(-cu\d+)?")
PLUGIN = re.compile(r"jax-cuda(?P<major>\d+)-plugin")
CPU_ONLY = {"tensorflow-cpu": "tensorflow"}
"""Distributions that put a build without CUDA in another's place."""

FRAMEWORKS = ("torch", "tensorflow", "jax")

Needs = Mapping[str, tuple[tuple[str, str], ...]]


def warnings(
    moves: Iterable[PipMove], needs: Needs, installed: Mapping[str, str], attached: Accelerators
) -> Iterator[str]:
    """Warnings of the changes on a machine whose GPUs are `attached`; none without a GPU.

    `installed` maps names to versions, `needs` is who needs what of the moves.
    """
    if not attached.gpus:
        return
    coming = {move.name: move for move in moves if move.after not in (None, move.before)}
    yield from losing_cuda(coming)
    yield from left_behind(coming, installed)
    yield from too_new(coming, needs, attached)


def losing_cuda(coming: Mapping[str, PipMove]) -> Iterator[str]:
    """Builds for the CPU alone, and a TensorFlow that is made for an older CUDA."""
    for name, move in coming.items():
        after = move.after or ""
        if name == "torch" and after.endswith("+cpu"):
            place = f" in the place of {move.before}" if move.before and "+cpu" not in move.before else ""
            yield f"torch {after}{place} is built without CUDA and sees no GPU: take it from another index"
        if full := CPU_ONLY.get(name):
            yield f"{name} {after} is built without CUDA and sees no GPU: name {full} instead"
        old, new = version_of(move.before or ""), version_of(after)
        if name == "tensorflow" and old and new and new < old:
            yield (
                f"tensorflow {after} may not find this machine's CUDA libraries and then sees no GPU: "
                f"name tensorflow[and-cuda]"
            )


def left_behind(coming: Mapping[str, PipMove], installed: Mapping[str, str]) -> Iterator[str]:
    """A CUDA plugin that JAX no longer accepts, because jaxlib changes without it."""
    if not (move := coming.get("jaxlib")):
        return
    for name, version in installed.items():
        plugin = PLUGIN.fullmatch(name)
        if plugin and name not in coming and release(version) != release(move.after or ""):
            yield (
                f"jaxlib {move.after} does not take {name} {version} and then computes on the CPU: "
                f"name jax[cuda{plugin['major']}]"
            )


def release(version: str) -> tuple[int, ...]:
    parsed = version_of(version)
    return parsed.release if parsed else ()


def too_new(coming: Mapping[str, PipMove], needs: Needs, attached: Accelerators) -> Iterator[str]:
    """Builds for a CUDA whose major version the driver does not run, once for each framework."""
    limit = version_of(attached.cuda)
    warned: set[str] = set()
    for name, move in coming.items():
        major = cuda_of(move)
        if limit is None or major is None or major <= limit.major:
            continue
        who = framework_of(name, coming, needs)
        if who not in warned:
            warned.add(who)
            named = f"{who} {coming[who].after}" if who in coming else who
            yield (
                f"{named} is built for CUDA {major}, and this machine's driver {attached.driver} runs CUDA "
                f"{attached.cuda}: it will see no GPU. {remedy(who, limit.major)}"
            )


def cuda_of(move: PipMove) -> int | None:
    """The major version of CUDA that a distribution is built for or contains, if known."""
    after = move.after or ""
    if TORCH_PACKAGE.fullmatch(move.name) and (build := BUILD.search(after)):
        return int(build["major"])
    if plugin := PLUGIN.fullmatch(move.name):
        return int(plugin["major"])
    version = version_of(after) if RUNTIME.fullmatch(move.name) else None
    return version.major if version else None


def framework_of(name: str, coming: Mapping[str, PipMove], needs: Needs) -> str:
    """The framework that needs a distribution, found by following what needs what."""
    seen: set[str] = set()
    ahead = [name]
    while ahead:
        at = ahead.pop(0)
        if family := next((each for each in FRAMEWORKS if at == each or at.startswith(f"{each}-")), None):
            return family
        if TORCH_PACKAGE.fullmatch(at):
            return "torch"
        seen.add(at)
        ahead += [by for by, _ in needs.get(at, ()) if by not in seen]
    return name


def remedy(framework: str, major: int) -> str:
    """How to get a build that the driver runs."""
    newest = {12: "cu128", 11: "cu118"}.get(major, "")
    match framework:
        case "torch" if newest:
            return f"Take it from https://download.pytorch.org/whl/{newest} (pip.extra_index_urls)."
        case "jax":
            return f"Name jax[cuda{major}] instead."
    return "Name an older version of it, or leave it as the image has it."
