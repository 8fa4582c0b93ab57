"""The accelerator as a small table: what is attached, and the result of each framework."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from provisioner.model.accelerators import Accelerators
from provisioner.model.report import Verdict
from provisioner.render.terminal import Paint, plain

MIB = 1024**2

Rows = Sequence[Sequence[str]]

DEVICE_HEAD = ("device", "name", "memory", "free", "capability", "driver", "CUDA")
FRAMEWORK_HEAD = ("framework", "version", "saw", "computed", "max error", "took", "measured")


def render_table(found: Accelerators, verdicts: Sequence[Verdict], *, paint: Paint = plain) -> Iterator[str]:
    """The lines of the table. Columns that would be empty are left out."""
    devices = device_rows(found)
    proved = [framework_row(each) for each in verdicts if each.framework]
    for head, rows in ((DEVICE_HEAD, devices), (FRAMEWORK_HEAD, proved)):
        if rows:
            yield from columns(head, rows, paint)


def device_rows(found: Accelerators) -> list[tuple[str, ...]]:
    """What is attached, a row for each device, under DEVICE_HEAD."""
    return [*gpu_rows(found), *tpu_rows(found)]


def gpu_rows(found: Accelerators) -> Iterator[tuple[str, ...]]:
    for gpu in found.gpus:
        memory = [
            f"{size // MIB} MiB" if gpu.memory_total else "" for size in (gpu.memory_total, gpu.memory_free)
        ]
        yield (f"GPU {gpu.index}", gpu.name, *memory, gpu.capability, found.driver, found.cuda)


def tpu_rows(found: Accelerators) -> Iterator[tuple[str, ...]]:
    if found.tpu:
        yield ("TPU", f"{found.tpu}, {found.chips} chip{'s' * (found.chips != 1)}", "", "", "", "", "")


def framework_row(verdict: Verdict) -> tuple[str, ...]:
    """One framework; a probe that crashed has few results."""
    data: Mapping[str, Any] = verdict.data
    computed = ["yes" if data.get("computed") else "no"]
    computed += ["before"] if verdict.remembered else []
    types = data.get("dtypes") or {}
    errors = [f"{name} {result['max_error']:.2g}" for name, result in types.items() if "max_error" in result]
    rates = [
        f"{data[key]:.3g} {unit}"
        for key, unit in (("tflops", "TFLOPS"), ("bandwidth", "GB/s"))
        if key in data
    ]
    return (
        verdict.framework,
        str(data.get("version", "")),
        ", ".join(map(str, data.get("saw", ()))),
        ", ".join(computed),
        ", ".join(errors),
        f"{data['seconds']:.1f} s" if "seconds" in data else "",
        ", ".join(rates),
    )


def columns(head: Sequence[str], rows: Rows, paint: Paint) -> Iterator[str]:
    """A head and rows below each other, as wide as they must be."""
    used = [at for at in range(len(head)) if any(row[at] for row in rows)]
    widths = {at: max(len(row[at]) for row in (head, *rows)) for at in used}

    def line(row: Sequence[str]) -> str:
        return "  ".join(row[at].ljust(widths[at]) for at in used).rstrip()

    yield paint("faint", line(head))
    yield from map(line, rows)
