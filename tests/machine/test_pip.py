"""Python packages on a real Debian, with the real index: killed in the middle, broken by hand, kept apart."""

from __future__ import annotations

import json
import time

import pytest

from tests.machine.debian_root import USER, VENV, WORK, Root

SPEC = """\
version: 1
name: numbers
pip: {packages: ["numpy==2.2.6", "networkx[default]==3.4.2"]}
"""
INSTALLING = r"uv pip install(?!.*--dry-run)"


def pending(root: Root, spec: str | None = None) -> dict[str, str]:
    """What `plan` finds to do: actions by address."""
    told = json.loads(root.colabenv("plan", "--json", spec=spec, check=True).stdout)
    return {change["address"]: change["action"] for change in told["changes"] if change["action"] != "keep"}


def works(root: Root, python: str = f"{VENV}/bin/python") -> None:
    code = "import networkx, scipy.linalg, numpy; print(scipy.linalg.det(numpy.eye(3)))"
    assert root.run([python, "-c", code]).stdout == "1.0\n"


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.2, 0.5])
def test_killed_while_installing_the_next_apply_finishes(provisioned_machine: Root, delay: float) -> None:
    root = provisioned_machine
    assert pending(root, SPEC)["pip.scipy"] == "create"
    root.start([f"{VENV}/bin/python", "-m", "provisioner", "apply"], cwd=WORK)
    root.wait_for(INSTALLING)
    time.sleep(delay)
    root.kill(".")
    root.colabenv("apply", check=True)
    works(root)
    assert pending(root) == {}
    assert "Nothing to do" in root.colabenv("apply", check=True).stdout


def test_what_is_broken_by_hand_is_named_and_mended(provisioned_machine: Root) -> None:
    root = provisioned_machine
    root.colabenv("apply", spec=SPEC, check=True)
    site = root.run(["sh", "-c", f"echo {VENV}/lib/python3*/site-packages"]).stdout.strip()
    root.run(["sh", "-c", f"rm -r {site}/scipy-*.dist-info {site}/numpy"])
    assert pending(root) == {"pip.scipy": "create", "pip.numpy": "update"}
    root.colabenv("apply", check=True)
    works(root)
    root.run(["truncate", "-s", "1", f"{site}/networkx/__init__.py"])
    assert pending(root) == {}
    assert root.colabenv("verify", "--deep").returncode == 1
    assert "networkx/__init__.py" in root.colabenv("verify", "--deep").stdout


def test_a_python_that_belongs_to_the_system_is_left_alone(provisioned_machine: Root) -> None:
    root = provisioned_machine
    site = root.run(["sh", "-c", f"echo {VENV}/lib/python3*/site-packages"]).stdout.strip()
    before = root.run(["/usr/bin/python3", "-m", "pip", "list", "--format=freeze"]).stdout
    root.write(f"{WORK}/colabenv.yaml", 'version: 1\nname: own\npip: {packages: ["six==1.17.0"]}\n')
    env = {"PYTHONPATH": site, "PATH": f"{VENV}/bin:/usr/bin:/bin"}
    apply = ["/usr/bin/python3", "-m", "provisioner", "apply"]
    told = root.run(apply, cwd=WORK, env=env)
    assert f"{WORK}/.venv" in told.stdout
    code = "import six, sys; print(six.__version__, sys.prefix)"
    assert root.run([f"{WORK}/.venv/bin/python", "-c", code]).stdout == f"1.17.0 {WORK}/.venv\n"
    assert root.run(["/usr/bin/python3", "-m", "pip", "list", "--format=freeze"]).stdout == before
    assert "Nothing to do" in root.run(apply, cwd=WORK, env=env).stdout


def test_a_user_makes_a_venv_of_their_own(provisioned_machine: Root) -> None:
    root = provisioned_machine
    spec = "version: 1\nname: own\npip: {packages: [six], venv: env}\n"
    root.colabenv("apply", spec=spec, user=USER, check=True)
    root.run([f"{WORK}/env/bin/python", "-c", "import six"], user=USER)
    root.run(["rm", f"{WORK}/env/bin/python"])
    assert pending(root) == {"pip.venv": "create"}
    root.colabenv("apply", user=USER, check=True)
    root.run([f"{WORK}/env/bin/python", "-c", "import six"], user=USER)
    assert pending(root) == {}
