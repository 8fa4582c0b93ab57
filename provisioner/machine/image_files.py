"""The files of a Colab image, synthesized from its lists. Pure.

The lists name distributions and packages with their versions and nothing else, and so do these files: no
dependencies, no contents. The exceptions are exact pins, which decide what moves with what.
"""

from __future__ import annotations

import hashlib
import re

from provisioner.machine.reader import Interpreter
from provisioner.runtimes.images import Image

HOME = "/root"
FOLDER = "/content"
"""Where a notebook's cells run."""

PINS = {
    "google-colab": (
        "google-auth",
        "ipykernel",
        "ipyparallel",
        "ipython",
        "jupyter-server",
        "pandas",
        "portpicker",
        "requests",
        "tornado",
    ),
    "torchaudio": ("torch",),
    "torchvision": ("torch",),
}
"""What is required in exactly the version that the image has. Source: the metadata of these."""

LOOSE = {"torchaudio": (2, 11)}
"""From which version on one of these accepts other versions, too."""

UNKNOWN = "0+unknown"
"""The version of what came from a repository: it is accepted where any version is."""

GLIBC = {"22.04": "2_35", "24.04": "2_39"}
"""By Ubuntu's release; a later one runs what is built for an earlier one."""

ARCHITECTURE = "x86_64"
"""Of all of Colab's machines."""

JDK = re.compile(r"openjdk-(\d+)-jdk(?:-headless)?")

VARIABLES = {
    "CLOUDSDK_CONFIG": "/content/.config",
    "DEBIAN_FRONTEND": "noninteractive",
    "HOME": HOME,
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PATH": "/opt/bin:/usr/local/cuda/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "PYTHONPATH": "/env/python",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
}
DEVICE_VARIABLES = {
    "cpu": {"COLAB_GPU": ""},
    "gpu": {"COLAB_GPU": "1", "LD_LIBRARY_PATH": "/usr/lib64-nvidia"},
    "tpu": {"COLAB_GPU": "", "COLAB_TPU_1VM": "1"},
}
"""COLAB_GPU is set on every image; its value says whether there is a GPU."""


def interpreter(image: Image, state: str, venv: str | None = None) -> Interpreter:
    """The image's Python; with `venv` that of a virtual environment which has yet to be made there.

    `state` is our own folder here, where uv is shown what the image has.
    """
    python, short = image.python, image.python.rpartition(".")[0]
    markers = {
        "implementation_name": "cpython",
        "implementation_version": python,
        "os_name": "posix",
        "platform_machine": ARCHITECTURE,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": python,
        "python_version": short,
        "sys_platform": "linux",
    }
    digest = hashlib.sha256(repr(sorted(distributions(image).items())).encode()).hexdigest()
    return Interpreter(
        executable=f"{venv}/bin/python" if venv else "/usr/bin/python3",
        version=python,
        site_packages=() if venv else (f"/usr/local/lib/python{short}/dist-packages",),
        venv=venv,
        exists=venv is None,
        markers=markers,
        platform=f"x86_64-manylinux_{GLIBC.get(release(image), '2_35')}",
        shown=f"{state}/empty" if venv else f"{state}/images/{image.name}-{digest[:12]}",
    )


def release(image: Image) -> str:
    """ "22.04" of "Ubuntu 22.04.5 LTS"."""
    found = re.search(r"\d+\.\d+", image.os)
    return found[0] if found else ""


def environment(image: Image) -> dict[str, str]:
    variables = {"COLAB_RELEASE_TAG": f"release-colab_{image.date}", "COLAB_IMAGE_TYPE": image.image}
    return VARIABLES | variables | DEVICE_VARIABLES[image.image]


def files(image: Image, site_packages: str) -> dict[str, str]:
    """Every file that the image is known to have, by its path."""
    return {
        "/etc/os-release": f'ID={image.os.split()[0].lower()}\nVERSION_ID="{release(image)}"\n'
        f'PRETTY_NAME="{image.os}"\n',
        "/var/colab/hostname": "",
        "/var/lib/dpkg/status": "\n".join(stanza(*package) for package in image.apt.items()),
    } | {f"{site_packages}/{path}": text for path, text in distributions(image).items()}


def stanza(name: str, version: str) -> str:
    return f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n"


def distributions(image: Image) -> dict[str, str]:
    """METADATA and RECORD of all that pip lists, by paths below a folder of distributions."""
    found = {}
    for name, version in image.distributions.items():
        folder = f"{name.replace('-', '_')}-{version or UNKNOWN}.dist-info"
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version or UNKNOWN}"]
        lines += [f"Requires-Dist: {pin}" for pin in pins(name, image)]
        found[f"{folder}/METADATA"] = "\n".join(lines) + "\n"
        found[f"{folder}/RECORD"] = f"{folder}/METADATA,,\n{folder}/RECORD,,\n"
    return found


def pins(name: str, image: Image) -> list[str]:
    """What a distribution requires in exactly the image's version, whatever its build."""
    listed = image.distributions
    if name in LOOSE and numbers(listed[name]) >= LOOSE[name]:
        return []
    versions = {other: listed.get(other) for other in PINS.get(name, ())}
    return [f"{other}=={version.partition('+')[0]}" for other, version in versions.items() if version]


def numbers(version: str | None) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", (version or "").partition("+")[0])))


def links(image: Image) -> dict[str, str]:
    """The alternatives: no list says where they point, and the newest JDK is the default unless changed."""
    versions = [int(found[1]) for found in map(JDK.fullmatch, image.apt) if found]
    home = f"/usr/lib/jvm/java-{max(versions, default=0)}-openjdk-amd64"
    programs = ("java", "javac") if versions else ()
    return {f"/etc/alternatives/{program}": f"{home}/bin/{program}" for program in programs}
