"""What it costs to find a machine already right, side by side with what people use today.

Makes a fresh Debian, brings it to the state that the files in `same/` all describe, sees that each tool then
has nothing to change, and times them in turn. Needs root and mmdebstrap; takes a few minutes.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

REPOSITORY = Path(__file__).parents[1]
sys.path.insert(0, str(REPOSITORY))

from tests.machine.debian_root import VENV, Bind, Root, running  # noqa: E402
from tests.machine.disks import BOOKWORM, Roots, package_folder, snapshot  # noqa: E402

BENCH = "/srv/bench"
PORT = 8731
PYTHON = f"{VENV}/bin/python"
APPLY = [PYTHON, "-m", "provisioner", "apply", f"{BENCH}/colabenv.yaml"]
PLAN = [PYTHON, "-m", "provisioner", "plan", f"{BENCH}/colabenv.yaml"]
OURS = {"colabenv apply": APPLY, "colabenv plan": PLAN}
PYINFRA = ["/opt/pyinfra/bin/pyinfra", "-y", "@local", f"{BENCH}/deploy.py"]
ANSIBLE = ["/opt/ansible/bin/ansible-playbook", "-i", "localhost,", f"{BENCH}/playbook.yml"]
THEIRS = {
    "pyinfra": PYINFRA,
    "ansible-core": ANSIBLE,
    "shell cell": ["sh", "-e", f"{BENCH}/cell.sh"],
    "floor: uv + dpkg-query": ["sh", "-e", f"{BENCH}/floor.sh"],
}
START = {
    "bare python": [PYTHON, "-c", "pass"],
    "colabenv --help": [PYTHON, "-m", "provisioner", "--help"],
}
MEBI = 1024 * 1024
DATASET = """\
version: 1
name: memory
datasets:
  big: {{url: "http://127.0.0.1:{port}/{name}", unpack: true, to: big}}
"""


@dataclass(frozen=True)
class Cost:
    """What one command took: seconds, and peak resident bytes of its largest process."""

    median: float
    fastest: float
    slowest: float
    peak: int


def time_all(root: Root, commands: Mapping[str, list[str]], rounds: int) -> dict[str, Cost]:
    order = json.dumps({"rounds": rounds, "commands": commands})
    answer = root.run(["python3", f"{BENCH}/stopwatch.py"], input=order, timeout=3600)
    costs = {}
    for name, runs in json.loads(answer.stdout).items():
        seconds = [run[0] for run in runs]
        costs[name] = Cost(
            statistics.median(seconds), min(seconds), max(seconds), max(run[1] for run in runs)
        )
    return costs


def prepare(root: Root) -> None:
    """Bring the machine to the wanted state by every tool, and see that each finds nothing more to do."""
    root.run(["apt-get", "install", "-y", "-qq", "wget", "python3-apt"])
    for name, package in (("pyinfra", "pyinfra"), ("ansible", "ansible-core")):
        root.run(["python3", "-m", "venv", f"/opt/{name}"])
        root.run([f"/opt/{name}/bin/pip", "install", "-q", package], timeout=900)
    told = {}
    for name, command in (OURS | THEIRS).items():
        print(f"preparing: {name}", file=sys.stderr, flush=True)
        root.run(command, timeout=1800)
        told[name] = root.run(command, timeout=1800).stdout
    plan = json.loads(root.run([*PLAN, "--json"]).stdout)
    pending = [change for change in plan["changes"] if change["action"] != "keep"]
    if pending or "changed=0" not in told["ansible-core"]:
        raise SystemExit(f"a second run still changes something: {pending}\n{told['ansible-core']}")


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class calls it
        """The table is all that is printed."""


@contextmanager
def serving(folder: Path) -> Iterator[None]:
    """Serve a folder on loopback, which machines share with the host."""
    handler = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", PORT), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def write_archive(path: Path, size: int) -> None:
    """A tar of one file with `size` bytes that do not compress."""
    block = os.urandom(MEBI)

    class Noise(io.RawIOBase):
        left = size

        def read(self, wanted: int = -1) -> bytes:
            given = block[: min(wanted, self.left, MEBI)]
            self.left -= len(given)
            return given

    member = tarfile.TarInfo("noise.bin")
    member.size = size
    with tarfile.open(path, "w") as archive:
        archive.addfile(member, Noise())


def dataset_memory(root: Root, www: Path, sizes: Iterable[int]) -> dict[str, Cost]:
    """What downloading and unpacking archives of these sizes takes, once each."""
    costs: dict[str, Cost] = {}
    for size in sizes:
        name = f"noise-{size // MEBI}.tar"
        write_archive(www / name, size)
        spec = f"{BENCH}/{size}/colabenv.yaml"
        root.write(spec, DATASET.format(port=PORT, name=name))
        label = f"apply a dataset of {size // MEBI} MiB"
        costs |= time_all(root, {label: [PYTHON, "-m", "provisioner", "apply", spec]}, 1)
        (www / name).unlink()
        root.run(["rm", "-r", f"{BENCH}/{size}"])
    return costs


def table(title: str, costs: Mapping[str, Cost], base: str) -> str:
    """A Markdown table; the ratio is to the median of `base`."""
    lines = [f"## {title}", "", f"| command | median | range | × {base} | peak memory |"]
    lines.append("| --- | ---: | ---: | ---: | ---: |")
    unit = costs[base].median
    for name, cost in costs.items():
        span = f"{cost.fastest:.3f}–{cost.slowest:.3f} s"
        cells = (
            name,
            f"{cost.median:.3f} s",
            span,
            f"{cost.median / unit:.2f}",
            f"{cost.peak / MEBI:.0f} MiB",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=11, help="runs of each command (default: 11)")
    parser.add_argument("--big", type=int, default=512, help="size of the larger dataset in MiB")
    options = parser.parse_args()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (scratch / "www").mkdir()
        (scratch / "www/flowers.csv").write_bytes(b"sepal,petal\n" * 200_000)
        roots = stack.enter_context(Roots(BOOKWORM))
        package = snapshot(scratch / "package", roots.fresh())
        disk = roots.installed()
        binds = [*roots.caches, Bind(package, package_folder(disk))]
        root = stack.enter_context(running(disk, binds))
        root.copy(REPOSITORY / "benchmarks/same", BENCH)
        root.copy(REPOSITORY / "benchmarks/stopwatch.py", f"{BENCH}/stopwatch.py")
        stack.enter_context(serving(scratch / "www"))
        prepare(root)
        print("timing", file=sys.stderr, flush=True)
        work = time_all(root, OURS | THEIRS, options.rounds)
        start = time_all(root, START, options.rounds)
        memory = dataset_memory(root, scratch / "www", (16 * MEBI, options.big * MEBI))
        print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Debian 12, {options.rounds} rounds\n")
        print(table("Nothing to do", work, "colabenv apply"))
        print(table("Start-up", start, "bare python"))
        print(table("Memory", memory, next(iter(memory))))


if __name__ == "__main__":
    main()
