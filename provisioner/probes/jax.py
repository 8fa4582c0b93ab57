"""Whether JAX sees the device and computes on it. Usage: `python -P jax.py gpu|tpu|cpu`."""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any

SIZE = 64

PLATFORMS = {"gpu": "cuda", "tpu": "tpu", "cpu": "cpu"}
"""What JAX calls the devices; naming one forbids it to fall back to the CPU in silence."""

PACKAGES = {"gpu": "jax[cuda12] or jax[cuda13], as the driver asks,", "tpu": "jax[tpu]", "cpu": "jax"}

HINTS = (
    ("already in use", "Another process holds the TPU: stop it, or restart the runtime."),
    ("no kernel image", "This JAX has no code for this GPU: install a newer one."),
    ("PTX", "The driver is older than the CUDA that this JAX was built with: install an older one."),
    ("CuDNN library", "Another package brings another cuDNN: let the file name one framework with CUDA."),
    ("out of memory", "Another process holds the GPU's memory: restart the other notebooks."),
    (
        "numpy.dtype size changed",
        "JAX was built for another numpy: restart the runtime, or let the file name both.",
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
    os.environ["JAX_PLATFORMS"] = PLATFORMS[device]
    jax = load(device)
    data["version"] = jax.__version__
    try:
        devices = jax.devices()
    except RuntimeError as error:
        raise Failure(
            f"JAX {jax.__version__} sees no {device.upper()}: {error}",
            next((told for part, told in HINTS if part in str(error)), add(device)),
        ) from None
    data["devices"] = [each.device_kind for each in devices]
    compute(jax, devices[0])
    return f"JAX {jax.__version__} computes on {data['devices'][0]}"


def load(device: str) -> Any:
    try:
        return importlib.import_module("jax")
    except ModuleNotFoundError as error:
        if error.name != "jax":
            raise
        raise Failure(f"JAX is not installed in {sys.executable}.", add(device)) from None


def add(device: str) -> str:
    return f"Add {PACKAGES[device]} to `pip: packages`."


def compute(jax: Any, device: Any) -> None:
    """Multiply and add on the device, and compare with what it must give."""
    left = [[(row * column + row) % 7 for column in range(SIZE)] for row in range(SIZE)]
    right = [[(row + 3 * column) % 5 for column in range(SIZE)] for row in range(SIZE)]
    expected = [
        [sum(a * b for a, b in zip(row, column, strict=True)) for column in zip(*right, strict=True)]
        for row in left
    ]
    operand = jax.device_put(jax.numpy.array(left, "float32"), device)
    product = operand @ jax.device_put(jax.numpy.array(right, "float32"), device)
    total = operand.sum()
    if product.tolist() != expected or float(total) != sum(map(sum, left)):
        raise Failure(f"JAX computed wrong numbers on {device}.", "Restart the machine, or use another.")


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
