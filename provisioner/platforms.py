"""Where we are: what can be done about a machine depends on who runs it."""

from __future__ import annotations

from typing import Literal

from provisioner.machine import Reader

Platform = Literal["kaggle", "colab-enterprise", "colab", "other"]


def detect(reader: Reader) -> Platform:
    """The platform, Kaggle first: its image descends from Colab's and keeps its variables.

    Source: google.colab's own test for a hosted runtime is the file /var/colab/hostname.
    """
    if reader.environ.get("KAGGLE_KERNEL_RUN_TYPE"):
        return "kaggle"
    if reader.environ.get("VERTEX_PRODUCT") == "COLAB_ENTERPRISE":
        return "colab-enterprise"
    return "colab" if reader.stat("/var/colab/hostname") else "other"
