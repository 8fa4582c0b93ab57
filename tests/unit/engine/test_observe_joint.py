"""Sections that need apt at the same time: what is planned, by whom it is done, and what stands between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.engine.saved_plan import plan_from, refuse_if_moved
from provisioner.engine.selection import EVERYTHING, Selection
from provisioner.model.plan import Action, Plan
from provisioner.render.documents import plan_document, text
from tests.chains import Stopping, apply, changes, machine, parse, plan
from tests.fake_apt import JDK, SIZE, FakeApt, Offer, install, installed
from tests.unit.machine.download.test_openpgp import ONE

HOME = "/usr/lib/jvm/java-17-openjdk-amd64"
SET_UP = [
    f"+ jdk.java  (absent) -> {HOME}/bin/java",
    f"+ jdk.javac  (absent) -> {HOME}/bin/javac",
    f"+ jdk.JAVA_HOME  (absent) -> {HOME}",
]
OURS = {
    "tea": Offer(("certs",)),
    "cup": Offer(),
    "rival": Offer(conflicts=("java-common",)),
    "git": Offer(("certs",)),
}
REPOSITORY = (
    "repositories: [{name: shelf, uris: ['https://shelf.example/debian'], suites: [stable], "
    "components: [main], key: key.asc, fingerprint: ABF6C9A61A1F061C41B9DCEAA0FABE7A0E5E0157}]"
)


def world(offers: Mapping[str, Offer]) -> tuple[Stopping, FakeApt]:
    found, apt = machine({"key.asc": ONE}), FakeApt(offers)
    apt.settle(found)
    return found, apt


@dataclass(frozen=True)
class Case:
    """What is wanted; what the plan shows, what apt is told to install, how the steps end."""

    name: str
    wanted: str
    plan: list[str]
    installs: list[tuple[str, ...]]
    ends: str
    offers: Mapping[str, Offer] = field(default_factory=lambda: {**JDK, **OURS})
    here: Mapping[str, str] = field(default_factory=dict)
    """What is installed."""
    reasons: dict[str, str] = field(default_factory=dict)
    selection: Selection = EVERYTHING


KIT = "openjdk-17-jdk-headless"
RUNTIME = "openjdk-17-jre-headless"
CASES = [
    Case(
        "what both bring is shown once",
        "apt: {packages: [tea]}\njdk: 17",
        [
            *("+ apt.tea  (absent) -> 1.0", "+ apt.certs  (absent) -> 1.0"),
            *(f"+ jdk.{KIT}  (absent) -> 1.0", "+ jdk.java-common  (absent) -> 1.0"),
            *(f"+ jdk.{RUNTIME}  (absent) -> 1.0", *SET_UP),
        ],
        [("tea", KIT)],
        "done done",
    ),
    Case(
        "what one names and the other brings is shown by who names it",
        f"apt: {{packages: [{RUNTIME}]}}\njdk: 17",
        [
            *(f"+ apt.{RUNTIME}  (absent) -> 1.0", "+ apt.certs  (absent) -> 1.0"),
            *("+ apt.java-common  (absent) -> 1.0", f"+ jdk.{KIT}  (absent) -> 1.0", *SET_UP),
        ],
        [(RUNTIME, KIT)],
        "done done",
    ),
    Case(
        "three of them",
        "apt: {packages: [cup]}\njdk: {version: 17, default: false}\n"
        "git: {repos: {tool: {url: 'https://host.example/tool'}}}",
        [
            *("+ apt.cup  (absent) -> 1.0", f"+ jdk.{KIT}  (absent) -> 1.0", "+ jdk.certs  (absent) -> 1.0"),
            *("+ jdk.java-common  (absent) -> 1.0", f"+ jdk.{RUNTIME}  (absent) -> 1.0"),
            *("+ git.packages.git  (absent) -> 1.0", "+ git.packages.ca-certificates  (absent) -> 1.0"),
        ],
        [("cup", KIT, "git", "ca-certificates")],
        "done done done",
        offers={**JDK, **OURS, "ca-certificates": Offer()},
        selection=Selection(skip=("git.tool",)),
    ),
    Case(
        "what is blocked goes by itself",
        "apt: {packages: [nothing, cup]}\njdk: {version: 17, default: false}",
        [
            *("! apt.nothing", "+ apt.cup  (absent) -> 1.0"),
            *(f"+ jdk.{KIT}  (absent) -> 1.0", "+ jdk.certs  (absent) -> 1.0"),
            *("+ jdk.java-common  (absent) -> 1.0", f"+ jdk.{RUNTIME}  (absent) -> 1.0"),
        ],
        [(KIT,)],
        "blocked done",
    ),
    Case(
        "what does not go together is known before anything is done",
        "apt: {packages: [rival]}\njdk: {version: 17, default: false}",
        ["+ apt.rival  (absent) -> 1.0", f"! jdk.{KIT}"],
        [("rival",)],
        "done blocked",
        reasons={
            f"jdk.{KIT}": "it does not go with what `apt` installs: rival : Conflicts: java-common; "
            "Unable to correct problems, you have held broken packages."
        },
    ),
    Case(
        "what one needs and the other removes",
        "apt: {packages: [cup], absent: [java-common]}\njdk: {version: 17, default: false}",
        ["+ apt.cup  (absent) -> 1.0", "- apt.java-common  1.0 -> (absent)", f"! jdk.{KIT}"],
        [("cup", "java-common-")],
        "done blocked",
        here={"java-common": "1.0"},
        reasons={
            f"jdk.{KIT}": "it does not go with what `apt` installs: "
            f"{RUNTIME} : Depends: java-common but it is not going to be installed"
        },
    ),
    Case(
        "apt-get is told once whether to install what is recommended",
        "apt: {packages: [cup], recommends: true}\njdk: {version: 17, default: false}",
        [
            *("+ apt.cup  (absent) -> 1.0", f"+ jdk.{KIT}  (absent) -> 1.0"),
            *("+ jdk.certs  (absent) -> 1.0", "+ jdk.java-common  (absent) -> 1.0"),
            f"+ jdk.{RUNTIME}  (absent) -> 1.0",
        ],
        [("cup",), (KIT,)],
        "done done",
    ),
    Case(
        "a repository, and what is in it",
        f"apt: {{packages: [cup], {REPOSITORY}}}\njdk: 17",
        [
            "+ apt.repositories.shelf  (absent) -> https://shelf.example/debian stable",
            *("+ apt.cup  (absent) -> 1.0", f"+ jdk.{KIT}  (absent) -> 1.0", *SET_UP),
        ],
        [("cup", KIT)],
        "done done",
        offers={"cup": Offer(repository="shelf"), KIT: Offer(repository="shelf")},
    ),
    Case(
        "a repository alone, and what is in it",
        f"apt: {{{REPOSITORY}}}\njdk: {{version: 17, default: false}}",
        [
            "+ apt.repositories.shelf  (absent) -> https://shelf.example/debian stable",
            f"+ jdk.{KIT}  (absent) -> 1.0",
        ],
        [(KIT,)],
        "done done",
        offers={KIT: Offer(repository="shelf")},
    ),
    Case(
        "only one is asked for",
        "apt: {packages: [tea]}\njdk: {version: 17, default: false}",
        [
            *(f"+ jdk.{KIT}  (absent) -> 1.0", "+ jdk.certs  (absent) -> 1.0"),
            *("+ jdk.java-common  (absent) -> 1.0", f"+ jdk.{RUNTIME}  (absent) -> 1.0"),
        ],
        [(KIT,)],
        "done",
        selection=Selection(only=("jdk",)),
    ),
    Case(
        "a part of a section that is asked for brings no other part",
        "jdk: {version: 17, default: false}\ngit: {repos: {tool: {url: 'https://host.example/tool'}}}",
        [f"+ jdk.{KIT}  (absent) -> 1.0"],
        [(KIT,)],
        "done",
        offers={KIT: Offer(), "git": Offer(), "ca-certificates": Offer()},
        selection=Selection(only=("jdk",), skip=("git.tool",)),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case) -> None:
    found, apt = world(case.offers)
    install(found, case.here)
    spec = parse(case.wanted)
    made = plan(spec, found, case.selection)
    assert changes(made) == case.plan
    assert {c.address: c.reason for c in made.changes if c.address in case.reasons} == case.reasons
    assert apt.updates == 1
    ended = apply(spec, found, case.selection, saved=made)
    assert " ".join(ended.statuses.values()) == case.ends
    assert apt.installs == case.installs
    left = plan(spec, found, case.selection)
    blocked = [change.address for change in made.changes if change.action is Action.BLOCKED]
    assert {c.address for c in left.changes if c.action is not Action.KEEP} >= {*blocked}
    assert blocked or not left.pending


def test_the_download_is_counted_once() -> None:
    found, _ = world({**JDK, **OURS})
    made = plan(parse("apt: {packages: [tea]}\njdk: 17"), found)
    assert [step.download for step in made.steps] == [5 * SIZE, 0]
    assert made.download == 5 * SIZE


def test_a_saved_plan_is_still_what_would_be_planned() -> None:
    found, _ = world({**JDK, **OURS})
    spec = parse("apt: {packages: [tea]}\njdk: 17")
    made = plan(spec, found)
    saved = plan_from(text(plan_document(made)), "plan.json")
    assert [step.joined for step in saved.steps] == ["", "apt"]
    refuse_if_moved(saved, plan(spec, found))


def test_one_failure_is_told_once() -> None:
    found, _ = world({**JDK, **OURS})
    spec = parse("apt: {packages: [tea]}\njdk: 17")
    made = plan(spec, found)
    found.broken = frozenset({"apt-get"})
    ended = apply(spec, found, saved=made)
    assert ended.statuses == {"apt": "failed", "jdk": "skipped"}
    assert ended.outcomes["jdk"].error == "not tried, because of apt"


def test_another_entry_stands_between() -> None:
    """The key of the repository has yet to be written, so it is not known what the repository has."""
    found, apt = world({"cup": Offer(repository="shelf"), KIT: Offer(repository="shelf")})
    found.drop("/work/key.asc")
    lines = "".join(f"      {line}\n" for line in ONE.splitlines())
    spec = parse(
        f"apt: {{packages: [cup], {REPOSITORY}}}\njdk: 17\nfiles:\n  - path: key.asc\n    content: |\n{lines}"
    )
    assert [c.address for c in plan(spec, found).changes if c.action is Action.DEFERRED] == ["apt", "jdk"]
    ended = apply(spec, found)
    assert set(ended.statuses.values()) == {"done"}
    assert apt.installs == [("cup",), (KIT,)]
    assert not plan(spec, found).pending


NAMES = ("cup", "pot", "jar", "tin", "mug")


@st.composite
def shops(draw: st.DrawFn) -> tuple[dict[str, Offer], str]:
    """Random packages that need each other and parts of the JDK; what a file names of them."""
    offers = {**JDK}
    for number, name in enumerate(NAMES):
        lower = (*NAMES[:number], "certs", "java-common", RUNTIME)
        needs = draw(st.lists(st.sampled_from(lower), max_size=3, unique=True))
        offers[name] = Offer(tuple(needs), repository=draw(st.sampled_from(["", "shelf"])))
    if draw(st.booleans()):
        offers[KIT] = replace(
            offers[KIT], repository="shelf", depends=(RUNTIME, draw(st.sampled_from(NAMES)))
        )
    wanted = draw(st.lists(st.sampled_from((*NAMES, RUNTIME, KIT)), min_size=1, unique=True))
    return offers, f"apt: {{packages: [{', '.join(wanted)}], {REPOSITORY}}}\njdk: 17"


def coming(made: Plan) -> list[str]:
    """The packages that a plan installs."""
    set_up = {"java", "javac", "JAVA_HOME", "repositories.shelf"}
    names = [c.address.partition(".")[2] for c in made.changes if c.action is Action.CREATE]
    return [name for name in names if name not in set_up]


@settings(max_examples=40)
@given(shop=shops(), stop=st.integers(0, 12), part=st.sampled_from(["none", "all"]))
def test_what_is_shown_is_what_is_done(shop: tuple[dict[str, Offer], str], stop: int, part: str) -> None:
    """Every package once, in one transaction; then nothing is left; the same after an interruption."""
    offers, wanted = shop
    spec = parse(wanted)
    found, apt = world(offers)
    made = plan(spec, found)
    assert not any(change.action in (Action.BLOCKED, Action.DEFERRED) for change in made.changes)
    assert len(coming(made)) == len(set(coming(made)))
    apply(spec, found, saved=made)
    assert len(apt.installs) == 1
    assert set(installed(found)) == set(coming(made))
    assert not plan(spec, found).pending
    other, _ = world(offers)
    if stop:
        other.effects_left, other.part = stop, part
        apply(spec, other)
        other.effects_left = None
        apply(spec, other)
        assert installed(other) == installed(found)
        assert not plan(spec, other).pending
