"""What of Colab's images a spec is concerned with: the sum of what its sections are."""

from __future__ import annotations

from provisioner.engine.connect import connect, look
from provisioner.kinds import registry
from provisioner.runtimes.difference import Relevance
from provisioner.spec.spec import Spec


def concerns_of(spec: Spec) -> Relevance:
    """What of an image affects a spec; the files that it names are read.

    Raises ProvisionerError when one of these is not there.
    """
    reader = look(spec, connect(spec))
    sections = ((registry.get(name), config) for name, config in spec.sections.items())
    return sum((kind.concerns(config, reader) for kind, config in sections), Relevance())
