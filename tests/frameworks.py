"""Virtual environments with real frameworks, built for the CPU, made once and kept in the cache.

They are hard links into uv's cache, so they cost little more than the largest of them.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import uv

REPOSITORY = Path(__file__).parent.parent
VENVS = REPOSITORY / ".cache" / "venvs"
WHEELS = REPOSITORY / ".cache" / "wheels"

REQUIREMENTS = {
    "tensorflow": "tensorflow-cpu==2.21.0",
    "torch": "torch==2.13.0+cpu",
    "jax": "jax==0.10.2",
}
"""What is installed. A version that ends in `+cpu` is never a build for GPUs, which takes gigabytes."""

TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
"""Where PyTorch publishes what PyPI has only for macOS and Windows."""


class NotToBeHadError(Exception):
    """A framework cannot be installed here, and why."""


def interpreter(framework: str) -> Path:
    """The Python of an environment that holds a framework. Raises NotToBeHadError."""
    recipe = f"{REQUIREMENTS[framework]} {sys.version}"
    venv = VENVS / f"{framework}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    VENVS.mkdir(parents=True, exist_ok=True)
    with open(VENVS / f"{framework}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not venv.exists():
            for old in VENVS.glob(f"{framework}-*"):
                shutil.rmtree(old)
            draft = VENVS / f"{framework}-draft"
            build(draft, torch_wheel() if framework == "torch" else REQUIREMENTS[framework])
            draft.rename(venv)
    return venv / "bin" / "python"


def build(venv: Path, requirement: str) -> None:
    """Make the environment. It is moved afterwards, which its interpreter does not mind."""
    program = uv.find_uv_bin()
    call([program, "venv", "--quiet", "--no-config", "--python", sys.executable, str(venv)])
    into = ["--no-config", "--python", str(venv / "bin/python")]
    call([program, "pip", "install", "--quiet", *into, requirement])


def torch_wheel() -> str:
    """A wheel of PyTorch for the CPU, from wherever pip is told to look, or from PyTorch's own index."""
    WHEELS.mkdir(parents=True, exist_ok=True)
    download = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    quick = ["--retries", "0", "--timeout", "15", "--extra-index-url", TORCH_INDEX]
    said = ""
    for options in ([], quick):
        try:
            call([*download, *options, "--dest", str(WHEELS), REQUIREMENTS["torch"]])
        except NotToBeHadError as error:
            said = str(error)
        else:
            (wheel,) = WHEELS.glob("torch-*+cpu*.whl")
            return str(wheel)
    raise NotToBeHadError(f"neither pip's sources nor {TORCH_INDEX} have {REQUIREMENTS['torch']}: {said}")


def call(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise NotToBeHadError(last_error(done.stderr))


def last_error(said: str) -> str:
    """What a program complains of."""
    errors: list[str] = re.findall(r"^ERROR: (.*)", said, re.MULTILINE)
    return errors[-1] if errors else said[-300:].strip()
