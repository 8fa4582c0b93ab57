"""Frameworks small enough for a test: just what the probes ask of them, on devices that a test defines.

A test puts this folder on the path and describes the machine, as JSON, in the variable STANDIN:
`gpus` (names), `cuda` (what the wheel was built for), `capability`, `architectures`, `tpu`,
`missing` (a module that the framework fails to import), `wrong` (devices that miscalculate),
`fails` (what the first computation on a device raises), `strays` (where results really come from).
"""

from __future__ import annotations

import json
import os
from typing import Any

Number = int | float
Value = Number | list[list[Number]]


def scenario() -> dict[str, Any]:
    found = json.loads(os.environ.get("STANDIN", "{}"))
    assert isinstance(found, dict)
    if found.get("missing"):
        raise ModuleNotFoundError(f"No module named {found['missing']!r}", name=found["missing"])
    return found


class Tensor:
    """Numbers on a device. The arithmetic is real; a device that is `wrong` is off by one."""

    def __init__(self, value: Value, device: str) -> None:
        self.value, self.device = value, device

    def __matmul__(self, other: Tensor) -> Tensor:
        known = scenario()
        if known.get("fails"):
            raise RuntimeError(known["fails"])
        assert isinstance(self.value, list)
        assert isinstance(other.value, list)
        columns = list(zip(*other.value, strict=True))
        off = 1 if known.get("wrong") else 0
        rows: list[list[Number]] = [
            [float(sum(a * b for a, b in zip(row, column, strict=True)) + off) for column in columns]
            for row in self.value
        ]
        return Tensor(rows, known.get("strays", self.device))

    def sum(self) -> Tensor:
        assert isinstance(self.value, list)
        return Tensor(float(sum(map(sum, self.value))), self.device)

    def numpy(self) -> Tensor:
        return self

    def cpu(self) -> Tensor:
        return self

    def tolist(self) -> Value:
        return self.value

    def item(self) -> Value:
        return self.value

    def __float__(self) -> float:
        assert not isinstance(self.value, list)
        return float(self.value)
