"""Whether what is attached is what the file asks for, and both as text. Pure."""

from __future__ import annotations

from provisioner.kinds.accelerator.section import Accelerator, device_of
from provisioner.kinds.shared.versions import fits
from provisioner.model import gpus
from provisioner.model.accelerators import Accelerators, Gpu
from provisioner.model.units import format_size


def choose(config: Accelerator, attached: Accelerators) -> str | None:
    """The first name in `any_of` that what is attached meets."""
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
    """Whether the TPU is of the generation, and has the chips and the memory that the file asks for."""
    model = gpus.tpu_named(name)
    known = gpus.tpu_named(attached.tpu)
    return (
        attached.chips >= config.count
        and (model is None or (model.generation == attached.tpu and model.chips in (None, attached.chips)))
        and (config.memory is None or (known is not None and known.most >= config.memory))
    )


def enough(name: str, config: Accelerator, attached: Accelerators) -> bool:
    return sum(suits(name, config, gpu) for gpu in attached.gpus) >= config.count


def suits(name: str, config: Accelerator, gpu: Gpu) -> bool:
    """Whether one GPU is of the model, and has the memory and the capability that the file asks for."""
    model = gpus.model_named(name)
    return (
        (model is None or gpus.is_model(gpu, model))
        and (config.memory is None or gpu.memory_total >= config.memory)
        and (config.compute_capability is None or fits(gpu.capability, config.compute_capability))
    )


def drives(config: Accelerator, attached: Accelerators) -> bool:
    """Whether the driver and the CUDA that it supports are what the file asks for."""
    pairs = ((attached.driver, config.driver), (attached.cuda, config.cuda))
    return all(wish is None or fits(version, wish) for version, wish in pairs)


def without_driver(config: Accelerator) -> Accelerator:
    """What is asked for, except the driver."""
    return config.model_copy(update={"driver": None, "cuda": None})


def driver_wishes(config: Accelerator) -> list[str]:
    wishes = {"driver": config.driver, "CUDA": config.cuda}
    return [f"{what} {wish}" for what, wish in wishes.items() if wish]


def describe(attached: Accelerators) -> str:
    """What is attached, as a plan shows it: "T4 (16 GB, 7.5)"."""
    if attached.gpus:
        first = attached.gpus[0]
        count = f"{len(attached.gpus)} x " if len(attached.gpus) > 1 else ""
        size = format_size(first.memory_total) if first.memory_total else ""
        details = ", ".join(filter(None, (size, first.capability)))
        return f"{count}{gpus.short_name(first)}" + (f" ({details})" if details else "")
    return f"TPU {attached.tpu}-{attached.chips}" if attached.tpu else "none"


def wanted(config: Accelerator) -> str:
    """What the file asks for, on one line."""
    details = [
        *([f"{config.count} of them"] if config.count > 1 else []),
        *([format_size(config.memory)] if config.memory is not None else []),
        *([f"capability {config.compute_capability}"] if config.compute_capability is not None else []),
        *([f"driver {config.driver}"] if config.driver is not None else []),
        *([f"CUDA {config.cuda}"] if config.cuda is not None else []),
    ]
    return " or ".join(config.any_of) + (f" ({', '.join(details)})" if details else "")
