"""The harness itself: machines are fresh, apart, reach the world and leave nothing behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.clock import PATIENCE
from tests.machine.aptrepo import Key, Repo
from tests.machine.debian_root import CACHE, USER, VENV, MachineError, Root, running
from tests.machine.disks import Release, Roots


def test_two_machines_do_not_see_each_other(roots: Roots) -> None:
    disk = roots.fresh()
    with running(disk) as one, running(disk) as two:
        one.write("/etc/marker", "one")
        assert two.run(["test", "-e", "/etc/marker"], check=False).returncode == 1
        sleeper = one.start(["sleep", "60"])
        one.wait_for("^sleep 60")
        assert two.processes() == {}
        one.kill("^sleep 60")
        sleeper.communicate()
    assert not (disk / "etc/marker").exists()


def test_nothing_is_left_behind_even_by_a_failure(roots: Roots) -> None:
    with ExitStack() as stack:
        root = stack.enter_context(running(roots.fresh()))
        sleeper = root.start(["sleep", "60"])
        root.wait_for("^sleep 60")
        with pytest.raises(MachineError, match="ended with 3"):
            root.run(["sh", "-c", "exit 3"])
    assert sleeper.wait(PATIENCE) == -signal.SIGKILL
    sleeper.communicate()
    assert not Path(f"/proc/{root.init}").exists()
    assert str(CACHE) not in Path("/proc/mounts").read_text()


def test_a_machine_ends_with_the_runner(roots: Roots) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom tests.machine.debian_root import running\n"
        "with running(Path(sys.argv[1])) as root:\n    print(root.init, flush=True)\n    time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(roots.fresh())], stdout=subprocess.PIPE, text=True
    ) as runner:
        assert runner.stdout
        init = os.pidfd_open(int(runner.stdout.readline()))
        runner.kill()
    ended, _, _ = select.select([init], [], [], PATIENCE)
    os.close(init)
    assert ended


def test_a_machine_is_a_bare_debian(machine: Root, release: Release) -> None:
    assert f"VERSION_CODENAME={release.name}\n" in machine.read("/etc/os-release")
    assert machine.read("/etc/debian_version").startswith(release.number + ".")
    python = machine.run(["python3", "--version"]).stdout
    assert python.startswith(f"Python {release.python}.")
    installed = machine.run(["dpkg-query", "-W", "-f", "${Package}\n"]).stdout.split()
    assert {"python3", "python3-venv", "python3-pip"} <= set(installed)
    assert not {"gcc", "git", "curl", "wget", "sudo"} & set(installed)
    assert machine.path("/var/lib/dpkg/lock-frontend").exists()
    assert [
        name for name in os.listdir(machine.path("/var/lib/apt/lists")) if name.endswith("Packages")
    ] == []


def test_programs_run_as_root_and_as_an_ordinary_user(machine: Root) -> None:
    assert machine.run(["id", "-u"]).stdout == "0\n"
    assert (
        machine.run(["sh", "-c", "id -u; pwd; echo $HOME"], user=USER).stdout
        == "1000\n/home/user\n/home/user\n"
    )
    assert machine.run(["touch", "/etc/marker"], user=USER, check=False).returncode == 1
    assert machine.run(["cat"], input="hello").stdout == "hello"
    assert machine.run(["sh", "-c", "pwd; echo $A"], cwd="/etc", env={"A": "1"}).stdout == "/etc\n1\n"


def test_a_program_that_takes_too_long_is_ended(machine: Root) -> None:
    with pytest.raises(MachineError, match="ran over"):
        machine.run(["sh", "-c", "sleep 60 & sleep 60"], timeout=0.5)
    assert machine.processes("sleep") == {}


def test_a_program_can_be_killed(machine: Root) -> None:
    process = machine.start(["python3", "-c", "import time; time.sleep(60)"])
    machine.wait_for("time.sleep")
    assert len(machine.kill("time.sleep")) == 1
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert machine.processes() == {}


def test_links_lead_to_places_inside_the_machine(machine: Root) -> None:
    machine.write("/srv/here", "inside")
    machine.path("/srv/link").symlink_to("/srv/here")
    machine.path("/srv/up").symlink_to("../../../../srv")
    assert machine.read("/srv/link") == "inside"
    assert machine.read("/srv/up/link") == "inside"
    assert machine.path("/srv/link").is_symlink()


def test_a_small_disk_fills_up(machine: Root) -> None:
    machine.mount_small("/srv/small", "64k")
    filled = machine.run(["cp", "/bin/bash", "/srv/small"], check=False)
    assert "No space left" in filled.stderr


def test_the_real_archive_and_the_real_index_are_reached(machine: Root) -> None:
    machine.run(["apt-get", "update"])
    assert machine.run(["apt-get", "install", "-y", "tree"]).returncode == 0
    assert machine.run(["tree", "--version"]).stdout.startswith("tree v")
    machine.run(["python3", "-m", "venv", "/opt/venv"])
    machine.run(["/opt/venv/bin/pip", "download", "--no-deps", "--dest", "/tmp", "six==1.17.0"])
    assert machine.path("/tmp/six-1.17.0-py2.py3-none-any.whl").exists()


def test_the_package_is_installed_as_the_working_tree_has_it(
    provisioned_machine: Root, package: Path
) -> None:
    code = (
        "import importlib.metadata as m, provisioner as p; print(m.version('colab-provisioner'), p.__file__)"
    )
    version, file = provisioned_machine.run([f"{VENV}/bin/python", "-c", code]).stdout.split()
    assert version
    assert provisioned_machine.read(file) == (package / "__init__.py").read_text()


@pytest.fixture
def shelved(machine: Root, repo: Repo, key: Key) -> Root:
    """A machine whose only source of packages is the ready-made ones."""
    repo.enlist(machine, key)
    return machine


def install(root: Root, *packages: str, check: bool = False) -> subprocess.CompletedProcess[str]:
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    return root.run(["apt-get", "install", "-y", *packages], env=env, check=check)


def test_the_licence_must_be_accepted(shelved: Root) -> None:
    refused = install(shelved, "shelf-licensed")
    assert refused.returncode == 100
    assert "was not accepted" in refused.stdout + refused.stderr
    shelved.run(["debconf-set-selections"], input="shelf-licensed shelf-licensed/accepted boolean true\n")
    install(shelved, "shelf-licensed", check=True)
    assert shelved.read("/usr/share/shelf-licensed/readme") == "licensed\n"


def test_the_failing_package_stays_half_configured(shelved: Root) -> None:
    assert install(shelved, "shelf-failing").returncode == 100
    state = shelved.run(["dpkg-query", "-W", "-f", "${Status}", "shelf-failing"]).stdout
    assert state == "install ok half-configured"


def test_the_held_package_stands_in_the_way(shelved: Root) -> None:
    install(shelved, "shelf-held=1.0", check=True)
    shelved.run(["apt-mark", "hold", "shelf-held"])
    assert install(shelved, "shelf-needs-held").returncode == 100


def test_the_rivals_remove_each_other(shelved: Root) -> None:
    install(shelved, "shelf-vim", check=True)
    assert "REMOVED" in install(shelved, "shelf-emacs", check=True).stdout


def test_the_jdks_share_the_alternatives(shelved: Root, release: Release) -> None:
    earlier, later = release.jdk, release.later_jdk
    install(shelved, f"openjdk-{earlier}-jdk-headless", f"openjdk-{later}-jdk-headless", check=True)
    assert f'"{later}.0.1"' in shelved.run(["java", "-version"]).stderr
    assert shelved.run(["javac", "-version"]).stdout == f"javac {later}.0.1\n"
    java = f"/usr/lib/jvm/java-{earlier}-openjdk-amd64/bin/java"
    shelved.run(["update-alternatives", "--set", "java", java])
    assert f'"{earlier}.0.1"' in shelved.run(["java", "-version"]).stderr


def test_the_slow_package_can_be_cut_short(shelved: Root) -> None:
    process = shelved.start(["apt-get", "install", "-y", "shelf-slow"])
    shelved.wait_for("^sleep 30")
    shelved.kill(".")
    process.communicate()
    state = shelved.run(["dpkg-query", "-W", "-f", "${Status}", "shelf-slow"]).stdout
    assert state == "install ok half-configured"
    shelved.write("/etc/shelf-fast", "")
    shelved.run(["dpkg", "--configure", "-a"])


def test_the_conffile_asks_when_changed(shelved: Root) -> None:
    install(shelved, "shelf-configured=1.0", check=True)
    shelved.write("/etc/shelf.conf", "mine\n")
    assert install(shelved, "shelf-configured").returncode == 100
    keep = ["-o", "Dpkg::Options::=--force-confold"]
    shelved.run(["apt-get", "install", "-y", "-f", *keep])
    assert shelved.read("/etc/shelf.conf") == "mine\n"


def test_a_repository_signed_by_another_key_is_refused(
    machine: Root, release: Release, repo: Repo, tmp_path: Path
) -> None:
    other = Key(tmp_path / "other", "Other <other@example.org>")
    try:
        with pytest.raises(MachineError, match=release.unknown_key):
            repo.enlist(machine, other)
    finally:
        other.close()
