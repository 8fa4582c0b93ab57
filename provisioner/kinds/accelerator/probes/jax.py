"""Whether JAX sees the device and computes on it. Usage: `python jax.py '{"device": "gpu"}'`."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import sys

if not __package__:  # run as a file, it finds its neighbours as the package `probes`
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    __package__ = "probes"

from .builds import gpu_build, type_bought_for
from .failures import recognise, shorten
from .probe import Data, Device, Failure, Framework, Handle, Matrix, Numbers, Tensor, Wish, missing
from .subprocess_runner import main

PLATFORMS = {"gpu": "cuda", "tpu": "tpu", "cpu": "cpu"}
"""What JAX calls the devices; naming one prevents a silent fallback to the CPU."""

PARTS = {
    "gpu": ("jax-cuda13-plugin", "jax-cuda12-plugin", "nvidia-cudnn-cu13", "nvidia-cudnn-cu12"),
    "tpu": ("libtpu",),
    "cpu": (),
}
"""The distributions that JAX needs for a device, besides jaxlib."""


class Jax(Framework):
    name = "JAX"
    package = "jax"

    def environment(self, wish: Wish) -> dict[str, str]:
        return {"JAX_PLATFORMS": PLATFORMS[wish.device]}

    def devices(self, wish: Wish, data: Data) -> list[Device]:
        try:
            self.jax = jax = importlib.import_module("jax")
        except ModuleNotFoundError as error:
            if error.name != "jax":
                raise
            raise missing(self, wish) from None
        data["version"] = jax.__version__
        data["build"] = build(wish.device)
        try:
            found = jax.devices()
        except Exception as error:  # noqa: BLE001 - an AssertionError where the plugin is missing
            raise self.unseen(str(error), wish, data) from None
        data["saw"] = [each.device_kind for each in found]
        return [self.look_at(each, wish, data) for each in found]

    def unseen(self, said: str, wish: Wish, data: Data) -> Failure:
        """Why JAX sees no device."""
        version = data["version"]
        parts = [part for part in PARTS[wish.device] if "cudnn" not in part]
        if wish.device != "cpu" and not any(part in data["build"] for part in parts):
            add = gpu_build(self.name, wish.driver_cuda or "")
            return Failure(
                f"JAX {version} is installed for the CPU only: {' or '.join(parts)} is missing.",
                add if wish.device == "gpu" else "Add jax[tpu] to `pip: packages`.",
            )
        known = recognise(said, {**data, "driver_cuda": wish.driver_cuda})
        if known:
            return Failure(*known)
        said = said or "it does not say why"
        return Failure(f"JAX {version} sees no {wish.device.upper()}: {shorten(said)}", "", sure=False)

    def look_at(self, device: Handle, wish: Wish, data: Data) -> Device:
        if wish.device == "cpu":
            return Device("the CPU", str(device), device)
        bought_for = "bfloat16"
        if wish.device == "gpu":
            data["capability"] = str(getattr(device, "compute_capability", ""))
            bought_for = type_bought_for(data["capability"])
        return Device(device.device_kind, str(device), device, bought_for)

    def tensor(self, values: Matrix, dtype: str, device: Device) -> Tensor:
        return self.jax.device_put(self.jax.numpy.array(values, dtype), device.handle)

    def random(self, size: int, dtype: str, device: Device) -> Tensor:
        key = self.jax.random.PRNGKey(0)
        return self.jax.device_put(self.jax.random.uniform(key, (size, size), dtype), device.handle)

    def row_sums(self, tensor: Tensor) -> Tensor:
        return tensor.sum(1)

    def convolve(self, device: Device) -> float:
        image, window = (
            self.jax.device_put(self.jax.numpy.ones((1, 1, side, side)), device.handle) for side in (8, 3)
        )
        return float(self.jax.lax.conv(image, window, (1, 1), "VALID")[0, 0, 0, 0])

    def place(self, tensor: Tensor) -> str:
        return ", ".join(sorted(map(str, tensor.devices())))

    def numbers(self, tensor: Tensor) -> Numbers:
        values: Numbers = tensor.astype("float32").tolist()
        return values

    def wait(self, tensor: Tensor) -> None:
        tensor.block_until_ready()


def build(device: str) -> Data:
    """The versions of JAX's parts, and the CUDA that it was built for."""
    found: Data = {"cuda": None, "cudnn": None}
    for part in ("jaxlib", *PARTS[device]):
        try:
            found[part] = importlib.metadata.version(part)
        except importlib.metadata.PackageNotFoundError:
            continue
    for major in ("13", "12"):
        if f"jax-cuda{major}-plugin" in found:
            found.update(cuda=major, cudnn=found.get(f"nvidia-cudnn-cu{major}"))
    return found


if __name__ == "__main__":
    main(Jax())
