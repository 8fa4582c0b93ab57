"""What all probes share: compute, compare with exact results, and report the result.

What only a framework knows is asked through `Framework`.
"""

from __future__ import annotations

import math
import operator
import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from .failures import explain, recognise, shorten

SIZE = 96
"""Rows and columns of the matrices that are multiplied."""

TOLERANCE = {"float32": 2.0**-21, "float16": 2.0**-8, "bfloat16": 2.0**-5}
"""How far a result may be off, as a fraction of the largest: four times the step of the type at 1."""

ENVIRONMENT = {
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    "TF_CPP_MIN_LOG_LEVEL": "0",
}
"""Set before a framework is imported: take no more memory than is needed, and say why there is no GPU."""

PHASE = "probe: "
"""The beginning of a line that says what comes next, to locate a hang or a crash."""

FAULTY = "The device is faulty, or its driver: restart the machine; if it happens again, use another."
SLOW = "Another process may use it, or heat or power may limit it: see `nvidia-smi -q -d PERFORMANCE`."

Matrix = list[list[float]]

Tensor = Any
"""A framework's own tensor."""

Handle = Any
"""What a framework itself calls a device."""

Numbers = list[Any]
"""Nested lists of numbers."""

Data = dict[str, Any]
"""A JSON object."""


class Failure(Exception):  # noqa: N818 - a verdict, not an error
    """Why the probe fails, and what to do next. `sure` is False where the framework's log may say more."""

    def __init__(self, message: str, hint: str, sure: bool = True) -> None:
        super().__init__(message)
        self.message, self.hint, self.sure = message, hint, sure


@dataclass(frozen=True)
class Wish:
    """What to check. Rates are TFLOPS and GB/s of every device, measured only when asked for."""

    device: str
    """"gpu", "tpu" or "cpu"."""
    min_tflops: float | None = None
    min_bandwidth: float | None = None
    driver_cuda: str | None = None
    """The newest CUDA that the driver runs, "12.8"."""


@dataclass(frozen=True)
class Device:
    """A device that a framework lists."""

    name: str
    place: str
    """What `Framework.place` says of a tensor that lies on it."""
    handle: Handle
    bought_for: str = ""
    """The number type to compute in besides float32."""


class Framework(ABC):
    """What one framework alone can do. Tensors and handles are its own."""

    name: str
    package: str

    def environment(self, wish: Wish) -> dict[str, str]:
        """Variables to set before it is imported."""
        return {}

    @abstractmethod
    def devices(self, wish: Wish, data: Data) -> list[Device]:
        """Import it and list the devices of the requested kind; `data` gets what is seen on the way.

        Raises Failure when there is none that it can use.
        """

    @abstractmethod
    def tensor(self, values: Matrix, dtype: str, device: Device) -> Tensor: ...

    @abstractmethod
    def random(self, size: int, dtype: str, device: Device) -> Tensor:
        """A square matrix."""

    @abstractmethod
    def row_sums(self, tensor: Tensor) -> Tensor: ...

    @abstractmethod
    def convolve(self, device: Device) -> float:
        """The middle of ones convolved with three by three ones, which is 9, and what loads cuDNN."""

    @abstractmethod
    def place(self, tensor: Tensor) -> str: ...

    @abstractmethod
    def numbers(self, tensor: Tensor) -> Numbers:
        """The values of a tensor, in nested lists, once they are computed."""

    @abstractmethod
    def wait(self, tensor: Tensor) -> None:
        """Return when a tensor is computed."""


def examine(framework: Framework, wish: Wish) -> Data:
    """The reply, whatever happens."""
    started = time.perf_counter()
    data = empty(framework)
    sure = True
    os.environ.update(ENVIRONMENT)
    os.environ.update(framework.environment(wish))
    try:
        message, ok, hint = prove(framework, wish, data), True, ""
    except Failure as failure:
        ok, message, hint, sure = False, failure.message, failure.hint, failure.sure
    except BaseException as error:  # noqa: BLE001 - a framework fails in any way it likes
        said = f"{type(error).__name__}: {error}"
        ok, sure = False, recognise(said, {**data, **asdict(wish)}) is not None
        message, hint = explain(said, {**data, **asdict(wish)})
    data["seconds"] = round(time.perf_counter() - started, 3)
    return {**answer(ok, message, hint, data), "sure": sure}


def empty(framework: Framework) -> Data:
    return {
        "framework": framework.name,
        "version": "",
        "build": {},
        "saw": [],
        "computed": False,
        "dtypes": {},
        "seconds": 0.0,
    }


def answer(ok: bool, message: str, hint: str, data: Data) -> Data:
    return {"ok": ok, "message": message, "hint": hint, "data": data}


def prove(framework: Framework, wish: Wish, data: Data) -> str:
    """What was verified, as text; `data` gets what is seen on the way. Raises Failure."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if wish.device == "gpu" and hidden in ("", "-1"):
        raise Failure(
            f"CUDA_VISIBLE_DEVICES is {hidden!r}, which hides every GPU.",
            "Unset it, in the file by `env: {CUDA_VISIBLE_DEVICES: null}`.",
        )
    announce(f"importing {framework.package} and listing devices")
    devices = framework.devices(wish, data)
    for device in devices:
        for dtype in filter(None, ("float32", device.bought_for)):
            note(data["dtypes"], dtype, compute(framework, device, dtype))
        if wish.device == "gpu":
            announce(f"convolving on {device.name}")
            if framework.convolve(device) != 9.0:
                raise Failure(f"{framework.name} computes wrong convolutions on {device.name}.", FAULTY)
    data["computed"] = True
    for device in devices:
        measure(framework, device, wish, data)
    places = ", ".join(device.name for device in devices)
    return f"{framework.name} {data['version']} computes on {places} ({', '.join(data['dtypes'])})"


def announce(text: str) -> None:
    sys.stderr.write(f"{PHASE}{text}\n")
    sys.stderr.flush()


def note(dtypes: Data, dtype: str, result: dict[str, float]) -> None:
    """Keep the worst of several devices."""
    known = dtypes.setdefault(dtype, result)
    for key in ("max_error", "seconds"):
        known[key] = max(known[key], result[key])


def compute(framework: Framework, device: Device, dtype: str) -> dict[str, float]:
    """Multiply and add up on the device, see that it was there, and compare with what must come out."""
    announce(f"computing in {dtype} on {device.name}")
    left, right, product, sums = exact_results()
    started = time.perf_counter()
    operand = framework.tensor(left, dtype, device)
    made = (operand @ framework.tensor(right, dtype, device), framework.row_sums(operand))
    for tensor in made:
        if framework.place(tensor) != device.place:
            raise Failure(
                f"{framework.name} computed on {framework.place(tensor)} instead of {device.name}.",
                "Something moves its work to another device: look for device settings in the environment.",
            )
    got_product, got_sums = (framework.numbers(tensor) for tensor in made)
    seconds = time.perf_counter() - started
    error = max(*map(distance, got_product, product), distance(got_sums, sums))
    error /= max(max(map(abs, row)) for row in product)
    if not error <= TOLERANCE[dtype]:
        raise Failure(
            f"{framework.name} computes wrong numbers on {device.name}: in {dtype} it is off by {error:.2g} "
            f"of the largest, and {TOLERANCE[dtype]:.2g} is the most that rounding explains.",
            FAULTY,
        )
    return {"max_error": error, "tolerance": TOLERANCE[dtype], "seconds": round(seconds, 4)}


def distance(found: list[float], expected: list[float]) -> float:
    """The largest difference; infinite when something is not a number."""
    worst = max(map(abs, map(operator.sub, found, expected)))
    return math.inf if math.isnan(worst) or any(map(math.isnan, found)) else worst


@lru_cache(maxsize=1)
def exact_results() -> tuple[Matrix, Matrix, Matrix, list[float]]:
    """Two matrices, their product, and the row sums of the first.

    The numbers are 128ths between -1 and 1. Every type represents them exactly, and float32 also all sums of
    their products, so any difference comes from the device; only the shorter types have to round.
    """
    left, right = random_matrix(1), random_matrix(2)
    columns = [[row[index] for row in right] for index in range(SIZE)]
    product = [[sum(map(operator.mul, row, column)) for column in columns] for row in left]
    return left, right, product, [sum(row) for row in left]


def random_matrix(seed: int) -> Matrix:
    """The same in every Python: numbers of a linear congruential generator."""
    values = []
    for _ in range(SIZE * SIZE):
        seed = (1103515245 * seed + 12345) % 2**31
        values.append(((seed >> 16) % 255 - 127) / 128)
    return [values[start : start + SIZE] for start in range(0, SIZE * SIZE, SIZE)]


def measure(framework: Framework, device: Device, wish: Wish, data: Data) -> None:
    """How fast the device is, if that is asked; `data` keeps the slowest. Raises Failure."""
    big = wish.device != "cpu"
    if wish.min_tflops is not None:
        dtype, size = device.bought_for or "float32", 4096 if big else 512
        announce(f"measuring products in {dtype} on {device.name}")
        left, right = framework.random(size, dtype, device), framework.random(size, dtype, device)
        rate = 2 * size**3 * best_rate(framework, lambda: left @ right) / 1e12
        judge_rate(device, rate, "tflops", f"TFLOPS in {dtype}", wish.min_tflops, data)
    if wish.min_bandwidth is not None:
        size = 8192 if big else 4096
        announce(f"measuring memory on {device.name}")
        whole = framework.random(size, "float32", device)
        rate = 2 * 4 * size**2 * best_rate(framework, lambda: whole + 1) / 1e9
        judge_rate(device, rate, "bandwidth", "GB/s", wish.min_bandwidth, data)


def best_rate(framework: Framework, operation: Callable[[], Tensor]) -> float:
    """Operations a second, at the best of what fits into half a second."""
    framework.wait(operation())
    best, end = 0.0, time.perf_counter() + 0.5
    while time.perf_counter() < end:
        started = time.perf_counter()
        for _ in range(8):
            last = operation()
        framework.wait(last)
        best = max(best, 8 / (time.perf_counter() - started))
    return best


def judge_rate(device: Device, rate: float, key: str, unit: str, least: float, data: Data) -> None:
    data[key] = round(min(rate, data.get(key, rate)), 3)
    if rate < least:
        raise Failure(f"{device.name} reaches {rate:.3g} {unit}, and the file asks for {least:g}.", SLOW)


def missing(framework: Framework, wish: Wish) -> Failure:
    """What to say when the framework is not installed."""
    wanted = {"tpu": "jax[tpu]"}.get(wish.device, framework.package)
    return Failure(
        f"{framework.name} is not installed in {shorten(sys.executable)}.",
        f"Add {wanted} to `pip: packages`.",
    )
