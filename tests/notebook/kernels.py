"""Real kernels in environments of their own: Colab's old ipykernel and IPython, and the current ones."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
from uv import find_uv_bin

from tests.clock import PATIENCE

ROOT = Path(__file__).resolve().parent.parent.parent
STANDIN = Path(__file__).resolve().parent / "standin"
VENVS = ROOT / ".cache" / "venvs"

SETS = {
    "colab": ("ipykernel==6.17.1", "ipython==7.34.0", "setuptools<81", "coverage>=7.10"),
    "current": ("ipykernel", "ipython", "coverage>=7.10"),
    "lab": ("jupyterlab", "coverage>=7.10"),
}
"""setuptools, because IPython 7.34 imports pkg_resources; coverage, to know what was run in there."""

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def environment(name: str) -> Path:
    """The virtual environment with one of SETS and this package; made once, by whoever comes first."""
    wanted = (*SETS[name], "-e", str(ROOT))
    key = hashlib.sha256(repr((wanted, sys.version, (ROOT / "pyproject.toml").read_text())).encode())
    folder = VENVS / f"{name}-{key.hexdigest()[:12]}"
    VENVS.mkdir(parents=True, exist_ok=True)
    with (VENVS / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            make(folder, *wanted)
            (folder / "complete").touch()
    return folder


def make(folder: Path, *wanted: str) -> None:
    uv = (find_uv_bin(), "--quiet", "--no-config")
    subprocess.run([*uv, "venv", "--allow-existing", "--python", sys.executable, folder], check=True)
    subprocess.run([*uv, "pip", "install", "--python", folder / "bin" / "python", *wanted], check=True)


@dataclass
class Result:
    """What came of a cell."""

    status: str = ""
    stdout: str = ""
    displays: list[dict[str, Any]] = field(default_factory=list)
    """MIME bundles, updates too, in the order they came."""
    error: str = ""
    """The exception's message."""
    traceback: str = ""

    @property
    def said(self) -> str:
        """What a child printed, without colours and the terminal's line ends."""
        return ANSI.sub("", self.stdout).replace("\r\n", "\n")

    @property
    def text(self) -> str:
        """All that a person reads where there is no HTML."""
        return self.stdout + "\n".join(bundle.get("text/plain", "") for bundle in self.displays)


@dataclass
class RunningKernel:
    manager: KernelManager
    client: Any

    def run(self, code: str) -> Result:
        """Execute a cell as a notebook does, and gather what it puts out."""
        result = Result()

        def hear(message: dict[str, Any]) -> None:
            content = message["content"]
            match message["msg_type"]:
                case "stream":
                    result.stdout += content["text"]
                case "display_data" | "update_display_data" | "execute_result":
                    result.displays.append(content["data"])
                case "error":
                    result.error = content["evalue"]
                    result.traceback = ANSI.sub("", "\n".join(content["traceback"]))

        reply = self.client.execute_interactive(code, output_hook=hear, timeout=PATIENCE, stop_on_error=False)
        result.status = reply["content"]["status"]
        return result

    def complete(self, code: str) -> list[str]:
        matches: list[str] = self.client.complete(code, reply=True, timeout=PATIENCE)["content"]["matches"]
        return matches

    def restart(self) -> None:
        self.manager.restart_kernel()
        self.client.wait_for_ready(timeout=PATIENCE)

    def wait_for_end(self) -> None:
        """Until the kernel's process has ended of its own accord."""
        while self.manager.is_alive():
            time.sleep(0.05)


@contextlib.contextmanager
def kernel(
    venv: Path, folder: Path, launcher: str = "ipykernel_launcher", **variables: str
) -> Iterator[RunningKernel]:
    """A kernel of `venv` that works in `folder`, with a home and a state of its own below it."""
    home = folder / "home"
    startup = home / ".ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True, exist_ok=True)
    for script in (STANDIN / "startup").glob("*.py"):
        (startup / script.name).write_text(script.read_text())
    own = {"HOME": str(home), "IPYTHONDIR": str(home / ".ipython"), "XDG_STATE_HOME": str(home / "state")}
    kept = {name: os.environ[name] for name in ("LANG", "SSL_CERT_FILE") if name in os.environ}
    passed = ("UV_", "PIP_", "COVERAGE_")
    kept |= {name: value for name, value in os.environ.items() if name.startswith(passed)}
    caches = {"UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR") or os.path.expanduser("~/.cache/uv")}
    path = {"PATH": f"{venv}/bin:/usr/local/bin:/usr/bin:/bin", "JUPYTER_RUNTIME_DIR": str(home / "runtime")}
    manager = KernelManager(connection_file=str(folder / "connection.json"))
    manager._kernel_spec = KernelSpec(
        argv=[str(venv / "bin" / "python"), "-m", launcher, "-f", "{connection_file}"]
    )
    manager.start_kernel(cwd=str(folder), env={**kept, **caches, **own, **path, **variables})
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=PATIENCE)
        yield RunningKernel(manager, client)
    finally:
        client.stop_channels()
        if manager.has_kernel:
            manager.shutdown_kernel()
        manager.cleanup_resources()
