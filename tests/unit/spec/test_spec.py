"""A spec is checked as a whole, and every problem is told in the user's words, where it is."""

from __future__ import annotations

import contextlib
import hashlib
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError, core_schema

from provisioner.kinds import registry
from provisioner.kinds.base import Kind
from provisioner.kinds.shared.fields import Flag, Mode, Seconds, Section, Size, SpecPath, Text, Whole
from provisioner.model.errors import Problem, ProvisionerError, SpecError
from provisioner.spec.explain import SAID, as_number, listing, near, subject
from provisioner.spec.faults import WANTED, fault
from provisioner.spec.spec import Spec, load, parse
from tests import golden

SPECS = sorted((golden.FOLDER / "spec").glob("*.yaml"))


def wrong(text: str | bytes) -> tuple[Problem, ...]:
    with pytest.raises(SpecError) as caught:
        parse(text, "colabenv.yaml", "/work", "/home/me")
    return caught.value.problems


# Golden files: the real kinds


@pytest.mark.parametrize("path", SPECS, ids=[path.stem for path in SPECS])
def test_what_people_read(path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        parse(path.read_bytes(), "colabenv.yaml", "/work", "/home/me")
    golden.check(f"spec/{path.stem}.err", f"{caught.value}\n")


@pytest.mark.parametrize("path", SPECS, ids=[path.stem for path in SPECS])
def test_every_golden_file_keeps_its_secrets(path: Path) -> None:
    assert "hunter2" not in path.with_suffix(".err").read_text()


# Small kinds of our own: what the machinery does, whatever the kinds say


class Thing(Section):
    """A thing."""

    name: Text = Field(description="What it is called.", examples=["bolt"])
    size: Size | None = Field(default=None, description="How large it may be.")


class Several(Section):
    """Things of which one is enough."""

    any_of: tuple[Text, ...] = Field(min_length=1, description="Their names.")
    optional: Flag = Field(default=False, description="Whether none is fine, too.")


def expand(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


def check_word(value: str) -> str:
    if value != value.lower():
        raise ValueError(f"is {value!r}, which has capitals; write {value.lower()}")
    return value


class Box(Section):
    """A box of things."""

    things: tuple[Text | Thing | Several, ...] = Field(default=(), description="What is in it.")
    short: tuple[Annotated[Thing, BeforeValidator(expand, json_schema_input_type=str | Thing)], ...] = Field(
        default=(), description="Things by name."
    )
    version: Text | None = Field(default=None, description="Its version.", examples=["3.10"])
    mode: Mode | None = Field(default=None, examples=["0644"])
    open: Flag = Field(default=False, description="Whether it is open.")
    count: Whole = Field(default=0, description="How many.")
    limit: Annotated[int, Field(strict=True, le=5)] = Field(default=0, description="At most 5.")
    wait: Seconds = Field(default=1.0, description="How long to wait.")
    colour: Literal["red", "green"] = Field(default="red", description="Its colour.")
    path: SpecPath | None = Field(default=None, description="Where it is.")
    word: Annotated[str, AfterValidator(check_word)] = Field(default="a", description="A word.")
    password: Annotated[str, AfterValidator(check_word)] = Field(default="a", description="Opens it.")
    inside: Box | None = Field(default=None, description="A box in the box.")

    @model_validator(mode="after")
    def check(self) -> Box:
        if self.open and self.count:
            raise ValueError("cannot be open and counted; remove one of them")
        return self


Name = Annotated[str, Field(pattern=r"^[A-Z_]+$")]


def nothing(*_: object) -> Any:
    return ()


def use(monkeypatch: pytest.MonkeyPatch, known: Mapping[str, Kind[Any, Any]]) -> None:
    """Let these be all kinds that there are."""
    monkeypatch.setattr(registry, "ROOMS", dict.fromkeys(known, ""))
    monkeypatch.setattr(registry, "BEFORE", next(iter(known)))
    monkeypatch.setattr(registry, "get", known.__getitem__)


def kind(name: str, config: object) -> Kind[Any, Any]:
    return Kind(name=name, config=config, observe=nothing, plan=nothing)


SMALL = {
    "box": kind("box", Box),
    "device": kind("device", Annotated[Literal["gpu", "tpu", "none"] | Thing, Field(description="What.")]),
    "env": kind("env", dict[Name, Text | None]),
}


def box_of(spec: Spec) -> Box:
    found: Box | None = spec.section(SMALL["box"])
    assert found
    return found


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, SMALL)


def problem(section: str) -> Problem:
    (found,) = wrong(f"version: 1\n{section}")
    return found


WORDS = [
    # unknown keys
    ("box: {thnigs: []}", 7, "`thnigs` is not a key of `box`", "did you mean `things`?"),
    ("box: {inside: {colr: red}}", 16, "`colr` is not a key of `box.inside`", "did you mean `colour`?"),
    ("device: {name: x, xyz: 1}", 19, "`xyz` is not a key of `device`", "its keys are `name` and `size`"),
    ("box: {short: [{nmae: a}]}", 16, "`nmae` is not a key of item 1 of `box.short`", "did you mean `name`?"),
    ("bxo: {}", 1, "`bxo` is not a key of the file", "did you mean `box`?"),
    ("colour: red", 1, "`colour` is not a key of the file", "it belongs under `box`: indent it there"),
    ("name: a\nsize: 5", 1, "`size` is not a key of the file", "it belongs under `device`: indent it there"),
    # wrong shapes, in a scalar's own words
    (
        "box: {version: 3.10}",
        16,
        "`box.version` must be text, but `3.10` is read as the number 3.1",
        'quote it: "3.10"',
    ),
    ("box: {version: 3}", 16, "`box.version` must be text, but `3` is read as a number", 'quote it: "3"'),
    (
        "box: {version: True}",
        16,
        "`box.version` must be text, but `True` is read as true",
        'quote it: "True"',
    ),
    ("box: {version: []}", 16, "`box.version` must be text", "write it like `3.10`"),
    ("box: {things: }", 7, "`box.things` is empty, and must be a list", "What is in it."),
    ("box: {things: a}", 15, "`box.things` must be a list", "What is in it."),
    ("box: {open: no}", 13, "`box.open` must be true or false", "write false"),
    ("box: {open: On}", 13, "`box.open` must be true or false", "write true"),
    ("box: {open: 'true'}", 13, "`box.open` must be true or false", "write it without quotes"),
    ("box: {count: 1e3}", 14, "`box.count` must be a whole number", "write 1000"),
    ("box: {count: '5'}", 14, "`box.count` must be a whole number", "write it without quotes"),
    ("box: {count: many}", 14, "`box.count` must be a whole number", "How many."),
    ("box: {wait: long}", 13, "`box.wait` must be a number", "How long to wait."),
    ("box: 5", 6, "`box` must be a mapping", "A box of things."),
    ("env: ", 1, "`env` is empty", "remove it"),
    ("box: [a]", 6, "`box` must be a mapping", "A box of things."),
    (
        "box:",
        1,
        "`box` is empty",
        "remove it, or write keys like `things`, `short`, `version` below it",
    ),
    # wrong values
    ("box: {limit: 6}", 14, "`box.limit` must be at most 5", "At most 5."),
    ("box: {wait: 0}", 13, "`box.wait` must be more than 0.0", "How long to wait."),
    ("box: {version: ''}", 16, "`box.version` must not be empty", "write it like `3.10`"),
    ("box: {mode: rwx}", 13, "`box.mode` does not have the right form", "write it like `0644`"),
    ("box: {colour: gren}", 15, "`box.colour` must be red or green", "did you mean `green`?"),
    ("box: {colour: blue}", 15, "`box.colour` must be red or green", ""),
    ("box: {word: Big}", 13, "`box.word` is 'Big', which has capitals", "write big"),
    ("device: {name: a, size: 5x}", 25, "`device.size` is not a size", "write it like 5GiB or 500MB"),
    (
        f"device: {{name: a, size: {'9' * 400}TB}}",
        25,
        "`device.size` is not a size",
        "write it like 5GiB or 500MB",
    ),
    ("env: {a: b}", 7, "the name `a` does not have the right form", ""),
    ("env: {A: 1}", 10, "`env.A` must be text, but `1` is read as a number", 'quote it: "1"'),
    # absent, or against each other
    ("device: {size: 5}", 9, "`device` lacks the key `name`", "write it like `bolt`"),
    ("device:\n  size: 5", 1, "`device` lacks the key `name`", "write it like `bolt`"),
    ("box:\n  open: true\n  count: 1", 1, "`box` cannot be open and counted", "remove one of them"),
    # unions speak with one voice
    ("device: gpux", 9, "`device` must be gpu, tpu, none or a mapping", "did you mean `gpu`?"),
    ("device: [gpu]", 9, "`device` must be gpu, tpu, none or a mapping", ""),
    ("device: 5", 9, "`device` must be gpu, tpu, none or a mapping", ""),
    ("box: {things: [[]]}", 16, "item 1 of `box.things` must be text or a mapping", "A thing."),
    (
        "box: {things: [7]}",
        16,
        "item 1 of `box.things` must be text or a mapping, but `7` is read as a number",
        'quote it: "7"',
    ),
    (
        "box: {things: [{nmae: a}]}",
        17,
        "`nmae` is not a key of item 1 of `box.things`",
        "did you mean `name`?",
    ),
    ("box: {things: [{any_of: a}]}", 25, "`any_of` must be a list", "Their names."),
    ("box: {things: [{any_of: []}]}", 25, "`any_of` must not be empty", "Their names."),
    (
        "box: {things: [{any_of: [a], optional: 1}]}",
        40,
        "`optional` must be true or false",
        "Whether none is fine, too.",
    ),
    ("box: {things: [{any_of: ['']}]}", 26, "item 1 of `any_of` must not be empty", "Their names."),
    (
        "box: {short: [7]}",
        15,
        "item 1 of `box.short` must be a mapping or text, but `7` is read as a number",
        'quote it: "7"',
    ),
    ("box: {short: ['']}", 15, "item 1 of `box.short` must not be empty", "A thing."),
]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("section", "column", "message", "suggestion"), WORDS, ids=[row[0][:60] for row in WORDS]
)
def test_words(section: str, column: int, message: str, suggestion: str) -> None:
    found = problem(section)
    assert (found.message, found.suggestion) == (message, suggestion)
    assert found.column == column


HEADERS = [
    (
        "box: {}",
        1,
        "the file does not give its format version",
        "write `version: 1` at the top",
    ),
    ("version: 2", 1, "`version` must be 1", "a newer colab-provisioner may support it"),
    ("version: '1'", 1, "`version` must be 1", "write `version: 1`"),
    ("version: true", 1, "`version` must be 1", "write `version: 1`"),
    ("version:", 1, "`version` must be 1", "write `version: 1`"),
    ("version: 1\nname: 3.10", 2, "`name` must be text", 'quote it: "3.10"'),
    ("version: 1\nname:", 2, "`name` must be text", "write a short name, or remove the key"),
    (
        "version: 1\nname: my env!",
        2,
        "`name` must be at most 64 letters, digits, dots, dashes and underscores",
        "write it like `my-env`",
    ),
    ("- version: 1", 1, "the file must be a mapping: keys with values, like `version: 1`", ""),
    ("version", 1, "the file must be a mapping: keys with values, like `version: 1`", ""),
]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("text", "line", "message", "suggestion"), HEADERS)
def test_header(text: str, line: int, message: str, suggestion: str) -> None:
    (found,) = wrong(text)
    assert (found.line, found.message, found.suggestion) == (line, message, suggestion)


@pytest.mark.usefixtures("small")
def test_all_problems_at_once_in_the_order_of_the_file() -> None:
    found = wrong("env: {A: 1}\nversion: 2\nbox:\n  open: no\n  colr: red\n  open: yes\nnam: x\n")
    assert [(one.line, one.column) for one in found] == [(1, 10), (2, 10), (4, 9), (5, 3), (6, 3), (7, 1)]


@pytest.mark.usefixtures("small")
def test_what_is_wrong_as_yaml_is_not_told_twice() -> None:
    (found,) = wrong("version: 1\nbox: {colour: !x 5}")
    assert "tags" in found.message


@pytest.mark.usefixtures("small")
def test_many_problems_are_cut_short() -> None:
    found = wrong("version: 1\n" + "".join(f"key{number}: 1\n" for number in range(150)))
    assert len(found) == 101
    assert found[-1] == Problem(0, 0, "there are 50 more problems")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "section",
    [
        "box: {password: HUNTER2}",
        "box: {password: [HUNTER2]}",
        "env: {API_TOKEN: [HUNTER2]}",
        "env: {DB_PASSWORD: 1234567}",
        "env:\n  SECRET:\n    HUNTER2: x",
        "env: {KEY: 1234567}",
        "box: {word: 'https://me:HUNTER2@host'}",
    ],
)
def test_secrets_are_not_shown(section: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(f"version: 1\n{section}", "colabenv.yaml", "/work")
    assert not re.search("hunter2|1234567", str(caught.value), re.IGNORECASE)
    assert all(one.source == "" for one in caught.value.problems)


# What a good file gives

GOOD = "version: 1\nbox: {path: ../data, things: [a, {name: b, size: 5KB}]}\nenv: {A: no}\n"


@pytest.mark.usefixtures("small")
def test_spec() -> None:
    found = parse(GOOD, "work/colabenv.yaml", "/srv/my work", "/home/me", "x86_64")
    assert found == Spec(
        name="my-work",
        path="/srv/my work/colabenv.yaml",
        folder="/srv/my work",
        digest=hashlib.sha256(GOOD.encode()).hexdigest(),
        text=GOOD,
        values={
            "version": 1,
            "box": {"path": "../data", "things": ["a", {"name": "b", "size": "5KB"}]},
            "env": {"A": "no"},
        },
        sections={"box": found.sections["box"], "env": {"A": "no"}},
        sources=("/srv/my work/colabenv.yaml",),
        architecture="x86_64",
    )
    box = box_of(found)
    assert box.path == "/srv/data"
    assert box.things == ("a", Thing(name="b", size=5000))


@pytest.mark.usefixtures("small")
def test_sections_are_in_the_order_of_a_plan() -> None:
    found = parse("env: {A: b}\ndevice: gpu\nversion: 1\nbox: {}\nname: x-1\n", "a.yaml", "/")
    assert tuple(found.sections) == ("box", "device", "env")
    assert found.name == "x-1"


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("folder", "name"), [("/", "environment"), ("/a/b.c", "b.c"), ("/a/ü é!", "environment")]
)
def test_the_name_is_the_folder_s_by_default(folder: str, name: str) -> None:
    assert parse("version: 1", "a.yaml", folder).name == name


@pytest.mark.usefixtures("small")
def test_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "colabenv.yaml").write_text("version: 1\nbox: {path: ~/x}\n")
    monkeypatch.chdir(tmp_path / "sub")
    monkeypatch.setenv("HOME", "/home/they")
    found = load("../colabenv.yaml")
    assert (found.path, found.folder) == (str(tmp_path / "colabenv.yaml"), str(tmp_path))
    assert box_of(found).path == "/home/they/x"
    assert box_of(load(Path("../colabenv.yaml"), home="/me")).path == "/me/x"


@pytest.mark.usefixtures("small")
def test_errors_name_the_file_as_the_user_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yaml").write_text("version: 1\nbxo: {}\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        SpecError, match=r"^\./a\.yaml:2:1: `bxo` is not a key of the file\n    bxo: {}\n    \^\n"
    ):
        load("./a.yaml")


def test_a_missing_file_is_told_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ProvisionerError, match=r"there is no file .*none\.yaml") as caught:
        load(tmp_path / "none.yaml")
    assert "colabenv init" in caught.value.hint


@pytest.mark.parametrize("name", [".", "a\0b", "x" * 300])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProvisionerError, match="cannot be read"):
        load(f"{tmp_path}/{name}")


def test_a_huge_file_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(SpecError, match="larger than 1 MiB"):
        load(path)


def test_only_the_kinds_of_the_file_are_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name.startswith("provisioner.kinds."):
            monkeypatch.delitem(sys.modules, name)
    parse("version: 1\nenv: {A: b}\n", "a.yaml", "/")
    rooms = {name.split(".")[2] for name in sys.modules if name.startswith("provisioner.kinds.")}
    assert rooms & set(registry.NAMES) == {"env"}


# Small words


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (("pip",), "`pip`"),
        (("pip", "packages"), "`pip.packages`"),
        (("pip", "packages", 0), "item 1 of `pip.packages`"),
        (("run", 1, "command"), "`command`"),
        (("run", 1, "command", 2), "item 3 of `command`"),
        (("a", 0, 1), "item 2"),
    ],
)
def test_subject(path: tuple[str | int, ...], name: str) -> None:
    assert subject(path) == name


def test_listing() -> None:
    assert [listing(words) for words in ("a", "ab", "abc")] == ["a", "a or b", "a, b or c"]


def test_near() -> None:
    assert near("PACAKGES", ["packages", "pre"]) == "packages"
    assert near("zzz", ["packages", "pre"]) == ""


@pytest.mark.parametrize(
    ("text", "number"),
    [("1e3", "1000"), ("1_0", "10"), ("0.50", "0.5"), ("x", ""), ("nan", ""), ("1e999", ""), ("1" * 40, "")],
)
def test_as_number(text: str, number: str) -> None:
    assert as_number(text) == number


def test_pydantic_s_own_words_are_never_used() -> None:
    """Every type of error has words of ours, if only that the value "is not valid here"."""
    known = set(get_args(core_schema.ErrorType))
    assert {"string_type", "missing"} <= known
    for error_type in known:
        found = fault(error_type, (), {"expected": "'a' or 'b'", "expected_tags": "'a'"}, None)
        assert found.type == error_type
        assert not re.search(r"\b(Input|should|valid \w+ type|dictionary|string)\b", " ".join(found.wanted))
    assert not re.search(r"\b(Input|should|dictionary)\b", " ".join([*SAID.values(), *WANTED.values()]))


@pytest.mark.usefixtures("small")
def test_an_unknown_type_of_error_is_told_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(value: object) -> object:
        raise PydanticCustomError("strange", "Raw words")

    strange = kind("strange", Annotated[str, BeforeValidator(refuse)])
    use(monkeypatch, {"strange": strange})
    assert problem("strange: a").message == "`strange` is not valid here"


# Laws: whatever the text, a Spec or a SpecError comes of it

KEYS = st.sampled_from(
    ["version", "name", *registry.NAMES, "packages", "url", "path", "any_of", "run", "to", "x"]
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**17),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["gpu", "keras>=3", "5GiB", "~/x", "https://a:b@c/d.tgz", "9" * 400, "-x", "0644", "", "\\0"]
    ),
    st.text(max_size=10),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_any_values_give_a_spec_or_problems(values: dict[str, Any]) -> None:
    text = yaml.safe_dump({"version": 1, **values}, allow_unicode=True)
    try:
        found = parse(text, "f.yaml", "/work", "/root")
    except SpecError as error:
        for one in error.problems:
            assert one.message
            assert 0 <= one.line <= text.count("\n") + 1
    else:
        assert set(found.sections) <= set(registry.NAMES)


@given(st.one_of(st.text(max_size=80), st.binary(max_size=80)))
def test_any_text_gives_a_spec_or_problems(text: str | bytes) -> None:
    with contextlib.suppress(SpecError):
        parse(text, "f.yaml", "/")
