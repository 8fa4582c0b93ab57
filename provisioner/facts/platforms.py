"""The platform that runs the notebook: what to do about a problem depends on it."""

from __future__ import annotations

import platform
from typing import Literal

from provisioner.machine.reader import Reader

Platform = Literal["kaggle", "colab-enterprise", "colab", "other"]

Place = Literal["kaggle", "colab-enterprise", "colab", "studio-lab", "vscode", "jupyter", "other"]
"""A platform; where we do not know it, the program that shows the notebook."""

HOSTNAME = "/var/colab/hostname"

STUDIO_LAB = "/home/studio-lab-user"


def detect(reader: Reader) -> Platform:
    """The platform, Kaggle first: its image descends from Colab's and keeps its variables.

    Source: google.colab's own test for a hosted runtime is the file /var/colab/hostname.
    """
    if reader.environ.get("KAGGLE_KERNEL_RUN_TYPE"):
        return "kaggle"
    if reader.environ.get("VERTEX_PRODUCT") == "COLAB_ENTERPRISE":
        return "colab-enterprise"
    return "colab" if reader.stat(HOSTNAME) else "other"


def place(reader: Reader) -> Place:
    """The program that shows the notebook; "other" where there is none.

    Source: SageMaker Studio Lab's user and home, and the variable that VS Code gives to kernels it starts.
    """
    platform = detect(reader)
    if platform != "other":
        return platform
    if reader.context.home.startswith(STUDIO_LAB):
        return "studio-lab"
    if reader.kernel() is None:
        return "other"
    return "vscode" if reader.environ.get("VSCODE_PID") or reader.environ.get("VSCODE_CWD") else "jupyter"


def is_kernel(reader: Reader) -> bool:
    """Whether we are the notebook's kernel ourselves, and not only started by it."""
    kernel = reader.kernel()
    return kernel is not None and kernel.inside


def release(reader: Reader) -> dict[str, str]:
    """What /etc/os-release says, whose values may be quoted as in a shell. See os-release(5)."""
    text = (reader.read("/etc/os-release") or b"").decode(errors="replace")
    lines = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    return {name: value.strip("\"' ") for name, _, value in lines}


def operating_system(reader: Reader) -> str:
    """The name the system gives itself, "Debian GNU/Linux 12 (bookworm)"."""
    return release(reader).get("PRETTY_NAME") or platform.system()
