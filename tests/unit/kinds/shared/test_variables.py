"""Persistent variables: what a shell or a kernel makes of the files, what is read back, what a kernel has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.kinds.shared import variable_files, variables
from provisioner.kinds.shared.variable_files import Setting, Settings
from provisioner.model.effects import Export, Remove, Write
from provisioner.model.errors import ObserveError
from provisioner.model.kernel import Kernel
from provisioner.model.plan import Action, Change
from tests.fakes import FakeMachine

SHELL_FILE = "/etc/profile.d/colabenv-env.sh"
SPEC = "/work/colabenv.yaml"
KERNEL_FILE = "/root/.ipython/profile_default/startup/00-colabenv-env.py"

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
FOLDER = TEXT.filter(lambda text: text and ":" not in text)
VALUE = st.one_of(TEXT, st.none(), st.lists(FOLDER, min_size=1, max_size=3, unique=True).map(tuple))
NAME = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)

AWKWARD: dict[str, Setting] = {
    "QUOTED": 'it\'s "so" $HOME `id` \\ # end',
    "LINES": "one\n# settings\ntwo\n# end of settings\n",
    "EMPTY": "",
    "GONE": None,
    "PATH": ("/opt/a b/*", "/opt/[x]"),
    "NEWLIST": ("/q'",),
}


def apply(machine: FakeMachine, wanted: Settings, name: str = "env") -> tuple[Change, ...]:
    """Make it so, and return what it took."""
    found = variables.observe(name, machine, list(wanted))
    for effect in variables.effects(wanted, found):
        machine.perform(effect, lambda done, total, text: None)
    return variables.changes(name, wanted, found)


def actions(changes: tuple[Change, ...]) -> dict[str, str]:
    return {change.address: change.action.value for change in changes}


@given(st.dictionaries(NAME, VALUE, max_size=4))
def test_what_is_written_is_read_back(settings: dict[str, Setting]) -> None:
    assert variable_files.parse_shell(variable_files.render_shell(settings, SPEC)) == settings
    assert variable_files.parse_kernel(variable_files.render_kernel(settings, SPEC)) == settings


@given(st.dictionaries(NAME, VALUE, max_size=3), st.dictionaries(NAME, VALUE, max_size=3))
def test_whatever_was_there_becomes_what_is_wanted(old: dict[str, Setting], new: dict[str, Setting]) -> None:
    machine = FakeMachine()
    apply(machine, old)
    apply(machine, new)
    assert variables.effects(new, variables.observe("env", machine)) == ()
    assert set(actions(apply(machine, new)).values()) <= {"keep"}


@pytest.mark.parametrize("shell", [["dash"], ["bash"], ["bash", "--posix"]])
def test_a_shell_that_reads_the_file_twice_gets_what_is_wanted(shell: list[str], tmp_path: Path) -> None:
    file = tmp_path / "env.sh"
    file.write_text(variable_files.render_shell(AWKWARD, SPEC))
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    done = subprocess.run(
        [*shell, "-euc", '. "$0"; . "$0"; "$1" -c "$2"; set', str(file), sys.executable, show],
        env={"PATH": "/opt/[x]:/usr/bin:/opt/a b/*:/bin", "GONE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    environ = json.loads(done.stdout.splitlines()[0])
    assert done.stderr == ""
    assert environ["QUOTED"] == AWKWARD["QUOTED"]
    assert environ["LINES"] == AWKWARD["LINES"]
    assert environ["EMPTY"] == ""
    assert "GONE" not in environ
    assert environ["PATH"] == "/opt/a b/*:/opt/[x]:/usr/bin:/bin"
    assert environ["NEWLIST"] == "/q'"
    assert "colabenv_" not in done.stdout


def test_a_kernel_gets_what_is_wanted_and_no_names_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"PATH": "/opt/[x]:/usr/bin:/opt/a b/*:/bin", "GONE": "1"})
    namespace: dict[str, object] = {}
    for _ in range(2):
        exec(variable_files.render_kernel(AWKWARD, SPEC), namespace)
    assert os.environ == {
        "QUOTED": AWKWARD["QUOTED"],
        "LINES": AWKWARD["LINES"],
        "EMPTY": "",
        "PATH": "/opt/a b/*:/opt/[x]:/usr/bin:/bin",
        "NEWLIST": "/q'",
    }
    assert set(namespace) == {"__builtins__"}


def test_an_interactive_shell_reads_every_owners_file(tmp_path: Path) -> None:
    machine = FakeMachine(root=False, home=str(tmp_path))
    apply(machine, {"A": "1"}, "env")
    apply(machine, {"JAVA_HOME": "/opt/jdk"}, "jdk")
    for path, entry in machine.entries.items():
        if entry.type == "file":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_bytes(entry.data)
    for shell in (["bash", "-i"], ["bash", "-l"], ["dash", "-l"]):
        done = subprocess.run(
            [*shell, "-c", 'echo "got $A $JAVA_HOME ${colabenv_file-none}"'],
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
            start_new_session=True,
        )
        assert "got 1 /opt/jdk none" in done.stdout


def test_two_owners_leave_each_other_alone() -> None:
    machine = FakeMachine()
    apply(machine, {"A": "1", "PATH": ("/a",)}, "env")
    apply(machine, {"JAVA_HOME": "/j"}, "jdk")
    assert actions(apply(machine, {"A": "1", "PATH": ("/a",)}, "env")) == {
        "env.A": "keep",
        "env.PATH": "keep",
    }
    apply(machine, {}, "env")
    assert machine.read(SHELL_FILE) is None
    assert machine.read(KERNEL_FILE) is None
    assert actions(apply(machine, {"JAVA_HOME": "/j"}, "jdk")) == {"jdk.JAVA_HOME": "keep"}


def test_each_variable_is_compared_with_what_it_was() -> None:
    machine = FakeMachine()
    apply(machine, {"SAME": "1", "OTHER": "1", "LIST": ("/a",), "OLD": None})
    assert apply(machine, {"SAME": "1", "OTHER": "2", "LIST": None, "NEW": "x"}) == (
        Change("env.SAME", Action.KEEP, "1"),
        Change("env.OTHER", Action.UPDATE, "1", "2"),
        Change("env.LIST", Action.UPDATE, "/a:...", "unset"),
        Change("env.NEW", Action.CREATE, None, "x"),
        Change("env.OLD", Action.REMOVE, "unset", None, "the file no longer names it"),
    )


def test_one_edited_variable_is_named_alone() -> None:
    machine = FakeMachine()
    wanted = {"A": "1", "B": "2"}
    apply(machine, wanted)
    machine.put(SHELL_FILE, variable_files.render_shell({"A": "1", "B": "9"}, SPEC))
    assert apply(machine, wanted) == (
        Change("env.A", Action.KEEP, "1"),
        Change("env.B", Action.UPDATE, "9", "2"),
    )
    assert actions(apply(machine, wanted)) == {"env.A": "keep", "env.B": "keep"}


def test_a_lost_kernel_file_is_written_again_and_nothing_else() -> None:
    machine = FakeMachine()
    apply(machine, {"A": "1"})
    machine.drop(KERNEL_FILE)
    found = variables.observe("env", machine)
    assert [change.action for change in variables.changes("env", {"A": "1"}, found)] == [Action.UPDATE]
    assert variables.effects({"A": "1"}, found) == (
        Write(path=KERNEL_FILE, text=variable_files.render_kernel({"A": "1"}, SPEC)),
    )


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (SHELL_FILE, variable_files.render_shell({"A": "1"}, SPEC) + "rm -rf x\n"),
        (KERNEL_FILE, variable_files.render_kernel({"A": "1"}, SPEC) + "import antigravity\n"),
        ("/root/.bashrc", "# my own, anew\n"),
    ],
)
def test_an_edit_beside_the_variables_is_mended(path: str, text: str) -> None:
    machine = FakeMachine()
    apply(machine, {"A": "1"})
    machine.put(path, text)
    assert apply(machine, {"A": "1"}) == (
        Change("env.A", Action.UPDATE, "1", "1", f"edited, removed or of an earlier format: {path}"),
    )
    assert actions(apply(machine, {"A": "1"})) == {"env.A": "keep"}


@pytest.mark.parametrize("edited", ["export A='1\n", "rm -rf x\n", "unset\n"])
def test_a_shell_file_that_was_edited_beyond_recognition_sets_nothing(edited: str) -> None:
    assert variable_files.parse_shell(variable_files.SHELL_BEGIN + edited + variable_files.SHELL_END) == {}
    assert variable_files.parse_shell(edited) == {}


def test_links_that_lead_in_a_circle_are_not_followed_for_ever() -> None:
    machine = FakeMachine()
    machine.put_link("/root/.bashrc", ".bashrc")
    assert variables.observe("env", machine).unaware == ("/root/.bashrc",)


@pytest.mark.parametrize(
    "text", ["", "settings = {", "settings = 3\n", "settings = f()\n", "import os\n", "a = '\0'"]
)
def test_a_kernel_file_that_is_not_ours_any_more_sets_nothing(text: str) -> None:
    assert variable_files.parse_kernel(text) == {}


EARLIER = "# Written by `provisioner apply`. Change colabenv.yaml instead of this file.\n"


def test_files_that_do_not_say_whose_they_are_become_ours() -> None:
    machine = FakeMachine()
    for path, text in (
        (SHELL_FILE, variable_files.render_shell({"A": "1"}, SPEC)),
        (KERNEL_FILE, variable_files.render_kernel({"A": "1"}, SPEC)),
    ):
        machine.put(path, EARLIER + text.partition("\n")[2])
    machine.put("/root/.bashrc", variables.observe("env", machine).block)
    (change,) = apply(machine, {"A": "1"})
    assert (change.action, change.before, change.after) == (Action.UPDATE, "1", "1")
    assert "of an earlier format" in change.reason
    assert actions(apply(machine, {"A": "1"})) == {"env.A": "keep"}


def test_the_spec_that_is_applied_last_decides_and_its_plan_says_whose_variables_go() -> None:
    machine = FakeMachine(spec="/srv/it's.yaml")
    apply(machine, {"THEIRS": "1", "BOTH": "1", "SAME": "1"})
    machine.spec = SPEC
    reason = 'set for "/srv/it\'s.yaml"; the spec that is applied last wins'
    assert apply(machine, {"BOTH": "2", "SAME": "1"}) == (
        Change("env.BOTH", Action.UPDATE, "1", "2", reason),
        Change("env.SAME", Action.KEEP, "1"),
        Change("env.THEIRS", Action.REMOVE, "1", None, reason),
    )
    assert set(actions(apply(machine, {"BOTH": "2", "SAME": "1"})).values()) == {"keep"}


def test_the_same_variables_for_another_spec_are_told_once() -> None:
    machine = FakeMachine(spec="")
    apply(machine, {"A": "1"})
    machine.spec = SPEC
    reason = "set for a notebook's cell; the spec that is applied last wins"
    assert apply(machine, {"A": "1"}) == (Change("env.A", Action.UPDATE, "1", "1", reason),)
    assert actions(apply(machine, {"A": "1"})) == {"env.A": "keep"}


def test_wanting_nothing_removes_what_was_edited_too() -> None:
    machine = FakeMachine()
    machine.put(SHELL_FILE, "export A='1")
    assert variables.effects({}, variables.observe("env", machine)) == (Remove(path=SHELL_FILE),)
    assert apply(machine, {}) == (Change("env", Action.REMOVE, SHELL_FILE, None, "not readable"),)
    assert apply(machine, {}) == ()


def test_a_file_of_ours_in_another_encoding_is_not_guessed_at() -> None:
    machine = FakeMachine()
    machine.put(SHELL_FILE, b"# caf\xe9\n")
    with pytest.raises(ObserveError, match=f"{SHELL_FILE} is not UTF-8"):
        variables.observe("env", machine)


def test_what_a_user_keeps_in_a_start_up_file_stays_there_and_is_in_no_plan() -> None:
    machine = FakeMachine()
    mine = b"# caf\xe9\nexport MY_TOKEN=hidden\n"
    machine.put("/root/.bashrc", mine, 0o600)
    found = variables.observe("env", machine)
    assert "hidden" not in repr((found, variables.effects({"A": "1"}, found)))
    apply(machine, {"A": "1"})
    data = machine.read("/root/.bashrc")
    assert data is not None
    assert data == mine + found.block.encode()
    assert machine.entries["/root/.bashrc"].mode == 0o600


# The kernel that runs


def test_what_a_child_wrote_reaches_the_kernel_later() -> None:
    machine = FakeMachine(notebook=Kernel(inside=False))
    wanted: Settings = {"A": "1", "PATH": ("/opt/bin",)}
    apply(machine, wanted)
    machine.notebook = Kernel()
    found = variables.observe("env", machine, list(wanted))
    assert [(change.action, change.reason) for change in variables.changes("env", wanted, found)] == [
        (Action.UPDATE, variables.NOT_YET)
    ] * 2
    assert variables.effects(wanted, found) == (
        Export(name="A", value="1"),
        Export(name="PATH", value=("/opt/bin",)),
    )
    apply(machine, wanted)
    assert (machine.environ["A"], machine.environ["PATH"]) == ("1", "/opt/bin:/usr/bin")
    assert variables.effects(wanted, variables.observe("env", machine, list(wanted))) == ()


def test_what_the_file_no_longer_names_leaves_the_kernel() -> None:
    machine = FakeMachine(notebook=Kernel())
    apply(machine, {"A": "1", "B": None, "PATH": ("/opt/bin",)})
    apply(machine, {"C": "3"})
    assert machine.environ == {"PATH": "/usr/bin", "C": "3"}
    apply(machine, {})
    assert machine.environ == {"PATH": "/usr/bin"}


def test_outside_the_kernel_only_files_count() -> None:
    found = variables.observe("env", FakeMachine(), ["A"])
    assert found.live is None
    assert not [each for each in variables.effects({"A": "1"}, found) if isinstance(each, Export)]
    inside = replace(found, live={"A": "1"})
    assert variables.effects({"A": "1"}, inside) == variables.effects({"A": "1"}, found)
