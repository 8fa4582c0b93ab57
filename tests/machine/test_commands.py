"""The whole program on real machines: what it makes, what it mends, and what it says when it cannot."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest

from tests.machine.debian_root import REPOSITORY, USER, VENV, WORK, Root
from tests.machine.garden import GARDEN, PROVISIONER, assert_clear, assert_settled, pending, write_tar


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


def test_without_root_apt_is_blocked_and_the_rest_proceeds(garden: Root) -> None:
    spec = "version: 1\napt: {packages: [shelf-vim]}\nfiles: [{path: garden.toml, content: blue}]\n"
    done = garden.colabenv("apply", spec=spec, user=USER)
    assert_clear(done, "BLOCKED", r"sudo .*apt")
    assert garden.read(f"{WORK}/garden.toml") == "blue"


@pytest.mark.parametrize(
    "section",
    [
        "pip: {packages: [wcwidth]}",
        'datasets: {far: {url: "https://example.org/far.csv", to: far.csv}}',
    ],
    ids=["pip", "datasets"],
)
def test_without_network_one_message_says_so(provisioned_machine: Root, section: str) -> None:
    spec = f"version: 1\n{section}\nfiles: [{{path: fine, content: fine}}]\n"
    provisioned_machine.colabenv("validate", spec=spec, check=True)
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


def test_a_saved_plan_is_refused_once_the_machine_moved(garden: Root) -> None:
    spec = "version: 1\nfiles: [{path: garden.toml, content: blue}]\n"
    garden.colabenv("plan", "--out", "plan.json", spec=spec, check=True)
    garden.write(f"{WORK}/garden.toml", "red")
    assert_clear(garden.colabenv("apply", "plan.json"), "these differ", "garden.toml")
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


def listed_files() -> list[str]:
    """The repository's own files: tracked by git, or new and not ignored."""
    argv = ["git", "-C", str(REPOSITORY), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split("\0")
    return [name for name in names if name and (REPOSITORY / name).is_file()]


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

    assert "Every other part is verified" in again()
    told = again()
    assert "Nothing to do" in told
    assert "Every other part is verified" in told

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
