"""Whether TensorFlow sees the device and computes. Usage: `python tensorflow.py '{"device": "gpu"}'`."""

from __future__ import annotations

import importlib
import os
import sys

if not __package__:  # run as a file, it finds its neighbours as the package `probes`
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    __package__ = "probes"

from .builds import gpu_build, missing_libraries, runs_on, type_bought_for
from .failures import explain
from .probe import Data, Device, Failure, Framework, Handle, Matrix, Numbers, Tensor, Wish, announce, missing
from .subprocess_runner import main


class TensorFlow(Framework):
    name = "TensorFlow"
    package = "tensorflow"

    def devices(self, wish: Wish, data: Data) -> list[Device]:
        if wish.device == "tpu":
            raise Failure("TensorFlow does not support this TPU.", "Use `frameworks: [jax]`.")
        try:
            self.tf = tf = importlib.import_module("tensorflow")
        except ModuleNotFoundError as error:
            if error.name != "tensorflow":
                raise
            raise missing(self, wish) from None
        data["version"] = tf.__version__
        data["build"] = build = self.build()
        found = tf.config.list_physical_devices("GPU")
        for gpu in found:
            tf.config.experimental.set_memory_growth(gpu, True)  # before anything computes
        tf.config.set_soft_device_placement(False)  # fail rather than compute elsewhere
        if wish.device == "gpu" and not found:
            raise self.unseen(wish, data)
        named = [self.look_at(index, gpu, data) for index, gpu in enumerate(found)]
        data["saw"] = [device.name for device in named] or ["cpu"]
        if wish.device == "cpu":
            return [Device("the CPU", "CPU:0", "/CPU:0")]
        self.check_names(len(found), data)
        if runs_on(data["capability"], build["architectures"]) == "ptx":
            announce(
                f"compiling TensorFlow's code for capability {data['capability']}: may take half an hour"
            )
        return named

    def build(self) -> Data:
        """What this TensorFlow was built for, under the names that all probes use."""
        build = self.tf.sysconfig.get_build_info()
        return {
            "cuda": build.get("cuda_version") if build.get("is_cuda_build") else None,
            "cudnn": build.get("cudnn_version"),
            "architectures": list(build.get("cuda_compute_capabilities", ())),
        }

    def unseen(self, wish: Wish, data: Data) -> Failure:
        """Why there is no GPU to see, as far as the build shows; the log may say more."""
        version, driver = data["version"], wish.driver_cuda or ""
        if not data["build"]["cuda"]:
            return Failure(f"TensorFlow {version} was built for the CPU only.", gpu_build(self.name, driver))
        return Failure(
            f"TensorFlow {version} sees no GPU, though it was built for CUDA {data['build']['cuda']}.",
            missing_libraries(self.name, driver),
            sure=False,
        )

    def look_at(self, index: int, gpu: Handle, data: Data) -> Device:
        """A GPU that TensorFlow lists. It may list one that it has no code for, so that is asked too."""
        details = self.tf.config.experimental.get_device_details(gpu)
        name = details.get("device_name", gpu.name)
        data["capability"] = capability = ".".join(map(str, details.get("compute_capability", ())))
        architectures = data["build"]["architectures"]
        if capability and architectures and not runs_on(capability, architectures):
            data["saw"] = [name]
            raise Failure(*explain("no kernel image is available", data))
        return Device(name, f"GPU:{index}", f"/GPU:{index}", type_bought_for(capability))

    def check_names(self, count: int, data: Data) -> None:
        """Ask in the way that users of TensorFlow do: the answer must be the same."""
        data["gpu_device_name"] = self.tf.test.gpu_device_name()
        client = importlib.import_module("tensorflow.python.client.device_lib")
        local = [each for each in client.list_local_devices() if each.device_type == "GPU"]
        data["local_devices"] = [each.physical_device_desc or each.name for each in local]
        if data["gpu_device_name"] != "/device:GPU:0" or len(local) != count:
            raise Failure(
                f"TensorFlow lists {count} GPUs and can open {len(local)}: test.gpu_device_name() is "
                f"{data['gpu_device_name']!r}.",
                "Another process may be using the GPU: `nvidia-smi` lists which.",
                sure=False,
            )

    def tensor(self, values: Matrix, dtype: str, device: Device) -> Tensor:
        with self.tf.device(device.handle):
            return self.tf.cast(self.tf.constant(values, self.tf.float32), dtype)

    def random(self, size: int, dtype: str, device: Device) -> Tensor:
        with self.tf.device(device.handle):
            return self.tf.cast(self.tf.random.uniform((size, size)), dtype)

    def row_sums(self, tensor: Tensor) -> Tensor:
        return self.tf.reduce_sum(tensor, axis=1)

    def convolve(self, device: Device) -> float:
        with self.tf.device(device.handle):
            made = self.tf.nn.conv2d(
                self.tf.ones((1, 8, 8, 1)), self.tf.ones((3, 3, 1, 1)), strides=1, padding="VALID"
            )
        return float(made[0, 0, 0, 0])

    def place(self, tensor: Tensor) -> str:
        return str(tensor.device).rpartition("device:")[2]

    def numbers(self, tensor: Tensor) -> Numbers:
        values: Numbers = tensor.numpy().astype("float32").tolist()
        return values

    def wait(self, tensor: Tensor) -> None:
        float(tensor[0, 0])  # runs after everything else in the device's queue


if __name__ == "__main__":
    main(TensorFlow())
