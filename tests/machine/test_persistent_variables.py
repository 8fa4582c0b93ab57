"""Variables that last, seen by real shells and a real IPython; and the small kinds, broken and mended."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable

import pytest

from tests.clock import PATIENCE
from tests.machine.debian_root import USER, VENV, WORK, Root

ENV = """\
version: 1
name: env
env:
  GREETING: "it's \\"so\\" $$HOME"
  PATH: {prepend: [/opt/tool/bin]}
  LANG: null
"""

SHOW = 'printf "%s|%s|%s\\n" "$GREETING" "${LANG-gone}" "$PATH"'

SHELLS = {"login": ["bash", "-lc"], "terminal": ["bash", "-ic"], "dash": ["dash", "-lc"]}

SMALL = """\
version: 1
name: small
runtime: {python: ">=3.11", os: debian>=12, disk_free: 1MB, memory: 100MB}
accelerator: {any_of: [gpu, tpu, cpu]}
drive: {required: false, links: {models: MyDrive/models}}
files:
  - {path: conf/a.toml, content: "a = 1\\n", mode: "0600"}
  - {path: copy, source: original}
  - {path: folder, folder: true, mode: "0750"}
  - {path: link, link: conf/a.toml}
env: {A: "1"}
run:
  - {name: build, command: [cp, original, built], creates: built}
  - {name: ask, command: [cp, original, asked], unless: [test, -f, asked]}
verify:
  imports: [json]
  commands: [{run: [cat, built], matches: "^text$"}]
"""


def pending(root: Root, user: str | None = None) -> dict[str, str]:
    told = json.loads(root.colabenv("plan", "--json", user=user, check=True).stdout)
    return {c["address"]: c["action"] for c in told["changes"] if c["action"] != "keep"}


def shown(root: Root, shell: str, user: str | None = None) -> str:
    return root.run([*SHELLS[shell], SHOW], user=user).stdout.splitlines()[-1]


@pytest.mark.parametrize("user", [None, USER])
def test_every_later_shell_has_the_variables(provisioned_machine: Root, user: str | None) -> None:
    root = provisioned_machine
    before = {shell: shown(root, shell, user).split("|")[2] for shell in SHELLS}
    root.colabenv("apply", spec=ENV, user=user, check=True)
    home = f"/home/{user}" if user else "/root"
    for shell in SHELLS:
        assert shown(root, shell, user) == f'it\'s "so" $HOME|gone|/opt/tool/bin:{before[shell]}'
    assert pending(root, user) == {}
    root.path(f"{home}/.bashrc").unlink()
    assert set(pending(root, user)) == {"env.GREETING", "env.PATH", "env.LANG"}
    root.colabenv("apply", user=user, check=True)
    assert shown(root, "terminal", user).startswith("it's")
    bare = ENV.partition("env:")[0]
    for without in (bare + "env: {}\n", bare):
        root.colabenv("apply", spec=ENV, user=user, check=True)
        root.colabenv("apply", spec=without, user=user, check=True)
        for shell in SHELLS:
            assert shown(root, shell, user) == f"|C.UTF-8|{before[shell]}"
        assert pending(root, user) == {}


def test_each_of_two_specs_takes_back_its_own_only(provisioned_machine: Root) -> None:
    root = provisioned_machine
    root.colabenv("apply", spec=ENV, check=True)
    theirs = root.run(["cat", "/etc/profile.d/colabenv-env.sh"]).stdout
    root.write(f"{WORK}/other.yaml", "version: 1\nname: other\n")
    root.colabenv("apply", "other.yaml", check=True)
    assert root.run(["cat", "/etc/profile.d/colabenv-env.sh"]).stdout == theirs
    root.write(f"{WORK}/other.yaml", "version: 1\nname: other\nenv: {GREETING: theirs}\n")
    told = root.colabenv("apply", "other.yaml", check=True).stdout
    assert f"set for '{WORK}/colabenv.yaml'; the spec that is applied last wins" in " ".join(told.split())
    assert shown(root, "login").startswith("theirs|C.UTF-8|")
    root.colabenv("apply", spec=ENV.partition("env:")[0], check=True)
    assert shown(root, "login").startswith("theirs|")


def test_a_kernel_has_the_variables(provisioned_machine: Root) -> None:
    root = provisioned_machine
    root.run([f"{VENV}/bin/pip", "install", "--quiet", "ipython"])
    root.colabenv("apply", spec=ENV, check=True)
    show = "import json, os\nchild = !printenv GREETING\nprint(json.dumps([dict(os.environ), *child]))"
    ipython = [f"{VENV}/bin/ipython", "--no-banner", "--colors=NoColor", "-c", show]
    kernel, child = json.loads(root.run(ipython).stdout)
    assert kernel["GREETING"] == child == 'it\'s "so" $HOME'
    assert kernel["PATH"].startswith("/opt/tool/bin:")
    assert "LANG" not in kernel


def test_the_small_kinds_are_mended_one_by_one(provisioned_machine: Root) -> None:
    root = provisioned_machine
    root.write(f"{WORK}/original", "text\n", 0o755)
    root.colabenv("apply", spec=SMALL, check=True)
    assert pending(root) == {}
    assert root.read(f"{WORK}/link") == "a = 1\n"
    assert root.path(f"{WORK}/copy").stat().st_mode & 0o777 == 0o755
    breaks: dict[str, Callable[[], object]] = {
        "files.conf/a.toml": lambda: root.write(f"{WORK}/conf/a.toml", "a = 2\n", 0o600),
        "files.copy": lambda: root.path(f"{WORK}/copy").chmod(0o644),
        "files.folder": lambda: root.path(f"{WORK}/folder").rmdir(),
        "files.link": lambda: root.path(f"{WORK}/link").unlink(),
        "env.A": lambda: root.path("/etc/profile.d/colabenv-env.sh").unlink(),
        "run.build": lambda: root.path(f"{WORK}/built").unlink(),
        "run.ask": lambda: root.path(f"{WORK}/asked").unlink(),
    }
    for address, damage in breaks.items():
        damage()
        assert set(pending(root)) == {address}
        told = json.loads(root.colabenv("apply", "--json", check=True).stdout)
        done = {outcome["step"] for outcome in told["outcomes"] if outcome["status"] == "done"}
        assert done in ({address}, {address.partition(".")[0]})
    assert pending(root) == {}
    root.colabenv("verify", check=True)


def test_what_is_in_the_way_is_left_alone_and_the_rest_is_done(provisioned_machine: Root) -> None:
    root = provisioned_machine
    root.write(f"{WORK}/original", "text\n")
    root.write(f"{WORK}/conf", "precious")
    root.write(f"{WORK}/link", "precious")
    done = root.colabenv("apply", spec=SMALL)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert f"{WORK}/conf exists and is not a folder" in done.stdout
    assert f"there is a file at {WORK}/link" in done.stdout
    assert root.read(f"{WORK}/conf") == root.read(f"{WORK}/link") == "precious"
    assert root.read(f"{WORK}/copy") == "text\n"


def test_a_command_that_was_killed_with_us_is_run_again(provisioned_machine: Root) -> None:
    root = provisioned_machine
    spec = "version: 1\nname: slow\nrun: [{name: nap, command: [sh, nap.sh], creates: rested}]\n"
    root.write(f"{WORK}/nap.sh", "sleep 600; touch rested\n")
    root.write(f"{WORK}/colabenv.yaml", spec)
    process = root.start(
        [f"{VENV}/bin/python", "-m", "provisioner", "apply"], cwd=WORK, stdout=subprocess.DEVNULL
    )
    root.wait_for("^sleep 600")
    root.kill("provisioner apply|sh nap.sh|sleep", signal.SIGKILL)
    process.wait(PATIENCE)
    root.write(f"{WORK}/nap.sh", "touch rested\n")
    root.colabenv("apply", check=True)
    assert pending(root) == {}


def test_drive_by_another_tools_mount(provisioned_machine: Root) -> None:
    root = provisioned_machine
    spec = "version: 1\nname: drive\ndrive: {mount: /mnt/drive, paths: [MyDrive/a], links: {a: MyDrive/a}}\n"
    done = root.colabenv("apply", spec=spec)
    assert done.returncode == 1
    assert "Drive is not mounted" in done.stdout
    assert not root.path(f"{WORK}/a").is_symlink()
    root.mount_small("/mnt/drive", "1m")
    root.run(["mkdir", "-p", "/mnt/drive/MyDrive/a"])
    root.colabenv("apply", check=True)
    assert root.run(["readlink", f"{WORK}/a"]).stdout == "/mnt/drive/MyDrive/a\n"
    assert pending(root) == {}
