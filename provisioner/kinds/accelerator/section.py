"""What the section `accelerator` may ask for, and what it may not because nothing could meet it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from provisioner.kinds.shared.fields import Section, Size, Whole
from provisioner.kinds.shared.versions import check_versions, fits
from provisioner.model import gpus

FrameworkName = Literal["tensorflow", "torch", "jax"]

FRAMEWORKS = {
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tf-nightly"),
    "torch": ("torch",),
    "jax": ("jax",),
}
"""The distributions that contain each framework."""

AcceleratorName = Annotated[str, AfterValidator(gpus.proper_name)]

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def versions_like(example: str) -> AfterValidator:
    return AfterValidator(partial(check_versions, example=example))


class Accelerator(Section):
    """What must be attached, and which frameworks must compute on it."""

    any_of: tuple[AcceleratorName, ...] = Field(
        ("gpu",),
        min_length=1,
        description="What is accepted, best first: gpu, tpu, a model like T4, a TPU like v5e-1, cpu, which "
        "every machine has, or none, which warns if one is attached.",
        examples=[["T4", "L4", "A100"]],
    )
    count: Annotated[Whole, Field(ge=1)] = Field(1, description="How many GPUs, or TPU chips, at least.")
    memory: Size | None = Field(
        None, description="Memory that each GPU or TPU chip must have.", examples=["14GiB"]
    )
    compute_capability: Annotated[str, Field(min_length=1), versions_like("7.5")] | None = Field(
        None, description="Accepted compute capabilities.", examples=[">=7.5"]
    )
    driver: Annotated[str, Field(min_length=1), versions_like("550")] | None = Field(
        None, description="Accepted versions of NVIDIA's driver.", examples=[">=550"]
    )
    cuda: Annotated[str, Field(min_length=1), versions_like("12.4")] | None = Field(
        None,
        description="Accepted versions of the newest CUDA that the driver supports.",
        examples=[">=12.4"],
    )
    frameworks: tuple[FrameworkName, ...] = Field(
        (),
        description="Frameworks that must see the accelerator and compute on it.",
        examples=[["tensorflow"]],
    )
    min_tflops: Positive | None = Field(
        None,
        description="Measure each framework's matrix product, and require at least this many TFLOP/s in the "
        "accelerator's own type.",
        examples=[40],
    )
    min_bandwidth: Positive | None = Field(
        None,
        description="Measure the accelerator's memory, and require at least this many GB/s.",
        examples=[250],
    )
    on_mismatch: Literal["fail", "warn"] = Field(
        "fail", description="What to do when something else is attached."
    )

    @model_validator(mode="after")
    def can_be_met(self) -> Accelerator:
        for fault in (*self.misfits(), *self.unreachable()):
            raise ValueError(fault)
        return self

    def misfits(self) -> Iterator[str]:
        """Settings that contradict each other."""
        kinds = {device_of(name) for name in self.any_of}
        nvidia = {
            key: value
            for key in ("compute_capability", "driver", "cuda")
            if (value := getattr(self, key)) is not None
        }
        if "tensorflow" in self.frameworks and "tpu" in kinds:
            yield "asks for TensorFlow on a TPU, but TPU machines do not have it; write frameworks: [jax]"
        if nvidia and "gpu" not in kinds:
            yield f"asks for {', '.join(nvidia)}, which only a GPU has; name a GPU, or remove that"
        if (self.count > 1 or self.memory) and not kinds & {"gpu", "tpu"}:
            yield "asks for a count or memory, but for no accelerator; name one, like gpu, or remove that"
        if (self.min_tflops or self.min_bandwidth) and not self.frameworks:
            yield "asks for a measurement, which needs a framework; write frameworks: [torch]"

    def unreachable(self) -> Iterator[str]:
        """What none of the named models can meet."""
        named = [gpus.model_named(name) or gpus.tpu_named(name) for name in self.any_of]
        sure = [model for model in named if model]
        if len(sure) < len(named):
            return
        names = " or ".join(self.any_of)
        if self.memory is not None and self.memory > max(model.most for model in sure):
            room = max(model.room for model in sure)
            yield f"asks for {self.memory / gpus.GIB:.4g} GiB of memory, but {names} has only {room:.4g} GiB"
        if self.count > (chips := max(model.chips or self.count for model in sure)):
            yield f"asks for {self.count} of {names}, which has only {chips}; remove count"
        wish = self.compute_capability
        models = [model for model in sure if isinstance(model, gpus.Model)]
        if wish and models and not any(fits(model.capability, wish) for model in models):
            theirs = ", ".join(f"{model.name} has {model.capability}" for model in models)
            yield f"asks for compute capability {wish}, but {theirs}"


def expand(value: object) -> object:
    """`accelerator: T4` is short for `accelerator: {any_of: [T4]}`."""
    return {"any_of": [value]} if isinstance(value, str) else value


def device_of(name: str) -> str:
    """The kind of device that a name in `any_of` means."""
    if gpus.tpu_named(name):
        return "tpu"
    return name if name in gpus.GENERAL else "gpu"
