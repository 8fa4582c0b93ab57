"""Drive by a real FUSE mount: what lies on it waits for it, and a dead one blocks nothing else."""

from __future__ import annotations

import pytest

from tests.machine.debian_root import WORK, Root
from tests.machine.garden import assert_clear, assert_settled, output

CLOUD, DRIVE = "/srv/cloud", "/mnt/drive"
NFD = "Donne\u0301es"
SPEC = """\
version: 1
drive:
  mount: /mnt/drive
  paths: ["MyDrive/Donn\u00e9es"]
  folders: [MyDrive/results]
  links: {data: "MyDrive/Donn\u00e9es"}
datasets:
  rows: {url: "/mnt/drive/MyDrive/Donn\u00e9es/rows.csv", to: rows.csv}
files:
  - {path: settings.toml, source: /mnt/drive/MyDrive/settings.toml}
  - {path: own.txt, content: "mine\\n"}
"""
ON_DRIVE = ("drive.MyDrive/results", "drive.link data", "datasets.rows", "files.settings.toml")


@pytest.fixture
def cloud(provisioned_machine: Root) -> Root:
    """A machine with FUSE, which is taken for Colab, and the files that its Drive has."""
    root = provisioned_machine
    root.run(["apt-get", "install", "--yes", "--no-install-recommends", "bindfs", "fuse3"])
    root.run(["mknod", "/dev/fuse", "c", "10", "229"])
    root.write("/var/colab/hostname", "")
    root.write(f"{CLOUD}/MyDrive/{NFD}/rows.csv", "1,2\n")
    root.write(f"{CLOUD}/MyDrive/settings.toml", "a = 1\n")
    root.path(DRIVE).mkdir()
    return root


def mount(root: Root) -> None:
    root.run(["bindfs", "-o", "fsname=drive,subtype=drive", CLOUD, DRIVE])


def test_drive_is_absent_then_mounted_then_dead_then_mounted_again(cloud: Root) -> None:
    planned = cloud.colabenv("plan", spec=SPEC)
    assert output(planned).count("from google.colab import drive") == 1
    absent = cloud.colabenv("apply")
    assert_clear(absent, "Drive is not mounted. Run this in a cell", "needs drive.mount, which is blocked")
    assert cloud.read(f"{WORK}/own.txt") == "mine\n"

    mount(cloud)
    cloud.colabenv("apply", check=True)
    assert cloud.read(f"{WORK}/rows.csv") == "1,2\n"
    assert cloud.read(f"{WORK}/settings.toml") == "a = 1\n"
    assert cloud.path(f"{WORK}/data").readlink().as_posix() == f"{DRIVE}/MyDrive/{NFD}"
    assert cloud.path(f"{CLOUD}/MyDrive/results").is_dir()
    assert_settled(cloud)

    assert cloud.kill("^bindfs")
    cloud.path(f"{WORK}/own.txt").unlink()
    dead = cloud.colabenv("apply")
    assert_clear(
        dead,
        "what is mounted at /mnt/drive does not answer \\(Transport endpoint is not connected\\)",
        "drive.flush_and_unmount",
        *ON_DRIVE,
    )
    assert cloud.read(f"{WORK}/own.txt") == "mine\n"

    cloud.run(["fusermount3", "-u", "-z", DRIVE])
    mount(cloud)
    assert_settled(cloud)


def test_a_dead_mount_that_no_section_is_about_blocks_what_lies_on_it(cloud: Root) -> None:
    mount(cloud)
    spec = """\
version: 1
datasets:
  rows: {url: "/mnt/drive/MyDrive/settings.toml", to: rows.csv}
  there: {url: other.txt, to: /mnt/drive/MyDrive/there.txt}
files:
  - {path: settings.toml, source: /mnt/drive/MyDrive/settings.toml}
  - {path: own.txt, content: "mine\\n"}
"""
    assert cloud.kill("^bindfs")
    cloud.write(f"{WORK}/other.txt", "x")
    told = cloud.colabenv("apply", spec=spec)
    assert_clear(
        told, "what is mounted at /mnt/drive does not answer .*Mount it again, and then run this again"
    )
    assert "Not done: 3 blocked" in " ".join(output(told).split())
    assert cloud.read(f"{WORK}/own.txt") == "mine\n"
