"""The whole program on real machines: what it says, what it mends, how it stops and goes on."""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from subprocess import CompletedProcess
from threading import Event, Thread

import pytest

from tests.machine.aptrepo import Key, Repo
from tests.machine.debian_root import REPOSITORY, USER, VENV, WORK, Root, listed_files

GARDEN = """\
version: 1
name: garden
apt: {packages: [shelf-vim]}
pip: {packages: ["six==1.17.0"]}
datasets:
  seeds: {url: seeds.tar.gz, unpack: true, to: data/seeds}
files:
  - {path: garden.toml, content: "colour = 'blue'\\n", mode: "0640"}
env: {GARDEN: green}
run:
  - {name: dig, command: [touch, dug], creates: dug}
verify:
  imports: [six]
"""
PROVISIONER = (f"{VENV}/bin/python", "-m", "provisioner")


@pytest.fixture
def garden(provisioned_machine: Root, repo: Repo, key: Key) -> Root:
    """A machine that lacks everything that GARDEN asks for, and where all of it can be had."""
    repo.enlist(provisioned_machine, key)
    write_tar(provisioned_machine, f"{WORK}/seeds.tar.gz", {"rose.txt": b"rose\n", "lily.txt": b"lily\n"})
    return provisioned_machine


def write_tar(root: Root, path: str, members: dict[str, bytes]) -> None:
    root.write(path, "")
    with tarfile.open(root.path(path), "w:gz") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def pending(root: Root, spec: str | None = None) -> dict[str, str]:
    """What `plan` finds to do: actions by address."""
    told = json.loads(root.colabenv("plan", "--json", spec=spec, check=True).stdout)
    return {c["address"]: c["action"] for c in told["changes"] if c["action"] != "keep"}


def output(done: CompletedProcess[str]) -> str:
    return done.stdout + done.stderr


def assert_clear(done: CompletedProcess[str], *patterns: str) -> None:
    """A failure that a person can act upon: exit 1, the words expected, no traceback."""
    told = " ".join(output(done).split())
    assert done.returncode == 1, told
    assert "Traceback" not in told
    for pattern in patterns:
        assert re.search(pattern, told), told


def assert_settled(root: Root) -> None:
    """Applying once more finds nothing to do and says so."""
    again = root.colabenv("apply", check=True)
    assert "Nothing to do" in again.stdout
    assert pending(root) == {}
    root.colabenv("verify", check=True)


def test_everything_is_made_once_and_mended_when_broken(garden: Root) -> None:
    wanted = pending(garden, GARDEN)
    assert set(wanted.values()) == {"create"}
    made = garden.colabenv("apply", check=True)
    assert "Every part is verified" in made.stdout
    assert garden.read(f"{WORK}/data/seeds/rose.txt") == "rose\n"
    assert garden.run(["bash", "-lc", "echo $GARDEN"]).stdout == "green\n"
    assert_settled(garden)

    garden.run(["apt-get", "remove", "-y", "shelf-vim"])
    assert list(pending(garden)) == ["apt.shelf-vim"]
    garden.run([f"{VENV}/bin/pip", "uninstall", "-y", "six"])
    garden.path(f"{WORK}/data/seeds/rose.txt").unlink()
    garden.write(f"{WORK}/garden.toml", "colour = 'red'\n", 0o640)
    garden.path(f"{WORK}/dug").unlink()
    assert pending(garden) == {
        "apt.shelf-vim": "create",
        "pip.six": "create",
        "datasets.seeds": "update",
        "files.garden.toml": "update",
        "run.dig": "create",
    }
    mended = json.loads(garden.colabenv("apply", "--json", check=True).stdout)
    statuses = {outcome["step"].partition(".")[0]: outcome["status"] for outcome in mended["outcomes"]}
    assert statuses.pop("env") == "kept"
    assert set(statuses.values()) == {"done"}
    assert garden.read(f"{WORK}/garden.toml") == "colour = 'blue'\n"
    assert_settled(garden)


def test_two_applies_at_once(garden: Root) -> None:
    spec = GARDEN.replace("[touch, dug]", '[sh, -c, "sleep 3; touch dug"]')
    garden.colabenv("validate", spec=spec, check=True)
    argv = [*PROVISIONER, "apply"]
    first = garden.start(argv, cwd=WORK)
    garden.wait_for("^sleep 3")
    second = garden.colabenv("apply")
    told, _ = first.communicate()
    assert first.returncode == 0, told
    assert "changed" in told
    assert second.returncode == 0, output(second)
    assert "waiting" in output(second)
    assert "Nothing to do" in second.stdout


SLOW_BACKEND = """\
import os, subprocess, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    if not os.path.exists("/etc/shelf-fast"):
        subprocess.run(["sleep", "30"])
    name = "slow-1.0-py3-none-any.whl"
    info = "slow-1.0.dist-info/"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("slow.py", "")
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: slow\\nVersion: 1.0\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "RECORD", f"slow.py,,\\n{info}METADATA,,\\n{info}WHEEL,,\\n{info}RECORD,,\\n")
    return name
"""
SLOW_PROJECT = """\
[project]
name = "slow"
version = "1.0"

[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


@pytest.mark.parametrize(
    "section",
    [
        "apt: {packages: [shelf-slow]}",
        f'pip: {{packages: ["slow @ file://{WORK}/slow"]}}',
        'run: [{name: a, command: [sh, -c, "[ -e /etc/shelf-fast ] || sleep 30; touch dug"], creates: dug}]',
    ],
    ids=["apt", "pip", "run"],
)
def test_killed_in_the_middle_then_applied_again(garden: Root, section: str) -> None:
    garden.write(f"{WORK}/slow/backend.py", SLOW_BACKEND)
    garden.write(f"{WORK}/slow/pyproject.toml", SLOW_PROJECT)
    garden.colabenv("validate", spec=f"version: 1\n{section}\n", check=True)
    cut = garden.start([*PROVISIONER, "apply"], cwd=WORK)
    garden.wait_for("^sleep 30")
    garden.kill(".")
    cut.communicate()
    assert cut.returncode == -9
    garden.write("/etc/shelf-fast", "")
    assert pending(garden)
    garden.colabenv("apply", check=True)
    assert_settled(garden)


class StallingServer(ThreadingHTTPServer):
    """Serves one file on loopback; the first time it sends half of it and waits to be released."""

    daemon_threads = True

    def __init__(self, data: bytes) -> None:
        super().__init__(("127.0.0.1", 0), StallingHandler)
        self.data = data
        self.halfway, self.released = Event(), Event()


class StallingHandler(BaseHTTPRequestHandler):
    server: StallingServer

    def do_GET(self) -> None:
        data = self.server.data
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        half = len(data) // 2
        self.wfile.write(data[:half])
        self.server.halfway.set()
        self.server.released.wait(60)
        with suppress(ConnectionError):
            self.wfile.write(data[half:])

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.data)))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class calls it
        """Tests are quiet."""


@contextmanager
def stalling(data: bytes) -> Iterator[StallingServer]:
    with StallingServer(data) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()


def test_killed_in_a_download_then_applied_again(garden: Root) -> None:
    write_tar(garden, "/tmp/noise.tar.gz", {"noise.bin": os.urandom(4_000_000)})
    with stalling(garden.path("/tmp/noise.tar.gz").read_bytes()) as server:
        url = f"http://127.0.0.1:{server.server_port}/noise.tar.gz"
        spec = f"version: 1\ndatasets: {{noise: {{url: '{url}', unpack: true, to: noise}}}}\n"
        garden.colabenv("validate", spec=spec, check=True)
        cut = garden.start([*PROVISIONER, "apply"], cwd=WORK)
        assert server.halfway.wait(60)
        garden.kill(".")
        cut.communicate()
        server.released.set()
        assert not garden.path(f"{WORK}/noise").exists()
        garden.colabenv("apply", check=True)
    assert garden.path(f"{WORK}/noise/noise.bin").stat().st_size == 4_000_000
    assert_settled(garden)


@pytest.mark.parametrize("signal", [2, 15], ids=["ctrl-c", "term"])
def test_an_interrupt_reaps_children_and_the_next_apply_finishes(garden: Root, signal: int) -> None:
    command = '[sh, -c, "test -e again || sleep 30; touch dug"]'
    spec = f"version: 1\nrun: [{{name: dig, command: {command}, creates: dug}}]\n"
    garden.colabenv("validate", spec=spec, check=True)
    process = garden.start([*PROVISIONER, "apply"], cwd=WORK)
    garden.wait_for("^sleep 30")
    garden.kill("provisioner apply", signal)
    told = "".join(process.communicate(timeout=60))
    assert process.returncode == 130, told
    assert "Traceback" not in told
    assert garden.processes() == {}
    garden.write(f"{WORK}/again", "")
    garden.colabenv("apply", check=True)
    assert_settled(garden)


def test_without_root_apt_is_blocked_and_the_rest_proceeds(garden: Root) -> None:
    spec = "version: 1\napt: {packages: [shelf-vim]}\nfiles: [{path: garden.toml, content: blue}]\n"
    done = garden.colabenv("apply", spec=spec, user=USER)
    assert_clear(done, "BLOCKED", r"sudo .*apt")
    assert garden.read(f"{WORK}/garden.toml") == "blue"


@pytest.mark.parametrize(
    "section",
    [
        "pip: {packages: [wcwidth]}",
        "apt: {packages: [tree]}",
        'datasets: {far: {url: "https://example.org/far.csv", to: far.csv}}',
    ],
    ids=["pip", "apt", "datasets"],
)
def test_without_network_one_message_says_so(provisioned_machine: Root, section: str) -> None:
    spec = f"version: 1\n{section}\nfiles: [{{path: fine, content: fine}}]\n"
    provisioned_machine.colabenv("validate", spec=spec, check=True)
    if section.startswith("apt"):
        provisioned_machine.run(["rm", "-r", "/var/lib/apt/lists"])
    alone = ["unshare", "--net", *PROVISIONER, "apply"]
    done = provisioned_machine.run(
        alone, cwd=WORK, env={"XDG_CACHE_HOME": "/tmp/empty"}, check=False, timeout=600
    )
    assert_clear(done, "(?i)network|resolv|reach|connect")
    assert provisioned_machine.read(f"{WORK}/fine") == "fine"


def test_without_space_one_message_says_so_and_nothing_is_left(provisioned_machine: Root) -> None:
    root = provisioned_machine
    root.mount_small("/srv/small", "1m")
    root.write("/srv/small/fine", "fine")
    write_tar(root, f"{WORK}/noise.tar.gz", {"noise.bin": os.urandom(3_000_000)})
    spec = "version: 1\ndatasets: {noise: {url: noise.tar.gz, unpack: true, to: /srv/small/noise}}\n"
    assert_clear(root.colabenv("apply", spec=spec), "(?i)space")
    assert {place.name for place in root.path("/srv/small").iterdir()} == {"fine"}
    assert root.read("/srv/small/fine") == "fine"


@pytest.mark.parametrize(
    ("spec", "patterns"),
    [
        ("version: 1\napt: {pakages: [tree]}\n", [r"colabenv.yaml:2:\d+: ", "did you mean `packages`"]),
        ("version: 1\napt: {packages: [shelf-nowhere]}\n", ["shelf-nowhere"]),
        ("version: 1\napt: {packages: [shelf-vim=9.9]}\n", ["shelf-vim", "9.9"]),
        ('version: 1\npip: {packages: ["six==99"]}\n', ["six"]),
        ('version: 1\ndatasets: {x: {url: "http://127.0.0.1:9/x.csv", to: x.csv}}\n', ["127.0.0.1"]),
        (
            f"version: 1\ndatasets: {{x: {{url: seeds.tar.gz, to: x.tgz, sha256: '{'0' * 64}'}}}}\n",
            ["sha256|hash"],
        ),
    ],
    ids=["misspelt", "no-package", "no-apt-version", "no-pip-version", "dead-url", "wrong-hash"],
)
def test_bad_input_ends_in_one_clear_message(garden: Root, spec: str, patterns: list[str]) -> None:
    assert_clear(garden.colabenv("apply", spec=spec), *patterns)


def test_a_licence_is_accepted_without_a_prompt(garden: Root) -> None:
    question = "{package: shelf-licensed, question: shelf-licensed/accepted, type: boolean, value: true}"
    spec = f"version: 1\napt: {{packages: [shelf-licensed], debconf: [{question}]}}\n"
    garden.colabenv("apply", spec=spec, check=True)
    assert garden.read("/usr/share/shelf-licensed/readme") == "licensed\n"
    assert_settled(garden)


def test_the_default_jdk_moves(garden: Root) -> None:
    for version in (17, 21, 17):
        garden.colabenv("apply", spec=f"version: 1\njdk: {version}\n", check=True)
        assert f'"{version}.' in garden.run(["java", "-version"]).stderr
        assert garden.run(["javac", "-version"]).stdout.startswith(f"javac {version}.")
        home = garden.run(["bash", "-lc", "echo $JAVA_HOME"]).stdout
        assert f"-{version}-" in home
        assert_settled(garden)


def test_a_saved_plan_is_refused_once_the_machine_moved(garden: Root) -> None:
    spec = "version: 1\nfiles: [{path: garden.toml, content: blue}]\n"
    garden.colabenv("plan", "--out", "plan.json", spec=spec, check=True)
    garden.write(f"{WORK}/garden.toml", "red")
    assert_clear(garden.colabenv("apply", "plan.json"), "different now", "garden.toml")
    garden.path(f"{WORK}/garden.toml").unlink()
    garden.colabenv("apply", "plan.json", check=True)
    assert garden.read(f"{WORK}/garden.toml") == "blue"


def test_the_plan_is_told_by_its_exit_code(garden: Root) -> None:
    spec = "version: 1\nfiles: [{path: garden.toml, content: blue}]\n"
    assert garden.colabenv("plan", "--detailed-exitcode", spec=spec).returncode == 2
    garden.colabenv("apply", check=True)
    assert garden.colabenv("plan", "--detailed-exitcode").returncode == 0


def readme_command(readme: str, number: int) -> str:
    """The README's `number`-th shell block, counted from 0, which must be a single line."""
    blocks = re.findall(r"^```(?:sh|bash|console)\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    (line,) = blocks[number].strip().splitlines()
    return str(line)


def checkout(root: Root, place: str) -> None:
    """Put the working tree's own files, without what git ignores, into a machine."""
    for name in listed_files():
        root.copy(REPOSITORY / name, f"{place}/{name}")


def test_the_first_command_of_the_readme(machine: Root) -> None:
    """It makes everything; run again, nothing; what is broken by hand, and only that, is named and mended."""
    clone = "/root/provisioner"
    checkout(machine, clone)
    command = readme_command((REPOSITORY / "README.md").read_text(), 0)

    def again() -> str:
        return machine.run(["sh", "-c", command], cwd=clone, timeout=600).stdout

    assert "Every part is verified" in again()
    told = again()
    assert "Nothing to do" in told
    assert "Every part is verified" in told

    python = f"{clone}/.venv/bin/python"
    machine.run(["apt-get", "remove", "-y", "tree"])
    machine.run([python, "-m", "pip", "uninstall", "-y", "humanize"])
    next(machine.path(f"{clone}/data/blossoms").rglob("*.csv")).unlink()
    machine.write(f"{clone}/data/settings.toml", "[training]\nepochs = 9\n")
    machine.path("/etc/profile.d/colabenv-env.sh").unlink()
    plan = machine.run([python, "-m", "provisioner", "plan", "--json"], cwd=clone)
    broken = {
        change["address"]: change["action"]
        for change in json.loads(plan.stdout)["changes"]
        if change["action"] != "keep"
    }
    assert broken == {
        "apt.tree": "create",
        "pip.humanize": "create",
        "datasets.blossoms": "update",
        "files.data/settings.toml": "update",
        "env.TOKENIZERS_PARALLELISM": "update",
    }
    assert "5 changed" in again()
    assert "Nothing to do" in again()
