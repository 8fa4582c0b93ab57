"""The list of devices that reserves their memory, unless they were told to let it grow."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

tf = import_module("tensorflow")


def list_local_devices() -> list[SimpleNamespace]:
    gpus = tf.known.get("gpus", [])
    assert tf.state["grown"] == len(gpus), "would take all memory of the GPU"
    found = [SimpleNamespace(name="/device:CPU:0", device_type="CPU", physical_device_desc="")]
    return found + [
        SimpleNamespace(
            name=f"/device:GPU:{index}",
            device_type="GPU",
            physical_device_desc=f"device: {index}, name: {name}",
        )
        for index, name in enumerate(gpus[: tf.known.get("opens")])
    ]
