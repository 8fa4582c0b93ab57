"""Fresh Debian machines for tests: a cached root made by mmdebstrap, an overlay in memory for each test.

A machine is a tree of namespaces held open by one process, its init. All mounts are made inside its mount
namespace and all its changes lie in a tmpfs there, so ending that process is the whole clean-up, and it ends
by itself when the test runner dies. The network is shared with the host.
"""

from __future__ import annotations

import fcntl
import hashlib
import inspect
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

REPOSITORY = Path(__file__).parents[2]
CACHE = REPOSITORY / ".cache"
STAGE = CACHE / "stage"
"""Where every machine mounts its files, unseen by the others and by the host."""
SUITE = "bookworm"
PACKAGES = ("python3", "python3-venv", "python3-pip", "ca-certificates")
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
        clean = ["env", "-i", "-C", home if user and cwd == "/root" else cwd]
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

    def wait_for(self, pattern: str, timeout: float = 60) -> dict[int, str]:
        """Wait until a process whose command line holds `pattern` runs, and return all such."""
        deadline = time.monotonic() + timeout
        while not (found := self.processes(pattern)):
            if time.monotonic() > deadline:
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
        door = ["nsenter", f"--target={self.init}", "--mount"]
        call([*door, "mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", f"{STAGE}/root{path}"])


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


@dataclass
class Roots:
    """The cached disks, built once by whichever process comes first and kept while any process uses them."""

    folder: Path = CACHE / "roots"
    held: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("pip", "uv"):
            (CACHE / name).mkdir(exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.held.close()

    @property
    def caches(self) -> tuple[Bind, ...]:
        """Downloads that all machines share."""
        return tuple(Bind(CACHE / name, f"/root/.cache/{name}", "rw") for name in ("pip", "uv"))

    def get(self, name: str, ingredients: Sequence[str], build: Callable[[Path], None]) -> Path:
        """The disk `name` made of `ingredients`; `build` makes it in an empty folder when there is none."""
        key = hashlib.sha256("\0".join(ingredients).encode()).hexdigest()[:12]
        disk = self.folder / f"{name}-{key}"
        self.held.enter_context(locked(self.folder / f"{disk.name}.used", fcntl.LOCK_SH))
        with locked(self.folder / "building", fcntl.LOCK_EX):
            if not disk.exists():
                self.prune(name, disk)
                draft = self.folder / f"{name}.draft"
                if draft.exists():
                    shutil.rmtree(draft)
                draft.mkdir()
                build(draft)
                draft.rename(disk)
        return disk

    def prune(self, name: str, keep: Path) -> None:
        """Remove earlier disks of this name that no process uses."""
        for old in self.folder.glob(f"{name}-*"):
            if old != keep and old.is_dir():
                try:
                    with locked(self.folder / f"{old.name}.used", fcntl.LOCK_EX | fcntl.LOCK_NB) as path:
                        shutil.rmtree(old)
                        path.unlink()
                except BlockingIOError:
                    continue

    def fresh(self) -> Path:
        """A fresh Debian with only python3, pip and venv. Made anew each month, as the archive moves."""
        trust = host_bundle()
        recipe = [SUITE, *PACKAGES, inspect.getsource(Roots), time.strftime("%Y-%m", time.gmtime()), trust]

        def build(draft: Path) -> None:
            hook = f'chroot "$1" useradd --create-home --shell /bin/bash --uid {UID} {USER}'
            command = ["mmdebstrap", "--variant=apt", f"--include={','.join(PACKAGES)}"]
            call([*command, f"--customize-hook={hook}", SUITE, str(draft)])
            trust_also(draft, trust)

        return self.get("fresh", recipe, build)

    def installed(self) -> Path:
        """A fresh Debian with colab-provisioner and its dependencies in VENV, and apt's lists fetched.

        The package itself lies there as it was when the disk was made: show the current one over it. So it
        is not in its RECORD, lest it look damaged.
        """
        lower = self.fresh()
        recipe = [lower.name, (REPOSITORY / "pyproject.toml").read_text()]

        def build(draft: Path) -> None:
            call(["cp", "-a", "--reflink=auto", f"{lower}/.", str(draft)])
            wheels = draft / "tmp/wheels"
            call([*uv(), "build", "--quiet", "--wheel", "--out-dir", str(wheels), str(REPOSITORY)])
            (wheel,) = wheels.glob("*.whl")
            with running(lower, [*self.caches, Bind(draft, "/mnt", "rw")]) as root:
                inside = ["chroot", "/mnt"]
                root.run(["cp", "/etc/resolv.conf", "/etc/hosts", "/mnt/etc/"])
                root.run([*inside, "apt-get", "update"])
                root.run([*inside, "python3", "-m", "venv", VENV])
                pip = [f"{VENV}/bin/pip", "install", "--no-cache-dir", f"/tmp/wheels/{wheel.name}"]
                root.run([*inside, *pip])
            shutil.rmtree(wheels)
            (record,) = (draft / VENV[1:]).glob("lib/python3*/site-packages/colab_provisioner-*/RECORD")
            lines = record.read_text().splitlines(keepends=True)
            record.write_text("".join(line for line in lines if not line.startswith("provisioner/")))

        return self.get("installed", recipe, build)


def package_folder(disk: Path) -> str:
    """Where an `installed` disk holds the package."""
    (found,) = disk.glob(f"{VENV[1:]}/lib/python3*/site-packages/provisioner")
    return "/" + str(found.relative_to(disk))


def snapshot(to: Path, lower: Path) -> Path:
    """Copy the package from the working tree and compile it by the root's own Python."""
    package = to / "provisioner"
    shutil.copytree(REPOSITORY / "provisioner", package, ignore=shutil.ignore_patterns("__pycache__"))
    with running(lower, [Bind(package, "/mnt", "rw")]) as root:
        compiling = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "/mnt"]
        root.run(["python3", *compiling])
    return package


def listed_files() -> list[str]:
    """The repository's own files: tracked by git, or new and not ignored."""
    argv = ["git", "-C", str(REPOSITORY), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split("\0")
    return [name for name in names if name and (REPOSITORY / name).is_file()]


def host_bundle() -> str:
    """The certificates that the host trusts, as PEM text; empty when it has no bundle of its own."""
    bundle = Path(os.environ.get("SSL_CERT_FILE") or BUNDLE)
    return bundle.read_text() if bundle.is_file() else ""


def trust_also(disk: Path, bundle: str) -> None:
    """Make a Debian trust what the host trusts beyond Debian's own list, as an administrator would."""
    pem = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL)
    known = {"".join(text.split()) for text in pem.findall((disk / BUNDLE[1:]).read_text())}
    extra = [text for text in pem.findall(bundle) if "".join(text.split()) not in known]
    folder = disk / "usr/local/share/ca-certificates"
    for number, text in enumerate(extra):
        (folder / f"host-{number}.crt").write_text(text)
    if extra:
        call(["chroot", str(disk), "update-ca-certificates"])


def uv() -> list[str]:
    return [sys.executable, "-m", "uv"]


def call(argv: Sequence[str]) -> None:
    completed = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if completed.returncode:
        raise MachineError(
            describe(argv, f"ended with {completed.returncode}", completed.stdout, completed.stderr)
        )


@contextmanager
def locked(path: Path, how: int) -> Iterator[Path]:
    """Hold a lock file; the kernel lets go of it when we die."""
    with path.open("w") as file:
        fcntl.flock(file, how)
        yield path
