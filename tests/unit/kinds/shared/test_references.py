"""References: what they stand for, and what is refused because nothing expands it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.kinds.shared.references import (
    DEEPEST,
    LONGEST,
    Definition,
    Names,
    expand,
    refuse_variables,
    variable_in,
)


def fixed(path: str) -> Definition:
    return lambda context: path


def through(text: str, names: dict[str, Names]) -> Definition:
    """A definition that has references itself."""
    return lambda context: expand(text, names["all"], str)[0]


def defined(**texts: str) -> Names:
    """Names that are defined by texts, which may refer to each other; `a_b` is named a.b."""
    box: dict[str, Names] = {}
    box["all"] = Names({name.replace("_", "."): through(text, box) for name, text in texts.items()})
    return box["all"]


def refused(text: str, names: Names) -> str:
    with pytest.raises(ValueError) as caught:
        expand(text, names, lambda token: f"not {token}")
    return str(caught.value)


KNOWN = Names({"jdk.home": fixed("/jdk"), "datasets.flowers": fixed("/data/flowers")})


@pytest.mark.parametrize(
    ("text", "expanded", "uses"),
    [
        ("plain", "plain", ()),
        ("${jdk.home}", "/jdk", ("/jdk",)),
        ("a ${jdk.home} b ${datasets.flowers}/c", "a /jdk b /data/flowers/c", ("/jdk", "/data/flowers")),
        ("5$ and $$ and $5", "5$ and $ and $5", ()),
        ("$${jdk.home} $$HOME", "${jdk.home} $HOME", ()),
        ("$$$HOME".replace("$HOME", "${jdk.home}"), "$/jdk", ("/jdk",)),
        ("$", "$", ()),
        ("$(command)", "$(command)", ()),
    ],
)
def test_references_stand_for_paths(text: str, expanded: str, uses: tuple[str, ...]) -> None:
    assert expand(text, KNOWN, str) == (expanded, uses)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("$HOME/x", "contains $HOME, which nothing expands; not $HOME"),
        ("a${HOME}", "contains ${HOME}, which nothing expands; not ${HOME}"),
        ("${HOME:-x}", "contains ${HOME:-x}, which nothing expands; not ${HOME:-x}"),
        ("${}", "contains ${}, which nothing expands; not ${}"),
        ("${open", "contains ${open, which nothing expands; not ${open"),
        (
            "${datasets.nope}",
            "refers to ${datasets.nope}, which the file does not define; "
            "it defines ${jdk.home}, ${datasets.flowers}",
        ),
        (
            "${dataset.flowers}",
            "refers to ${dataset.flowers}, which the file does not define; did you mean ${datasets.flowers}?",
        ),
        ("${jdk.hom}", "refers to ${jdk.hom}, which the file does not define; did you mean ${jdk.home}?"),
        (
            "${git.tool}",
            "refers to ${git.tool}, which the file does not define; "
            "it defines ${jdk.home}, ${datasets.flowers}",
        ),
    ],
)
def test_what_nothing_expands_is_refused_with_a_way_out(text: str, said: str) -> None:
    assert refused(text, KNOWN) == said


def test_that_both_are_datasets_makes_no_name_near() -> None:
    said = refused("${datasets.nope}", Names({"datasets.e": fixed("/e")}))
    assert said.endswith("does not define; it defines ${datasets.e}")


def test_a_file_that_defines_nothing_says_what_to_write() -> None:
    assert refused("${git.tool}", Names({})) == (
        "refers to ${git.tool}, which the file does not define; not ${git.tool}"
    )


def test_a_definition_may_refer_to_others() -> None:
    names = defined(a_a="${b.b}/x", b_b="${c.c}/y", c_c="/z")
    assert expand("${a.a}", names, str) == ("/z/y/x", ("/z/y/x",))


def test_each_path_is_found_once() -> None:
    asked: list[Mapping[str, object]] = []

    def once(context: Mapping[str, object]) -> str:
        asked.append(context)
        return "/x"

    names = Names({"a.a": once}, {"folder": "/work"})
    expand("${a.a}${a.a}", names, str)
    assert asked == [{"folder": "/work"}]


def test_a_circle_is_told_where_it_begins() -> None:
    names = defined(a_a="${b.b}", b_b="${a.a}", c_c="/fine")
    assert refused("${a.a}", names) == (
        "refers to ${a.a}, which leads back to itself; write one of these paths out"
    )
    assert expand("${c.c}", names, str)[0] == "/fine"


def test_no_chain_is_endless_and_no_path() -> None:
    chain = {f"n_{number}": f"${{n.{number + 1}}}" for number in range(DEEPEST + 1)}
    assert "needs more than 20 others" in refused("${n.0}", defined(**chain, **{f"n_{DEEPEST + 1}": "/x"}))
    assert expand("${n.2}", defined(**chain, **{f"n_{DEEPEST + 1}": "/x"}), str)[0] == "/x"
    doubled = {f"n_{number}": f"${{n.{number + 1}}}" * 2 for number in range(DEEPEST - 1)}
    assert "longer than a path can be" in refused("${n.0}", defined(**doubled, n_19="/x" * 10))
    assert refused("${a.a}", Names({"a.a": fixed("/" * (LONGEST + 1))}))


@given(st.text(max_size=30))
def test_a_text_whose_dollars_are_doubled_is_itself(text: str) -> None:
    assert expand(text.replace("$", "$$"), KNOWN, str) == (text, ())
    assert variable_in(text.replace("$", "$$")) == ""


def test_where_nothing_is_expanded_it_is_refused() -> None:
    refuse_variables("cost: 5$, $$HOME", "other words")
    with pytest.raises(ValueError, match=r"contains \$HOME, which nothing expands here; other words"):
        refuse_variables("x $HOME", "other words")
