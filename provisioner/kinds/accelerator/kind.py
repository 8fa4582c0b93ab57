"""The accelerator: asserted before anything is done, because a wrong runtime cannot be fixed from inside.

What the hardware is decides the plan. Whether each framework computes on it is a check, made last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated

from pydantic import BeforeValidator, Field

from provisioner.facts.platforms import Platform
from provisioner.kinds.accelerator.checks import checks, examine
from provisioner.kinds.accelerator.colab import attach, is_offered, menu_entry, request
from provisioner.kinds.accelerator.facts import AcceleratorFacts, observe
from provisioner.kinds.accelerator.matching import (
    choose,
    describe,
    driver_wishes,
    enough,
    suits,
    wanted,
    without_driver,
)
from provisioner.kinds.accelerator.section import Accelerator, device_of, expand
from provisioner.kinds.base import ABSENT, Kind
from provisioner.kinds.shared.frameworks import concerns_of_families
from provisioner.kinds.shared.platform_advice import advice
from provisioner.machine.reader import Reader
from provisioner.model import gpus
from provisioner.model.accelerators import Accelerators, Diagnosis
from provisioner.model.plan import Action, Change, Step
from provisioner.runtimes import images
from provisioner.runtimes.difference import Concerns


def plan(config: Accelerator, facts: AcceleratorFacts) -> Iterator[Step]:
    best = choose(without_driver(config) if facts.target_image else config, facts.attached)
    change, warnings = match(best, config, facts) if best else mismatch(config, facts)
    yield Step(id="accelerator", changes=(change,), warnings=tuple(warnings))


def match(best: str, config: Accelerator, facts: AcceleratorFacts) -> tuple[Change, list[str]]:
    """What is attached is accepted, perhaps not the first choice."""
    found = describe(facts.attached)
    place, choices = config.any_of.index(best) + 1, len(config.any_of)
    reason = f"{best} is choice {place} of {choices}" if choices > 1 else ""
    warnings = [*map(str, problems(facts.attached)), *unchecked(config, facts)]
    if best == "none" and found != "none":
        warnings.append(needless(found, facts.platform))
    return Change(f"accelerator.{device_of(best)}", Action.KEEP, found, reason=reason), warnings


def mismatch(config: Accelerator, facts: AcceleratorFacts) -> tuple[Change, list[str]]:
    """What is attached is not accepted, which either blocks everything or is only a warning."""
    address, reason = f"accelerator.{device_of(config.any_of[0])}", why_not(config, facts)
    found, oddities = describe(facts.attached), [*map(str, facts.attached.oddities)]
    if config.on_mismatch == "warn":
        return Change(address, Action.KEEP, found, reason=reason), [reason, *oddities]
    return Change(address, Action.BLOCKED, found, wanted(config), reason), oddities


def unchecked(config: Accelerator, facts: AcceleratorFacts) -> Iterator[str]:
    """What the file asks of a driver that is not on this machine."""
    wishes = driver_wishes(config)
    if facts.target_image and wishes:
        yield (
            f"Whether {facts.target_image} has {' and '.join(wishes)} can only be checked there: "
            "lists of images do not name the driver."
        )


def problems(attached: Accelerators) -> tuple[Diagnosis, ...]:
    return (*([attached.problem] if attached.problem else []), *attached.oddities)


def why_not(config: Accelerator, facts: AcceleratorFacts) -> str:
    """Why nothing that is attached is accepted, and how to fix it."""
    attached, platform = facts.attached, facts.platform
    fitting = [gpu for gpu in attached.gpus if any(suits(name, config, gpu) for name in config.any_of)]
    if attached.problem and (fitting or not attached.gpus):
        return f"{attached.problem} {advice('new machine', platform)}".rstrip()
    found = describe(attached)
    if facts.target_image:
        way = other_image(config, facts)
        return f"{facts.target_image} has {found}, but the file asks for {wanted(config)}. {way}"
    if found == "none":
        return f"no accelerator is attached. {way_out(config, platform)}"
    if any(device_of(name) == "gpu" and enough(name, config, attached) for name in config.any_of):
        version, newest = attached.driver or "of unknown version", attached.cuda or "of unknown version"
        return (
            f"the NVIDIA driver is {version} and supports CUDA {newest}, but the file asks for "
            f"{' and '.join(driver_wishes(config))}. {advice('driver', platform)}"
        )
    return f"{found} is attached, but the file asks for {wanted(config)}. {way_out(config, platform)}"


def other_image(config: Accelerator, facts: AcceleratorFacts) -> str:
    """Which image to plan against instead."""
    runtime, _, device = facts.target_image.rpartition("-")
    better = device_of(config.any_of[0])
    if better == device:
        return way_out(config, facts.platform)
    same = f"{runtime}-{better}"
    image = same if same in images.names() else images.load(better).name
    return f"Plan against {image}, or name in the file what this one has."


def way_out(config: Accelerator, platform: Platform) -> str:
    best = config.any_of[0]
    if platform == "colab" and not is_offered(best):
        return f"Colab offers no {best}: name one that it has, like T4, in the file."
    return advice("accelerator", platform, entry=menu_entry(best))


def needless(found: str, platform: Platform) -> str:
    cost = ", which costs compute units," if platform.startswith("colab") else ""
    way = advice("accelerator", platform, entry=menu_entry("none")) if platform != "other" else ""
    return f"{found} is attached{cost} and the file needs none. {way}".strip()


def named(config: Accelerator, facts: AcceleratorFacts) -> Iterator[tuple[str, str]]:
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


def concerns(config: Accelerator, reader: Reader) -> Concerns:
    """The frameworks that must compute on it, and what is built for them."""
    return Concerns(tuple(concerns_of_families(frozenset(config.frameworks))))


def found_accelerators(facts: AcceleratorFacts) -> Accelerators:
    return facts.attached


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
    concerns=concerns,
    request=request,
    attached=found_accelerators,
    attach=attach,
    examine=examine,
    listing="machine",
    gate=True,
)
