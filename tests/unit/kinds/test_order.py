"""The order of a file's entries, as data: what it says, and who waits for whom."""

from __future__ import annotations

import sys
from itertools import pairwise

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import provisioner
from provisioner.kinds.base import Entry
from provisioner.kinds.order import Dependency, conflicts, order_of

SEEN, DONE = "seen", "done"

TOOL = "tool: {url: tool.tgz, unpack: true, to: tool}"
NOTHING: dict[str, dict[str, str]] = {}

# What a file says; the needs of the entries that have any.
NEEDS = [
    (
        "two that have nothing to do with each other",
        f"datasets: {{{TOOL}}}\nfiles: [{{path: a, content: b}}]",
        NOTHING,
    ),
    (
        "who reads what another makes has to see it",
        "files: [{path: a, content: x}, {path: b, source: a}]",
        {"files.b": {"files.a": SEEN}},
    ),
    (
        "who reads below what another makes, too",
        f"datasets: {{{TOOL}}}\nfiles: [{{path: b, source: tool/x}}]",
        {"files.b": {"datasets.tool": SEEN}},
    ),
    (
        "what has the beginning of a name is not below it",
        f"datasets: {{{TOOL}}}\nfiles: [{{path: b, source: tool-2/x}}]",
        NOTHING,
    ),
    (
        "folders on Drive, what is in them, and what leads to them",
        "drive: {folders: [MyDrive/a/b, MyDrive/a], links: {out: MyDrive/a}, paths: [MyDrive/x]}\n"
        "files: [{path: out/log, content: x}, {path: /content/drive/MyDrive/a/b/c, content: x}]",
        {
            "drive.MyDrive/a": {"drive.mount": SEEN},
            "drive.MyDrive/a/b": {"drive.mount": SEEN, "drive.MyDrive/a": DONE},
            "drive.MyDrive/x": {"drive.mount": SEEN},
            "drive.link out": {
                "drive.mount": SEEN,
                "drive.MyDrive/a": SEEN,
                "drive.MyDrive/a/b": SEEN,
                "files./content/drive/MyDrive/a/b/c": SEEN,
            },
            "files.out/log": {"drive.link out": DONE},
            "files./content/drive/MyDrive/a/b/c": {
                "drive.mount": SEEN,
                "drive.MyDrive/a": DONE,
                "drive.MyDrive/a/b": DONE,
            },
        },
    ),
    (
        "a folder that two entries make, and a command that works in it and makes something there",
        "drive: {folders: [MyDrive/a]}\nfiles: [{path: /content/drive/MyDrive/a, folder: true}]\n"
        "run: [{name: r, command: [x], cwd: /content/drive/MyDrive/a, creates: /content/drive/MyDrive/a/o}]",
        {
            "drive.MyDrive/a": {"drive.mount": SEEN},
            "files./content/drive/MyDrive/a": {"drive.mount": SEEN, "drive.MyDrive/a": DONE},
            "run.r": {
                "drive.mount": SEEN,
                "drive.MyDrive/a": DONE,
                "files./content/drive/MyDrive/a": DONE,
            },
        },
    ),
    (
        "who works in a folder on Drive comes after who makes it",
        "drive: {folders: [MyDrive/a]}\nnotebook: {workdir: /content/drive/MyDrive/a}",
        {
            "drive.MyDrive/a": {"drive.mount": SEEN},
            "notebook.workdir": {"drive.mount": SEEN, "drive.MyDrive/a": DONE},
        },
    ),
    (
        "an archive that another dataset brings",
        f"datasets: {{{TOOL}, more: {{url: tool/more.zip, unpack: true, to: more}}}}",
        {"datasets.more": {"datasets.tool": SEEN}},
    ),
    (
        "who writes inside comes after who makes the outside",
        f"files: [{{path: tool/etc/x, content: x}}]\ndatasets: {{{TOOL}}}",
        {"files.tool/etc/x": {"datasets.tool": DONE}},
    ),
    (
        "nested makers: every parent first, in whatever order the file has them",
        "datasets:\n"
        "  c: {url: c.bin, to: a/b/c.bin}\n"
        "  b: {url: b.zip, unpack: true, to: a/b}\n"
        "  a: {url: a.zip, unpack: true, to: a}",
        {"datasets.b": {"datasets.a": DONE}, "datasets.c": {"datasets.a": DONE, "datasets.b": DONE}},
    ),
    (
        "a folder comes before all that is put into it, and is no tree that is read",
        "files: [{path: d/x, content: x}, {path: d, folder: true}]\n"
        "run: [{name: r, command: [sh, -c, 'echo hi > d/y'], creates: d/y}]",
        {"files.d/x": {"files.d": DONE}, "run.r": {"files.d": DONE}},
    ),
    (
        "folders in a folder, what is unpacked there, and what is edited there",
        "files: [{path: d, folder: true}, {path: d/e, folder: true}, "
        "{path: d/e/t/x, edit: [{line: x}]}]\n"
        "datasets: {t: {url: t.tgz, unpack: true, to: d/e/t}}",
        {
            "files.d/e": {"files.d": DONE},
            "datasets.t": {"files.d": DONE, "files.d/e": DONE},
            "files.d/e/t/x": {"files.d": SEEN, "files.d/e": SEEN, "datasets.t": SEEN},
        },
    ),
    (
        "a folder in what another brings",
        f"files: [{{path: tool/d, folder: true}}]\ndatasets: {{{TOOL}}}",
        {"files.tool/d": {"datasets.tool": DONE}},
    ),
    (
        "a copy of a folder has to see what others put into it, and a command that works there need not",
        "files: [{path: c, copy: src}, {path: src/x, content: x}]\n"
        "run: [{name: r, command: [x], cwd: src, creates: o}]",
        {"files.c": {"files.src/x": SEEN}, "run.r": {"files.src/x": DONE}},
    ),
    (
        "a link may lead to what another makes",
        f"datasets: {{{TOOL}}}\nfiles: [{{path: l, link: tool/bin}}]",
        {"files.l": {"datasets.tool": DONE}},
    ),
    (
        "links that lead to each other wait only one way",
        "files: [{path: a, link: b}, {path: b, link: a}]",
        {"files.a": {"files.b": DONE}},
    ),
    (
        "a tree that is read has what others put into it",
        f"datasets: {{{TOOL}}}\npip: {{editable: [tool]}}\nfiles: [{{path: tool/setup.cfg, content: x}}]",
        {
            "files.tool/setup.cfg": {"datasets.tool": DONE},
            "pip": {"datasets.tool": SEEN, "files.tool/setup.cfg": SEEN},
        },
    ),
    (
        "requirements that an archive brings",
        f"datasets: {{{TOOL}}}\npip: {{requirements: [tool/r.txt]}}",
        {"pip": {"datasets.tool": SEEN}},
    ),
    (
        "commands run in the order of the list",
        "run: [{name: b, command: [x], creates: b}, {name: a, command: [x], creates: a}, "
        "{name: c, command: [x], creates: c}]",
        {"run.a": {"run.b": DONE}, "run.c": {"run.a": DONE}},
    ),
    (
        "a command needs its folder and the program that it names by a path",
        f"datasets: {{{TOOL}, other: {{url: b, to: bin/build}}}}\n"
        "run: [{name: a, command: [../bin/build], cwd: tool, creates: out}]",
        {"run.a": {"datasets.tool": DONE, "datasets.other": DONE}},
    ),
    (
        "a command needs what its words mention",
        f"datasets: {{{TOOL}}}\nrun: [{{name: a, command: [make, --dir=tool/src], creates: out}}]",
        {"run.a": {"datasets.tool": DONE}},
    ),
    (
        "a question has to see its folder",
        f"datasets: {{{TOOL}}}\nrun: [{{name: a, command: [x], unless: [y], cwd: tool}}]",
        {"run.a": {"datasets.tool": SEEN}},
    ),
    (
        "a command needs the kind that brings its program",
        "jdk: 17\nrun: [{name: a, command: [javac, A.java], creates: A.class}]",
        {"run.a": {"jdk": DONE}},
    ),
    (
        "what a command creates can be read, and a mention that would close the circle counts for nothing",
        "run: [{name: a, command: [cp, x, b], creates: x}]\nfiles: [{path: b, source: x}]",
        {"files.b": {"run.a": SEEN}},
    ),
    (
        "`after` an entry, and after a kind",
        "files: [{path: a, content: x}, {path: b, content: x}]\ndatasets: {d: {url: d, to: d}}\n"
        "run: [{name: a, command: [x], creates: o, after: [files, datasets.d]}]",
        {"run.a": {"files.a": DONE, "files.b": DONE, "datasets.d": DONE}},
    ),
    (
        "`after` a kind of which the file has nothing",
        "run: [{name: a, command: [x], creates: o, after: [apt]}]",
        NOTHING,
    ),
    (
        "what lies in Drive can only be seen once it is mounted",
        "drive: {links: {models: MyDrive/models}}\n"
        "datasets: {d: {url: d, to: /content/drive/MyDrive/d}}\n"
        "files: [{path: a, source: models/a}, {path: models/b, content: x}]",
        {
            "drive.link models": {"drive.mount": SEEN},
            "datasets.d": {"drive.mount": SEEN},
            "files.a": {"drive.link models": SEEN},
            "files.models/b": {"drive.link models": DONE},
        },
    ),
    (
        "a kit that a repository of the file may have",
        "apt: {packages: [make], repositories: [{name: x, uris: ['https://host/x'], "
        "suites: [./], key: 'https://host/k', fingerprint: 0123456789ABCDEF0123456789ABCDEF01234567}]}\n"
        "jdk: 17",
        {"jdk": {"apt": SEEN}},
    ),
]


def read(text: str) -> provisioner.Spec:
    return provisioner.parse(f"version: 1\n{text}\n", folder="/work")


def needs_of(spec: provisioner.Spec) -> dict[str, dict[str, str]]:
    return {
        address: {other: need.value for other, need in found.items()}
        for address, found in spec.order.needs.items()
        if found
    }


@pytest.mark.parametrize(("text", "needs"), [case[1:] for case in NEEDS], ids=[case[0] for case in NEEDS])
def test_who_waits_for_whom(text: str, needs: dict[str, dict[str, str]]) -> None:
    spec = read(text)
    assert needs_of(spec) == needs
    rounds = {each.address: number for number, level in enumerate(spec.order.levels) for each in level}
    assert rounds.keys() == spec.order.entries.keys()
    for address, others in needs.items():
        assert all(rounds[other] < rounds[address] for other in others)


# What a file says; the entries that some are behind.
BEHIND = [
    (
        "commands are behind every other kind, as far as they do not need it",
        "files: [{path: a, content: x}, {path: b, content: x}]\n"
        "run: [{name: a, command: [cat, a], creates: o}, {name: b, command: [x], creates: p}]",
        {"run.a": {"files.b"}, "run.b": {"files.a", "files.b"}},
    ),
    (
        "but not behind what waits for them",
        "files: [{path: a, content: x}, {path: b, source: o}, {path: c, source: b}]\n"
        "run: [{name: a, command: [x], creates: o}]",
        {"run.a": {"files.a"}},
    ),
    (
        "a kit is behind the packages, which may bring it",
        "apt: {packages: [make]}\njdk: 17",
        {"jdk": {"apt"}},
    ),
    (
        "extensions are behind the folders in which they may be found",
        "notebook: {sys_path: [src], extensions: [mine]}",
        {"notebook.mine": {"notebook.sys_path /work/src"}},
    ),
]


@pytest.mark.parametrize(("text", "behind"), [case[1:] for case in BEHIND], ids=[case[0] for case in BEHIND])
def test_who_is_behind_whom(text: str, behind: dict[str, set[str]]) -> None:
    spec = read(text)
    leftovers = {"jdk", "env"} - spec.sections.keys()
    found = {address: {*others} - leftovers for address, others in spec.order.behind.items()}
    assert {address: others for address, others in found.items() if others} == behind


# What a file says; the line of the problem, what its message has, and its advice.
CONFLICTS = [
    (
        "two in one place",
        "datasets:\n  a: {url: a.csv, to: x}\n  b: {url: b.csv, to: ./x}",
        4,
        "`datasets.a` and `datasets.b` both make /work/x (line 3)",
        "choose another path for one of them",
    ),
    (
        "two archives in one folder",
        "datasets:\n  a: {url: a.zip, to: d, unpack: true}\n  b: {url: b.zip, to: d/, unpack: true}",
        4,
        "`datasets.a` and `datasets.b` both make /work/d (line 3)",
        "choose another path",
    ),
    (
        "two files of one name in one folder",
        "datasets:\n  a: {url: a/x.csv, to: d/}\n  b: {url: b/x.csv, to: d/}",
        4,
        "both make /work/d/x.csv (line 3)",
        "choose another path",
    ),
    (
        "two makers of different kinds, whatever comes first in the file",
        "run:\n- {name: m, command: [x], creates: out}\nfiles:\n- {path: out, content: x}",
        3,
        "`files.out` and `run.m` both make /work/out (line 5)",
        "choose another path",
    ),
    (
        "two commands of one name, whatever they say",
        "run:\n- {name: a, command: [x], creates: x}\n- {name: b, command: [x], creates: z}\n"
        "- {name: a, command: [x], creates: x}",
        5,
        "`run.a` is there twice (line 3)",
        "give each its own name",
    ),
    (
        "a name that is near to no other of its kind",
        "datasets:\n  e: {url: a, to: a}\nrun:\n"
        "- {name: m, command: [x], creates: o, after: [datasets.nope]}",
        5,
        "`run.m` is after datasets.nope, which the file does not have",
        "it has datasets.e, run.m",
    ),
    (
        "a name that nothing has",
        "datasets:\n  flowers: {url: a, to: a}\nrun:\n"
        "- {name: m, command: [x], creates: o, after: [datasets.flower]}",
        5,
        "`run.m` is after datasets.flower, which the file does not have",
        "did you mean datasets.flowers?",
    ),
    (
        "a name that nothing has nearly",
        "run:\n- {name: m, command: [x], creates: o, after: [datasets.zzz]}",
        3,
        "`run.m` is after datasets.zzz",
        "it has run.m",
    ),
    (
        "what is after itself",
        "run:\n- {name: a, command: [x], creates: o, after: [run.a]}\n"
        "- {name: b, command: [x], creates: p, after: [run.a]}",
        3,
        "`run.a` is after itself",
        "take it out of its `after`",
    ),
    (
        "a circle of two",
        "files:\n- {path: a, source: b}\n- {path: b, source: a}",
        3,
        "`files.a` waits for files.b, which waits for files.a (line 4)",
        "break this circle",
    ),
    (
        "a circle of three, the whole way",
        "files:\n- {path: a, source: out}\ndatasets:\n  d: {url: a, to: d}\n"
        "run:\n- {name: m, command: [x], cwd: d, creates: out}",
        None,
        "waits for",
        "break this circle",
    ),
    (
        "commands that would have to run in another order",
        "run:\n- {name: a, command: [x], creates: a, after: [run.b]}\n- {name: b, command: [x], creates: b}",
        3,
        "`run.a` waits for run.b, which waits for run.a (line 4)",
        "break this circle",
    ),
]


@pytest.mark.parametrize(
    ("text", "line", "message", "advice"),
    [case[1:] for case in CONFLICTS],
    ids=[case[0] for case in CONFLICTS],
)
def test_what_cannot_be_together(text: str, line: int | None, message: str, advice: str) -> None:
    with pytest.raises(provisioner.SpecError) as caught:
        read(text)
    (problem,) = caught.value.problems
    assert message in problem.message
    assert advice in problem.suggestion
    assert line in (None, problem.line)


def test_a_circle_is_told_the_whole_way() -> None:
    text = next(text for name, text, *_ in CONFLICTS if name.startswith("a circle of three"))
    with pytest.raises(provisioner.SpecError) as caught:
        read(text)
    (problem,) = caught.value.problems
    told, _, lines = problem.message.partition(" (lines ")
    words = told.replace("`", "").split(", which waits for ")
    way = [*words[0].split(" waits for "), *words[1:]]
    line_of = {"files.a": 3, "datasets.d": 5, "run.m": 7}
    assert problem.line == line_of[way[0]]
    assert lines == f"{line_of[way[1]]} and {line_of[way[2]]})"
    assert way[0] == way[-1]
    assert {*way} == {"files.a", "datasets.d", "run.m"}
    after = {"files.a": "run.m", "run.m": "datasets.d", "datasets.d": "files.a"}
    assert all(after[one] == other for one, other in pairwise(way))


@pytest.mark.parametrize(
    "text",
    [
        "datasets: {a: {url: a.zip, to: d, unpack: true}, b: {url: b.csv, to: d/b.csv}}",
        "datasets: {a: {url: a.csv, to: d/}, b: {url: b.csv, to: d/}}",
        "datasets: {a: {url: a.zip, to: d, unpack: true}}\nfiles: [{path: d, folder: true}]",
    ],
    ids=["one inside another", "two files in one folder", "a folder and what is unpacked into it"],
)
def test_what_can_be_together(text: str) -> None:
    assert read(text).order.entries


def test_made_and_edited_are_all_paths_of_the_file() -> None:
    spec = read("datasets: {a: {url: a.zip, to: d, unpack: true}}\nfiles: [{path: d/x, content: x}]")
    assert spec.order.made == ("/work/d", "/work/d/x")
    spec = read("files: [{path: d, folder: true}, {path: d/x, content: x}]")
    assert (spec.order.made, spec.order.ensured) == (("/work/d/x",), ("/work/d",))


# Entries alone


def entry(name: str, **claims: tuple[str, ...]) -> Entry:
    return Entry(address=name, config=name, **claims)  # type: ignore[arg-type]


def test_who_edits_comes_after_who_makes_and_before_who_reads() -> None:
    order = order_of(
        [
            entry("r", reads=("/d/x",)),
            entry("e", edits=("/d/x",)),
            entry("p", edits=("/d",)),
            entry("m", makes=("/d",)),
        ]
    )
    assert order.needs == {
        "r": {"e": Dependency.SEEN, "p": Dependency.SEEN, "m": Dependency.SEEN},
        "e": {"p": Dependency.SEEN, "m": Dependency.SEEN},
        "p": {"m": Dependency.SEEN},
        "m": {},
    }
    assert order.edited == ("/d", "/d/x")


def test_a_long_chain_is_no_matter() -> None:
    names = [f"run.{number}" for number in range(1500)]
    chain = [entry(names[0]), *(entry(b, after=(a,)) for a, b in pairwise(names))]
    assert [level[0].address for level in order_of(chain).levels] == names


CLAIMS = st.lists(st.sampled_from(["/a", "/a/b", "/a/b/c", "/d", "/d/e", "x"]), max_size=2).map(tuple)
ENTRIES = st.lists(st.tuples(*[CLAIMS] * 6, st.sampled_from([(), ("*",), ("k1",)])), max_size=7)


@given(claims=ENTRIES)
def test_where_nothing_conflicts_everything_can_be_done_in_some_order(
    claims: list[tuple[tuple[str, ...], ...]],
) -> None:
    fields = ("makes", "reads", "uses", "edits", "mentions", "ensures", "behind")
    entries = [
        entry(f"k{number % 3}.{number}", **dict(zip(fields, each, strict=True)))
        for number, each in enumerate(claims)
    ]
    if [*conflicts(entries)]:
        return
    order = order_of(entries)
    done: set[str] = set()
    while len(done) < len(entries):
        ready = {
            address
            for address in order.entries.keys() - done
            if order.needs[address].keys() | order.behind.get(address, frozenset()) <= done
        }
        assert ready, "they wait for each other"
        done |= ready


def many_entries(number: int) -> list[Entry]:
    text = yaml.safe_dump(
        {
            "files": [{"path": f"p{n % 10}/f{n}", "content": "x"} for n in range(number)],
            "run": [
                {"name": f"r{n}", "command": ["cp", f"p{n % 10}/f{n}", f"o{n}"], "creates": f"o{n}"}
                for n in range(20)
            ],
        }
    )
    return [*read(text).order.entries.values()]


def calls_to_order(entries: list[Entry]) -> int:
    """How many functions are called, of Python and of C."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        order_of(entries)
    finally:
        sys.setprofile(None)
    return calls


def test_a_file_twice_as_large_takes_twice_the_work_to_order() -> None:
    assert 1000 < calls_to_order(many_entries(600)) <= 2 * calls_to_order(many_entries(300))
