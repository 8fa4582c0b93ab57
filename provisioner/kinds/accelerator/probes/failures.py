"""What frameworks say when they fail, what it means, and how to fix it. Pure: text in, text out.

The texts are those of the frameworks' own sources and of their users' reports; samples of each, with where
they come from, are the recorded outputs of the tests.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from typing import Any

from .builds import fitting_build, gpu_build, missing_libraries, newer_build

Seen = Mapping[str, Any]
"""What a probe has found so far, as JSON."""

LONGEST = 600
"""Characters of a framework's own message that are shown."""

SIGNS = (
    # Who holds the device.
    (
        r"already in use by process with pid (\d+)",
        "process {0} is using the TPU",
        "One process at a time can use a TPU: stop process {0}, or restart the notebook that it belongs to.",
    ),
    (
        r"libtpu\S* (?:is )?already in use|/dev/(?:vfio|accel)\S*.*(?:resource busy)",
        "another process is using the TPU",
        "One process at a time can use a TPU: restart the notebook that uses it.",
    ),
    (
        r"out of memory.*?total capacity of ([\d.]+ \w+) of which ([\d.]+ \w+) is free",
        "the GPU's memory is in use: {1} of {0} are free",
        "Another process uses it: `nvidia-smi` lists which; stop it, or restart the notebook it belongs to.",
    ),
    (
        r"out of memory|OUT_OF_MEMORY|RESOURCE_EXHAUSTED|CUBLAS_STATUS_ALLOC_FAILED",
        "the GPU's memory is in use",
        "Another process uses it: `nvidia-smi` lists which; stop it, or restart the notebook it belongs to.",
    ),
    (
        r"busy or unavailable|CUDA_ERROR_DEVICE_UNAVAILABLE|cudaErrorDevicesUnavailable",
        "another process has exclusive use of the GPU",
        "Stop that process, or have the GPU's compute mode set to Default (`nvidia-smi -c 0`).",
    ),
    # Builds that do not fit the driver or the device.
    (
        r"UNSUPPORTED_PTX_VERSION|PTX was compiled with an unsupported toolchain",
        "its code comes from a newer CUDA than the driver knows: it was built with {built}, and the driver "
        "runs {driver}",
        "{fitting}",
    ),
    (
        r"no kernel image is available|is not compatible with the current PyTorch|NO_BINARY_FOR_GPU"
        r"|CUDA_ERROR_INVALID_(?:PTX|HANDLE|IMAGE)|device kernel image is invalid",
        "it lists the GPU and has no code for one of capability {capability}: it was built for "
        "{architectures}",
        "Take {newer}, or use a GPU that it was built for.",
    ),
    (
        r"driver on your system is too old \(found version (\d+)\)",
        "it is too new for the driver: it was built with {built}, and the driver runs CUDA {0}",
        "{fitting}",
    ),
    (
        r"driver version is insufficient|cudaErrorInsufficientDriver|insufficient driver version",
        "it is too new for the driver: it was built with {built}, and the driver runs {driver}",
        "{fitting}",
    ),
    (
        r"[kK]ernel version ([\d.]+) does not match DSO version ([\d.]*\d)",
        "the driver in the kernel is {0}, and its library is {1}",
        "The driver was replaced while it ran: restart the machine.",
    ),
    (
        r"[Dd]river/library version mismatch|SYSTEM_DRIVER_MISMATCH|unsupported display driver",
        "the driver in the kernel and its library are of different versions",
        "The driver was replaced while it ran: restart the machine.",
    ),
    (
        r"forward compatibility was attempted|COMPAT_NOT_SUPPORTED_ON_DEVICE",
        "a CUDA compatibility library is loaded instead of the driver's own, and this GPU does not allow it",
        "Take the folder `compat` off LD_LIBRARY_PATH and out of /etc/ld.so.conf.d.",
    ),
    # Libraries: two of them, none, or another one.
    (
        r"Loaded runtime CuDNN library: ([\d.]+) but source was compiled with: ([\d.]*\d)",
        "cuDNN is installed twice: it was built for {1}, and {0} was loaded",
        "{one_cudnn}",
    ),
    (
        r"cuDNN version incompatibility: PyTorch was compiled\s+against \(([^)]*)\) "
        r"but found runtime version \(([^)]*)\)",
        "cuDNN is installed twice: it was built for {0}, and {1} was loaded",
        "{one_cudnn}",
    ),
    (
        r"Outdated cuDNN installation found[\s\S]*?built against: (\d+)[\s\S]*?Installed version: (\d+)",
        "cuDNN does not fit: it was built for {0}, and {1} was loaded",
        "{one_cudnn}",
    ),
    (
        r"Found cuDNN version (\d+), but JAX was built against version (\d+)",
        "cuDNN does not fit: it was built for {1}, and {0} was loaded",
        "{one_cudnn}",
    ),
    (
        r"(libcuda\.so\S*?)['\":]+ .*cannot open shared object file",
        "the driver's library {0} is not found",
        "On Colab, put /usr/lib64-nvidia on LD_LIBRARY_PATH; elsewhere, install the driver of the GPU.",
    ),
    (
        r"(lib(?:nv|cu)\w+\.so[.\d]*)['\":]+ .*cannot open shared object file",
        "the CUDA library {0} is not found",
        "{libraries}",
    ),
    (
        r"Unable to load (cu\w+)\. Is it installed|Cannot dlopen some GPU libraries",
        "CUDA libraries are not found",
        "{libraries}",
    ),
    (
        r"Failed to open libtpu\.so",
        "the driver of the TPU, libtpu, is not installed",
        "Add jax[tpu] to `pip: packages`.",
    ),
    (
        r"(?:Error|E): (lib[\w.+-]+\.so[.\d]*): cannot open shared object file",
        "the system's library {0} is not found",
        "Add the Debian package that holds it to `apt: packages` (`apt-file search {0}` shows which).",
    ),
    (
        r"version `(GLIBC\w*_[\d.]+)' not found",
        "it was built for a newer system: {0} is not found",
        "Take an older {package}, or a newer runtime.",
    ),
    # Packages that do not fit each other.
    (
        r"numpy\.dtype size changed|numpy\.ufunc size changed|compiled using NumPy 1\.x|_ARRAY_API not found",
        "its compiled parts were built for another numpy",
        "Let `pip: packages` name {package} and numpy together; restart the runtime if numpy was replaced.",
    ),
    (
        r"torchvision::nms",
        "torch and torchvision do not fit each other",
        "Let `pip: packages` name torch, torchvision and torchaudio together.",
    ),
    (
        r"jaxlib (?:version|is version) (\S+?),? (?:is newer than and incompatible with|but this version of) "
        r"jax",
        "jax and jaxlib {0} do not fit each other",
        "Let `pip: packages` name jax alone, which installs the jaxlib that fits.",
    ),
    (
        r"undefined symbol: (\w+)",
        "its compiled parts do not fit each other: the symbol {0} is missing",
        "Packages of different builds are mixed: let `pip: packages` name {package} with its companions.",
    ),
    (
        r"No module named '([\w.]+)'",
        "it needs the module {0}, which is not installed",
        "Reinstall {package}, or add the package that has {0} to `pip: packages`.",
    ),
    # The device itself.
    (
        r"uncorrectable ECC|illegal memory access|unspecified launch failure|CUDA_ERROR_LAUNCH_FAILED"
        r"|hardware stack error|device-side assert",
        "the GPU failed while it computed",
        "Restart the machine; if it happens again, the GPU is faulty: use another.",
    ),
    (
        r"CUBLAS_STATUS_NOT_INITIALIZED|CUDNN_STATUS_NOT_INITIALIZED|DNN library initialization failed",
        "CUDA's libraries cannot be started on the GPU",
        "Its memory is taken by another process (`nvidia-smi` lists them), or cuDNN is installed twice.",
    ),
    (
        r"not compiled with CUDA enabled",
        "it was built for the CPU only",
        "{gpu_build}",
    ),
    (
        r"NO_DEVICE|no CUDA-capable device|No CUDA GPUs are available|No visible GPU devices"
        r"|no NVIDIA driver on your system",
        "CUDA finds no GPU",
        "No GPU is attached, or the container was started without it.",
    ),
)
"""(what is said, as a regular expression; what it means; what to do). The first that is found counts.

In the texts, {0} and {1} are the groups of the expression, and names are those of `words`.
"""

SIGNALS = {
    "SIGILL": "This build uses instructions that the processor lacks: take an older one, or another machine.",
    "SIGKILL": "The system stopped it, most likely because memory ran out: end what else uses memory.",
    "SIGBUS": "The disk or /dev/shm is full, or a file was replaced while it was in use.",
    "SIGSEGV": "Its compiled parts do not fit each other, the driver or this runtime: name the version that "
    "the image has, or restart the runtime if packages were replaced.",
}
SIGNALS["SIGABRT"] = SIGNALS["SIGSEGV"]


def recognise(said: str, seen: Seen) -> tuple[str, str] | None:
    """What a framework's message means and what to do, or None for an unknown one.

    `seen` is what the probe has found so far: `framework`, `version`, `build`, `capability`, `driver_cuda`.
    """
    for pattern, meaning, remedy in SIGNS:
        found = re.search(pattern, said, re.IGNORECASE)
        if found:
            groups = [tidy_version(group or "") for group in found.groups()]
            known = words(seen)
            subject = " ".join(filter(None, (known["name"], known["version"])))
            return (
                f"{subject}: {meaning.format(*groups, **known)}.",
                remedy.format(*groups, **known),
            )
    return None


def explain(said: str, seen: Seen) -> tuple[str, str]:
    """What a failure means and what to do; its own message, shortened, where that is unknown."""
    return recognise(said, seen) or (f"{words(seen)['name']}: {shorten(said)}", "")


def crash(number: int, phase: str, log: str, seen: Seen) -> tuple[str, str]:
    """What to say of a framework that was killed by a signal."""
    name = signal_name(number)
    known = recognise(log, seen)
    message = f"{words(seen)['name']} crashed ({name})" + (f" while {phase}" if phase else "") + "."
    if known:
        return f"{message} {known[0]}", known[1]
    return message, SIGNALS.get(name, "")


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def words(seen: Seen) -> dict[str, str]:
    """What the texts may mention, with general words for what is not known."""
    name = str(seen.get("framework", "the framework"))
    build = seen.get("build") or {}
    driver = str(seen.get("driver_cuda") or "")
    cuda = str(build.get("cuda") or "")
    architectures = build.get("architectures") or ()
    return {
        "name": name,
        "version": str(seen.get("version") or ""),
        "package": {"PyTorch": "torch"}.get(name, name.lower()),
        "built": f"CUDA {cuda}" if cuda else "a newer CUDA",
        "driver": f"CUDA up to {driver}" if driver else "an older one",
        "capability": str(seen.get("capability") or "of its kind"),
        "architectures": ", ".join(map(str, architectures)) or "others",
        "gpu_build": gpu_build(name, driver),
        "fitting": fitting_build(name, driver),
        "newer": newer_build(name),
        "libraries": missing_libraries(name, driver),
        "one_cudnn": f"The other comes from another package or LD_LIBRARY_PATH: let {name} be the only "
        "framework with CUDA in `pip: packages`, or keep the versions that the image has.",
    }


def tidy_version(text: str) -> str:
    """Versions as people write them: `9, 1, 0` is 9.1.0, and CUDA's `12020` is 12.2."""
    if re.fullmatch(r"\d+, \d+, \d+", text):
        return text.replace(", ", ".")
    if re.fullmatch(r"1\d0\d0", text):
        return f"{int(text) // 1000}.{int(text) % 1000 // 10}"
    return text


def shorten(text: str) -> str:
    """The beginning of a message, on few lines."""
    lines = [line.rstrip() for line in text.strip().splitlines() if line.strip()]
    short = "\n".join(lines[:6])
    return short if len(short) <= LONGEST else short[:LONGEST] + " ..."
