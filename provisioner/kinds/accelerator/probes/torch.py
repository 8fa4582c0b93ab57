"""Whether PyTorch sees the device and computes on it. Usage: `python torch.py '{"device": "gpu"}'`."""

from __future__ import annotations

import importlib
import os
import sys

if not __package__:  # run as a file, it finds its neighbours as the package `probes`
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    __package__ = "probes"

from .builds import fitting_build, gpu_build, runs_on, type_bought_for
from .failures import explain, recognise
from .probe import Data, Device, Failure, Framework, Matrix, Numbers, Tensor, Wish, missing
from .subprocess_runner import main


class Torch(Framework):
    name = "PyTorch"
    package = "torch"

    def devices(self, wish: Wish, data: Data) -> list[Device]:
        if wish.device == "tpu":
            raise Failure("PyTorch alone does not support a TPU.", "Use `frameworks: [jax]`.")
        try:
            self.torch = torch = importlib.import_module("torch")
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise missing(self, wish) from None
        data["version"] = torch.__version__
        data["build"] = {
            "cuda": torch.version.cuda,
            "architectures": torch.cuda.get_arch_list(),
        }
        if wish.device == "cpu":
            data["saw"] = ["cpu"]
            return [Device("the CPU", "cpu", torch.device("cpu"))]
        self.check_build(wish, data)
        found = [self.look_at(index, data) for index in range(torch.cuda.device_count())]
        data["saw"] = [device.name for device in found]
        data["build"]["cudnn"] = torch.backends.cudnn.version()  # raises when it does not fit
        return found

    def check_build(self, wish: Wish, data: Data) -> None:
        """Why no GPU can be used, as far as the build and CUDA's start show."""
        torch, driver = self.torch, wish.driver_cuda or ""
        version = torch.__version__
        if not torch.version.cuda:
            other = "AMD's ROCm" if getattr(torch.version, "hip", None) else "the CPU only"
            raise Failure(f"PyTorch {version} was built for {other}.", gpu_build(self.name, driver))
        if torch.cuda.is_available():
            return
        try:
            torch.cuda.init()
            said = "CUDA starts, and lists no device"
        except Exception as error:  # noqa: BLE001 - it says why
            said = str(error)
        known = recognise(said, {**data, "driver_cuda": driver})
        if known:
            raise Failure(*known)
        raise Failure(
            f"PyTorch {version} sees no GPU, though it was built for CUDA {torch.version.cuda}: {said}",
            fitting_build(self.name, driver),
            sure=False,
        )

    def look_at(self, index: int, data: Data) -> Device:
        """A GPU that PyTorch lists. It may list one that it has no code for, so that is asked too."""
        torch = self.torch
        name = torch.cuda.get_device_name(index)
        capability = ".".join(map(str, torch.cuda.get_device_capability(index)))
        data["capability"] = capability
        if not runs_on(capability, data["build"]["architectures"]):
            data["saw"] = [name]
            raise Failure(*explain("no kernel image is available", data))
        data["bfloat16"] = self.bfloat16(index)
        return Device(name, f"cuda:{index}", torch.device("cuda", index), type_bought_for(capability))

    def bfloat16(self, index: int) -> str:
        """Whether bfloat16 is "native", "emulated" in software (slow), or "absent"."""
        supported = self.torch.cuda.is_bf16_supported
        with self.torch.cuda.device(index):
            try:
                native = supported(including_emulation=False)
            except TypeError:  # before 2.4, it spoke of the hardware only
                native = supported()
            return "native" if native else "emulated" if supported() else "absent"

    def tensor(self, values: Matrix, dtype: str, device: Device) -> Tensor:
        return self.torch.tensor(values, dtype=getattr(self.torch, dtype), device=device.handle)

    def random(self, size: int, dtype: str, device: Device) -> Tensor:
        return self.torch.rand(size, size, dtype=getattr(self.torch, dtype), device=device.handle)

    def row_sums(self, tensor: Tensor) -> Tensor:
        return tensor.sum(1)

    def convolve(self, device: Device) -> float:
        ones = self.torch.ones
        made = self.torch.nn.functional.conv2d(
            ones(1, 1, 8, 8, device=device.handle), ones(1, 1, 3, 3, device=device.handle)
        )
        return float(made[0, 0, 0, 0])

    def place(self, tensor: Tensor) -> str:
        return str(tensor.device)

    def numbers(self, tensor: Tensor) -> Numbers:
        values: Numbers = tensor.cpu().tolist()
        return values

    def wait(self, tensor: Tensor) -> None:
        if tensor.device.type == "cuda":
            self.torch.cuda.synchronize(tensor.device)


if __name__ == "__main__":
    main(Torch())
