"""What the TensorFlow probe asks of TensorFlow 2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

from tests.standins import Tensor, Value, scenario

__version__ = "2.20.0"

known = scenario()
float32 = "float32"
state = {"grown": 0, "soft": True, "place": "/CPU:0"}


def list_physical_devices(kind: str = "") -> list[SimpleNamespace]:
    devices = [
        "/physical_device:CPU:0",
        *(f"/physical_device:GPU:{i}" for i in range(len(known.get("gpus", ())))),
    ]
    return [SimpleNamespace(name=name) for name in devices if kind in name]


def set_memory_growth(device: SimpleNamespace, enable: bool) -> None:
    assert "GPU" in device.name
    assert enable
    state["grown"] = len(known["gpus"])


def gpu_device_name() -> str:
    return "/device:GPU:0" if known.get("gpus") else ""


def get_build_info() -> dict[str, object]:
    if "cuda" not in known:
        return {"is_cuda_build": False}
    return {"is_cuda_build": True, "cuda_version": known["cuda"], "cudnn_version": "9"}


def set_soft_device_placement(enabled: bool) -> None:
    state["soft"] = enabled


@contextmanager
def device(place: str) -> Iterator[None]:
    assert not state["soft"], "would compute elsewhere in silence"
    state["place"] = place
    yield


def constant(value: Value, dtype: str) -> Tensor:
    assert dtype == float32
    return Tensor(value, f"/job:localhost/replica:0/task:0/device:{str(state['place']).lstrip('/')}")


config = SimpleNamespace(
    list_physical_devices=list_physical_devices,
    set_soft_device_placement=set_soft_device_placement,
    experimental=SimpleNamespace(set_memory_growth=set_memory_growth),
)
test = SimpleNamespace(gpu_device_name=gpu_device_name)
sysconfig = SimpleNamespace(get_build_info=get_build_info)
linalg = SimpleNamespace(matmul=Tensor.__matmul__)
reduce_sum = Tensor.sum
