"""Laws of the kind `pip`, on machines in memory where a small uv really installs and removes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement
from pydantic import TypeAdapter

from provisioner.kinds.pip.kind import KIND
from provisioner.kinds.pip.section import Pip
from provisioner.machine.reader import Completed, Interpreter
from provisioner.model.effects import Run
from provisioner.model.plan import Action, Step
from tests.fakes import FakeMachine

SITE = "/v/lib"
NAMES = ("ant", "bee", "cat", "numpy")
VERSIONS = ("1.0", "2.0", "3.0rc1")


@st.composite
def universes(draw: st.DrawFn) -> dict[str, dict[str, list[str]]]:
    """For each name its versions, and what each needs of the names after it."""
    return {
        name: {
            version: [
                f"{need}{draw(st.sampled_from(['', '>=1', '>=2']))}"
                for need in draw(st.lists(st.sampled_from(NAMES[at + 1 :]), unique=True, max_size=2))
            ]
            if at + 1 < len(NAMES)
            else []
            for version in VERSIONS
        }
        for at, name in enumerate(NAMES)
    }


WANTED = st.lists(
    st.builds("{}{}".format, st.sampled_from(NAMES), st.sampled_from(["", "==1.0", ">=2", "<2"])),
    unique_by=lambda text: text[:3],
    max_size=3,
)
FOUND = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VERSIONS))


class SmallUv:
    """Takes what is installed where it will do and else the newest release; never goes back on a choice."""

    def __init__(self, universe: dict[str, dict[str, list[str]]]) -> None:
        self.universe = universe

    def put(self, machine: FakeMachine, name: str, version: str) -> None:
        info = f"{SITE}/{name}-{version}.dist-info"
        needs = "".join(f"Requires-Dist: {need}\n" for need in self.universe[name][version])
        machine.put(f"{info}/METADATA", f"Name: {name}\nVersion: {version}\n{needs}")
        machine.put(f"{info}/RECORD", f"{name}.py,,\n")
        machine.put(f"{SITE}/{name}.py")

    def take(self, machine: FakeMachine, name: str, version: str) -> None:
        machine.drop(f"{SITE}/{name}-{version}.dist-info")
        machine.drop(f"{SITE}/{name}.py")

    def __call__(self, machine: FakeMachine, run: Run) -> Completed:
        before = installed(machine)
        words = list(run.argv[run.argv.index("--") + 1 :]) if "--" in run.argv else []
        if "uninstall" in run.argv:
            for name in words:
                self.take(machine, name, before[name])
            return Completed(0, "", "")
        if "compile" in run.argv:
            return Completed(2, "", "")
        again = {run.argv[at + 1] for at, word in enumerate(run.argv) if word == "--reinstall-package"}
        chosen: dict[str, str] = {}
        queue = [Requirement(word) for word in words]
        limits = [Requirement(line) for line in run.stdin.splitlines()]
        while queue:
            name = queue.pop(0).name
            specifiers = [
                need.specifier for need in (*limits, *queue, *map(Requirement, words)) if need.name == name
            ]
            for each in chosen:
                needs = map(Requirement, self.universe[each][chosen[each]])
                specifiers += [need.specifier for need in needs if need.name == name]
            candidates = ([before[name]] if name in before else []) + ["2.0", "1.0", "3.0rc1"]
            will_do = [v for v in candidates if all(s.contains(v, prereleases=True) for s in specifiers)]
            if not will_do:
                return Completed(1, "", f"error: No solution\n  cause: Because {name} cannot be had")
            if chosen.get(name) != will_do[0]:
                chosen[name] = will_do[0]
                queue += map(Requirement, self.universe[name][will_do[0]])
        lines = [
            f"DEBUG Adding transitive dependency for {name}=={version}: {need}"
            for name, version in chosen.items()
            for need in self.universe[name][version]
        ]
        for name, version in sorted(chosen.items()):
            if before.get(name) != version or name in again:
                lines += [f" - {name}=={before[name]}"] if name in before else []
                lines += [f" + {name}=={version}"]
                if "--dry-run" not in run.argv:
                    self.take(machine, name, before.get(name, version))
                    self.put(machine, name, version)
        return Completed(0, "", "\n".join(lines))


def installed(machine: FakeMachine) -> dict[str, str]:
    infos = [entry for entry in machine.list(SITE) or () if entry.endswith(".dist-info")]
    return {name: version for name, _, version in (info[:-10].partition("-") for info in infos)}


def settle(**wanted: object) -> Pip:
    config: Pip = TypeAdapter(KIND.config).validate_python(wanted)
    return config


def plan(config: Pip, machine: FakeMachine) -> Step:
    machine.asked.clear()
    step = next(iter(KIND.plan(config, KIND.observe(config, machine))), Step(id="pip", changes=()))
    if not step.pending:
        assert step.effects == ()
    return step


@settings(max_examples=60)
@given(
    universe=universes(),
    found=FOUND,
    wanted=WANTED,
    broken=st.sampled_from(NAMES),
    part=st.sampled_from(["", "METADATA", "RECORD"]),
    data=st.data(),
)
def test_what_was_applied_is_right_and_is_what_was_shown(
    universe: dict[str, dict[str, list[str]]],
    found: dict[str, str],
    wanted: list[str],
    broken: str,
    part: str,
    data: st.DataObject,
) -> None:
    uv = SmallUv(universe)
    machine = FakeMachine(python=Interpreter("/v/bin/python", "3.11.2", (SITE,)), programs={"uv": uv})
    for name, version in found.items():
        uv.put(machine, name, version)
    if part and broken in found:
        machine.drop(f"{SITE}/{broken}-{found[broken]}.dist-info/{part}")
    named = {Requirement(each).name for each in wanted}
    absent = sorted(data.draw(st.sets(st.sampled_from(NAMES))) - named)
    policy = data.draw(st.sampled_from(["guard", "keep", "free"]))
    config = settle(packages=wanted, absent=absent, preinstalled=policy)
    entries = dict(machine.entries)
    step = plan(config, machine)
    assert machine.entries == entries
    if step.blocked:
        return
    expected = dict(found)
    for change in step.changes:
        name = change.address.removeprefix("pip.")
        if change.action is Action.REMOVE:
            del expected[name]
        elif change.action is not Action.KEEP:
            assert change.before == found.get(name)
            expected[name] = change.after or ""
    for effect in step.effects:
        machine.perform(effect, lambda done, total, text: None)
    assert installed(machine) == expected
    again = plan(config, machine)
    assert not again.pending
    assert again.warnings or machine.asked == []


@settings(max_examples=30)
@given(universe=universes(), found=FOUND, name=st.sampled_from(NAMES))
def test_nothing_is_blocked_on_free_and_empty_machines(
    universe: dict[str, dict[str, list[str]]], found: dict[str, str], name: str
) -> None:
    uv = SmallUv(universe)
    machine = FakeMachine(python=Interpreter("/v/bin/python", "3.11.2", (SITE,)), programs={"uv": uv})
    assert not plan(settle(packages=[name]), machine).blocked
    for each, version in found.items():
        uv.put(machine, each, version)
    assert not plan(settle(packages=[name], preinstalled="free"), machine).blocked
