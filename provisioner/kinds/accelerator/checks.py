"""The checks that make frameworks compute, each by its own program in `probes/`."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from typing import Literal

from provisioner.facts.distributions import Installed
from provisioner.kinds.accelerator.facts import AcceleratorFacts, observe
from provisioner.kinds.accelerator.matching import choose
from provisioner.kinds.accelerator.section import FRAMEWORKS, Accelerator, device_of
from provisioner.kinds.base import Examination
from provisioner.machine.reader import Reader
from provisioner.model.accelerators import Accelerators
from provisioner.model.effects import Run
from provisioner.model.plan import Check

PROBES = posixpath.join(posixpath.dirname(__file__), "probes")

PROBE_TIMEOUT = 120.0
"""Seconds: loading a framework from a cold disk and making its first kernel take most of it."""

ENVIRONMENT = (
    ("TF_CPP_MIN_LOG_LEVEL", "2"),
    ("TF_FORCE_GPU_ALLOW_GROWTH", "true"),
    ("XLA_PYTHON_CLIENT_PREALLOCATE", "false"),
)
"""For the probes: say little, and take no more memory than is needed, because they run side by side."""

MATTERING = re.compile(r"(tensorflow|torch|jax|keras|triton|nvidia-|libtpu|numpy|tf-nightly|cuda-).*")
"""The distributions whose versions matter to an accelerator."""


def checks(config: Accelerator, facts: AcceleratorFacts) -> Iterator[Check]:
    device = device_of(choose(config, facts.attached) or config.any_of[0])
    device = "cpu" if device == "none" else device
    for framework in dict.fromkeys(config.frameworks):
        yield check_framework(
            framework,
            device,
            facts,
            min_tflops=config.min_tflops,
            min_bandwidth=config.min_bandwidth,
            on_failure=config.on_mismatch,
        )


def check_framework(
    framework: str,
    device: str,
    facts: AcceleratorFacts,
    *,
    min_tflops: float | None = None,
    min_bandwidth: float | None = None,
    on_failure: Literal["fail", "warn"] = "fail",
) -> Check:
    """Checks that a framework computes on a kind of device: `gpu`, `tpu` or `cpu`."""
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
            # -P: the folder of the probes is not searched, since they have the names of the frameworks.
            argv=(facts.python, "-P", f"{PROBES}/{framework}.py", json.dumps(wishes)),
            env=(*ENVIRONMENT, *([("LD_LIBRARY_PATH", paths)] if library else [])),
            timeout=PROBE_TIMEOUT,
        ),
        reply="json",
        watches=facts.installed,
        framework=framework,
        on_failure=on_failure,
    )


def examine(reader: Reader) -> Examination:
    """The hardware, and a check for each framework that is installed, on the best device that it can use."""
    facts = observe(Accelerator(), reader)
    installed = Installed(reader)
    present = [name for name, brings in FRAMEWORKS.items() if any(map(installed.get, brings))]
    return Examination(
        accelerators=facts.attached,
        checks=tuple(check_framework(name, device_for(name, facts.attached), facts) for name in present),
        versions=tuple(
            f"{name} {found.version}"
            for name, found in sorted(installed.found.items())
            if MATTERING.fullmatch(name)
        ),
    )


def device_for(framework: str, attached: Accelerators) -> str:
    if attached.gpus:
        return "gpu"
    return "tpu" if attached.tpu and framework == "jax" else "cpu"
