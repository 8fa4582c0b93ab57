"""What the JAX probe asks of JAX."""

from __future__ import annotations

import os
from types import SimpleNamespace

from tests.standins import Tensor, Value, scenario

__version__ = "0.7.2"

known = scenario()


def devices() -> list[SimpleNamespace]:
    platform = os.environ["JAX_PLATFORMS"]
    found = {"cuda": known.get("gpus", []), "tpu": known.get("tpu", []), "cpu": ["cpu"]}[platform]
    if not found:
        said = known.get("said", "no such plugin")
        raise RuntimeError(f"Unable to initialize backend {platform!r}: {said}")
    return [SimpleNamespace(device_kind=name) for name in found]


def device_put(value: Tensor, device: SimpleNamespace) -> Tensor:
    return Tensor(value.value, device.device_kind)


def array(value: Value, dtype: str) -> Tensor:
    assert dtype == "float32"
    return Tensor(value, "cpu")


numpy = SimpleNamespace(array=array)
