"""A machine as one document: what `colabenv facts` writes, and `colabenv compare` reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError

from provisioner.machine import files
from provisioner.model.accelerators import Accelerators
from provisioner.model.errors import ProvisionerError
from provisioner.model.jsontypes import JsonObject

FACTS_FORMAT = "provisioner.facts/2"

AGAIN = "Make it again on the machine it comes from: colabenv facts --out FILE"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The machine itself; memory in bytes, and "" for what is not known."""

    platform: str
    """Who runs it: "colab"."""
    runtime: str
    """The release of the image, as Colab's own variable gives it."""
    os: str
    kernel: str
    libc: str
    architecture: str
    cpus: int
    memory: int
    disk_free: int
    root: bool
    python: Mapping[str, object]
    """The interpreter that packages go into."""
    accelerators: Accelerators


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What can be seen of a machine, and what each thing is that a spec names."""

    name: str = ""
    """The spec's; "" where there was none."""
    digest: str = ""
    """sha256 of the spec's text."""
    fingerprint: str | None = None
    named: Mapping[str, str | None] = field(default_factory=dict)
    """Address -> version, sha256, "absent"; None where it could not be determined."""
    machine: Seen
    environment: Mapping[str, str]
    """The variables that change what frameworks do, as far as they are set."""
    distributions: Mapping[str, str]
    """Name -> version of all that Python has."""
    packages: Mapping[str, str]
    """Name -> version of all that dpkg has."""
    kinds: Mapping[str, object] = field(default_factory=dict)
    """All that each kind of the spec found."""


def document(snapshot: Snapshot) -> JsonObject:
    """A snapshot as JSON has it."""
    dumped: JsonObject = TypeAdapter(Snapshot).dump_python(snapshot, mode="json")
    return {"format": FACTS_FORMAT, **dumped}


def load(path: str) -> Snapshot:
    """What `facts --out` wrote. Raises ProvisionerError for any other file."""
    try:
        return parse(files.read(path), path)
    except OSError as error:
        raise ProvisionerError(f"cannot read {path}: {error.strerror}", AGAIN) from error


def parse(source: str | bytes, filename: str) -> Snapshot:
    """The snapshot in a document. Raises ProvisionerError when it is not one."""
    try:
        read = json.loads(source)
    except ValueError as error:
        raise ProvisionerError(f"{filename} is not JSON", AGAIN) from error
    found = read.get("format") if isinstance(read, dict) else None
    if found != FACTS_FORMAT:
        what = f"it is {found}" if found else "it names no format"
        raise ProvisionerError(f"{filename} is not a {FACTS_FORMAT} document: {what}", AGAIN)
    try:
        return TypeAdapter(Snapshot).validate_python(read)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"])) or "the whole"
        raise ProvisionerError(f"{filename} cannot be read: {place}: {fault['msg']}", AGAIN) from error


VARIABLES = (
    "CUDA_VISIBLE_DEVICES",
    "CUDA_HOME",
    "NVIDIA_VISIBLE_DEVICES",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "PYTHONPATH",
    "PYTHONHASHSEED",
    "OMP_NUM_THREADS",
    "KERAS_BACKEND",
    "JAX_PLATFORMS",
    "JAX_ENABLE_X64",
    "XLA_FLAGS",
    "XLA_PYTHON_CLIENT_PREALLOCATE",
    "XLA_PYTHON_CLIENT_MEM_FRACTION",
    "TF_FORCE_GPU_ALLOW_GROWTH",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_USE_LEGACY_KERAS",
    "PYTORCH_CUDA_ALLOC_CONF",
    "TPU_ACCELERATOR_TYPE",
    "COLAB_RELEASE_TAG",
)
"""The only variables that are shown: they change what frameworks do, and have no secrets."""
