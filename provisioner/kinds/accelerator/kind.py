"""The accelerator: asserted before anything is done, because a wrong runtime cannot be mended from inside.

What the hardware is decides the plan. Whether each framework computes on it is a check, made last.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from provisioner.facts import platforms
from provisioner.facts.distributions import Installed
from provisioner.facts.platforms import Platform
from provisioner.kinds.accelerator.section import FRAMEWORKS, Accelerator, device_of, expand
from provisioner.kinds.base import ABSENT, Kind
from provisioner.kinds.shared.versions import fits
from provisioner.machine.reader import Reader
from provisioner.model import gpus
from provisioner.model.accelerators import Accelerators, Diagnosis, Gpu
from provisioner.model.effects import Run
from provisioner.model.plan import Action, Change, Check, Step
from provisioner.model.units import format_size
from provisioner.runtimes import images

PROBES = Path(__file__).parent / "probes"

PROBE_TIMEOUT = 120.0
"""Seconds: loading a framework from a cold disk and making its first kernel take most of it."""

ENVIRONMENT = (
    ("TF_CPP_MIN_LOG_LEVEL", "2"),
    ("TF_FORCE_GPU_ALLOW_GROWTH", "true"),
    ("XLA_PYTHON_CLIENT_PREALLOCATE", "false"),
)
"""For the probes: say little, and take no more memory than is needed, because they run side by side."""

CHANGE = {
    "colab": "Choose Runtime > Change runtime type > {named}, and run this again.",
    "colab-enterprise": "Choose a runtime template that fits, and run this again.",
    "kaggle": "Choose another accelerator in the notebook's settings, and run this again.",
    "other": "Use a machine that fits, or write `on_mismatch: warn`.",
}
"""The way to another accelerator."""

RENEW = {
    "colab": " Or take a new machine: Runtime > Disconnect and delete runtime, then connect again.",
    "colab-enterprise": " Or delete the runtime, and connect to a new one.",
    "kaggle": " Or take a new machine: Run > Power off, then start the session again.",
    "other": "",
}
"""The way to the same accelerator on a machine where it works."""

DRIVER_WAYS = {
    "colab": "Choose another Runtime version in Runtime > Change runtime type, and run this again.",
    "colab-enterprise": "Choose a newer runtime template, and run this again.",
    "kaggle": "Choose the latest environment in the notebook's settings, and run this again.",
    "other": "Install another NVIDIA driver on the machine, or write `on_mismatch: warn`.",
}
"""The way to another driver."""

MENU = {
    "gpu": "T4 GPU",
    "tpu": "v5e-1 TPU",
    "none": "CPU",
    "G4": "G4 GPU",
    "v5e": "v5e-1 TPU",
    "v5e-1": "v5e-1 TPU",
    "v6e": "v6e-1 TPU",
    "v6e-1": "v6e-1 TPU",
}
"""What Colab's menu calls an accelerator where that is not its name with GPU behind it."""


@dataclass(frozen=True)
class Facts:
    platform: Platform
    attached: Accelerators
    python: str
    installed: tuple[str, ...]
    """Folders that change when a framework is installed or removed."""
    loader_path: str
    """LD_LIBRARY_PATH."""
    elsewhere: str = ""
    """The name of a machine that is not here, whose driver nobody can ask."""
    frameworks: Mapping[str, str] = field(default_factory=dict)
    """Those that the file names, as far as they are installed: "2.20.0", or "tensorflow-cpu 2.20.0"."""


def observe(config: Accelerator, reader: Reader) -> Facts:
    return Facts(
        platform=platforms.detect(reader),
        attached=reader.accelerators(),
        python=reader.context.python.executable,
        installed=reader.context.python.site_packages,
        loader_path=reader.environ.get("LD_LIBRARY_PATH", ""),
        elsewhere=reader.context.target_image,
        frameworks=versions(config.frameworks, reader) if config.frameworks else {},
    )


def versions(frameworks: Iterable[str], reader: Reader) -> dict[str, str]:
    """What is installed of each framework, and under which name where it has another."""
    installed = Installed(reader)
    return {
        name: found.version if found.name == name else f"{found.name} {found.version}"
        for name in frameworks
        for found in [next(filter(None, map(installed.get, FRAMEWORKS[name])), None)]
        if found
    }


def plan(config: Accelerator, facts: Facts) -> Iterator[Step]:
    attached = facts.attached
    best = choose(undriven(config) if facts.elsewhere else config, attached)
    found = describe(attached)
    if best is not None:
        place = config.any_of.index(best) + 1
        chosen = f"{best} is choice {place} of {len(config.any_of)}" if len(config.any_of) > 1 else ""
        change = Change(f"accelerator.{device_of(best)}", Action.KEEP, found, reason=chosen)
        warnings = [*map(str, problems(attached)), *unasked(config, facts)]
        if best == "none" and found != "none":
            warnings.append(needless(found, facts.platform))
    else:
        address, reason = f"accelerator.{device_of(config.any_of[0])}", why_not(config, facts)
        warnings = [*map(str, attached.oddities)]
        if config.on_mismatch == "warn":
            change = Change(address, Action.KEEP, found, reason=reason)
            warnings = [reason, *warnings]
        else:
            change = Change(address, Action.BLOCKED, found, wanted(config), reason)
    yield Step(id="accelerator", changes=(change,), warnings=tuple(warnings))


def unasked(config: Accelerator, facts: Facts) -> Iterator[str]:
    """What the file wants of a driver that is not here."""
    wishes = driver_wishes(config)
    if facts.elsewhere and wishes:
        yield f"Whether {facts.elsewhere} has {' and '.join(wishes)} is known there: drivers are not listed."


def undriven(config: Accelerator) -> Accelerator:
    """The wishes without those of a driver."""
    return config.model_copy(update={"driver": None, "cuda": None})


def driver_wishes(config: Accelerator) -> list[str]:
    wishes = {"driver": config.driver, "CUDA": config.cuda}
    return [f"{what} {wish}" for what, wish in wishes.items() if wish]


def problems(attached: Accelerators) -> tuple[Diagnosis, ...]:
    return (*([attached.problem] if attached.problem else []), *attached.oddities)


def choose(config: Accelerator, attached: Accelerators) -> str | None:
    """The first name in `any_of` that what is attached fulfils."""
    return next((name for name in config.any_of if fulfils(name, config, attached)), None)


def fulfils(name: str, config: Accelerator, attached: Accelerators) -> bool:
    match device_of(name):
        case "cpu" | "none":
            return True
        case "tpu":
            return not attached.problem and suits_tpu(name, config, attached)
        case _:
            return enough(name, config, attached) and drives(config, attached)


def suits_tpu(name: str, config: Accelerator, attached: Accelerators) -> bool:
    """Whether the TPU is of the generation, and has the chips and the memory that the file wants."""
    model = gpus.tpu_named(name)
    there = gpus.tpu_named(attached.tpu)
    return (
        attached.chips >= config.count
        and (model is None or (model.generation == attached.tpu and model.chips in (None, attached.chips)))
        and (config.memory is None or (there is not None and there.most >= config.memory))
    )


def enough(name: str, config: Accelerator, attached: Accelerators) -> bool:
    return sum(suits(name, config, gpu) for gpu in attached.gpus) >= config.count


def suits(name: str, config: Accelerator, gpu: Gpu) -> bool:
    """Whether one GPU is of the model, and has the memory and the capability that the file wants."""
    model = gpus.model_named(name)
    return (
        (model is None or gpus.is_model(gpu, model))
        and (config.memory is None or gpu.memory_total >= config.memory)
        and (config.compute_capability is None or fits(gpu.capability, config.compute_capability))
    )


def drives(config: Accelerator, attached: Accelerators) -> bool:
    """Whether the driver and the CUDA that it runs are what the file wants."""
    pairs = ((attached.driver, config.driver), (attached.cuda, config.cuda))
    return all(wish is None or fits(version, wish) for version, wish in pairs)


def describe(attached: Accelerators) -> str:
    """What is attached, as a plan shows it: "T4 (16 GB, 7.5)"."""
    if attached.gpus:
        first = attached.gpus[0]
        count = f"{len(attached.gpus)} x " if len(attached.gpus) > 1 else ""
        told = [format_size(first.memory_total) if first.memory_total else "", first.capability]
        details = ", ".join(filter(None, told))
        return f"{count}{gpus.short_name(first)}" + (f" ({details})" if details else "")
    return f"TPU {attached.tpu}-{attached.chips}" if attached.tpu else "none"


def wanted(config: Accelerator) -> str:
    """What the file wants, on one line."""
    details = [
        *([f"{config.count} of them"] if config.count > 1 else []),
        *([format_size(config.memory)] if config.memory is not None else []),
        *([f"capability {config.compute_capability}"] if config.compute_capability is not None else []),
        *([f"driver {config.driver}"] if config.driver is not None else []),
        *([f"CUDA {config.cuda}"] if config.cuda is not None else []),
    ]
    return " or ".join(config.any_of) + (f" ({', '.join(details)})" if details else "")


def why_not(config: Accelerator, facts: Facts) -> str:
    """Why nothing that is attached will do, and the way out."""
    attached, platform = facts.attached, facts.platform
    fitting = [gpu for gpu in attached.gpus if any(suits(name, config, gpu) for name in config.any_of)]
    if attached.problem and (fitting or not attached.gpus):
        return f"{attached.problem}{RENEW[platform]}"
    found = describe(attached)
    if facts.elsewhere:
        way = other_image(config, facts)
        return f"{facts.elsewhere} has {found}, and the file wants {wanted(config)}. {way}"
    if found == "none":
        return f"no accelerator is attached. {way_out(config, platform)}"
    if any(device_of(name) == "gpu" and enough(name, config, attached) for name in config.any_of):
        version, newest = attached.driver or "of unknown version", attached.cuda or "of unknown version"
        return (
            f"the NVIDIA driver is {version} and runs CUDA {newest}, and the file wants "
            f"{' and '.join(driver_wishes(config))}. {DRIVER_WAYS[platform]}"
        )
    return f"{found} is attached, and the file wants {wanted(config)}. {way_out(config, platform)}"


def other_image(config: Accelerator, facts: Facts) -> str:
    """Which image to plan against instead."""
    runtime, _, device = facts.elsewhere.rpartition("-")
    better = device_of(config.any_of[0])
    if better == device:
        return way_out(config, facts.platform)
    same = f"{runtime}-{better}"
    image = same if same in images.names() else images.load(better).name
    return f"Plan against {image}, or let the file name what this one has."


def way_out(config: Accelerator, platform: Platform) -> str:
    best = config.any_of[0]
    model = gpus.model_named(best)
    if platform == "colab" and model and not model.colab:
        return f"Colab offers no {best}: name one that it has, like T4, in the file."
    return CHANGE[platform].format(named=MENU.get(best, f"{best.partition('-')[0]} GPU"))


def needless(found: str, platform: Platform) -> str:
    cost = ", which costs compute units," if platform.startswith("colab") else ""
    way = CHANGE[platform].format(named=MENU["none"]) if platform != "other" else ""
    return f"{found} is attached{cost} and the file needs none. {way}".strip()


def named(config: Accelerator, facts: Facts) -> Iterator[tuple[str, str]]:
    """The models and how many of each; driver, CUDA and frameworks where the file asks for them."""
    attached = facts.attached
    models = Counter(gpus.full_name(gpu) for gpu in attached.gpus)
    models |= Counter({f"TPU {attached.tpu}": attached.chips} if attached.tpu else {})
    yield "accelerator", ", ".join(f"{count} x {name}" for name, count in sorted(models.items())) or ABSENT
    for name, wish in (("driver", config.driver), ("cuda", config.cuda)):
        if wish is not None:
            yield f"accelerator.{name}", str(getattr(attached, name)) or ABSENT
    for framework in dict.fromkeys(config.frameworks):
        yield f"accelerator.{framework}", facts.frameworks.get(framework, ABSENT)


def checks(config: Accelerator, facts: Facts) -> Iterator[Check]:
    device = device_of(choose(config, facts.attached) or config.any_of[0])
    device = "cpu" if device == "none" else device
    for framework in dict.fromkeys(config.frameworks):
        yield check(
            framework,
            device,
            facts,
            min_tflops=config.min_tflops,
            min_bandwidth=config.min_bandwidth,
            on_failure=config.on_mismatch,
        )


def check(
    framework: str,
    device: str,
    facts: Facts,
    *,
    min_tflops: float | None = None,
    min_bandwidth: float | None = None,
    on_failure: Literal["fail", "warn"] = "fail",
) -> Check:
    """The proof that a framework computes on the kind of device that is called `gpu`, `tpu` or `cpu`."""
    library = facts.attached.library
    paths = ":".join(filter(None, (library, facts.loader_path)))
    on_cpu = device == "cpu"
    wishes = {
        "device": device,
        "min_tflops": None if on_cpu else min_tflops,
        "min_bandwidth": None if on_cpu else min_bandwidth,
        "driver_cuda": facts.attached.cuda or None,
    }
    return Check(
        address=f"accelerator.{framework}",
        run=Run(
            # -P: the folder of the probes is not searched, for they are called as the frameworks are.
            argv=(facts.python, "-P", str(PROBES / f"{framework}.py"), json.dumps(wishes)),
            env=(*ENVIRONMENT, *([("LD_LIBRARY_PATH", paths)] if library else [])),
            timeout=PROBE_TIMEOUT,
        ),
        reply="json",
        watches=facts.installed,
        on_failure=on_failure,
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
    named=named,
    gate=True,
)
