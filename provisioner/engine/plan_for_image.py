"""A plan for a Colab image, made on another machine: what a spec would change there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from provisioner.engine.connect import environment_of
from provisioner.engine.decide import Facts
from provisioner.engine.observe import observe
from provisioner.engine.plan import learnt, make_plan, refuse_unknown
from provisioner.engine.selection import EVERYTHING, Selection
from provisioner.kinds import registry
from provisioner.machine import image_files
from provisioner.machine.image import ImageReader
from provisioner.machine.local import LocalMachine, here
from provisioner.machine.reader import Reader
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


def as_it_is(spec: Spec, reader: Reader) -> Spec:
    return spec


def plan_against(
    spec: Spec,
    image: Image,
    selection: Selection = EVERYTHING,
    pin: Callable[[Spec, Reader], Spec] = as_it_is,
) -> Plan:
    """What an apply on a machine of that image would do, without effects or checks: it cannot be applied.

    `pin` gives the spec with the pins of its lock. Raises ProvisionerError when the selection names what the
    spec does not have.
    """
    spec = as_there(spec)
    reader = read_image(spec, image)
    spec = pin(spec, reader)
    facts = observe(spec, reader, selection)
    plan = make_plan(spec, facts, selection)
    refuse_unknown(spec, plan, selection)
    steps = tuple(replace(step, effects=()) for step in plan.steps)
    return replace(plan, steps=steps, checks=(), against=compare(image, spec, facts, plan))


def compare(image: Image, spec: Spec, facts: Facts, plan: Plan) -> Against:
    """How many of a spec's requirements an image meets."""
    kept = {change.address for change in plan.changes if change.action is Action.KEEP}
    for kind, found in learnt(spec, facts):
        if asked := tuple(kind.requirements(found)):
            return Against(
                image=image.name,
                kind=kind.name,
                asked=len(asked),
                met=sum(address in kept for address, _ in asked),
                missing=sum(not known for _, known in asked),
            )
    return Against(image=image.name)


def as_there(spec: Spec) -> Spec:
    """The spec as root reads it on a machine of the image."""
    return parse(spec.text, spec.path, spec.folder, image_files.HOME, image_files.ARCHITECTURE)


def read_image(spec: Spec, image: Image) -> ImageReader:
    """The image as the kinds of a spec see it."""
    context = here(spec.folder)
    return ImageReader(
        image,
        LocalMachine(context),
        image_files.interpreter(image, context.state, environment_of(spec)),
        attached=attach(spec, OFFERED[image.image]),
        made=frozenset(spec.order.made),
        ensured=spec.order.ensured,
        edited=spec.order.edited,
    )


def attach(spec: Spec, offered: tuple[Accelerators, ...]) -> Accelerators:
    """The accelerator that a machine would be given: what a section chooses, else Colab's usual one."""
    for name, config in spec.sections.items():
        if choose := registry.get(name).attach:
            return choose(config, offered)
    return offered[0]
