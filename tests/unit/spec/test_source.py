"""YAML text to values with places: what is read, what is refused, and where the finger points."""

from __future__ import annotations

import math
import string
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from provisioner.model.errors import Problem, SpecError
from provisioner.spec import source as yamlsource
from provisioner.spec.source import MAX_BYTES, MAX_DEPTH, MAX_VALUES, Document, Mark, read
from provisioner.spec.syntax import describe


@pytest.fixture(params=["CSafeLoader", "SafeLoader"], autouse=True)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both of PyYAML's parsers must give the same."""
    monkeypatch.setattr(yamlsource, "LOADER", getattr(yaml, request.param))


def refused(text: str | bytes) -> tuple[Problem, ...]:
    """What is wrong with a text, whether or not a document came of it."""
    try:
        return tuple(read(text, "f.yaml").problems)
    except SpecError as error:
        return error.problems


def place(document: Document, *path: str | int) -> tuple[Mark, Mark]:
    child = document.find(path)
    return child.mark, child.node.mark


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-12", -12),
        ("+3", 3),
        ("3.10", 3.1),
        (".5", 0.5),
        ("1.5e+3", 1500.0),
        # what the versions of YAML disagree about, and what no spec means as a number, stays text
        *((text, text) for text in ("yes", "no", "on", "Off", "y", "1e3", "017", "0644", "0o17", "0x1f")),
        *((text, text) for text in ("1:30", "1_000", "2024-01-01", ".inf", "-.NaN", "3.11.2", "9" * 19)),
        *((text, text) for text in ("1.0e+999", "=", "a b", "http://x:80/y")),
        ('"5"', "5"),
        ("'true'", "true"),
        ('""', ""),
        ("|\n  two\n  lines\n", "two\nlines\n"),
        ("[1, {b: c}, []]", [1, {"b": "c"}, []]),
    ],
)
def test_scalars(text: str, value: object) -> None:
    document = read(f"a: {text}", "f.yaml")
    assert document.root.value == {"a": value}
    assert type(document.root.value["a"]) is type(value)


def test_every_key_and_value_has_a_place() -> None:
    document = read(
        '# first\nversion: 1\npip:\n  packages:\n    - keras\n    - "ü": [1, x]\n  pre:\n', "f.yaml"
    )
    assert place(document, "version") == (Mark(2, 1), Mark(2, 10))
    assert place(document, "pip") == (Mark(3, 1), Mark(4, 3))
    assert place(document, "pip", "packages", 0) == (Mark(5, 7), Mark(5, 7))
    assert place(document, "pip", "packages", 1, "ü") == (Mark(6, 7), Mark(6, 12))
    assert place(document, "pip", "packages", 1, "ü", 1) == (Mark(6, 16), Mark(6, 16))
    assert place(document, "pip", "pre")[0] == Mark(7, 3)
    assert place(document, "pip", "absent", "deeper") == place(document, "pip")


def test_a_scalar_keeps_its_text_unless_quoted() -> None:
    document = read("a: 3.10\nb: '3.10'\n", "f.yaml")
    assert document.find(("a",)).node.text == "3.10"
    assert document.find(("b",)).node.text is None


def test_byte_order_mark_and_windows_line_ends() -> None:
    document = read(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", "f.yaml")
    assert document.root.value == {"a": 1, "b": 2}
    assert place(document, "b") == (Mark(2, 1), Mark(2, 4))


def test_aliases_stand_for_what_was_named() -> None:
    document = read("a: &x [1, 2]\nb: *x\nc: {d: *x}\n&k k: v\n", "f.yaml")
    assert document.root.value == {"a": [1, 2], "b": [1, 2], "c": {"d": [1, 2]}, "k": "v"}
    assert document.find(("b",)).mark == Mark(2, 1)
    assert document.problems == []


REFUSED = [
    ("a: 1\nb: 2\na: 3", 3, 1, "`a` is defined twice; the first is on line 1"),
    ("x: {a: 1, a: 2}", 1, 11, "`a` is defined twice; the first is on line 1"),
    ("a: !!str 5", 1, 4, "tags"),
    ("a: ! 5", 1, 4, "tags"),
    ("a: !!python/object/apply:os.system [ls]", 1, 4, "tags"),
    ("a: !foo {}", 1, 4, "tags"),
    ("a: !x!y 1", 1, 4, "tags"),
    ("a: !<x y", 1, 4, "tags"),
    ("a:\n  <<: {b: 1}", 2, 3, "merge keys"),
    ("5: a", 1, 1, "a key must be text"),
    ("true: a", 1, 1, "a key must be text"),
    ("~: a", 1, 1, "a key must be text"),
    ("[a]: 1", 1, 1, "a key must be text"),
    ("? {a: b}\n: 1", 1, 3, "a key must be text"),
    ("a: *b", 1, 4, "no value above is named `&b`"),
    ("a: &b [*b]", 1, 8, "`*b` is part of itself"),
    ("a: 1\n---\nb: 1", 2, 1, "a file has one document"),
    ("", 0, 0, "the file is empty"),
    ("# nothing\n", 0, 0, "the file is empty"),
    ("---\n...\n", 0, 0, "the file is empty"),
    ("a: \x07", 1, 4, "unprintable character (U+0007)"),
    ("a: \ud800", 1, 4, "unprintable character (U+D800)"),
    (b"a: 1\nb: \xff", 2, 4, "not UTF-8"),
    ("a: 1".encode("utf-16"), 1, 1, "not UTF-8"),
    (b"#" * (MAX_BYTES + 1), 0, 0, "larger than 1 MiB"),
]


@pytest.mark.parametrize(("text", "line", "column", "message"), REFUSED)
def test_refused(text: str | bytes, line: int, column: int, message: str) -> None:
    (problem,) = refused(text)
    assert message in problem.message
    assert (problem.line, problem.column) == (line, column)


SYNTAX = [
    ("a:\n\tb: 1", 2, 1, "a tab cannot indent"),
    ("a: b: c", 1, 5, 'a ":" is not allowed here'),
    ("a: 1\nbc\nd: 1", 2, 1, 'lacks a ":"'),
    ('a: "b\nc: d', 1, 4, "never closed"),
    ("a: 'b\n---\nc: d'", 1, 4, "never closed"),
    ('a: "\\d"', 1, None, "not a valid escape"),
    ("a: [1, 2\nb: 3", None, None, "this list lacks"),
    ("a: [b c", 1, 4, "this list lacks"),
    ("a: {b: 1", 1, 4, "this mapping lacks"),
    ("a: - b", 1, 4, "a list item cannot begin here"),
    ("a:\n  - b\n  c: 1", 3, 3, "does not continue the list"),
    ("a:\n    b: 1\n  c: 2", 3, 3, "does not continue the mapping"),
    ("a: 'it's'", 1, 8, "does not continue the mapping"),
    ("a: *.txt", 1, 4, "cannot begin with `*`"),
    ("a: @b", 1, 4, "cannot begin with `@`"),
    ("a: `b`", 1, 4, "cannot begin with ```"),
    ("a: |x\n  b", 1, 5, "nothing may follow"),
    ("a: ]", 1, 4, "a value cannot begin"),
    ("%YAML 3.0\n---\na: 1", 1, 1, "outside the one document"),
    ("a: 1\n...\nb: 2", 3, 1, "outside the one document"),
]


@pytest.mark.parametrize(("text", "line", "column", "message"), SYNTAX)
def test_syntax_errors_are_told_in_words(
    text: str, line: int | None, column: int | None, message: str
) -> None:
    (problem,) = refused(text)
    assert message in problem.message
    assert line in (None, problem.line)
    assert column in (None, problem.column)


def test_a_parser_s_unknown_words_are_not_shown() -> None:
    mark = yaml.Mark("", 0, 1, 2, None, 0)
    strange = yaml.MarkedYAMLError(problem="found a strange thing", problem_mark=mark)
    for error, line in ((strange, 1), (yaml.YAMLError("raw words"), 0)):
        complaint = describe(error, ["a: 1", "b: 2"])
        assert complaint.message == "this cannot be read as YAML"
        assert complaint.line == line


def test_what_was_wrong_before_a_syntax_error_is_told_too() -> None:
    assert [problem.line for problem in refused("a: 1\na: 2\nb: [")] == [2, 3]


def test_all_problems_are_collected_and_the_rest_is_read() -> None:
    document = read("a: !x 1\nb: 1\nb: 2\n<<: {}\n5: 6\nc: 7\n", "f.yaml")
    assert [problem.line for problem in document.problems] == [1, 3, 4, 5]
    assert document.root.value == {"a": 1, "b": 1, "5": 6, "c": 7}


def nest(depth: int, begin: str, end: str) -> str:
    return begin * depth + "x" + end * depth


@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ("{a: ", "}"), ("- ", "")])
def test_depth(begin: str, end: str) -> None:
    assert refused(nest(MAX_DEPTH, begin, end)) == ()
    (problem,) = refused(nest(MAX_DEPTH + 1, begin, end))
    assert "more than 50 levels deep" in problem.message


def test_aliases_cannot_hide_depth() -> None:
    half = MAX_DEPTH // 2
    named = f"a: &x {nest(half, '[', ']')}\n"
    assert refused(named + f"b: {'[' * (half - 1)}*x{']' * (half - 1)}") == ()
    (problem,) = refused(named + f"b: {'[' * half}*x{']' * half}")
    assert problem.line == 2
    assert "more than 50 levels deep" in problem.message


def test_number_of_values() -> None:
    assert refused("- a\n" * (MAX_VALUES - 1)) == ()
    (problem,) = refused("- a\n" * MAX_VALUES)
    assert "more than 10000 values" in problem.message


def test_aliases_count_for_what_they_stand_for() -> None:
    lists = [
        f"- &{name} [{', '.join([f'*{before}'] * 9)}]" for before, name in zip("abcde", "bcdef", strict=True)
    ]
    (problem,) = refused("\n".join(["- &a [x, x, x, x, x, x, x, x, x]", *lists]))
    assert "more than 10000 values" in problem.message
    assert problem.line == 5


MANY = MAX_BYTES // 4
HOSTILE = {
    "brackets": "[" * MAX_BYTES,
    "braces": "{" * MAX_BYTES,
    "dashes": "- " * MANY,
    "question marks": "? " * MANY,
    "stairs": "\n".join(" " * depth + "a:" for depth in range(1400)),
    "repeated key": "a: 1\n" * 4000,
    "long key": "x" * (MAX_BYTES - 5) + ": 1",
    "open quote": 'a: "' + "\n" * MANY,
    "ampersands": "&" * MANY,
    "commas": "[" + "," * MANY,
    "aliases": "a: &a b\n" + "".join(f"k{count}: *a\n" for count in range(6000)),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_are_refused(text: str) -> None:
    """Work is bounded by the limits: no more is built than MAX_VALUES and MAX_DEPTH allow."""
    assert refused(text)


SECRETS = [
    "TOKEN: [x, 'hunter2",
    "api_key: @hunter2",
    "KEY: @hunter2",
    "url: @https://me:hunter2@host",
    "- {type: password, value: @hunter2}",
    "TOKEN: |\n  abc\n hunter2",
    "TOKEN: 'abc\n\n  hunter2",
    "TOKEN:\n\thunter2: x",
]


@pytest.mark.parametrize("text", SECRETS)
def test_lines_that_may_hold_a_secret_are_not_shown(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        read(text, "f.yaml")
    assert "hunter2" not in str(caught.value)


def test_values_below_a_secret_name_are_not_shown() -> None:
    with_name = "env:\n  DB_PASSWORD:\n    - hunter2: 1\n      hunter2: 2\n"
    (problem,) = refused(with_name)
    assert problem.source == ""
    (problem,) = refused(with_name.replace("DB_PASSWORD", "DB_NAME"))
    assert "hunter2" in problem.source


def test_a_repository_key_is_no_secret() -> None:
    (problem,) = refused("repositories:\n- key: https://host/key.asc\n  key: b")
    assert problem.source == "  key: b"


def test_long_lines_are_cut_and_far_columns_have_no_caret() -> None:
    (near,) = refused("a: @" + "x" * 500)
    assert len(near.source) == 160
    (far,) = refused("a: " + "x" * 500 + ": b")
    assert (far.column, far.source) == (504, "")


# Laws

PLAIN = st.text(st.characters(codec="utf-8"), max_size=60)
SIGNS = [
    ": ",
    "- ",
    "\n",
    "\n  ",
    "---\n",
    "...",
    "<<",
    "&a ",
    "*a",
    "true",
    *"ab1[]{},'\"!|>#?%\t\\é\0\u2028",
]
YAMLISH = st.lists(st.sampled_from(SIGNS), max_size=30).map("".join)


@given(st.one_of(PLAIN, YAMLISH, st.binary(max_size=60), st.text(max_size=30)))
def test_any_text_is_read_or_refused(text: str | bytes) -> None:
    for problem in refused(text):
        assert problem.message
        assert problem.line >= 0


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**17), 10**17),
    st.floats(0.01, 1e6).map(lambda number: round(number, 3)),
    st.text(string.printable.replace("\x0b", "").replace("\x0c", ""), max_size=20),
)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(string.ascii_letters), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text(string.ascii_letters, min_size=1), TREES, min_size=1), st.booleans())
def test_what_is_written_is_read(value: dict[str, Any], flow: bool) -> None:
    text = yaml.safe_dump(value, default_flow_style=flow)
    assert read(text, "f.yaml").root.value == value


@given(st.dictionaries(st.text(string.ascii_lowercase, min_size=3), TREES, min_size=1))
def test_places_point_at_what_they_are_the_place_of(value: dict[str, Any]) -> None:
    text = yaml.safe_dump(value, default_flow_style=False)
    document = read(text, "f.yaml")
    for key in value:
        line, column = document.find((key,)).mark
        assert document.lines[line - 1][column - 1 :].lstrip("'\"").startswith(key)


def test_floats_are_finite() -> None:
    value = read(f"a: {'9' * 18}.{'9' * 18}e+99", "f.yaml").find(("a",)).node.value
    assert isinstance(value, float)
    assert math.isfinite(value)
