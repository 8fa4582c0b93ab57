"""Entries that need what others make: what is planned at once, what on the way, what trouble leads to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from provisioner.engine.provision import Replanner
from provisioner.engine.saved_plan import plan_from, refuse_if_moved
from provisioner.engine.selection import Selection
from provisioner.machine.reader import Reader
from provisioner.model.errors import ObserveError, PlanMovedError, ProvisionerError
from provisioner.model.plan import Action, Plan, fingerprint
from provisioner.model.report import Report
from provisioner.render import html
from provisioner.render.documents import plan_document, text
from provisioner.render.text import render_no_op, render_plan, render_report
from tests import chains
from tests.chains import apply, bundle, changes, machine, parse, plan

TOOL = "  tool: {url: tool.tar, unpack: true, to: tool}\n"
TAR = bundle(r_txt="ours", etc__x="theirs", sub__more_tar="no tar")
HERE: dict[str, str | bytes] = {"tool.tar": TAR}


@dataclass(frozen=True)
class Case:
    """What is wanted and found; what the plan shows of it, what comes on the way, and how it ends."""

    name: str
    wanted: str
    plan: list[str]
    ends: str
    """The statuses, in the order of the plan."""
    found: Mapping[str, str | bytes] = field(default_factory=lambda: HERE)
    later: dict[str, list[str]] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()
    errors: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)


CASES = [
    Case(
        "what another brings is planned when it is there",
        f"datasets:\n{TOOL}files: [{{path: r, source: tool/r.txt}}]",
        ["+ datasets.tool  (absent) -> 10 kB from tool.tar", "? files.r"],
        "done done",
        later={"files.r": ["+ files.r  (absent) -> file 0644"]},
        reasons={"files.r": "what tool/r.txt holds, known after datasets.tool"},
    ),
    Case(
        "it may turn out to be right already",
        f"datasets:\n{TOOL}files: [{{path: r, source: tool/r.txt}}]",
        ["+ datasets.tool  (absent) -> 10 kB from tool.tar", "? files.r"],
        "done kept",
        found={**HERE, "r": "ours"},
        later={"files.r": ["= files.r  file 0644"]},
    ),
    Case(
        "it may turn out to be blocked: one message, and the rest is done",
        f"datasets:\n{TOOL}files: [{{path: r, source: tool/no.txt}}, {{path: s, content: s}}]",
        ["+ datasets.tool  (absent) -> 10 kB from tool.tar", "? files.r", "+ files.s  (absent) -> file"],
        "done blocked done",
        later={"files.r": ["! files.r  (absent) -> file"]},
        errors={
            "files.r": "/work/tool/no.txt does not exist; "
            "correct `source`, or use `link`, which needs no target yet"
        },
    ),
    Case(
        "what only uses what another brings is planned at once, and again before it runs",
        f"datasets:\n{TOOL}files: [{{path: tool/y, content: y}}, {{path: tool/etc/x, content: x}}]",
        [
            "+ datasets.tool  (absent) -> 10 kB from tool.tar",
            "+ files.tool/y  (absent) -> file",
            "+ files.tool/etc/x  (absent) -> file",
        ],
        "done done done",
        later={"files.tool/etc/x": ["~ files.tool/etc/x  file -> file"]},
    ),
    Case(
        "a chain of three: each is known after the one before",
        f"datasets:\n{TOOL}  more: {{url: tool/sub/more.tar, to: more, unpack: true}}\n"
        "files: [{path: m, source: more/unpacked}]",
        ["+ datasets.tool  (absent) -> 10 kB from tool.tar", "? datasets.more", "? files.m"],
        "done done done",
        later={
            "datasets.more": ["+ datasets.more  (absent) -> 6 B from more.tar"],
            "files.m": ["+ files.m  (absent) -> file 0644"],
        },
        reasons={
            "datasets.more": "what is in /work/tool/sub/more.tar, known after datasets.tool",
            "files.m": "what more/unpacked holds, known after datasets.more",
        },
    ),
    Case(
        "a blocked maker blocks whoever has to see what it makes, and whoever uses it, in words",
        f"datasets:\n{TOOL}files: [{{path: r, source: tool/r.txt}}, {{path: tool/y, content: y}}, "
        "{path: q, source: r}, {path: s, content: s}]",
        [
            "! datasets.tool  (absent) -> from tool.tar",
            "! files.r",
            "! files.tool/y  (absent) -> file",
            "! files.q",
            "+ files.s  (absent) -> file",
        ],
        "blocked blocked blocked blocked done",
        found={},
        reasons={
            "files.r": "needs datasets.tool, which is blocked",
            "files.q": "needs files.r, which is blocked",
        },
        errors={
            "files.r": "needs datasets.tool, which is blocked",
            "files.tool/y": "needs datasets.tool, which is blocked",
        },
    ),
    Case(
        "what is right below a blocked maker stays so",
        f"datasets:\n{TOOL}files: [{{path: tool/y, content: y}}]",
        ["! datasets.tool  (absent) -> from tool.tar", "= files.tool/y  file"],
        "blocked kept",
        found={"tool/y": "y"},
    ),
    Case(
        "a maker that fails skips its readers and theirs, with the cause; the rest is done",
        "files: [{path: r, source: out}, {path: s, content: s}, {path: q, source: r}]\n"
        "run: [{name: m, command: [make, out, absent], creates: out}]",
        ["? files.r", "+ files.s  (absent) -> file", "? files.q", "+ run.m  (absent) -> make out absent"],
        "skipped done skipped failed",
        errors={"files.r": "not tried, because of run.m", "files.q": "not tried, because of files.r"},
    ),
    Case(
        "a folder that a command makes something in is there before",
        "files: [{path: out, folder: true}, {path: c, copy: out}]\n"
        "run: [{name: m, command: [make, x], cwd: out, creates: out/x}]",
        ["+ files.out  (absent) -> folder", "? files.c", "+ run.m  (absent) -> make x"],
        "done done done",
        found={},
        later={"files.c": ["+ files.c  (absent) -> a copy, 1 file, 8 B"]},
        reasons={"files.c": "what out holds, known after files.out, run.m"},
    ),
    Case(
        "a command that does not make what it is to make has failed, and its reader says so",
        "files: [{path: r, source: made}]\nrun: [{name: m, command: [make, other], creates: made}]",
        ["? files.r", "+ run.m  (absent) -> make other"],
        "skipped failed",
        errors={
            "run.m": "make ended with 0, but did not make /work/made",
            "files.r": "not tried, because of run.m",
        },
    ),
    Case(
        "a command after what is blocked is blocked, too, unless it is done",
        f"datasets:\n{TOOL}run: [{{name: a, command: [make, a], creates: a, after: [datasets]}}, "
        "{name: b, command: [make, b], creates: b}, {name: c, command: [make, c], creates: c}]",
        [
            "! datasets.tool  (absent) -> from tool.tar",
            "! run.a  (absent) -> make a",
            "= run.b  done",
            "+ run.c  (absent) -> make c",
        ],
        "blocked blocked kept done",
        found={"b": "b"},
        reasons={"run.a": "needs datasets.tool, which is blocked"},
    ),
    Case(
        "commands stop at the first that fails, and are behind the rest whether that is well or not",
        "files: [{path: s, content: s}]\n"
        "run: [{name: a, command: [make, a], creates: a}, {name: b, command: [make, b, no], creates: b}, "
        "{name: c, command: [make, c], creates: c}]",
        [
            "+ files.s  (absent) -> file",
            "+ run.a  (absent) -> make a",
            "+ run.b  (absent) -> make b no",
            "+ run.c  (absent) -> make c",
        ],
        "failed done failed skipped",
        broken=frozenset({"s"}),
        errors={"run.c": "not tried, because of run.b"},
    ),
    Case(
        "a command that turns out to be done is not run",
        f"datasets:\n{TOOL}run: [{{name: a, command: [make, never], unless: [has, r.txt], cwd: tool}}]",
        ["+ datasets.tool  (absent) -> 10 kB from tool.tar", "? run.a"],
        "done kept",
        later={"run.a": ["= run.a  done"]},
        reasons={"run.a": "whether `has r.txt` says that it has to run, known after datasets.tool"},
    ),
    Case(
        "a command that asks only for what a command before it makes is asked again",
        "run: [{name: a, command: [make, a], creates: a}, {name: b, command: [make, b], unless: [has, a]}]",
        ["+ run.a  (absent) -> make a", "+ run.b  (absent) -> make b"],
        "done kept",
        later={"run.b": ["= run.b  done"]},
    ),
    Case(
        "an optional Drive that is not here leaves out what lies in it, and what comes from there",
        "drive: {required: false, links: {models: MyDrive/models}}\n"
        "datasets: {d: {url: /content/drive/MyDrive/d.tar, to: d, unpack: true}}\n"
        "files: [{path: a, source: models/a}, {path: b, source: d/b}, {path: s, content: s}]",
        [
            "= drive.mount  none",
            "= drive.link models  left out",
            "= datasets.d  left out",
            "= files.a  left out",
            "= files.b  left out",
            "+ files.s  (absent) -> file",
        ],
        "kept kept kept kept kept done",
        reasons={
            "datasets.d": "needs /content/drive, which is not mounted and not required",
            "files.a": "needs /work/models, which is left out",
        },
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("jobs", [1, 4])
def test_a_chain(case: Case, jobs: int) -> None:
    spec, found = parse(case.wanted), machine(case.found, broken=case.broken)
    applied = apply(spec, found, jobs=jobs)
    assert changes(applied.plan) == case.plan
    reasons = {change.address: change.reason for change in applied.plan.changes}
    assert {address: reasons[address] for address in case.reasons} == case.reasons
    assert " ".join(applied.statuses.values()) == case.ends
    assert applied.on_the_way == case.later
    assert {step: applied.outcomes[step].error for step in case.errors} == case.errors
    told = [(event.what, event.step) for event in applied.events]
    begun = [step for what, step in told if what == "begin"]
    assert all(
        told.index(("planned", step)) < told.index(("begin", step)) for step in case.later if step in begun
    )
    if {*case.ends.split()} <= {"done", "kept"}:
        assert not plan(spec, found).pending


def test_a_deferred_part_names_what_it_waits_for_and_where() -> None:
    made = plan(parse(CASES[0].wanted), machine(HERE))
    assert [(change.address, change.known_after) for change in made.deferred] == [
        ("files.r", ("datasets.tool",))
    ]
    assert made.pending


def test_there_is_a_fingerprint_only_when_everything_can_be_seen() -> None:
    spec, found = parse(CASES[0].wanted), machine(HERE)
    assert fingerprint(plan(spec, found)) == ""
    apply(spec, found)
    assert fingerprint(plan(spec, found))


def test_an_optional_drive_is_part_of_the_fingerprint() -> None:
    spec, found = parse(CASES[-1].wanted), machine({})
    apply(spec, found)
    made = plan(spec, found)
    assert ("datasets.d", "absent") in made.named
    assert fingerprint(made)


def test_what_is_left_out_is_not_right_and_is_told() -> None:
    spec, found = parse(CASES[-1].wanted), machine({})
    made = plan(spec, found)
    shown = render_plan(made)
    needs = "needs /content/drive, which is not mounted and not required"
    assert f"Left out: drive.link models, datasets.d: {needs}." in " ".join(shown.split())
    assert shown.startswith("drive  2 left out\n")
    assert shown.endswith("Plan: 1 to add, 5 left out.\n")
    applied = apply(spec, found)
    report = Report(plan=applied.carried, outcomes=tuple(applied.outcomes.values()))
    told = render_report(report)
    assert "1 changed, 0 already right, 5 left out. Every other part is verified. (" in told
    assert needs in " ".join(told.split())
    again = Report(plan=plan(spec, found))
    assert "Nothing to do: 1 already right, 5 left out. Every other part" in render_no_op(again)
    assert needs in " ".join(render_no_op(again).split())
    assert "5 left out" in html.render_plan(made)


def test_a_gate_that_is_blocked_lets_nothing_begin_that_is_to_be_planned_later() -> None:
    made = plan(parse(f"accelerator: {{memory: 1 GB}}\n{CASES[0].wanted}"), machine(HERE))
    assert made.gates == ("accelerator",)
    found = machine(HERE)
    applied = apply(parse(f"accelerator: {{memory: 1 GB}}\n{CASES[0].wanted}"), found, saved=made)
    assert applied.statuses == {"accelerator": "blocked", "datasets.tool": "skipped", "files.r": "skipped"}
    assert not found.performed


# A part of a spec


@pytest.mark.parametrize(
    ("selection", "shown"),
    [
        (Selection(only=("datasets",)), {"datasets.tool": "done"}),
        (Selection(only=("files.r",)), {"files.r": "blocked"}),
        (Selection(only=("files.r", "datasets.tool")), {"datasets.tool": "done", "files.r": "done"}),
        (Selection(skip=("datasets",)), {"files.r": "blocked"}),
        (Selection(skip=("files.r",)), {"datasets.tool": "done"}),
    ],
    ids=str,
)
def test_what_was_not_asked_for_is_not_waited_for(selection: Selection, shown: dict[str, str]) -> None:
    assert apply(parse(CASES[0].wanted), machine(HERE), selection).statuses == shown


# Saved plans


def round_trip(made: Plan) -> Plan:
    return plan_from(text(plan_document(made)), "plan.json")


def test_a_saved_plan_keeps_what_is_deferred_and_is_carried_out() -> None:
    spec, found = parse(CASES[4].wanted), machine(HERE)
    saved = round_trip(plan(spec, found))
    assert [change.action for change in saved.changes] == [Action.CREATE, Action.DEFERRED, Action.DEFERRED]
    refuse_if_moved(saved, plan(spec, found))
    assert {*apply(spec, found, saved=saved).statuses.values()} == {"done"}
    with pytest.raises(PlanMovedError, match=r"these differ: datasets\.more, datasets\.tool, files\.m"):
        refuse_if_moved(saved, plan(spec, found))


def test_the_document_says_what_a_deferred_part_waits_for() -> None:
    document = json.loads(text(plan_document(plan(parse(CASES[0].wanted), machine(HERE)))))
    (deferred,) = (change for change in document["changes"] if change["action"] == "deferred")
    assert deferred["after"] == ["datasets.tool"]


# What ended badly


def test_what_failed_is_done_by_the_next_apply() -> None:
    spec = parse("run: [{name: m, command: [make, out, in], creates: out}]\nfiles: [{path: r, source: out}]")
    found = machine({})
    assert apply(spec, found).statuses == {"run.m": "failed", "files.r": "skipped"}
    found.put("/work/in", "x")
    assert apply(spec, found).statuses == {"run.m": "done", "files.r": "done"}


def test_what_cannot_be_looked_at_on_the_way_is_blocked() -> None:
    def look() -> Reader:
        raise ObserveError("the folder cannot be read", "Let it be read.")

    spec, listener = parse(CASES[0].wanted), chains.Listener()
    again = Replanner(spec, plan(spec, machine(HERE)), look, listener)
    ((change,),) = (step.changes for step in again("files.r"))
    assert change.action is Action.BLOCKED
    assert change.reason.startswith("the folder cannot be read")
    assert [event.what for event in listener.events] == ["planned"]


def test_what_was_interrupted_on_the_way_is_looked_at_closely_when_it_can_be_planned() -> None:
    spec, found = parse(CASES[4].wanted), machine(HERE)
    found.effects_left = 4  # the second dataset's archive is there, and is not unpacked
    assert apply(spec, found).statuses == {
        "datasets.tool": "done",
        "datasets.more": "interrupted",
        "files.m": "skipped",
    }
    assert found.suspects == {"datasets.more"}
    found.effects_left = None
    again = apply(spec, found)
    assert {*again.statuses.values()} == {"done", "kept"}
    assert found.suspects == frozenset()


def test_a_command_that_was_stopped_is_run_again_whatever_it_left() -> None:
    spec, found = parse("run: [{name: a, command: [make, a], creates: a}]"), machine({})
    found.effects_left, found.part = 1, "some"
    assert apply(spec, found).statuses == {"run.a": "interrupted"}
    assert found.read("/work/a") == b"half of it"
    found.effects_left = None
    assert apply(spec, found).statuses == {"run.a": "done"}
    assert found.read("/work/a") == b"made of "
    assert not plan(spec, found).pending


def test_a_suspect_is_looked_at_closely_when_it_is_planned_on_the_way() -> None:
    spec, found = parse(CASES[4].wanted), machine(HERE)
    apply(spec, found)
    found.entries["/work/more/unpacked"].data = b"bad ta"  # as large and as old as it should be
    found.drop("/work/tool/r.txt")
    assert apply(spec, found).statuses["datasets.more"] == "kept"
    found.drop("/work/tool/r.txt")
    found.suspects = frozenset({"datasets.more"})
    assert apply(spec, found).statuses["datasets.more"] == "done"
    assert found.read("/work/more/unpacked") == b"no tar"


def test_nothing_is_planned_on_the_way_after_an_interruption() -> None:
    spec, found = parse(CASES[0].wanted), machine(HERE)
    found.effects_left = 1
    applied = apply(spec, found)
    assert applied.statuses == {"datasets.tool": "interrupted", "files.r": "skipped"}
    assert applied.on_the_way == {}


def test_a_part_of_an_entry_can_be_asked_for_by_its_name_only() -> None:
    with pytest.raises(ProvisionerError, match=r"the spec has no 'files\.q'"):
        chains.refuse(parse(CASES[0].wanted), machine(HERE), Selection(only=("files.q",)))


def test_the_same_plan_whatever_was_planned_before() -> None:
    spec, found = parse(CASES[3].wanted), machine(HERE)
    first = plan(spec, found)
    assert first == plan(spec, found)
    assert replace(first, steps=()) == replace(round_trip(first), steps=())


def test_a_chain_ends_when_the_command_that_makes_its_archive_has_run_again() -> None:
    spec, found = (
        parse(f"datasets:\n{TOOL}run: [{{name: m, command: [make, tool.tar, in], creates: tool.tar}}]"),
        machine({"in": "1"}),
    )
    apply(spec, found)
    assert not plan(spec, found).pending
    found.put("/work/in", "2")
    found.drop("/work/tool.tar")
    applied = apply(spec, found)
    assert applied.statuses == {"datasets.tool": "done", "run.m": "done"}
    assert applied.on_the_way == {"datasets.tool": ["~ datasets.tool  1 files, 9 B -> 9 B from tool.tar"]}
    assert found.read("/work/tool/unpacked") == b"made of 2"
    assert not plan(spec, found).pending


def test_what_turns_out_as_foreseen_is_not_shown_again() -> None:
    spec, found = parse(f"datasets:\n{TOOL}files: [{{path: tool/y, content: y}}]"), machine(HERE)
    before = plan(spec, found)
    steps = tuple(
        replace(step, changes=tuple(replace(change, transitive=True) for change in step.changes))
        for step in before.steps
    )
    applied = apply(spec, found, saved=replace(before, steps=steps))
    assert applied.statuses == {"datasets.tool": "done", "files.tool/y": "done"}
    assert applied.on_the_way == {}
