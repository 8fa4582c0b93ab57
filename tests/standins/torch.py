"""What the PyTorch probe asks of PyTorch."""

from __future__ import annotations

from types import SimpleNamespace

from tests.standins import Tensor, Value, scenario

__version__ = "2.8.0"

known = scenario()
gpus: list[str] = known.get("gpus", [])
float32 = "float32"
version = SimpleNamespace(cuda=known.get("cuda"))


def tensor(value: Value, dtype: str, device: str) -> Tensor:
    assert dtype == float32
    return Tensor(value, device)


cuda = SimpleNamespace(
    is_available=lambda: bool(gpus),
    get_arch_list=lambda: known.get("architectures", ["sm_75", "sm_80", "compute_90"]),
    device_count=lambda: len(gpus),
    get_device_name=lambda index: gpus[index],
    get_device_capability=lambda index: tuple(known.get("capability", [7, 5])),
    synchronize=lambda: None,
)
