"""What the TensorFlow probe asks of TensorFlow 2."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

from tests.standins import Tensor, Values, begin, convolved, log
from tests.standins import ones as ones_of

__version__ = "2.20.0"

known = begin()
float32 = "float32"
state = {"grown": 0, "soft": True, "place": "/CPU:0"}
assert os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"


def list_physical_devices(kind: str) -> list[SimpleNamespace]:
    assert kind == "GPU"
    log(known)
    return [
        SimpleNamespace(name=f"/physical_device:GPU:{index}", index=index)
        for index in range(len(known.get("gpus", ())))
    ]


def set_memory_growth(device: SimpleNamespace, enable: bool) -> None:
    assert "GPU" in device.name
    assert enable
    state["grown"] = device.index + 1


def get_device_details(gpu: SimpleNamespace) -> dict[str, object]:
    capability = tuple(known.get("capability", [7, 5]))
    return {"device_name": known["gpus"][gpu.index], "compute_capability": capability}


def gpu_device_name() -> str:
    assert state["grown"] == len(known["gpus"]), "would take all the memory"
    return "/device:GPU:0" if known.get("opens", 1) else ""


def get_build_info() -> dict[str, object]:
    if "cuda" not in known:
        return {"is_cuda_build": False}
    return {
        "is_cuda_build": True,
        "cuda_version": known["cuda"],
        "cudnn_version": "9",
        "cuda_compute_capabilities": known.get("architectures", ["sm_60", "sm_70", "sm_80", "compute_90"]),
    }


def set_soft_device_placement(enabled: bool) -> None:
    state["soft"] = enabled


@contextmanager
def device(place: str) -> Iterator[None]:
    assert not state["soft"], "would compute elsewhere in silence"
    before, state["place"] = state["place"], place
    yield
    state["place"] = before


def place() -> str:
    return f"/job:localhost/replica:0/task:0/device:{str(state['place']).lstrip('/')}"


def constant(values: Values, dtype: str) -> Tensor:
    return Tensor(values, dtype, place())


def cast(tensor: Tensor, dtype: str) -> Tensor:
    return Tensor(tensor.values, dtype, place())


def reduce_sum(tensor: Tensor, axis: int) -> Tensor:
    return tensor.sum(axis)


def ones(shape: tuple[int, ...]) -> Tensor:
    return Tensor(ones_of(shape[1]), float32, place())


def conv2d(image: Tensor, window: Tensor, strides: int, padding: str) -> Tensor:
    assert (len(image.values), len(window.values), strides, padding) == (8, 3, 1, "VALID")
    return convolved(image.device)


def uniform(shape: tuple[int, int]) -> Tensor:
    assert shape[0] == shape[1]
    return Tensor(ones_of(2), float32, place())


config = SimpleNamespace(
    list_physical_devices=list_physical_devices,
    set_soft_device_placement=set_soft_device_placement,
    experimental=SimpleNamespace(set_memory_growth=set_memory_growth, get_device_details=get_device_details),
)
test = SimpleNamespace(gpu_device_name=gpu_device_name)
sysconfig = SimpleNamespace(get_build_info=get_build_info)
nn = SimpleNamespace(conv2d=conv2d)
random = SimpleNamespace(uniform=uniform)
