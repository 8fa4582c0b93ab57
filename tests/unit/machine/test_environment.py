"""Whoever asks for a variable, in whatever way a mapping can be asked, leaves a note of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.machine.environment import Environment, TracedEnvironment
from provisioner.machine.signatures import SIGNS, Note

NAMES = st.sampled_from(["HOME", "PATH", "LANG", "HF_TOKEN", "PLAIN", "UNSET"])
SECRETS = ("HF_TOKEN", "PLAIN")
"""What goes by a secret's name, and what a spec calls one."""


def without_values(variables: dict[str, str]) -> dict[str, str]:
    """Secrets that are all the same where they are set: a note tells no more."""
    return {name: value and "secret" if name in SECRETS else value for name, value in variables.items()}


VARIABLES = st.dictionaries(NAMES, st.sampled_from(["", "a", "b"])).map(without_values)


def look_up(told: Mapping[str, str], name: str) -> object:
    try:
        return told[name]
    except KeyError:
        return None


QUESTIONS: dict[str, Callable[[Mapping[str, str], str], object]] = {
    "[]": look_up,
    "get": lambda told, name: told.get(name),
    "get with default": lambda told, name: told.get(name, "x"),
    "in": lambda told, name: name in told,
    "in keys": lambda told, name: name in told.keys(),  # noqa: SIM118 - the view is what is tested
    "iter": lambda told, name: sorted(told),
    "len": lambda told, name: len(told),
    "bool": lambda told, name: bool(told),
    "keys": lambda told, name: sorted(told.keys()),
    "values": lambda told, name: sorted(told.values()),
    "items": lambda told, name: sorted(told.items()),
    "dict": lambda told, name: dict(told),
    "**": lambda told, name: dict(**told),
    "==": lambda told, name: told == {"HOME": "a"},
    "reversed": lambda told, name: sorted(told, reverse=True),
    "match": lambda told, name: matched(told),
}
"""Every way to ask a mapping."""


def matched(told: Mapping[str, str]) -> object:
    match told:
        case {"HOME": value}:
            return value
    return None


def asked(variables: Mapping[str, str], question: str, name: str) -> tuple[object, dict[Note, object]]:
    notes: dict[Note, object] = {}
    traced = TracedEnvironment(Environment(variables), notes, ["PLAIN"])
    return QUESTIONS[question](traced, name), notes


def signs(variables: Mapping[str, str], notes: Mapping[Note, object]) -> Iterator[object]:
    """What the notes would be in another environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.environ", variables)
        patch.setitem(SIGNS, "env", variables.get)
        for how, what in notes:
            yield SIGNS[how](what)


@pytest.mark.parametrize("question", QUESTIONS)
@given(VARIABLES, VARIABLES, NAMES)
def test_another_answer_means_another_note(
    question: str, mine: dict[str, str], other: dict[str, str], name: str
) -> None:
    """The law of the no-op: where all notes are the same, so is the answer."""
    answer, notes = asked(mine, question, name)
    again, _ = asked(other, question, name)
    if list(signs(other, notes)) == list(notes.values()):
        assert answer == again


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_note_holds_a_secret(question: str) -> None:
    """Of what is called a secret, and of what a spec calls one, only whether it is set."""
    _, notes = asked({"HF_TOKEN": "sesame", "PLAIN": "sesame", "HOME": "a"}, question, "HF_TOKEN")
    assert notes
    assert "sesame" not in str(notes)


def test_what_a_child_is_given_does_not_change_while_it_is_read() -> None:
    environment = Environment({"A": "1", "B": "2"})
    given_to_child = environment.current
    names = iter(given_to_child)
    assert next(names) == "A"
    environment.set("B", None)
    environment.set("C", "3")
    assert {name: given_to_child[name] for name in ("A", *names)} == {"A": "1", "B": "2"}
    assert environment.current == {"A": "1", "C": "3"}
    assert dict(environment) == {"A": "1", "C": "3"}
