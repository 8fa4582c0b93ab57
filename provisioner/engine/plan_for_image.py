"""A plan for a Colab image that is not here: what a spec would move there, seen from a laptop or in CI."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from provisioner.engine.plan import make_plan, observe, refuse_unknown
from provisioner.engine.selection import EVERYTHING, Selection
from provisioner.kinds.accelerator import kind
from provisioner.kinds.accelerator.section import Accelerator
from provisioner.kinds.pip.facts import Facts
from provisioner.machine import image_files
from provisioner.machine.image import ImageReader
from provisioner.machine.local import LocalMachine
from provisioner.machine.reader import Reader
from provisioner.machine.signatures import state_folder
from provisioner.model import gpus
from provisioner.model.accelerators import Accelerators, Gpu
from provisioner.model.plan import Action, Against, Plan
from provisioner.runtimes.images import Image
from provisioner.spec.spec import Spec, parse

OFFERED = {
    "cpu": (Accelerators(),),
    "gpu": tuple(
        Accelerators(gpus=(Gpu(0, model.part, size * gpus.MIB, size * gpus.MIB, model.capability),))
        for model in gpus.MODELS
        if model.colab
        for size in model.memory
    ),
    "tpu": (Accelerators(tpu="v5e", chips=1), Accelerators(tpu="v6e", chips=1)),
}
"""What Colab attaches to the machines of each image, its usual one first."""


def unchanged(spec: Spec, reader: Reader) -> Spec:
    return spec


def plan_against(
    spec: Spec,
    image: Image,
    selection: Selection = EVERYTHING,
    hold: Callable[[Spec, Reader], Spec] = unchanged,
) -> Plan:
    """What an apply on a machine of that image would do, without effects or checks: it is there to be read.

    `hold` gives the spec as a lock has it. Raises ProvisionerError when the selection names what the spec
    has not.
    """
    spec = as_there(spec)
    reader = read_image(spec, image)
    spec = hold(spec, reader)
    facts = observe(spec, reader, selection)
    plan = make_plan(spec, facts, selection)
    refuse_unknown(spec, plan, selection)
    steps = tuple(replace(step, effects=()) for step in plan.steps)
    found = facts.get("pip")
    named = found.named if isinstance(found, Facts) else ()
    kept = {change.address for change in plan.changes if change.action is Action.KEEP}
    told = Against(
        image=image.name,
        asked=len(named),
        there=sum(f"pip.{each.name}" in kept for each in named),
        missing=sum(each.version is None for each in named),
    )
    return replace(plan, steps=steps, checks=(), against=told)


def as_there(spec: Spec) -> Spec:
    """The spec as it is read by whoever owns the image's machines."""
    return parse(spec.text, spec.path, spec.folder, image_files.HOME)


def read_image(spec: Spec, image: Image) -> ImageReader:
    """The image as the kinds of a spec see it."""
    wanted = spec.sections.get("pip")
    python = image_files.interpreter(image, state_folder(os.environ), wanted.venv if wanted else None)
    return ImageReader(
        image,
        LocalMachine(spec.folder, python),
        python,
        attached=attach(image, spec.sections.get("accelerator")),
        made=frozenset(made_by(spec)),
    )


def attach(image: Image, wanted: Accelerator | None) -> Accelerators:
    """The accelerator that a machine would be given: the first of the file's wishes that Colab can fulfil."""
    offered = OFFERED[image.image]
    if wanted is None:
        return offered[0]
    fulfils = partial(kind.fulfils, config=kind.undriven(wanted))
    return next((o for name in wanted.any_of for o in offered if fulfils(name, attached=o)), offered[0])


def made_by(spec: Spec) -> Iterator[str]:
    """The files that the spec itself makes; datasets are known by their receipts."""
    sections = spec.sections
    yield from (file.path for file in sections.get("files", ()) if not file.folder)
    yield from (command.creates for command in sections.get("run", ()) if command.creates)
    yield from (wanted.to for wanted in sections.get("inputs", {}).values())
