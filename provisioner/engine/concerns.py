"""What in Colab's images affects a spec: the sum over its sections."""

from __future__ import annotations

from provisioner.engine.connect import connect, look
from provisioner.kinds import registry
from provisioner.runtimes.difference import Concerns
from provisioner.spec.spec import Spec


def concerns_of(spec: Spec) -> Concerns:
    """What in an image affects a spec; the files that it names are read.

    Raises ProvisionerError when one of these does not exist.
    """
    reader = look(spec, connect(spec))
    sections = ((registry.get(name), config) for name, config in spec.sections.items())
    return sum((kind.concerns(config, reader) for kind, config in sections), Concerns())
