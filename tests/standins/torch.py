"""What the PyTorch probe asks of PyTorch."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

from tests.standins import Tensor, Values, begin, convolved, log
from tests.standins import ones as ones_of

__version__ = "2.8.0"

known = begin()
gpus: list[str] = known.get("gpus", [])
float32, float16, bfloat16 = "float32", "float16", "bfloat16"
version = SimpleNamespace(cuda=known.get("cuda"), hip=known.get("hip"))


class Device:
    """What torch.device is."""

    def __init__(self, type: str, index: int = 0) -> None:  # noqa: A002 - as it is called
        self.type, self.index = type, index

    def __str__(self) -> str:
        return f"{self.type}:{self.index}" if self.type == "cuda" else self.type


device = Device


def tensor(values: Values, dtype: str, device: Device) -> Tensor:
    return Tensor(values, dtype, device)


def rand(rows: int, columns: int, dtype: str, device: Device) -> Tensor:
    assert rows == columns
    return Tensor(ones_of(2), dtype, device)


def ones(*shape: int, device: Device) -> Tensor:
    return Tensor(ones_of(shape[-1]), float32, device)


def conv2d(image: Tensor, window: Tensor) -> Tensor:
    assert (len(image.values), len(window.values)) == (8, 3)
    return convolved(image.device)


def init() -> None:
    if not gpus and known.get("said"):
        raise RuntimeError(known["said"])


def is_available() -> bool:
    log(known)
    return bool(gpus)


def cudnn_version() -> int:
    if "cudnn" in known:
        raise RuntimeError(known["cudnn"])
    return 91002


def is_bf16_supported(including_emulation: bool = True) -> bool:
    if "emulates" not in known:
        return bool(known.get("capability", [7, 5]) >= [8, 0])
    return including_emulation and bool(known["emulates"])


cuda = SimpleNamespace(
    is_available=is_available,
    init=init,
    get_arch_list=lambda: known.get("architectures", ["sm_75", "sm_80", "compute_90"]),
    device_count=lambda: len(gpus),
    device=lambda index: nullcontext(),
    get_device_name=lambda index: gpus[index],
    get_device_capability=lambda index: tuple(known.get("capability", [7, 5])),
    is_bf16_supported=(lambda: is_bf16_supported(False)) if known.get("old") else is_bf16_supported,
    synchronize=lambda device: None,
)
backends = SimpleNamespace(cudnn=SimpleNamespace(version=cudnn_version))
nn = SimpleNamespace(functional=SimpleNamespace(conv2d=conv2d))
