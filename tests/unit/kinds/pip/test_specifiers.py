"""Ranges of versions, as uv's log has them and as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from provisioner.kinds.pip.specifiers import contains, spell, tighten


@pytest.mark.parametrize(
    ("uv", "spelt", "inside", "outside"),
    [
        ("*", "", "1.0", None),
        (">=1", ">=1", "1.0", "0.9"),
        (">=1.2, <2.dev0", ">=1.2,<2", "1.9", "2.0rc1"),
        (">=13.2.2, <13.2.2+", "==13.2.2", "13.2.2+cu1", "13.2.3"),
        (">=1.2.dev0, <1.2.dev0+", "==1.2.dev0", "1.2.dev0", "1.2"),
        (">=13.4.1.3.dev0, <13.4.1.4.dev0", "==13.4.1.3.*", "13.4.1.3rc1", "13.4.1.4.dev0"),
        (">=1!9.dev0, <1!10.dev0", "==1!9.*", "1!9.5", "1!10"),
        (">=1.2.dev0, <1.4.dev0", ">=1.2,<1.4", "1.3", "1.4"),
        (">=1!1.2, <1!1.2+", "==1!1.2", "1!1.2", "1.2"),
        ("==1.2+cu1", "==1.2+cu1", "1.2+cu1", "1.2"),
        ("<=2+", "<=2", "2.0+cpu", "2.1"),
        ("<2+", "<=2", "2.0+cpu", "2.1"),
        (">1.0.post1+", ">1.0.post1", "1.0.post2", "1.0.post1+a"),
        (">=1.5+", ">1.5", "1.6", "1.5+a"),
        ("<1.3.post2.dev0", "<1.3.post2", "1.3.post1", "1.3.post2"),
        ("<1.5 | >=1.5+", "!=1.5", "1.5.post1", "1.5+a"),
        ("<1.2+cu1 | >1.2+cu1", "!=1.2+cu1", "1.2", "1.2+cu1"),
        (">=1, <1.5 | >=1.5+, <3", ">=1,!=1.5,<3", "2", "1.5"),
        ("<1.2 | >=1.2+, <1.3 | >=1.3+", "!=1.2,!=1.3", "1.2.1", "1.3"),
        (">=2.18.7, <3.0.dev0 | >=3.1.dev0", ">=2.18.7,<3.0 or >=3.1", "3.1", "3.0.1"),
        ("<1.5 | >=1.50", "<1.5 or >=1.50", "1.50", "1.5"),
    ],
)
def test_what_uv_writes(uv: str, spelt: str, inside: str, outside: str | None) -> None:
    assert spell(uv) == spelt
    assert contains(spelt, inside) is True
    assert outside is None or contains(spelt, outside) is False


@pytest.mark.parametrize(("limit", "version"), [("@ https://h/a.whl", "1.0"), (">=1", "from file:///a")])
def test_what_cannot_be_read_is_not_judged(limit: str, version: str) -> None:
    assert contains(limit, version) is None


@pytest.mark.parametrize(
    ("clauses", "told"),
    [
        ([">=1.14.0", ">=1.17"], ">=1.17"),
        ([">=1", ">=1.0"], ">=1"),
        (["<3", "<2", "<=2", ">1", ">0.5"], "<2,<=2,>1"),
        (["!=1.5", "!=1.6", "~=1.4", ">=1"], "!=1.5,!=1.6,>=1,~=1.4"),
        ([">1.7", ">1.7.post1"], ">1.7,>1.7.post1"),
        (["<2", "<2.0rc1"], "<2,<2.0rc1"),
        ([], ""),
    ],
)
def test_what_is_implied_is_not_said(clauses: list[str], told: str) -> None:
    assert tighten(clauses) == told


VERSIONS = st.sampled_from(
    ["1", "1.0rc1", "1.0.post1", "1.0.post2", "1.1.dev0", "1.1", "2.0rc1", "2.0rc2", "2"]
)
CLAUSES = st.builds("{}{}".format, st.sampled_from([">=", ">", "<", "<=", "!=", "=="]), VERSIONS)


@given(st.lists(CLAUSES), VERSIONS)
def test_the_same_versions_are_left(clauses: list[str], version: str) -> None:
    def takes(specifier: str) -> bool:
        return SpecifierSet(specifier).contains(Version(version), prereleases=True)

    assert takes(tighten(clauses)) is takes(",".join(clauses))
