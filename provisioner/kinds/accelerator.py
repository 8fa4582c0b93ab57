"""The accelerator: asserted before anything is done, because a wrong runtime cannot be mended from inside.

What the hardware is decides the plan. Whether each framework computes on it is a check, made last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from provisioner import gpus, platforms
from provisioner.fields import Section, Size, Whole, format_size
from provisioner.kind import Kind
from provisioner.machine import Accelerators, Gpu, Reader
from provisioner.model import Action, Change, Check, Run, Step
from provisioner.platforms import Platform
from provisioner.versions import check_versions, fits

PROBES = Path(__file__).parent.parent / "probes"

PROBE_TIMEOUT = 120.0
"""Seconds: loading a framework from a cold disk and making its first kernel take most of it."""

ENVIRONMENT = (
    ("TF_CPP_MIN_LOG_LEVEL", "2"),
    ("TF_FORCE_GPU_ALLOW_GROWTH", "true"),
    ("XLA_PYTHON_CLIENT_PREALLOCATE", "false"),
)
"""For the probes: say little, and take no more memory than is needed, because they run side by side."""

WAYS = {
    "colab": "Choose Runtime > Change runtime type > {named}, and run this again.",
    "colab-enterprise": "Choose a runtime template that fits, and run this again.",
    "kaggle": "Choose another accelerator in the notebook's settings, and run this again.",
    "other": "Use a machine that fits, or write `on_mismatch: warn`.",
}

CHOICES = {
    "gpu": "T4 GPU",
    "tpu": "v5e-1 TPU",
    "none": "CPU",
    "T4": "T4 GPU",
    "v5e": "v5e-1 TPU",
    "v6e": "v6e-1 TPU",
}
"""What Colab's menu calls an accelerator where that is not its name with GPU behind it."""

Framework = Literal["tensorflow", "torch", "jax"]

Name = Annotated[str, AfterValidator(gpus.proper_name)]


def check_capability(text: str) -> str:
    return check_versions(text, "7.5")


class Accelerator(Section):
    """What must be attached, and which frameworks must compute on it."""

    any_of: tuple[Name, ...] = Field(
        ("gpu",),
        min_length=1,
        description="What will do, best first: gpu, tpu, none, a model like T4, or cpu, which always does.",
        examples=[["T4", "L4", "A100"]],
    )
    count: Annotated[Whole, Field(ge=1)] = Field(1, description="How many GPUs at least.")
    memory: Size | None = Field(None, description="Memory that each GPU must have.", examples=["14GiB"])
    compute_capability: Annotated[str, Field(min_length=1), AfterValidator(check_capability)] | None = Field(
        None, description="Compute capabilities that will do.", examples=[">=7.5"]
    )
    frameworks: tuple[Framework, ...] = Field(
        (),
        description="Frameworks that must see the accelerator and compute on it.",
        examples=[["tensorflow"]],
    )
    on_mismatch: Literal["fail", "warn"] = Field(
        "fail", description="What to do when something else is attached."
    )

    @model_validator(mode="after")
    def can_be_met(self) -> Accelerator:
        if "tensorflow" in self.frameworks and all(name in ("tpu", *gpus.TPUS) for name in self.any_of):
            raise ValueError("wants TensorFlow on a TPU, whose machines have none; write frameworks: [jax]")
        return self


def expand(value: object) -> object:
    """`accelerator: T4` is short for `accelerator: {any_of: [T4]}`."""
    return {"any_of": [value]} if isinstance(value, str) else value


@dataclass(frozen=True)
class Facts:
    platform: Platform
    attached: Accelerators
    python: str
    installed: tuple[str, ...]
    """Folders that change when a framework is installed or removed."""


def observe(config: Accelerator, reader: Reader) -> Facts:
    return Facts(
        platform=platforms.detect(reader),
        attached=reader.accelerators(),
        python=reader.python.executable,
        installed=reader.python.site_packages,
    )


def plan(config: Accelerator, facts: Facts) -> Iterator[Step]:
    best = choose(config, facts.attached)
    problem = facts.attached.problem
    if best is not None:
        change = Change(f"accelerator.{device_of(best)}", Action.KEEP, describe(best, facts.attached))
        warnings = (problem,) if problem else ()
    else:
        address, found = f"accelerator.{device_of(config.any_of[0])}", describe("cpu", facts.attached)
        reason = f"{problem or mismatch(config, facts.attached)}. {way_out(config, facts.platform)}"
        if config.on_mismatch == "warn":
            change, warnings = Change(address, Action.KEEP, found, reason=reason), (reason,)
        else:
            change, warnings = Change(address, Action.BLOCKED, found, wanted(config), reason), ()
    yield Step(id="accelerator", changes=(change,), warnings=warnings)


def choose(config: Accelerator, attached: Accelerators) -> str | None:
    """The first name in `any_of` that what is attached fulfils."""
    return next((name for name in config.any_of if fulfils(name, config, attached)), None)


def fulfils(name: str, config: Accelerator, attached: Accelerators) -> bool:
    if name == "cpu":
        return True
    if name == "none":
        return not (attached.gpus or attached.tpu)
    if name == "tpu" or name in gpus.TPUS:
        return bool(attached.tpu) and not attached.problem and name in ("tpu", attached.tpu)
    return sum(suits(name, config, gpu) for gpu in attached.gpus) >= config.count


def suits(name: str, config: Accelerator, gpu: Gpu) -> bool:
    """Whether one GPU is of the model, and has the memory and the capability that the file wants."""
    model = gpus.model_named(name)
    return (
        (model is None or gpus.is_model(gpu, model))
        and (config.memory is None or gpu.memory_total >= config.memory)
        and (config.compute_capability is None or fits(gpu.capability, config.compute_capability))
    )


def device_of(name: str) -> str:
    """The kind of device that a name in `any_of` stands for."""
    if name in gpus.TPUS:
        return "tpu"
    return name if name in gpus.GENERAL else "gpu"


def describe(name: str, attached: Accelerators) -> str:
    """What is attached, as a plan shows it: "T4 (16 GB, 7.5)"."""
    if attached.gpus and name != "tpu":
        first = attached.gpus[0]
        count = f"{len(attached.gpus)} x " if len(attached.gpus) > 1 else ""
        return f"{count}{gpus.short_name(first)} ({format_size(first.memory_total)}, {first.capability})"
    return f"TPU {attached.tpu}" if attached.tpu else "none"


def wanted(config: Accelerator) -> str:
    """What the file wants, on one line."""
    details = [
        *([f"{config.count} of them"] if config.count > 1 else []),
        *([format_size(config.memory)] if config.memory is not None else []),
        *([f"capability {config.compute_capability}"] if config.compute_capability is not None else []),
    ]
    return " or ".join(config.any_of) + (f" ({', '.join(details)})" if details else "")


def mismatch(config: Accelerator, attached: Accelerators) -> str:
    found = describe("cpu", attached)
    if found == "none":
        return "no accelerator is attached"
    return f"{found} is attached, and the file wants {wanted(config)}"


def way_out(config: Accelerator, platform: Platform) -> str:
    best = config.any_of[0]
    model = gpus.model_named(best)
    if platform == "colab" and model and not model.colab:
        return f"Colab offers no {best}: name one that it has, like T4, in the file."
    return WAYS[platform].format(named=CHOICES.get(best, f"{best} GPU"))


def checks(config: Accelerator, facts: Facts) -> Iterator[Check]:
    device = device_of(choose(config, facts.attached) or config.any_of[0])
    if device == "none":
        device = "cpu"
    for framework in dict.fromkeys(config.frameworks):
        yield Check(
            address=f"accelerator.{framework}",
            run=Run(
                # -P: the folder of the probes is not searched, for they are called as the frameworks are.
                argv=(facts.python, "-P", str(PROBES / f"{framework}.py"), device),
                env=ENVIRONMENT,
                timeout=PROBE_TIMEOUT,
            ),
            reply="json",
            watches=facts.installed,
            on_failure=config.on_mismatch,
        )


KIND = Kind(
    name="accelerator",
    config=Annotated[
        Accelerator,
        BeforeValidator(expand, json_schema_input_type=str | Accelerator),
        Field(description="The accelerator that must be attached: gpu, tpu, none, a model, or a mapping."),
    ],
    observe=observe,
    plan=plan,
    checks=checks,
    gate=True,
)
