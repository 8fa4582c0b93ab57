"""Whether PyTorch sees the device and computes on it. Usage: `python -P torch.py gpu|tpu|cpu`."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

SIZE = 64

HINTS = (
    ("no kernel image", "This PyTorch has no code for this GPU: install one that has."),
    ("PTX", "The driver is older than the CUDA that this PyTorch was built with: install an older one."),
    ("torchvision::nms", "torch and torchvision do not fit each other: let the file name both."),
    ("out of memory", "Another process holds the GPU's memory: restart the other notebooks."),
    (
        "numpy.dtype size changed",
        "PyTorch was built for another numpy: restart the runtime, or let the file name both.",
    ),
)
"""What to do about a failure, by a part of what it says."""


class Failure(Exception):  # noqa: N818 - a verdict, not an error
    """Why the probe fails, and what to do next."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def probe(device: str, data: dict[str, Any]) -> str:
    """What was proved, in words; `data` is filled with what was seen on the way. Raises Failure."""
    if device == "tpu":
        raise Failure("PyTorch alone does not drive a TPU.", "Use frameworks: [jax].")
    torch = load()
    data["version"] = torch.__version__
    data["cuda"] = torch.version.cuda
    data["architectures"] = torch.cuda.get_arch_list()
    data["devices"] = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    if device == "gpu":
        check_gpu(torch, data)
    compute(torch, "cuda" if device == "gpu" else "cpu")
    name = data["devices"][0] if device == "gpu" else "the CPU"
    return f"PyTorch {torch.__version__} computes on {name}"


def load() -> Any:
    try:
        return importlib.import_module("torch")
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise Failure(
            f"PyTorch is not installed in {sys.executable}.", "Add torch to `pip: packages`."
        ) from None


def check_gpu(torch: Any, data: dict[str, Any]) -> None:
    """A wheel may see a GPU that it has no code for, so that is asked too."""
    if not torch.version.cuda:
        raise Failure(
            f"PyTorch {torch.__version__} was built for the CPU alone.",
            "Let `pip` take torch from an index that has it for CUDA.",
        )
    if not torch.cuda.is_available():
        raise Failure(
            f"PyTorch {torch.__version__} sees no GPU, though it was built for CUDA {torch.version.cuda}.",
            "It is newer than the driver: name the version that the image brought, or an older one.",
        )
    major, minor = torch.cuda.get_device_capability(0)
    data["capability"] = f"{major}.{minor}"
    if not can_run(major, minor, data["architectures"]):
        raise Failure(
            f"PyTorch {torch.__version__} has no code for a GPU of capability {major}.{minor}: "
            f"it has {', '.join(data['architectures'])}.",
            "Install a version that has, or use another GPU.",
        )


def can_run(major: int, minor: int, architectures: list[str]) -> bool:
    """Whether a wheel has code for a GPU.

    Binary code (`sm_86`) runs on later minor versions of the same major; `compute_90` is compiled when it
    is loaded, for anything newer. Source: NVIDIA's CUDA Programming Guide.
    """
    for architecture in architectures:
        kind, _, number = architecture.partition("_")
        digits = number.rstrip("af")
        theirs = (int(digits[:-1]), int(digits[-1]))
        if kind == "sm" and theirs[0] == major and theirs[1] <= minor:
            return True
        if kind == "compute" and theirs <= (major, minor):
            return True
    return False


def compute(torch: Any, place: str) -> None:
    """Multiply and add on the device, and compare with what it must give."""
    left = [[(row * column + row) % 7 for column in range(SIZE)] for row in range(SIZE)]
    right = [[(row + 3 * column) % 5 for column in range(SIZE)] for row in range(SIZE)]
    expected = [
        [sum(a * b for a, b in zip(row, column, strict=True)) for column in zip(*right, strict=True)]
        for row in left
    ]
    operand = torch.tensor(left, dtype=torch.float32, device=place)
    product = operand @ torch.tensor(right, dtype=torch.float32, device=place)
    total = operand.sum()
    if place == "cuda":
        torch.cuda.synchronize()
    if product.cpu().tolist() != expected or total.item() != sum(map(sum, left)):
        raise Failure(f"PyTorch computed wrong numbers on {place}.", "Restart the machine, or use another.")


def main(device: str) -> None:
    data: dict[str, Any] = {}
    ok, hint = False, ""
    try:
        message, ok = probe(device, data), True
    except Failure as failure:
        message, hint = failure.message, failure.hint
    except Exception as error:  # noqa: BLE001 - a framework fails in any way it likes
        message = f"{type(error).__name__}: {error}"
        hint = next((told for part, told in HINTS if part in message), "")
    print(json.dumps({"ok": ok, "message": message, "hint": hint, "data": data}))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
