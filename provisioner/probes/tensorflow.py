"""Whether TensorFlow sees the device and computes on it. Usage: `python -P tensorflow.py gpu|tpu|cpu`."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

SIZE = 64

HINTS = (
    ("no kernel image", "This TensorFlow has no code for this GPU: install a newer one."),
    ("PTX", "The driver is older than the CUDA that this TensorFlow was built with: install an older one."),
    ("CuDNN library", "Another package brings another cuDNN: let the file name one framework with CUDA."),
    ("out of memory", "Another process holds the GPU's memory: restart the other notebooks."),
    (
        "numpy.dtype size changed",
        "TensorFlow was built for another numpy: restart the runtime, or let the file name both.",
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
        raise Failure("TensorFlow does not drive this TPU.", "Use frameworks: [jax].")
    tf = load()
    data["version"] = tf.__version__
    data["build"] = build = {name: str(value) for name, value in tf.sysconfig.get_build_info().items()}
    found = tf.config.list_physical_devices("GPU")
    for gpu in found:
        tf.config.experimental.set_memory_growth(gpu, True)  # before anything asks it to compute
    data["devices"] = [each.name for each in tf.config.list_physical_devices()]
    if device == "gpu" and not found:
        raise unseen(tf.__version__, build)
    client = importlib.import_module("tensorflow.python.client.device_lib")
    data["local_devices"] = [each.physical_device_desc or each.name for each in client.list_local_devices()]
    data["gpu_device_name"] = tf.test.gpu_device_name()
    place = "/GPU:0" if device == "gpu" else "/CPU:0"
    compute(tf, place)
    name = data["local_devices"][-1] if device == "gpu" else "the CPU"
    return f"TensorFlow {tf.__version__} computes on {name}"


def load() -> Any:
    try:
        return importlib.import_module("tensorflow")
    except ModuleNotFoundError as error:
        if error.name != "tensorflow":
            raise
        raise Failure(
            f"TensorFlow is not installed in {sys.executable}.", "Add tensorflow to `pip: packages`."
        ) from None


def unseen(version: str, build: dict[str, str]) -> Failure:
    """Why there is no GPU to see, as far as the build tells."""
    if build.get("is_cuda_build") != "True":
        return Failure(
            f"TensorFlow {version} was built for the CPU alone.",
            "Remove tensorflow-cpu from `pip: packages` and add tensorflow[and-cuda].",
        )
    return Failure(
        f"TensorFlow {version} sees no GPU, though it was built for CUDA {build.get('cuda_version', '?')}.",
        "Its CUDA libraries are missing or newer than the driver: add tensorflow[and-cuda] to "
        "`pip: packages`, or name the version that the image brought.",
    )


def compute(tf: Any, place: str) -> None:
    """Multiply and add on the device, and compare with what it must give."""
    left = [[(row * column + row) % 7 for column in range(SIZE)] for row in range(SIZE)]
    right = [[(row + 3 * column) % 5 for column in range(SIZE)] for row in range(SIZE)]
    expected = [
        [sum(a * b for a, b in zip(row, column, strict=True)) for column in zip(*right, strict=True)]
        for row in left
    ]
    tf.config.set_soft_device_placement(False)  # fail rather than compute elsewhere
    with tf.device(place):
        product = tf.linalg.matmul(tf.constant(left, tf.float32), tf.constant(right, tf.float32))
        total = tf.reduce_sum(tf.constant(left, tf.float32))
    if not product.device.endswith(place.lstrip("/")):
        raise Failure(f"TensorFlow computed on {product.device} instead of {place}.")
    if product.numpy().tolist() != expected or float(total.numpy()) != sum(map(sum, left)):
        raise Failure(
            f"TensorFlow computed wrong numbers on {place}.", "Restart the machine, or use another."
        )


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
