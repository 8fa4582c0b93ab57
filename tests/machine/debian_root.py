"""Debian machines for tests: an overlay in memory on a cached root, which `disks` makes.

A machine is a tree of namespaces held open by one process, its init. All mounts are made inside its mount
namespace and all its changes lie in a tmpfs there, so ending that process is the whole clean-up, and it ends
by itself when the test runner dies. The network is shared with the host.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.clock import PATIENCE

REPOSITORY = Path(__file__).parents[2]
CACHE = REPOSITORY / ".cache"
STAGE = CACHE / "stage"
"""Where every machine mounts its files, unseen by the others and by the host."""
VENV = "/opt/colabenv"
"""Where `installed` roots have colab-provisioner."""
WORK = "/srv/work"
"""Where `Root.colabenv` puts the spec it is given; it belongs to USER."""
USER, UID = "user", 1000
"""An ordinary user of every root."""
UNSHARE = ("unshare", "--mount", "--pid", "--uts", "--ipc", "--fork")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"

HOLD = """
set -eu
stage=$1 lower=$2; shift 2
mount -t tmpfs -o mode=0755,size=80% tmpfs "$stage"
cd "$stage"
mkdir upper work root
mount -t overlay -o "lowerdir=$lower,upperdir=upper,workdir=work" overlay root
cd root
mount -t proc proc proc
mount --rbind -o ro /sys sys
mount -t tmpfs -o mode=0755,nosuid tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr
for node in null zero full random urandom tty; do
    : > "dev/$node"
    mount --bind "/dev/$node" "dev/$node"
done
for file in resolv.conf hosts; do
    rm -f "etc/$file"
    cat "/etc/$file" > "etc/$file"
done
while [ $# -gt 0 ]; do
    mkdir -p ".$2"
    mount --bind "$1" ".$2"
    mount -o "remount,bind,$3" ".$2"
    shift 3
done
hostname debian
read -r pid rest < /proc/self/stat
trap '' CHLD
exec chroot . sh -c 'echo "$0"; exec cat' "$pid"
"""
"""The init of a machine. In the host's /proc it finds the host's number for itself, and prints it when all is
ready: not before chroot, or /proc/NUMBER/root would still be the host. Ignoring SIGCHLD outlives exec, so the
kernel reaps every orphan. `cat` ends when its input is closed.
"""


class MachineError(AssertionError):
    """A command in a machine did not end as the test expected."""


@dataclass(frozen=True)
class Bind:
    """A folder of the host, shown in a machine."""

    source: Path
    target: str
    mode: str = "ro"


def missing_prerequisite() -> str | None:
    """Why no machine can be made here, or None."""
    if os.geteuid() != 0:
        return "machine tests need root, to make namespaces and a Debian root"
    for program in ("mmdebstrap", "unshare", "nsenter", "dpkg-deb", "gpg"):
        if not shutil.which(program):
            return f"machine tests need {program}: apt-get install mmdebstrap util-linux dpkg gpg gpg-agent"
    probe = subprocess.run([*UNSHARE, "true"], capture_output=True, text=True)
    return f"this system forbids namespaces: {probe.stderr.strip()}" if probe.returncode else None


def surroundings() -> dict[str, str]:
    """What a machine needs to reach the outside as the host does: the way there and whom to trust."""
    passed = {
        name: value
        for name, value in os.environ.items()
        if re.fullmatch(r"(?i)(https?|all|no)_proxy", name) and value
    }
    trust = {name: BUNDLE for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE") if os.environ.get(name)}
    folder = {"SSL_CERT_DIR": "/etc/ssl/certs"} if os.environ.get("SSL_CERT_DIR") else {}
    return passed | trust | folder


MOUNT = """
import ctypes, sys
where, options = (word.encode() for word in sys.argv[1:])
sys.exit(ctypes.CDLL(None).mount(b"tmpfs", where, b"tmpfs", 0, options))
"""
"""For want of mount(8), which a small Debian lacks."""


class Root:
    """A running machine. Paths are absolute paths inside it."""

    def __init__(self, init: int) -> None:
        self.init = init
        """The host's process number of the machine's init."""
        self.tree = Path(f"/proc/{init}/root")
        if self.tree.samefile("/"):
            raise MachineError("this machine's files are the host's")
        self.doors: list[subprocess.Popen[str]] = []
        """Every process started by `start`."""

    # programs

    def start(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str = "/root",
        user: str | None = None,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        stdout: int | IO[bytes] = subprocess.PIPE,
        stderr: int | IO[bytes] = subprocess.PIPE,
    ) -> subprocess.Popen[str]:
        """Start a program with a fresh login's environment; `user` is None for root, or USER.

        The process returned is the door, not the program: see `kill`.
        """
        home = f"/home/{user}" if user else "/root"
        variables = {
            "HOME": home,
            "LANG": "C.UTF-8",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "USER": user or "root",
            **surroundings(),
            **(env or {}),
        }
        identity = [f"--setuid={UID}", f"--setgid={UID}"] if user else []
        door = ["nsenter", f"--target={self.init}", "--mount", "--pid", "--uts", "--ipc", "--root", *identity]
        # A shell's background job ignores Ctrl-C, and so would all that it starts.
        clean = ["env", "-i", "--default-signal=INT", "-C", home if user and cwd == "/root" else cwd]
        settings = [f"{name}={value}" for name, value in variables.items()]
        process = subprocess.Popen(
            [*door, "--", *clean, *settings, *argv],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        self.doors.append(process)
        return process

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str = "/root",
        user: str | None = None,
        input: str | None = None,  # noqa: A002 - as subprocess.run calls it
        timeout: float = 300,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end.

        Raises MachineError when it takes too long, and when it fails unless `check` is False.
        """
        stdin = subprocess.DEVNULL if input is None else subprocess.PIPE
        process = self.start(argv, env=env, cwd=cwd, user=user, stdin=stdin)
        try:
            stdout, stderr = process.communicate(input, timeout=timeout)
        except subprocess.TimeoutExpired:
            self.kill(".")
            stdout, stderr = process.communicate()
            raise MachineError(describe(argv, f"ran over {timeout:g} s", stdout, stderr)) from None
        if check and process.returncode:
            raise MachineError(describe(argv, f"ended with {process.returncode}", stdout, stderr))
        return subprocess.CompletedProcess(list(argv), process.returncode, stdout, stderr)

    def colabenv(
        self,
        *args: str,
        spec: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str = WORK,
        user: str | None = None,
        timeout: float = 600,
        check: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """Run `python -m provisioner` in WORK, where `spec` becomes the colabenv.yaml that is found there."""
        self.path(WORK).mkdir(exist_ok=True)
        os.chown(self.path(WORK), UID, UID)
        if spec is not None:
            self.write(f"{WORK}/colabenv.yaml", spec)
        argv = [f"{VENV}/bin/python", "-m", "provisioner", *args]
        return self.run(argv, env=env, cwd=cwd, user=user, timeout=timeout, check=check)

    def processes(self, pattern: str = ".") -> dict[int, str]:
        """Host process numbers and command lines inside the machine, init apart, where `pattern` is found."""
        space = os.stat(f"/proc/{self.init}/ns/pid").st_ino
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                inside = (entry / "ns/pid").stat().st_ino == space
                words = (entry / "cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ")
            except OSError:
                continue
            line = words.decode(errors="replace")
            if inside and int(entry.name) != self.init and re.search(pattern, line):
                found[int(entry.name)] = line
        return found

    def wait_for(self, pattern: str, timeout: float = PATIENCE) -> dict[int, str]:
        """Wait until a process whose command line holds `pattern` runs, and return all such."""
        end = time.monotonic() + timeout
        while not (found := self.processes(pattern)):
            if time.monotonic() > end:
                raise MachineError(f"no process {pattern!r} in {timeout:g} s; there are {self.processes()}")
            time.sleep(0.02)
        return found

    def kill(self, pattern: str, number: int = signal.SIGKILL) -> list[str]:
        """Signal the processes whose command line holds `pattern`; return those command lines."""
        found = self.processes(pattern)
        for process in found:
            try:
                os.kill(process, number)
            except ProcessLookupError:
                continue
        return list(found.values())

    # files

    def path(self, path: str, *, follow: bool = False) -> Path:
        """Where the host sees a path: links in it lead to places inside the machine, never to the host's.

        The last part is followed only when `follow` is True.
        """
        done: list[str] = []
        parts = [part for part in path.split("/") if part]
        hops = 0
        while parts:
            part = parts.pop(0)
            if part in ("", "."):
                continue
            if part == "..":
                done = done[:-1]
                continue
            here = self.tree.joinpath(*done, part)
            if (parts or follow) and here.is_symlink():
                hops += 1
                if hops > 40:
                    raise OSError(f"{path}: too many links")
                target = os.readlink(here)
                done = [] if target.startswith("/") else done
                parts = [*target.split("/"), *parts]
            else:
                done.append(part)
        return self.tree.joinpath(*done)

    def read(self, path: str) -> str:
        return self.path(path, follow=True).read_text()

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file; folders above it are made."""
        place = self.path(path, follow=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)

    def copy(self, source: Path, path: str) -> None:
        """Copy a file or a folder of the host to `path`."""
        place = self.path(path, follow=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, place, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copy2(source, place)

    def mount_small(self, path: str, size: str) -> None:
        """Mount an empty disk of a size like "1m" at a folder that is made for it."""
        self.path(path).mkdir(parents=True)
        self.run(["python3", "-c", MOUNT, path, f"size={size}"])


def call(argv: Sequence[str]) -> None:
    completed = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if completed.returncode:
        raise MachineError(
            describe(argv, f"ended with {completed.returncode}", completed.stdout, completed.stderr)
        )


def describe(argv: Sequence[str], what: str, stdout: str, stderr: str) -> str:
    return f"{' '.join(argv)} {what}\n--- stdout\n{stdout[-8000:]}\n--- stderr\n{stderr[-8000:]}"


@contextmanager
def running(lower: Path, binds: Sequence[Bind] = ()) -> Iterator[Root]:
    """A machine whose disk begins as the folder `lower`, which it never changes."""
    STAGE.mkdir(parents=True, exist_ok=True)
    shown = [word for bind in binds for word in (str(bind.source), bind.target, bind.mode)]
    holder = subprocess.Popen(
        [*UNSHARE, "--kill-child", "sh", "-c", HOLD, "hold", str(STAGE), str(lower), *shown],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert holder.stdin
    assert holder.stdout
    assert holder.stderr
    doors: list[subprocess.Popen[str]] = []
    with holder.stdin, holder.stdout, holder.stderr:
        try:
            ready = holder.stdout.readline()
            if not ready:
                raise MachineError(f"cannot make a machine: {holder.stderr.read()}")
            root = Root(int(ready))
            doors = root.doors
            yield root
        finally:
            holder.stdin.close()
            holder.wait(60)
            for door in doors:
                with door:
                    """All that ran has ended with its init: this closes pipes and forgets the door."""
