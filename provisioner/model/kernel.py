"""The state of a notebook's kernel, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Kernel:
    """The kernel that we run in, or that started us by `!`."""

    inside: bool = True
    """Whether this process is the kernel: only then can it be changed, and the Colab page be asked."""
    modules: Mapping[str, str] = field(default_factory=dict)
    """File of each module that it has imported -> the version that the module gives, or "".

    From outside only compiled modules are seen, and no version.
    """
    deleted: frozenset[str] = frozenset()
    """Libraries that it has mapped and that are no longer on disk: they were replaced."""
    replaced: frozenset[str] = frozenset()
    """Distributions that we replaced after this kernel had imported them."""
    started_ns: int = 0
    """When it was started, since the epoch."""
    extensions: tuple[str, ...] = ()
    """IPython extensions that it has loaded."""
    path: tuple[str, ...] = ()
    """Its sys.path."""
    folder: str = ""
    """Its working directory."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Secrets that could not be read just now, and why."""
