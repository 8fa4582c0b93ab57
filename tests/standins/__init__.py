"""Frameworks small enough for a test: just what the probes ask of them, on devices that a test defines.

A test puts this folder on the path and describes the machine, as JSON, in the variable STANDIN:

- `gpus`, `tpu`: names of devices; `capability` of each GPU; `emulates`: bfloat16 in software.
- `cuda`, `hip`: what the wheel was built for; `architectures`: what it has code for; `cudnn`: what
  is raised when its version is asked for; `old`: a torch that does not know of emulation.
- `missing`: a module that the framework fails to import; `needs`: why the import fails otherwise.
- `said`: why there is no device; `logged`: what is printed to the log when devices are listed.
- `opens`: how many of the GPUs TensorFlow can open.
- `wrong`: what devices add to each product; `convolved`: what the middle of the convolution is;
  `convolution_log`, `convolution_fails`: what it prints and raises.
- `fails`: what the first computation on a device raises; `strays`: where results really come from.
- `dies`: the signal that kills it while it computes; `ends`: the code it ends with at import;
  `hangs`: whether it computes for ever; `prints`: how many characters it prints at import;
  `leaves`: for how many seconds a process of its own outlives it.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import time
from operator import mul
from typing import Any

Row = list[float]
Values = list[Row]


def scenario() -> dict[str, Any]:
    found = json.loads(os.environ.get("STANDIN", "{}"))
    assert isinstance(found, dict)
    return found


def begin() -> dict[str, Any]:
    """What happens while the framework is imported."""
    known = scenario()
    if known.get("missing"):
        raise ModuleNotFoundError(f"No module named {known['missing']!r}", name=known["missing"])
    if known.get("needs"):
        raise ImportError(known["needs"])
    if known.get("prints"):
        sys.stdout.write("{" * known["prints"])
    if known.get("leaves"):
        if child := os.fork():
            sys.stderr.write(f"left behind: {child}\n")
        else:
            time.sleep(3600)
            os._exit(0)
    if "ends" in known:
        sys.stdout.flush()
        sys.stderr.write("terminated\n")
        sys.stderr.flush()
        os._exit(known["ends"])
    return known


def log(known: dict[str, Any]) -> None:
    if known.get("logged"):
        sys.stderr.write(known["logged"] + "\n")


def rounded(value: float, dtype: str) -> float:
    """The nearest number of a type."""
    if dtype == "float16":
        return float(struct.unpack("e", struct.pack("e", value))[0])
    bits: int = struct.unpack("I", struct.pack("f", value))[0]
    if dtype == "bfloat16":
        bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000
    return float(struct.unpack("f", struct.pack("I", bits))[0])


class Tensor:
    """Numbers on a device. The arithmetic is real, and rounds as its type does."""

    def __init__(self, values: Values, dtype: str, device: Any) -> None:
        self.values = [[rounded(value, dtype) for value in row] for row in values]
        self.dtype, self.device = dtype, device

    def __matmul__(self, other: Tensor) -> Tensor:
        known = scenario()
        if known.get("fails"):
            raise RuntimeError(known["fails"])
        if known.get("dies"):
            os.kill(os.getpid(), known["dies"])
        if known.get("hangs"):
            time.sleep(3600)
        columns = [list(column) for column in zip(*other.values, strict=True)]
        off = known.get("wrong", 0.0)
        product = [[sum(map(mul, row, column)) + off for column in columns] for row in self.values]
        return Tensor(product, self.dtype, known.get("strays", self.device))

    def __add__(self, number: int) -> Tensor:
        return Tensor([[value + number for value in row] for row in self.values], self.dtype, self.device)

    def __getitem__(self, index: tuple[int, ...]) -> float:
        return self.values[index[-2]][index[-1]]

    def sum(self, axis: int) -> Vector:
        assert axis == 1
        return Vector([[sum(row) for row in self.values]], self.dtype, self.device)

    def tolist(self) -> Values | Row:
        return self.values

    def same(self, *_: object) -> Tensor:
        return self

    cpu = numpy = astype = block_until_ready = same

    def devices(self) -> set[Any]:
        return {self.device}


class Vector(Tensor):
    def tolist(self) -> Row:
        return self.values[0]


def convolved(device: Any) -> Tensor:
    known = scenario()
    log({"logged": known.get("convolution_log")})
    if known.get("convolution_fails"):
        raise RuntimeError(known["convolution_fails"])
    return Tensor([[known.get("convolved", 9.0)]], "float32", device)


def ones(side: int) -> Values:
    return [[1.0] * side] * side
