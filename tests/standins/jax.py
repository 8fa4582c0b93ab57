"""What the JAX probe asks of JAX."""

from __future__ import annotations

import os
from types import SimpleNamespace

from tests.standins import Tensor, Values, begin, convolved, log
from tests.standins import ones as ones_of

__version__ = "0.7.2"

known = begin()


class Device:
    """What jax.devices() lists."""

    def __init__(self, kind: str, platform: str, number: int) -> None:
        self.device_kind, self.platform, self.number = kind, platform, number
        self.compute_capability = ".".join(map(str, known.get("capability", [7, 5])))

    def __str__(self) -> str:
        return f"{self.platform}:{self.number}"


def devices() -> list[Device]:
    log(known)
    platform = os.environ["JAX_PLATFORMS"]
    assert os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"
    found = {"cuda": known.get("gpus", []), "tpu": known.get("tpu", []), "cpu": ["cpu"]}[platform]
    if not found and "said" in known:
        raise RuntimeError(f"Unable to initialize backend {platform!r}: {known['said']}")
    assert found  # as JAX itself does where the plugin is missing
    return [Device(kind, platform, number) for number, kind in enumerate(found)]


def device_put(value: Tensor, device: Device) -> Tensor:
    return Tensor(value.values, value.dtype, device)


def array(values: Values, dtype: str) -> Tensor:
    return Tensor(values, dtype, "cpu")


def ones(shape: tuple[int, ...]) -> Tensor:
    return Tensor(ones_of(shape[-1]), "float32", "cpu")


def uniform(key: int, shape: tuple[int, int], dtype: str) -> Tensor:
    assert shape[0] == shape[1]
    return Tensor(ones_of(2), dtype, "cpu")


def conv(image: Tensor, window: Tensor, strides: tuple[int, int], padding: str) -> Tensor:
    assert (len(image.values), len(window.values), strides, padding) == (8, 3, (1, 1), "VALID")
    return convolved(image.device)


numpy = SimpleNamespace(array=array, ones=ones)
random = SimpleNamespace(PRNGKey=lambda seed: seed, uniform=uniform)
lax = SimpleNamespace(conv=conv)
